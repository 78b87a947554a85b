"""One figure of a sweep: drawn, with the words around it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure as Drawing

from memmap_atlas.figure_plan import Figure
from memmap_atlas.figures.annotated import kernel_heatmap, layout_heatmap, section_heatmap
from memmap_atlas.figures.data import Drawn, read
from memmap_atlas.figures.plane import PROPOSALS, waste_heatmap
from memmap_atlas.figures.style import size_label
from memmap_atlas.sweep import Axis, Sweep

QUANTITY = (
    "Wasted memmap: the bytes that stay allocated for the array of struct page after boot, less "
    "the struct pages of whole pages of RAM."
)
COLOURS = (
    "Each class of colour is twice the one below; white is no waste, hatched what a rule of the "
    "kernel forbids."
)


@dataclass(frozen=True)
class Kind:
    """How a kind of figure is drawn and read.

    top: up to which quantile of waste its colours reach
    gridded: whether it draws grid layouts, or named ones
    own_section: whether it is about each kernel's own section size alone
    """

    drawing: Callable[[Drawn, str, str], Drawing]
    top: float
    gridded: bool
    own_section: bool
    meaning: str


NEVER_MERGED = f"{' and '.join(PROPOSALS)} are proposals that were never merged."
FRAMED = f"Framed cells are models that the kernel can be built with; {NEVER_MERGED}"

KINDS = {
    "waste-heatmap": Kind(
        drawing=waste_heatmap,
        top=1,
        gridded=True,
        own_section=False,
        meaning=(
            "A panel is a model at a section size, or at all that are feasible where they give the "
            "same. A hole at or beyond the end of RAM leaves it contiguous. A solid frame marks a "
            "model that this kernel can be built with; a dashed one a model that it can't, or a "
            f"proposal; {NEVER_MERGED} Red ticks, or lines across, stand where the hole starts on "
            "a section edge, and red dashes where it ends on one; they are left out where they "
            "would touch."
        ),
    ),
    "kernel-heatmap": Kind(
        drawing=kernel_heatmap,
        top=0.95,
        gridded=False,
        own_section=True,
        meaning=(
            "A row is a kernel with the section size that it ships with, a block of columns a "
            f"memory map, a column a model. {FRAMED}"
        ),
    ),
    "layout-heatmap": Kind(
        drawing=layout_heatmap,
        top=0.95,
        gridded=False,
        own_section=True,
        meaning=(
            "A row is a memory map, as if the machine ran this kernel; a column is a model. "
            f"{FRAMED}"
        ),
    ),
    "section-heatmap": Kind(
        drawing=section_heatmap,
        top=0.95,
        gridded=False,
        own_section=False,
        meaning=(
            "A row is a memory map; a block is a model with a column for each section size, and "
            "one block, any size, holds the models that no feasible section size changes. "
            f"{FRAMED}"
        ),
    ),
}


def rows_of(figure: Figure, sweep: Sweep, parts: Sequence[Path]) -> Drawn:
    """The rows that a figure draws, from the files of its sweep's dataset."""
    kind = KINDS[figure.kind]
    own = {name: kernel.section_size for name, kernel in sweep.kernels.items()}
    sections = own if kind.own_section else None
    return read(parts, figure.kernels, kind.top, kind.gridded, sections)


def draw(figure: Figure, sweep: Sweep, drawn: Drawn) -> Drawing:
    """The figure of ``drawn`` rows, titled."""
    kind = KINDS[figure.kind]
    return kind.drawing(drawn, title(figure, sweep), subtitle(sweep, figure.kind))


def title(figure: Figure, sweep: Sweep) -> str:
    """What is drawn, and for which kernel."""
    if len(figure.kernels) > 1:
        return f"Wasted memmap, {len(figure.kernels)} kernels"
    kernel = sweep.kernels[figure.kernels[0]]
    return (
        f"Wasted memmap, {figure.kernels[0]}: pages of {size_label(kernel.page_size)}, "
        f"struct page of {kernel.struct_page_size} bytes"
    )


def subtitle(sweep: Sweep, kind: str) -> str:
    """What is the same in all of a figure."""
    if kind == "waste-heatmap" and sweep.grid:
        return grid_words(sweep)
    return "K, M, G: KiB, MiB, GiB; framed: the kernel can be built with the model"


def grid_words(sweep: Sweep) -> str:
    """The axes of a sweep's grid."""
    assert sweep.grid is not None
    return (
        f"RAM of {axis_words(sweep.grid.ram_size)} from {axis_words(sweep.grid.base)}, "
        f"a hole of {axis_words(sweep.grid.hole_size)} "
        f"at {axis_words(sweep.grid.hole_start)}"
    )


def axis_words(axis: Axis) -> str:
    """The value of an axis, or its first and last one."""
    values = [size_label(min(axis)), size_label(max(axis))]
    return values[0] if len(axis) == 1 else f"{values[0]} to {values[1]}"


def caption(figure: Figure, sweep: Sweep, drawn: Drawn, source: str) -> str:
    """What the figure shows, for a reader who has nothing else."""
    kernels = [sweep.kernels[name] for name in figure.kernels]
    named = ", ".join(
        f"{name} ({size_label(kernel.page_size)}, {kernel.struct_page_size} bytes)"
        for name, kernel in zip(figure.kernels, kernels, strict=True)
    )
    maps = f" Maps: {grid_words(sweep)}." if figure.kind == "waste-heatmap" else ""
    return (
        f"{sweep.description} {QUANTITY} {KINDS[figure.kind].meaning}{maps} {COLOURS} "
        f"{len(drawn.rows):,} points. "
        f"{'Kernel' if len(kernels) == 1 else 'Kernels'} (page, struct page): {named}. {source}"
    )
