# A sweep becomes layouts, and layouts become the memmap dataset.


rule layouts:
    input:
        tidied,
        library=library("layouts.py"),
    output:
        sweep="results/{sweep}/sweep.resolved.yaml",
        layouts="results/{sweep}/layouts.parquet",
        check="results/{sweep}/checks/layouts.sha256",
    log:
        "results/{sweep}/logs/layouts.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        sweep=space,
    message:
        "{wildcards.sweep}: layouts"
    script:
        "../scripts/layouts.py"


rule evaluate:
    input:
        library=library("evaluate.py"),
        sweep="results/{sweep}/sweep.resolved.yaml",
    output:
        table="results/{sweep}/memmap/part-{part}.parquet",
        check="results/{sweep}/checks/memmap/part-{part}.sha256",
    log:
        "results/{sweep}/logs/evaluate-{part}.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=120,
    message:
        "{wildcards.sweep}: every kernel, section size and model, part {wildcards.part}"
    script:
        "../scripts/evaluate.py"


rule strips:
    input:
        library=library("strips.py"),
        sweep="results/{sweep}/sweep.resolved.yaml",
    output:
        table="results/{sweep}/strips.parquet",
        check="results/{sweep}/checks/strips.sha256",
    log:
        "results/{sweep}/logs/strips.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "{wildcards.sweep}: where struct pages stay"
    script:
        "../scripts/strips.py"
