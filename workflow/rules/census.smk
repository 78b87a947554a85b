# A census of device trees: how many boards waste memmap, and how much. All trees in one job.


wildcard_constraints:
    trees="[a-z0-9-]+",


rule debian_trees:
    input:
        library=lab_library("debian.py"),
    output:
        trees=directory("<censuses>/{suite}/trees"),
        package="<censuses>/{suite}/package.txt",
    log:
        "<censuses>/{suite}/logs/trees.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    message:
        "census: the arm64 device trees of Debian {wildcards.suite}"
    script:
        "../scripts/debian_trees.py"


rule census_table:
    input:
        settled,
        unpack(
            lambda wildcards: as_given(
                census_inputs(wildcards.trees, config),
                "trees" if wildcards.trees == "given" else "",
            )
        ),
        library=library("census.py"),
        boards=str(HERE / "config/boards.tsv"),
        kernels=str(HERE / "config/kernels.yaml"),
    output:
        table="<census>/census.parquet",
        csv="<census>/census.csv",
        text="<census>/census.txt",
        markdown="<census>/census.md",
    log:
        "<census>/logs/census.log",
    conda:
        "../envs/atlas.yaml"
    threads: 2
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        arch="arm64",
        seen=lambda wildcards: census_state(wildcards.trees, config),
    message:
        "census: {wildcards.trees}"
    script:
        "../scripts/census.py"


rule census:
    input:
        texts=censuses(config),
    log:
        "<censuses>/logs/census.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        files=lambda wildcards, input: [
            text.removesuffix("txt") + kind
            for text in input.texts
            for kind in ("txt", "md", "csv", "parquet")
        ],
    message:
        "the census"
    script:
        "../scripts/print_texts.py"
