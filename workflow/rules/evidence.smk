# The observations of the last run of the full lab come with the workflow. Every run draws them: the
# boots behind the figures of the sweeps.


use rule lab_residuals as evidence_residuals with:
    input:
        settled,
        library=library("lab_residuals.py"),
        observations=EVIDENCE,
    output:
        residuals="<evidence>/residuals.parquet",
        agreement="<evidence>/agreement.txt",
        check="<evidence_checks>/residuals.sha256",
    log:
        "<evidence_logs>/residuals.log",
    params:
        kernels=booted_kernels,
    message:
        "evidence: booted against computed"


use rule lab_figure as evidence_figure with:
    input:
        library=library("lab_figure.py"),
        observations=EVIDENCE,
        residuals="<evidence>/residuals.parquet",
        citation=CITATION,
    output:
        report(
            "<evidence_figure>.svg",
            caption="../report/figure.rst",
            category="evidence",
            labels={"figure": "computed against booted"},
        ),
        multiext("<evidence_figure>", *FIGURE_SUFFIXES[1:]),
        check="<evidence_checks>/figure.sha256",
    log:
        "<evidence_logs>/figure.log",
    params:
        command=lambda wildcards, output: f"snakemake --cores 1 -- {output[0]}",
        question=EVIDENCE_QUESTION,
    message:
        "evidence: computed against booted"
