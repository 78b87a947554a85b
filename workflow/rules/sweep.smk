# A sweep becomes layouts, and layouts become the memmap dataset.


wildcard_constraints:
    sweep=SWEEP_NAMES,
    part="[0-9]+",


rule layouts:
    input:
        tidied,
        library=library("layouts.py"),
    output:
        sweep="<resolved>",
        layouts="<layouts>",
        check="<checks>/layouts.sha256",
    log:
        "<logs>/layouts.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        sweep=lambda wildcards: design_space(sweep_of(wildcards)),
    message:
        "{wildcards.sweep}: layouts"
    script:
        "../scripts/layouts.py"


rule evaluate:
    input:
        library=library("evaluate.py"),
        sweep="<resolved>",
    output:
        table="<table>",
        check="<table_check>",
    log:
        "<logs>/evaluate-{part}.log",
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
        sweep="<resolved>",
    output:
        table="<strips>",
        check="<checks>/strips.sha256",
    log:
        "<logs>/strips.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "{wildcards.sweep}: where struct pages stay"
    script:
        "../scripts/strips.py"
