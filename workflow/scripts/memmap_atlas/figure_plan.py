"""Which figures there are, what each needs of a sweep, and the files that it makes.

Light enough to be asked before any job: drawing is in ``figures``.
"""

from collections.abc import Callable
from dataclasses import dataclass

from memmap_atlas.sweep import GRID_AXES, Sweep

MOST_ROWS = 64


@dataclass(frozen=True)
class FigurePlan:
    """A kind of figure.

    lacks: what a sweep lacks for it, "" where nothing
    per_kernel: whether there is one file for each kernel, or one for all
    """

    lacks: Callable[[Sweep], str]
    per_kernel: bool = True


def grid_axes(sweep: Sweep) -> list[str]:
    """The axes of the grid that have more than one value."""
    if sweep.grid is None:
        return []
    return [axis for axis in GRID_AXES if len(getattr(sweep.grid, axis)) > 1]


def lacks_plane(sweep: Sweep) -> str:
    """A heatmap over a grid has hole_start on one axis, and one other that varies."""
    axes = grid_axes(sweep)
    if len(axes) == 2 and "hole_start" in axes:
        return ""
    found = ", ".join(axes) or "none"
    return (
        "needs layouts.grid in which hole_start and one more axis have several values, and no "
        f"others; here it is {found}"
    )


def lacks_rows(sweep: Sweep) -> str:
    """An annotated heatmap has a row for each named layout."""
    if not sweep.regions:
        return "needs named layouts: layouts.regions or layouts.machines"
    if len(sweep.regions) > MOST_ROWS:
        return f"has room for {MOST_ROWS} named layouts, here are {len(sweep.regions)}"
    return ""


def lacks_own_section(sweep: Sweep) -> str:
    """Where the section size is no axis of a figure, it draws the kernel's own."""
    if None not in sweep.section_sizes:
        return "draws the section size that each kernel ships with: section_size needs kernel"
    return ""


def lacks_kernels(sweep: Sweep) -> str:
    """A heatmap of kernels has a panel for each of a few layouts."""
    if len(sweep.regions) > 2:
        return f"has a panel for each named layout, two at most; here are {len(sweep.regions)}"
    if len(sweep.kernels) > MOST_ROWS:
        return f"has room for {MOST_ROWS} kernels, here are {len(sweep.kernels)}"
    return lacks_rows(sweep) or lacks_own_section(sweep)


def lacks_sections(sweep: Sweep) -> str:
    """A heatmap of section sizes has a column for each."""
    if len(sweep.section_sizes) < 2:
        return "needs two section sizes or more"
    return lacks_rows(sweep)


FIGURES = {
    "waste-heatmap": FigurePlan(lacks_plane),
    "kernel-heatmap": FigurePlan(lacks_kernels, per_kernel=False),
    "layout-heatmap": FigurePlan(lambda sweep: lacks_rows(sweep) or lacks_own_section(sweep)),
    "section-heatmap": FigurePlan(lacks_sections),
}


@dataclass(frozen=True)
class Figure:
    """One figure of a sweep: its file's name without suffix, its kind, and the kernels in it."""

    name: str
    kind: str
    kernels: tuple[str, ...]


def figures_of(sweep: Sweep) -> list[Figure]:
    """The figures of a sweep, in the order that it asks for them."""
    every = tuple(sweep.kernels)
    return [
        figure
        for kind in sweep.figures
        for figure in (
            [Figure(f"{kind}-{kernel}", kind, (kernel,)) for kernel in every]
            if FIGURES[kind].per_kernel
            else [Figure(kind, kind, every)]
        )
    ]
