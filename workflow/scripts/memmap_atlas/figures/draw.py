"""One figure of a sweep: from its rows to its picture."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from memmap_atlas.figures import annotated, plane
from memmap_atlas.figures.data import Drawn, Source
from memmap_atlas.figures.words import Heads, heads


@dataclass(frozen=True)
class Kind:
    """How a kind of figure finds its rows, and draws them."""

    rows: Callable[[Source], Drawn]
    draw: Callable[[Drawn, Heads], Drawing]


KINDS = {
    "waste-heatmap": Kind(plane.waste_rows, plane.waste_heatmap),
    "kernel-heatmap": Kind(annotated.own_rows, annotated.kernel_heatmap),
    "layout-heatmap": Kind(annotated.own_rows, annotated.layout_heatmap),
    "section-heatmap": Kind(annotated.all_rows, annotated.section_heatmap),
}


def rows_of(source: Source) -> Drawn:
    """What a figure draws."""
    return KINDS[source.figure.kind].rows(source)


def draw(source: Source, drawn: Drawn) -> Drawing:
    """The picture of it."""
    return KINDS[source.figure.kind].draw(drawn, heads(source.figure, source.sweep))
