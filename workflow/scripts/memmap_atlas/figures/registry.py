"""Kinds of figures, one entry each, and the figures that a sweep asks for.

A kind is a module of this package and an entry of FIGURES. This table imports no drawing code: a
workflow reads it before any job runs, and an edit of one module redraws its own figures only.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal

from memmap_atlas.figures.needs import (
    lacks_boards,
    lacks_breakdown,
    lacks_choices,
    lacks_granules,
    lacks_hole_plane,
    lacks_kernels,
    lacks_own_section,
    lacks_plane,
    lacks_releases,
    lacks_rows,
    lacks_section_curve,
    lacks_sections,
    lacks_strips,
)
from memmap_atlas.sweep.design import PROPOSALS, Sweep
from memmap_atlas.text.labels import listed

NEVER_MERGED = f"{listed([*PROPOSALS])} are proposals that were never merged."
FRAMED = f"Framed cells are models that the kernel can be built with; {NEVER_MERGED}"
CLASSES = (
    "Each class of colour is twice the one below; white is none, hatched what a rule of the kernel "
    "forbids."
)
WASTE = (
    "Wasted memmap: the bytes that stay allocated for the array of struct page after boot, less "
    "the struct pages of whole pages of RAM."
)
COST = (
    "Cost: the bytes that stay allocated for struct pages, mem_section, usage maps and the page "
    "tables of the vmemmap after boot."
)
# what a subtitle adds
OWN_CHOICES = "the default model and section size of each kernel"
UNITS = "K, M, G: KiB, MiB, GiB"


@dataclass(frozen=True)
class FigureKind:
    """A kind of figure: its words, what it needs of a sweep, and the code that draws it.

    question: the question that it answers
    needs: what a sweep must have for it, in words
    quantity, meaning: the drawn quantity and how to read it, sentences of the caption
    lacks: return what a sweep lacks for it, "" where nothing
    module: module of this package, imported only when a figure is drawn
    rows, draw: functions of that module: ``rows(source)`` returns its FigureData, and
        ``draw(data, titles)`` the picture
    title: template of the title: {layout} is the figure's layout, {layouts} the number of layouts
        of the sweep, {kernels} the name of the kernel or the number of kernels
    subtitle: what the subtitle adds, "" where nothing
    each: one file for each kernel, for each named layout, or one for the sweep
    gridded: draws the layouts of the grid, not the named ones
    single_panel: draws one panel of a plane, not one for each section size and model
    narrow: as wide as a column: the subtitle names the kernel, for which the title has no room
    needs_strips: reads strips.parquet beside the dataset
    """

    question: str
    needs: str
    quantity: str
    meaning: str
    lacks: Callable[[Sweep], str]
    module: str
    rows: str
    draw: str
    title: str = "Wasted memmap, {kernels}"
    subtitle: str = ""
    each: Literal["kernel", "layout", "sweep"] = "kernel"
    gridded: bool = False
    single_panel: bool = False
    narrow: bool = False
    needs_strips: bool = False

    @property
    def file(self) -> str:
        """Path of the module below workflow/scripts."""
        return f"memmap_atlas/figures/{self.module}.py"

    def function(self, name: str) -> Callable[..., Any]:
        """Return the function ``name`` of the module."""
        function: Callable[..., Any] = getattr(
            import_module(f"memmap_atlas.figures.{self.module}"), name
        )
        return function


FIGURES = {
    "section-strip": FigureKind(
        question="Is the hole in my section backed or not?",
        needs="named layouts; up to 24 combinations of kernel, section size and model",
        quantity=(
            "Kept struct pages over the address space: each strip shows for which addresses a "
            "kernel keeps struct pages after boot, and what for."
        ),
        meaning=(
            "Needed are the struct pages of RAM, hole those of addresses between regions of RAM, "
            "edge those outside of them in a section, and rounding what lies beyond in the last "
            "leaf. Ticks are section edges. memmap is what stays allocated, wasted what of it is "
            "not needed; booted is what a kernel of that release kept on this map under QEMU, "
            f"where one was booted. {NEVER_MERGED}"
        ),
        lacks=lacks_strips,
        module="section_strip",
        rows="strip_rows",
        draw="strip_figure",
        title="Kept struct pages of {layout}",
        needs_strips=True,
        each="layout",
    ),
    "waste-heatmap": FigureKind(
        question="What does it save to move the hole, or to fit other RAM?",
        needs="a grid in which `hole_start` and one more axis vary",
        quantity=WASTE,
        meaning=(
            "A panel is a model at a section size, or at all that are feasible where they give the "
            "same. A hole at or beyond the end of RAM leaves it contiguous. A solid frame marks a "
            "model that this kernel can be built with; a dashed one a model that it can't, or a "
            f"proposal; {NEVER_MERGED} Red ticks, or lines across, stand where the hole starts on "
            "a section edge, and red dashes where it ends on one; they are left out where they "
            f"would touch. {CLASSES}"
        ),
        lacks=lacks_plane,
        module="plane_heatmap",
        rows="waste_rows",
        draw="waste_heatmap",
        gridded=True,
    ),
    "alignment": FigureKind(
        question="Is it the size of a hole that costs, or where its edges lie?",
        needs="a grid in which `hole_start` and `hole_size` vary",
        quantity=WASTE,
        meaning=(
            "Each hole of the plane on the left is in both pictures on the right: above by its "
            "size, below by how many of its two edges lie on section edges; numbers and areas say "
            "how many holes waste so much. Red lines and ticks stand where a hole starts on a "
            f"section edge, red dashes where it ends on one. {CLASSES}"
        ),
        lacks=lacks_hole_plane,
        module="alignment",
        rows="alignment_rows",
        draw="alignment_figure",
        title="Wasted memmap by where a hole lies, {kernels}",
        single_panel=True,
        gridded=True,
    ),
    "section-curve": FigureKind(
        question="Why sections of this size, and not smaller ones?",
        needs="named layouts; three section sizes",
        quantity=WASTE,
        meaning=(
            "A line is a memory map with the kernel's default model; the dashed line is the price "
            "of the sections themselves, mem_section roots and usage maps, on the same axis. The "
            "section size that the kernel ships with is marked; hatched is what a rule of the "
            "kernel forbids, with its name."
        ),
        lacks=lacks_section_curve,
        module="section_curve",
        rows="section_curve_rows",
        draw="section_curve",
        title="Wasted memmap by section size",
        narrow=True,
    ),
    "best-choice": FigureKind(
        question="What does one choice of model and section size for all machines cost?",
        needs="named layouts; two section sizes or models that each kernel can be built with",
        quantity=f"Regret: what a choice costs more than the best one for the same map. {COST}",
        meaning=(
            "A row is a memory map, a column a section size and model that the kernel can be built "
            "with; 0 is the best choice for the map. The last rows are the sum of all maps and the "
            f"worst of them: what a single kernel image would cost. {CLASSES}"
        ),
        lacks=lambda sweep: lacks_choices(sweep) or lacks_rows(sweep),
        module="annotated_heatmap",
        rows="choice_rows",
        draw="choice_heatmap",
        title="What one choice for all maps costs, {kernels}",
        subtitle=UNITS,
    ),
    "regret-heatmap": FigureKind(
        question="Where is which choice of model and section size the best?",
        needs="the same, and the grid of a waste-heatmap",
        quantity=f"Regret: what a choice costs more than the best one for the same map. {COST}",
        meaning=(
            "A panel is a section size and model that the kernel can be built with, white where "
            f"it is the best choice. {CLASSES}"
        ),
        lacks=lambda sweep: lacks_choices(sweep) or lacks_plane(sweep),
        module="plane_heatmap",
        rows="regret_rows",
        draw="waste_heatmap",
        title="What each choice costs more than the best, {kernels}",
        gridded=True,
    ),
    "granules": FigureKind(
        question="What do larger pages save, and what do their larger sections eat of it?",
        needs="named layouts; kernels that differ in their page size",
        quantity=WASTE,
        meaning=(
            "A row is a memory map with three bars or points, one for each page size, for the "
            "default model and section size of its kernel. Left: wasted memmap. Right: memmap in "
            "per cent of RAM, needed and wasted."
        ),
        lacks=lacks_granules,
        module="granules",
        rows="granule_rows",
        draw="granule_figure",
        title="Memmap by page size, {kernels}",
        subtitle=OWN_CHOICES,
        each="sweep",
    ),
    "timeline": FigureKind(
        question="What did each release change?",
        needs="named layouts; kernels of one architecture and page size, of several releases",
        quantity=COST,
        meaning=(
            "A column is a release with its own section size and default model. Below each, what "
            "changed since the one before among the values that the cost depends on, and what it "
            "saves or costs on this map."
        ),
        lacks=lacks_releases,
        module="timeline",
        rows="timeline_rows",
        draw="timeline",
        title="Memmap of {layout}, release by release",
        subtitle=OWN_CHOICES,
        each="layout",
    ),
    "breakdown": FigureKind(
        question="What is the cost of a machine made of?",
        needs="named layouts",
        quantity=COST,
        meaning=(
            "A row is a machine. Left: all of it in per cent of RAM. Right: what is not needed, "
            "each part in per cent of that, with its bytes."
        ),
        lacks=lacks_breakdown,
        module="breakdown",
        rows="breakdown_rows",
        draw="breakdown_figure",
        title="What the memmap is made of, {kernels}",
    ),
    "boards": FigureKind(
        question="How much do real boards waste, and which are the worst?",
        needs="twenty named layouts or more, such as boards; two to four kernels",
        quantity=WASTE,
        meaning=(
            "Left: the share of boards that waste at most so much, for each kernel with its own "
            "section size and default model. Right: the boards that waste most under any; of those "
            "that waste the same under each kernel one. Below: in numbers."
        ),
        lacks=lacks_boards,
        module="boards",
        rows="board_rows",
        draw="board_figure",
        title="Wasted memmap of {layouts} boards",
        subtitle=OWN_CHOICES,
        each="sweep",
    ),
    "kernel-heatmap": FigureKind(
        question="What do my maps cost under every kernel and model?",
        needs="one or two named layouts",
        quantity=WASTE,
        meaning=(
            "A row is a kernel with the section size that it ships with, a block of columns a "
            f"memory map, a column a model. {FRAMED} {CLASSES}"
        ),
        lacks=lacks_kernels,
        module="annotated_heatmap",
        rows="own_rows",
        draw="kernel_heatmap",
        subtitle=UNITS,
        each="sweep",
    ),
    "layout-heatmap": FigureKind(
        question="What does each of many maps cost under every model?",
        needs="named layouts",
        quantity=WASTE,
        meaning=(
            "A row is a memory map, as if the machine ran this kernel; a column is a model. "
            f"{FRAMED} {CLASSES}"
        ),
        lacks=lambda sweep: lacks_rows(sweep) or lacks_own_section(sweep),
        module="annotated_heatmap",
        rows="own_rows",
        draw="layout_heatmap",
        subtitle=UNITS,
    ),
    "section-heatmap": FigureKind(
        question="What does each of many maps cost under every section size?",
        needs="named layouts; two section sizes",
        quantity=WASTE,
        meaning=(
            "A row is a memory map; a block is a model with a column for each section size, and "
            "one block, any size, holds the models that no feasible section size changes. "
            f"{FRAMED} {CLASSES}"
        ),
        lacks=lacks_sections,
        module="annotated_heatmap",
        rows="all_rows",
        draw="section_heatmap",
        subtitle=UNITS,
    ),
}


@dataclass(frozen=True)
class Figure:
    """A figure of a sweep.

    name: of its files, without suffix
    kind: a key of FIGURES
    kernels: those that it draws
    layout: the named layout that it draws, "" where it draws several
    """

    name: str
    kind: str
    kernels: tuple[str, ...]
    layout: str = ""

    @property
    def spec(self) -> FigureKind:
        """The entry of its kind."""
        return FIGURES[self.kind]


def figures_of(sweep: Sweep) -> list[Figure]:
    """Return the figures of a sweep, in the order of its kinds."""
    return [figure for kind in sweep.figures for figure in variants(sweep, kind)]


def variants(sweep: Sweep, kind: str) -> Iterator[Figure]:
    """Yield the figures of one kind that a sweep can have."""
    every = tuple(sweep.kernels)
    match FIGURES[kind].each:
        case "kernel":
            yield from (Figure(f"{kind}-{kernel}", kind, (kernel,)) for kernel in every)
        case "layout":
            yield from (Figure(f"{kind}-{layout}", kind, every, layout) for layout in sweep.regions)
        case "sweep":
            yield Figure(kind, kind, every)


def find(sweep: Sweep, name: str) -> Figure:
    """Return the figure of that name, also where the sweep does not ask for it.

    Raises ValueError with the reason where a sweep can have no such figure.
    """
    kinds = [kind for kind in FIGURES if name == kind or name.startswith(f"{kind}-")]
    for kind in sorted(kinds, key=len, reverse=True):
        if lack := FIGURES[kind].lacks(sweep):
            raise ValueError(f"{kind} {lack}")
        for figure in variants(sweep, kind):
            if figure.name == name:
                return figure
    names = [figure.name for kind in kinds for figure in variants(sweep, kind)] or list(FIGURES)
    raise ValueError(f"the sweep {sweep.name} has no figure {name!r}; there are {', '.join(names)}")
