# What the index shows, in its order.

from memmap_atlas.figure_plan import figures_of

EVIDENCE_FIGURE = [
    f"results/evidence/figures/computed-against-booted{suffix}" for suffix in FIGURE_SUFFIXES
]


def the_run(wildcards):
    """Sweeps with their figures, in native types; then what stands behind them."""
    run = [
        {
            "name": sweep.name,
            "description": sweep.description,
            "explorer": "",
            "figures": [
                {"name": figure.name, "question": KINDS[figure.kind].question}
                for figure in figures_of(sweep)
            ],
        }
        for sweep in SWEEPS.values()
    ]
    behind = {
        "name": "evidence",
        "description": "Kernels that were booted, and what they allocated beside what is computed.",
        "explorer": "",
        "figures": [
            {
                "name": "computed-against-booted",
                "question": "Which numbers can I trust, and of which kernels?",
            }
        ],
    }
    return [*run, behind]
