# The dataset becomes figures: a rule for each kind, which makes each figure in three formats, with
# what it draws, its captions and its provenance.


for kind in KINDS:

    rule:
        name:
            kind.replace("-", "_")
        input:
            unpack(figure_sources(kind)),
            library=figure_library(kind),
            sweep="results/{sweep}/sweep.resolved.yaml",
            evidence=EVIDENCE,
            citation=CITATION,
        output:
            report(
                f"results/{{sweep}}/figures/{kind}{{variant}}.svg",
                caption="../report/figure.rst",
                category="{sweep}",
                labels=figure_labels(kind),
            ),
            multiext(f"results/{{sweep}}/figures/{kind}{{variant}}", *FIGURE_SUFFIXES[1:]),
            check=f"results/{{sweep}}/checks/figures/{kind}{{variant}}.sha256",
        log:
            f"results/{{sweep}}/logs/{kind}{{variant}}.log",
        conda:
            "../envs/atlas.yaml"
        resources:
            mem_mb=2000,
            runtime=60,
        params:
            command=command,
            description=description,
            question=KINDS[kind].question,
        message:
            f"{{wildcards.sweep}}: {kind}{{wildcards.variant}}"
        script:
            "../scripts/figure.py"
