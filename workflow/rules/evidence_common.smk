# What the evidence is held to, and what becomes of it.

from memmap_atlas.catalog.kernels import load_kernels

EVIDENCE_QUESTION = "Which numbers can I trust, and of which kernels?"
EVIDENCE_FIGURE = [
    f"results/evidence/figures/computed-against-booted{suffix}" for suffix in FIGURE_SUFFIXES
]
EVIDENCE_FIGURE += ["results/evidence/residuals.parquet", "results/evidence/agreement.txt"]


def booted_kernels(wildcards):
    """The kernels of the evidence in native types; no lab is asked for."""
    files = [HERE / f"config/{name}.yaml" for name in ("kernels", "lab-kernels")]
    try:
        kernels = load_kernels(*files)
    except ConfigError as error:
        sys.exit("\n".join(("Error in the kernels:", *map(str, error.problems))))
    return {name: kernel_values(kernel) for name, kernel in kernels.items()}
