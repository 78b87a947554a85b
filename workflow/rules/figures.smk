# The dataset becomes figures: a rule for each kind, which makes each figure in three formats, with
# what it draws, its captions and its provenance.


wildcard_constraints:
    variant="(-[a-z0-9_.-]+)?",


for kind in KINDS:

    rule:
        name:
            kind.replace("-", "_")
        input:
            unpack(
                lambda wildcards, kind=kind: figure_inputs(
                    sweep_of(wildcards), kind, wildcards.variant
                )
            ),
            library=figure_library(kind),
            sweep="<resolved>",
            evidence=EVIDENCE,
            citation=CITATION,
        output:
            report(
                f"<figures>/{kind}{{variant}}.svg",
                caption="../report/figure.rst",
                category="{sweep}",
                labels=lambda wildcards, kind=kind: {
                    "figure": figure_label(sweep_of(wildcards), kind, wildcards.variant)
                },
            ),
            multiext(f"<figures>/{kind}{{variant}}", *FIGURE_SUFFIXES[1:]),
            check=f"<checks>/figures/{kind}{{variant}}.sha256",
        log:
            f"<logs>/{kind}{{variant}}.log",
        conda:
            "../envs/atlas.yaml"
        resources:
            mem_mb=2000,
            runtime=60,
        params:
            command=lambda wildcards, output: figure_command(CONFIGURED[wildcards.sweep], output[0]),
            description=lambda wildcards: description_json(sweep_of(wildcards)),
            question=KINDS[kind].question,
        message:
            f"{{wildcards.sweep}}: {kind}{{wildcards.variant}}"
        script:
            "../scripts/figure.py"
