# Pages that show a whole run: its index, and the introduction of Snakemake's own report.


# the report of another workflow keeps its own introduction, or none
if MAIN:

    report: "../report/workflow.rst"


rule index:
    input:
        TABLES,
        FIGURES,
        EXPLORERS,
        EVIDENCE_RESULTS,
        library=library("index.py"),
        template=str(HERE / "workflow/report/index.html.j2"),
        citation=CITATION,
    output:
        index="<index>",
        introduction="<introduction>",
        check=INDEX_CHECK,
    log:
        "<run_logs>/index.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        run=index_entries(SWEEPS.values(), EVIDENCE_QUESTION),
    message:
        "the index of all figures"
    script:
        "../scripts/index.py"
