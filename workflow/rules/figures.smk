# The dataset becomes figures: one job for each, in three formats, with its caption and provenance.


rule figure:
    input:
        library=LIBRARY,
        sweep="results/{sweep}/sweep.resolved.yaml",
        memmap=lambda wildcards: tables(SWEEPS[wildcards.sweep]),
    output:
        multiext("results/{sweep}/figures/{figure}", *FIGURE_SUFFIXES),
    log:
        "results/{sweep}/logs/{figure}.log",
    conda:
        "../envs/atlas.yaml"
    message:
        "{wildcards.sweep}: {wildcards.figure}"
    script:
        "../scripts/figure.py"
