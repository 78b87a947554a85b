# What shows a whole run: its index, and what Snakemake's own report begins with.


rule index:
    input:
        TABLES,
        FIGURES,
        EXPLORERS,
        EVIDENCE_FIGURE,
        library=library("index.py"),
        template=str(HERE / "workflow/report/index.html.j2"),
        citation=CITATION,
    output:
        index="results/index.html",
        introduction="results/introduction.rst",
        check=INDEX_CHECK,
    log:
        "results/logs/index.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        run=the_run,
    message:
        "the index of all figures"
    script:
        "../scripts/index.py"
