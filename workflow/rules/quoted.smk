# Numbers that people quoted, of memory that is added, set aside or shared, beside what is computed.

QUOTED_TABLES = [
    "hot-add",
    "hot-add-largest",
    "memmap-on-memory",
    "alignment",
    "x86-blocks",
    "pmem",
    "crash-kernel",
    "huge-pages",
]


rule quoted:
    input:
        settled,
        library=library("quoted.py"),
        quotes=str(HERE / "workflow/resources/quoted.yaml"),
        schema=str(HERE / "workflow/schemas/quoted.schema.yaml"),
        machines=str(HERE / "config/machines.yaml"),
    output:
        parquet="results/quoted/quoted.parquet",
        csv="results/quoted/quoted.csv",
        markdown="results/quoted/quoted.md",
        text="results/quoted/quoted.txt",
        tables=[f"results/quoted/{name}.csv" for name in QUOTED_TABLES],
    log:
        "results/quoted/logs/quoted.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernels=booted_kernels,
    message:
        "quoted numbers beside computed ones"
    script:
        "../scripts/quoted.py"
