"""Requirements of the kinds of figures on a sweep.

A function ``lacks_...(sweep)`` returns what the sweep lacks, worded for its author, or "".
"""

from collections import Counter
from math import isqrt

from memmap_atlas.sweep.axes import AXES
from memmap_atlas.sweep.design import Sweep, sections_of

MOST_ROWS = 64


MOST_STRIPS = 24


# layouts in all that strips are kept for: they take bytes for every point
MOST_STRIP_POINTS = 2_000_000


# cells that a figure of a plane draws in all; of a larger one a cell stands for several points
MOST_CELLS = 500_000


def grid_axes(sweep: Sweep) -> list[str]:
    """Return the axes of the grid that have more than one value."""
    if sweep.grid is None:
        return []
    return [axis for axis in AXES if len(sweep.grid[axis]) > 1]


def values_per_cell(sweep: Sweep, *, single_panel: bool) -> dict[str, int]:
    """Return how many values of each axis share a cell of a plane: one, unless the panels of a
    figure would have more than MOST_CELLS cells in all.
    """
    panels = 1
    if not single_panel:
        panels = max(Counter(kernel for kernel, _, _ in sweep.combinations).values())
    room = MOST_CELLS // panels
    sizes = {axis: len(sweep.grid[axis]) for axis in grid_axes(sweep) if sweep.grid}
    per_cell: dict[str, int] = {}
    for axis, size in sorted(sizes.items(), key=lambda item: item[1]):
        # the shorter axis gets as much as a square would have, the longer one what is left
        cells = min(size, max(room if per_cell else isqrt(room), 1))
        per_cell[axis] = -(-size // cells)
        room //= -(-size // per_cell[axis])
    return per_cell


def lacks_plane(sweep: Sweep) -> str:
    """Require hole_start and one more axis, and no others, with several values."""
    axes = grid_axes(sweep)
    if len(axes) == 2 and "hole_start" in axes:
        return ""
    found = ", ".join(axes) or "none"
    return (
        "needs layouts.grid in which hole_start and one more axis have several values, and no "
        f"others; here it is {found}"
    )


def lacks_hole_plane(sweep: Sweep) -> str:
    """Require holes of several sizes at several addresses."""
    axes = grid_axes(sweep)
    if sorted(axes) == ["hole_size", "hole_start"]:
        return lacks_own_section(sweep)
    found = ", ".join(axes) or "none"
    return (
        "needs layouts.grid in which hole_start and hole_size have several values, and no others; "
        f"here it is {found}"
    )


def lacks_rows(sweep: Sweep) -> str:
    """Require named layouts, no more than there is room for."""
    if not sweep.regions:
        return "needs named layouts: layouts.regions, machines, boards or files"
    if len(sweep.regions) > MOST_ROWS:
        return f"has room for {MOST_ROWS} named layouts, here are {len(sweep.regions)}"
    return ""


def lacks_own_section(sweep: Sweep) -> str:
    """Require the section size that each kernel ships with."""
    for name, kernel in sweep.kernels.items():
        if kernel.section_size not in sections_of(kernel, sweep.section_sizes):
            return (
                "draws the section size that each kernel ships with: section_size needs kernel "
                f"(that of {name} is not among its values)"
            )
    return ""


def lacks_default_model(sweep: Sweep) -> str:
    """Require the default model of each kernel."""
    for name, kernel in sweep.kernels.items():
        if kernel.default_model not in sweep.models:
            return (
                f"draws the default model of each kernel: models needs {kernel.default_model}, "
                f"that of {name}"
            )
    return ""


def lacks_kernels(sweep: Sweep) -> str:
    """Require one or two named layouts, and no more kernels than there is room for."""
    if len(sweep.regions) > 2:
        return f"has a panel for each named layout, two at most; here are {len(sweep.regions)}"
    if len(sweep.kernels) > MOST_ROWS:
        return f"has room for {MOST_ROWS} kernels, here are {len(sweep.kernels)}"
    return lacks_rows(sweep) or lacks_own_section(sweep)


def lacks_sections(sweep: Sweep) -> str:
    """Require two section sizes and named layouts."""
    if len(sweep.section_sizes) < 2:
        return "needs two section sizes or more"
    return lacks_rows(sweep)


def lacks_section_curve(sweep: Sweep) -> str:
    """Require three section sizes, named layouts and default models."""
    if len(sweep.section_sizes) < 3:
        return f"needs three section sizes or more, here are {len(sweep.section_sizes)}"
    return lacks_rows(sweep) or lacks_default_model(sweep)


def lacks_strips(sweep: Sweep) -> str:
    """Require few combinations, over few points in all, and named layouts."""
    if len(sweep.combinations) > MOST_STRIPS:
        return (
            f"has room for {MOST_STRIPS} strips, one for each kernel, section size and model; here "
            f"are {len(sweep.combinations)}"
        )
    if sweep.points > MOST_STRIP_POINTS:
        return f"is for sweeps of up to {MOST_STRIP_POINTS:,} points, here are {sweep.points:,}"
    return lacks_rows(sweep)


def choices(sweep: Sweep, name: str) -> list[tuple[int, str]]:
    """Return (section size, model) of a sweep that a kernel can be built with, in the sweep's
    order.
    """
    kernel = sweep.kernels[name]
    return [
        (section, model)
        for section in sections_of(kernel, sweep.section_sizes)
        for model in sweep.models
        if model in kernel.models
    ]


def lacks_choices(sweep: Sweep) -> str:
    """Require two choices for each kernel."""
    for name in sweep.kernels:
        if len(choices(sweep, name)) < 2:
            return (
                f"needs two section sizes or models that a kernel can be built with; of {name} "
                "there are fewer"
            )
    return ""


def lacks_granules(sweep: Sweep) -> str:
    """Require kernels that all differ in page size, as they ship."""
    pages = [kernel.page_size for kernel in sweep.kernels.values()]
    if len(pages) < 2 or len(set(pages)) < len(pages):
        return (
            "needs two kernels or more, each with a page size of its own; here are pages of "
            f"{', '.join(f'{page >> 10} KiB' for page in pages)}"
        )
    return lacks_rows(sweep) or lacks_own_section(sweep) or lacks_default_model(sweep)


def lacks_releases(sweep: Sweep) -> str:
    """Require kernels of one architecture and page size and of several releases, as they ship."""
    kernels = sweep.kernels.values()
    if len({(kernel.arch, kernel.page_size) for kernel in kernels}) > 1:
        return "needs kernels of one architecture and page size: a release is what may differ"
    if len({kernel.release for kernel in kernels}) < max(len(kernels), 2):
        return "needs two kernels or more, each of a release of its own"
    return lacks_rows(sweep) or lacks_own_section(sweep) or lacks_default_model(sweep)


def lacks_breakdown(sweep: Sweep) -> str:
    """Require named layouts, and kernels as they ship."""
    return lacks_rows(sweep) or lacks_own_section(sweep) or lacks_default_model(sweep)


def lacks_boards(sweep: Sweep) -> str:
    """Require many named layouts, and a few kernels as they ship."""
    if len(sweep.regions) < 20:
        return f"needs twenty named layouts or more, here are {len(sweep.regions)}"
    if not 2 <= len(sweep.kernels) <= 4:
        return f"compares two to four kernels, here are {len(sweep.kernels)}"
    return lacks_own_section(sweep) or lacks_default_model(sweep)
