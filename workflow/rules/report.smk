# What shows a whole run: its index, beside Snakemake's own report.


rule index:
    input:
        FIGURES,
        EVIDENCE_FIGURE,
        library=LIBRARY,
        template=str(HERE / "workflow/resources/index/page.html.j2"),
    output:
        index="results/index.html",
        questions="results/questions.rst",
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
