# The lab: real kernels are booted on memory maps, and what they allocate is compared with what is
# computed.


wildcard_constraints:
    kernel="[a-z0-9][a-z0-9._-]*",
    map="[A-Za-z0-9][A-Za-z0-9._/-]*",
    suite="[a-z][a-z-]*",
    package="[a-z0-9][a-z0-9.+-]*",
    architecture="[a-z0-9]+",


rule lab_source:
    input:
        settled,
        library=lab_library("build.py", "debian.py"),
    output:
        source=temp(directory("<lab_source>")),
        version="<lab_source>.version",
    log:
        "<lab_logs>/source-{suite}-{package}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: source package {wildcards.package} of {wildcards.suite}"
    script:
        "../scripts/lab_source.py"


rule lab_kernel:
    input:
        unpack(lambda wildcards: as_given(kernel_source(lab_kernel_of(wildcards).origin), "image")),
        library=lab_library("build.py", "debian.py"),
        resources=[
            str(HERE / f"workflow/resources/{name}") for name in ("lab.config", "sparsemem.h")
        ],
    output:
        image="<lab_kernel>/image",
        about="<lab_kernel>/kernel.json",
    log:
        "<lab_logs>/kernel-{kernel}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    threads: lambda wildcards: 8 if lab_kernel_of(wildcards).origin.source else 1
    params:
        origin=lambda wildcards: asdict(lab_kernel_of(wildcards).origin),
        choice=lambda wildcards: build_choice(lab_kernel_of(wildcards).kernel),
        architecture=lambda wildcards: BOARDS[lab_kernel_of(wildcards).kernel.arch].debian,
    message:
        "lab: the image of {wildcards.kernel}"
    script:
        "../scripts/lab_kernel.py"


rule lab_userland:
    input:
        settled,
        library=lab_library("initramfs.py", "debian.py"),
    output:
        "<lab_userland>",
    log:
        "<lab_logs>/userland-{suite}-{architecture}.log",
    retries: 2
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: a userland for {wildcards.architecture}"
    script:
        "../scripts/lab_userland.py"


rule lab_boot:
    input:
        image="<lab_kernel>/image",
        about="<lab_kernel>/kernel.json",
        initrd=lambda wildcards: userland(lab_kernel_of(wildcards).kernel),
        library=lab_library("boards/*.py", "run.py"),
    output:
        directory("<lab_boot>"),
    log:
        "<lab_logs>/boots/{kernel}/{map}.log",
    conda:
        "../envs/atlas.yaml"
    params:
        arch=lambda wildcards: lab_kernel_of(wildcards).kernel.arch,
        cpu=lambda wildcards: lab_kernel_of(wildcards).cpu,
        regions=lambda wildcards: [list(region) for region in lab().maps[wildcards.map]],
        time_limit=lambda wildcards: lab().time_limit,
    message:
        "lab: {wildcards.kernel} on {wildcards.map}"
    script:
        "../scripts/lab_boot.py"


rule lab_observations:
    input:
        library=library("lab_observations.py"),
        boots=lambda wildcards: boot_folders(lab()),
    output:
        "<lab>/observations.parquet",
    log:
        "<lab_logs>/observations.log",
    conda:
        "../envs/atlas.yaml"
    params:
        kernels=lambda wildcards: kernels_of(lab()),
        boots=lambda wildcards: [kernel for kernel, _ in lab().boots],
    message:
        "lab: what the logs show"
    script:
        "../scripts/lab_observations.py"


rule lab_residuals:
    input:
        library=library("lab_residuals.py"),
        observations="<lab>/observations.parquet",
    output:
        residuals="<lab>/residuals.parquet",
        agreement="<lab>/agreement.txt",
    log:
        "<lab_logs>/residuals.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        kernels=lambda wildcards: kernels_of(lab()),
    message:
        "lab: booted against computed"
    script:
        "../scripts/lab_residuals.py"


rule lab_figure:
    input:
        library=library("lab_figure.py"),
        observations="<lab>/observations.parquet",
        residuals="<lab>/residuals.parquet",
        citation=CITATION,
    output:
        multiext("<lab_figure>", *FIGURE_SUFFIXES),
    log:
        "<lab_logs>/figure.log",
    conda:
        "../envs/atlas.yaml"
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        command=lambda wildcards, output: (
            f"make lab LAB={quote(config.get('lab', 'full'))}"
            if MAIN
            else figure_command((), output[0])
        ),
    message:
        "lab: computed against booted"
    script:
        "../scripts/lab_figure.py"


rule boot:
    input:
        lambda wildcards: boot_folders(lab()),
    log:
        "<lab_logs>/boot.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    params:
        kernels=lambda wildcards: kernels_of(lab()),
    message:
        "lab: one boot"
    script:
        "../scripts/lab_one.py"


rule lab:
    input:
        "<lab_figure>.png",
        observations="<lab>/observations.parquet",
        residuals="<lab>/residuals.parquet",
        agreement="<lab>/agreement.txt",
    log:
        "<lab_logs>/verdict.log",
    localrule: True
    conda:
        "../envs/atlas.yaml"
    message:
        "lab: the verdict"
    script:
        "../scripts/lab_verdict.py"
