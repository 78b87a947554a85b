# What the lab observed when it was last run as a whole comes with the workflow, and is drawn by every
# run: the kernels that stand behind the figures of the sweeps.


use rule lab_residuals as evidence_residuals with:
    input:
        library=library("lab_residuals.py"),
        observations=EVIDENCE,
    output:
        residuals="results/evidence/residuals.parquet",
        agreement="results/evidence/agreement.txt",
        check="results/evidence/checks/residuals.sha256",
    log:
        "results/evidence/logs/residuals.log",
    params:
        kernels=booted_kernels,
    message:
        "evidence: booted against computed"


use rule lab_figure as evidence_figure with:
    input:
        library=library("lab_figure.py"),
        observations=EVIDENCE,
        residuals="results/evidence/residuals.parquet",
        citation=CITATION,
    output:
        report(
            "results/evidence/figures/computed-against-booted.svg",
            caption="../report/figure.rst",
            category="evidence",
            labels={"figure": "computed against booted"},
        ),
        multiext("results/evidence/figures/computed-against-booted", *FIGURE_SUFFIXES[1:]),
        check="results/evidence/checks/figure.sha256",
    log:
        "results/evidence/logs/figure.log",
    params:
        command="snakemake --cores 1 -- results/evidence/figures/computed-against-booted.svg",
        question=EVIDENCE_QUESTION,
    message:
        "evidence: computed against booted"
