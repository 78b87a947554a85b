# The lab: real kernels are booted on memory maps, and the arithmetic is held to what they allocate.


wildcard_constraints:
    kernel="[a-z0-9][a-z0-9._-]*",
    map="[A-Za-z0-9][A-Za-z0-9._/-]*",
    suite="[a-z][a-z-]*",
    package="[a-z0-9][a-z0-9.+-]*",
    architecture="[a-z0-9]+",


rule lab_source:
    input:
        library=lab_library("build.py", "debian.py"),
    output:
        source=temp(directory("results/lab/sources/{suite}/{package}")),
        version="results/lab/sources/{suite}/{package}.version",
    log:
        "results/lab/logs/source-{suite}-{package}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: source package {wildcards.package} of {wildcards.suite}"
    script:
        "../scripts/lab_source.py"


rule lab_kernel:
    input:
        unpack(kernel_source),
        library=lab_library("build.py", "debian.py"),
        resources=[
            str(HERE / f"workflow/resources/{name}") for name in ("lab.config", "sparsemem.h")
        ],
    output:
        image="results/lab/kernels/{kernel}/image",
        about="results/lab/kernels/{kernel}/kernel.json",
    log:
        "results/lab/logs/kernel-{kernel}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    threads: lambda wildcards: 8 if lab().kernels[wildcards.kernel].origin.source else 1
    params:
        origin=lambda wildcards: asdict(lab().kernels[wildcards.kernel].origin),
        choice=build_choice,
        architecture=lambda wildcards: BOARDS[lab().kernels[wildcards.kernel].kernel.arch].debian,
    message:
        "lab: the image of {wildcards.kernel}"
    script:
        "../scripts/lab_kernel.py"


rule lab_userland:
    input:
        settled,
        library=lab_library("initramfs.py", "debian.py"),
    output:
        "results/lab/userland/{suite}/{architecture}.cpio",
    log:
        "results/lab/logs/userland-{suite}-{architecture}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: a userland for {wildcards.architecture}"
    script:
        "../scripts/lab_userland.py"


rule lab_boot:
    input:
        image="results/lab/kernels/{kernel}/image",
        about="results/lab/kernels/{kernel}/kernel.json",
        initrd=userland,
        library=lab_library("boards/*.py", "run.py"),
    output:
        directory("results/lab/boots/{kernel}/{map}"),
    log:
        "results/lab/logs/boots/{kernel}/{map}.log",
    conda:
        "../envs/atlas.yaml"
    params:
        arch=lambda wildcards: lab().kernels[wildcards.kernel].kernel.arch,
        cpu=lambda wildcards: lab().kernels[wildcards.kernel].cpu,
        regions=lambda wildcards: [list(region) for region in lab().maps[wildcards.map]],
        time_limit=lambda wildcards: lab().time_limit,
    message:
        "lab: {wildcards.kernel} on {wildcards.map}"
    script:
        "../scripts/lab_boot.py"


rule lab_observations:
    input:
        library=library("lab_observations.py"),
        boots=boots,
    output:
        "results/lab/observations.parquet",
    log:
        "results/lab/logs/observations.log",
    conda:
        "../envs/atlas.yaml"
    params:
        kernels=lab_kernels,
        boots=lambda wildcards: [kernel for kernel, _ in lab().boots],
    message:
        "lab: what the logs show"
    script:
        "../scripts/lab_observations.py"


rule lab_residuals:
    input:
        library=library("lab_residuals.py"),
        observations="results/lab/observations.parquet",
    output:
        residuals="results/lab/residuals.parquet",
        agreement="results/lab/agreement.txt",
    log:
        "results/lab/logs/residuals.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernels=lab_kernels,
    message:
        "lab: booted against computed"
    script:
        "../scripts/lab_residuals.py"


rule lab_figure:
    input:
        library=library("lab_figure.py"),
        observations="results/lab/observations.parquet",
        residuals="results/lab/residuals.parquet",
        citation=CITATION,
    output:
        multiext("results/lab/figures/computed-against-booted", *FIGURE_SUFFIXES),
    log:
        "results/lab/logs/figure.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        command=lambda wildcards: f"make lab LAB={quote(config.get('lab', 'full'))}",
    message:
        "lab: computed against booted"
    script:
        "../scripts/lab_figure.py"


rule boot:
    input:
        boots,
    log:
        "results/lab/logs/boot.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        kernels=lab_kernels,
    message:
        "lab: one boot"
    script:
        "../scripts/lab_one.py"


rule lab:
    input:
        "results/lab/figures/computed-against-booted.png",
        observations="results/lab/observations.parquet",
        residuals="results/lab/residuals.parquet",
        agreement="results/lab/agreement.txt",
    log:
        "results/lab/logs/verdict.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: the verdict"
    script:
        "../scripts/lab_verdict.py"
