# The observations of the last run of the full lab come with the workflow. Every run draws them: the
# boots behind the figures of the sweeps. The rules do not inherit from those of the lab: another
# workflow may use these without them.


rule evidence_residuals:
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
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernels=booted_kernels,
    message:
        "evidence: booted against computed"
    script:
        "../scripts/lab_residuals.py"


rule evidence_figure:
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
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        command=lambda wildcards, output: figure_command((), output[0]),
        question=EVIDENCE_QUESTION,
    message:
        "evidence: computed against booted"
    script:
        "../scripts/lab_figure.py"
