# What the index shows, in its order.

from memmap_atlas.figures.registry import figures_of


def the_run(wildcards):
    """Sweeps with their figures, in native types; then what stands behind them."""
    run = [
        {
            "name": sweep.name,
            "description": sweep.description,
            "explorer": next(iter(explorers(sweep)), "").removeprefix("results/"),
            "files": {
                "what ran (YAML)": f"{sweep.name}/sweep.resolved.yaml",
                "layouts (parquet)": f"{sweep.name}/layouts.parquet",
                **{
                    f"memmap, part {part} (parquet)": table.removeprefix("results/")
                    for part, table in enumerate(tables(sweep))
                },
            },
            "figures": [
                {"name": figure.name, "kind": figure.kind, "question": KINDS[figure.kind].question}
                for figure in figures_of(sweep)
            ],
        }
        for sweep in SWEEPS.values()
    ]
    kind = "computed-against-booted"
    evidence = {
        "name": "evidence",
        "description": "Kernels that were booted, and what they allocated beside what is computed.",
        "explorer": "",
        "files": {
            "agreement by kernel (text)": "evidence/agreement.txt",
            "residuals (parquet)": "evidence/residuals.parquet",
        },
        "figures": [{"name": kind, "kind": kind, "question": EVIDENCE_QUESTION}],
    }
    return [*run, evidence]
