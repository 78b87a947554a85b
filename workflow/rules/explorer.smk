# A page for each sweep to move through: all of its points in one file, which works offline.


rule vega:
    input:
        settled,
        library=library("vega.py"),
    output:
        script="<vega>",
        check="<run_checks>/vega.sha256",
    log:
        "<run_logs>/vega.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=1000,
        runtime=10,
    message:
        "what draws the charts of explorers"
    script:
        "../scripts/vega.py"


rule explorer:
    input:
        library=library("explorer.py"),
        sweep="<resolved>",
        layouts="<layouts>",
        memmap=lambda wildcards: explorer_tables(sweep_of(wildcards)),
        strips="<strips>",
        vega="<vega>",
        resources=[
            str(HERE / f"workflow/resources/explorer/{name}")
            for name in ("page.html.j2", "explorer.js", "explorer.css")
        ],
    output:
        page="<explorer>",
        check="<checks>/explorer.sha256",
    log:
        "<logs>/explorer.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        description=lambda wildcards: description_json(sweep_of(wildcards)),
    message:
        "{wildcards.sweep}: the explorer"
    script:
        "../scripts/explorer.py"
