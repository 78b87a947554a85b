"""The shape of results/: one table of paths, and the files that a sweep becomes.

Rules, library, scripts and tests take every path from :data:`PATHS`: a file moves by one edit.
"""

import re
from collections.abc import Collection
from pathlib import Path

from memmap_atlas.figures.needs import MOST_STRIP_POINTS
from memmap_atlas.figures.registry import figures_of
from memmap_atlas.integrity.checksums import CHECK, CHECKS
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.text.tables import Table, columns

# by name, as Snakemake's path variables: <name> is an entry, {key} a wildcard
PATHS = {
    "results": "results",
    "figure_folder": "figures",
    # of a sweep
    "sweep": "<results>/{sweep}",
    "resolved": "<sweep>/sweep.resolved.yaml",
    "layouts": "<sweep>/layouts.parquet",
    "memmap": "<sweep>/memmap",
    "table": "<memmap>/part-{part}.parquet",
    "strips": "<sweep>/strips.parquet",
    "figures": "<sweep>/<figure_folder>",
    "explorer": "<sweep>/explorer.html",
    "answer": "<sweep>/answer",
    "checks": f"<sweep>/{CHECKS}",
    "table_check": f"<checks>/memmap/part-{{part}}{CHECK}",
    "logs": "<sweep>/logs",
    # of a run
    "index": "<results>/index.html",
    "introduction": "<results>/introduction.rst",
    "vega": "<results>/vega.js",
    "run_checks": f"<results>/{CHECKS}",
    "run_logs": "<results>/logs",
    # of the boots that come with the workflow
    "evidence": "<results>/evidence",
    "evidence_figure": "<evidence>/<figure_folder>/computed-against-booted",
    "evidence_checks": f"<evidence>/{CHECKS}",
    "evidence_logs": "<evidence>/logs",
    # of a lab
    "lab": "<results>/lab",
    "lab_source": "<lab>/sources/{suite}/{package}",
    "lab_kernel": "<lab>/kernels/{kernel}",
    "lab_userland": "<lab>/userland/{suite}/{architecture}.cpio",
    "lab_boots": "<lab>/boots",
    "lab_boot": "<lab_boots>/{kernel}/{map}",
    "lab_figure": "<lab>/<figure_folder>/computed-against-booted",
    "lab_logs": "<lab>/logs",
    # of a census
    "censuses": "<results>/census",
    "census": "<censuses>/{trees}",
}
NAME = re.compile("<([a-z_]+)>")
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


def path(text: str, **values: object) -> str:
    """Return a path with each ``<name>`` taken from :data:`PATHS`, then each ``{key}`` from
    ``values``, such as ``path("<figures>", sweep="machines")``.

    Raises KeyError for a name that PATHS lacks and a key that ``values`` lacks.
    """
    while NAME.search(text):
        text = NAME.sub(lambda match: PATHS[match[1]], text)
    return text.format_map(values)


def tables(sweep: Sweep) -> list[str]:
    """Return the files of a sweep's memmap dataset."""
    return [path("<table>", sweep=sweep.name, part=f"{part:03d}") for part in range(sweep.parts)]


def figures(sweep: Sweep) -> list[str]:
    """Return the files of a sweep's figures."""
    folder = path("<figures>", sweep=sweep.name)
    return [
        f"{folder}/{figure.name}{suffix}"
        for figure in figures_of(sweep)
        for suffix in FIGURE_SUFFIXES
    ]


def explorers(sweep: Sweep) -> list[str]:
    """Return the explorer page of a sweep; none where the sweep is too large for one."""
    small = sweep.points <= MOST_STRIP_POINTS
    return [path("<explorer>", sweep=sweep.name)] if small else []


def described(sweep: Sweep) -> list[str]:
    """Return the sweep as it ran, its layouts, and the strips that its explorer shows."""
    names = ["<resolved>", "<layouts>", *["<strips>"] * len(explorers(sweep))]
    return [path(name, sweep=sweep.name) for name in names]


def checks(sweep: Sweep) -> list[str]:
    """Return the checksum files of a sweep, one a job."""
    folder = path("<checks>", sweep=sweep.name)
    jobs_with_check = [
        "layouts",
        *(f"figures/{figure.name}" for figure in figures_of(sweep)),
        *["strips", "explorer"] * len(explorers(sweep)),
    ]
    return [
        *(path("<table_check>", sweep=sweep.name, part=part_of(table)) for table in tables(sweep)),
        *(f"{folder}/{name}{CHECK}" for name in jobs_with_check),
    ]


def part_of(table: str) -> str:
    """Return the number in the name of a file of a dataset, as it is written there."""
    return Path(table).stem.removeprefix("part-")


def strays(sweep: Sweep, folder: Path = Path()) -> list[Path]:
    """Return the files of a dataset that were part of it when its sweep was larger; ``folder`` has
    results/.

    A dataset is read as a whole folder: what no longer belongs to it must go.
    """
    current = {folder / file for file in (*tables(sweep), *checks(sweep))}
    patterns = [path(name, sweep=sweep.name, part="*") for name in ("<table>", "<table_check>")]
    present = {file for pattern in patterns for file in folder.glob(pattern)}
    return sorted(present - current)


def jobs(sweep: Sweep) -> int:
    """Return the number of jobs that make a sweep from nothing: its layouts, the parts of its
    dataset, its figures, and its explorer with the strips that it shows.
    """
    return 1 + sweep.parts + len(figures_of(sweep)) + 2 * len(explorers(sweep))


# of a run, beside its sweeps: the evidence, its figure, the index, and what draws explorers' charts
SHARED_JOBS = 4


def summary(sweeps: Collection[Sweep]) -> str:
    """Return the table of points and jobs of each sweep that is shown before work starts."""
    rows = [(sweep.name, sweep.layouts, sweep.points, jobs(sweep)) for sweep in sweeps]
    shared = SHARED_JOBS if any(map(explorers, sweeps)) else SHARED_JOBS - 1
    rows.append(("evidence, index", 0, 0, shared))
    rows.append(("all", *(sum(column) for column in list(zip(*rows, strict=True))[1:])))
    cells = [(name, *(f"{count:,}" for count in counts)) for name, *counts in rows]
    return columns(Table(("sweep", "layouts", "points", "jobs"), cells))
