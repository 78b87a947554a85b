# A sweep becomes layouts, and layouts become the memmap dataset.


rule layouts:
    output:
        sweep="results/{sweep}/sweep.resolved.yaml",
        layouts="results/{sweep}/layouts.parquet",
    log:
        "results/{sweep}/logs/layouts.log",
    conda:
        "../envs/atlas.yaml"
    params:
        code=code("layouts.py"),
        sweep=space,
    message:
        "{wildcards.sweep}: layouts"
    script:
        "../scripts/layouts.py"


rule evaluate:
    input:
        sweep="results/{sweep}/sweep.resolved.yaml",
    output:
        "results/{sweep}/memmap/part-{part}.parquet",
    log:
        "results/{sweep}/logs/evaluate-{part}.log",
    conda:
        "../envs/atlas.yaml"
    params:
        code=code("evaluate.py"),
    message:
        "{wildcards.sweep}: every kernel, section size and model, part {wildcards.part}"
    script:
        "../scripts/evaluate.py"


rule strips:
    input:
        sweep="results/{sweep}/sweep.resolved.yaml",
    output:
        "results/{sweep}/strips.parquet",
    log:
        "results/{sweep}/logs/strips.log",
    conda:
        "../envs/atlas.yaml"
    params:
        code=code("strips.py"),
    message:
        "{wildcards.sweep}: where struct pages stay"
    script:
        "../scripts/strips.py"
