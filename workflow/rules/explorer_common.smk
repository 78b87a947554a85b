# What an explorer is made from.

from memmap_atlas.figures.needs import MOST_STRIP_POINTS
from memmap_atlas.pipeline.paths import explorers

# made once, and in every page
VEGA = "results/vega.js"
EXPLORERS = [page for sweep in SWEEPS.values() for page in explorers(sweep)]


def explorer_sources(wildcards):
    """The tables of a sweep; a clear word where it is too large for a page."""
    sweep = sweep_of(wildcards)
    if not explorers(sweep):
        sys.exit(
            f"Error: the explorer is for sweeps of up to {MOST_STRIP_POINTS:,} points, the sweep "
            f"{sweep.name} has {sweep.points:,}"
        )
    return {"memmap": tables(sweep)}
