"""Paths of the repository, and of results/, that tests and tools share."""

from pathlib import Path

from memmap_atlas.pipeline.paths import path as results_path

__all__ = ["GOLDEN", "LIBRARY", "ROOT", "RULES", "in_results", "of_sweep", "results_path"]

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests/golden"
LIBRARY = ROOT / "workflow/scripts"
# all that Snakemake reads
RULES = [
    ROOT / "Snakefile",
    ROOT / "workflow/Snakefile",
    *sorted((ROOT / "workflow/rules").glob("*.smk")),
]


def of_sweep(text: str, **values: object) -> str:
    """Return a path of results/ relative to the folder of its sweep."""
    full = Path(results_path(text, sweep="any", **values))
    return full.relative_to(results_path("<sweep>", sweep="any")).as_posix()


def in_results(text: str, **values: object) -> str:
    """Return a path of results/ relative to results/."""
    return Path(results_path(text, **values)).relative_to(results_path("<results>")).as_posix()
