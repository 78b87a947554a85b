"""Which files a sweep becomes: the shape of results/."""

from collections.abc import Collection
from pathlib import Path

from memmap_atlas.figures.needs import MOST_STRIP_POINTS
from memmap_atlas.figures.registry import figures_of
from memmap_atlas.integrity.checksums import CHECK
from memmap_atlas.sweep.design import Sweep

# pictures, what they draw, where it is from, and captions to paste
FIGURE_SUFFIXES = (
    ".svg",
    ".pdf",
    ".png",
    ".csv",
    ".json",
    ".bib",
    *(f".caption.{form}" for form in ("txt", "tex", "md", "rst")),
)


def tables(sweep: Sweep) -> list[str]:
    """The files of a sweep's memmap dataset."""
    return [f"results/{sweep.name}/memmap/part-{part:03d}.parquet" for part in range(sweep.parts)]


def figures(sweep: Sweep) -> list[str]:
    """The files of a sweep's figures."""
    return [
        f"results/{sweep.name}/figures/{figure.name}{suffix}"
        for figure in figures_of(sweep)
        for suffix in FIGURE_SUFFIXES
    ]


def explorers(sweep: Sweep) -> list[str]:
    """The page to move through a sweep; none where it is too large for one."""
    small = sweep.points <= MOST_STRIP_POINTS
    return [f"results/{sweep.name}/explorer.html"] if small else []


def described(sweep: Sweep) -> list[str]:
    """What a sweep is, its layouts, and where struct pages stay, where an explorer shows that."""
    names = ["sweep.resolved.yaml", "layouts.parquet", *["strips.parquet"] * len(explorers(sweep))]
    return [f"results/{sweep.name}/{name}" for name in names]


def checks(sweep: Sweep) -> list[str]:
    """What tells of each file of a sweep whether it is what its job wrote."""
    made = [
        "layouts",
        *(f"memmap/{Path(table).stem}" for table in tables(sweep)),
        *(f"figures/{figure.name}" for figure in figures_of(sweep)),
        *["strips", "explorer"] * len(explorers(sweep)),
    ]
    return [f"results/{sweep.name}/checks/{name}{CHECK}" for name in made]


def strays(sweep: Sweep) -> list[Path]:
    """Files of a dataset that were part of it when its sweep was larger, under results/.

    A dataset is read as a whole folder: what no longer belongs to it must go.
    """
    mine = {Path(path) for path in (*tables(sweep), *checks(sweep))}
    folder = Path(f"results/{sweep.name}")
    found = {*folder.glob("memmap/part-*.parquet"), *folder.glob(f"checks/memmap/part-*{CHECK}")}
    return sorted(found - mine)


def jobs(sweep: Sweep) -> int:
    """Jobs that make a sweep from nothing: its layouts, the parts of its dataset, its figures, and
    its explorer with the strips that it shows.
    """
    return 1 + sweep.parts + len(figures_of(sweep)) + 2 * len(explorers(sweep))


# of a run, beside its sweeps: the evidence, its figure, the index, and what draws explorers' charts
SHARED_JOBS = 4


def summary(sweeps: Collection[Sweep]) -> str:
    """Points and jobs of each sweep, as shown before work starts."""
    rows = [(sweep.name, sweep.layouts, sweep.points, jobs(sweep)) for sweep in sweeps]
    shared = SHARED_JOBS if any(map(explorers, sweeps)) else SHARED_JOBS - 1
    rows.append(("evidence, index", 0, 0, shared))
    rows.append(("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    lines = [f"{'sweep':<20}{'layouts':>12}{'points':>16}{'jobs':>6}"]
    lines += [f"{name:<20}{maps:>12,}{points:>16,}{work:>6}" for name, maps, points, work in rows]
    return "\n".join(lines)
