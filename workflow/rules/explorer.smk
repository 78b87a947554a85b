# A page for each sweep to move through: all of its points in one file that asks for nothing.


rule vega:
    input:
        library=library("vega.py"),
    output:
        script=VEGA,
        check="results/checks/vega.sha256",
    log:
        "results/logs/vega.log",
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
        unpack(explorer_sources),
        library=library("explorer.py"),
        sweep="results/{sweep}/sweep.resolved.yaml",
        layouts="results/{sweep}/layouts.parquet",
        strips="results/{sweep}/strips.parquet",
        vega=VEGA,
        resources=[
            str(HERE / f"workflow/resources/explorer/{name}")
            for name in ("page.html.j2", "explorer.js", "explorer.css")
        ],
    output:
        page="results/{sweep}/explorer.html",
        check="results/{sweep}/checks/explorer.sha256",
    log:
        "results/{sweep}/logs/explorer.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        description=description,
    message:
        "{wildcards.sweep}: the explorer"
    script:
        "../scripts/explorer.py"
