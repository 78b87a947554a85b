"""One figure of a sweep: from its rows to its picture."""

from collections.abc import Callable
from dataclasses import dataclass

from matplotlib.figure import Figure as Drawing

from memmap_atlas.figures import (
    alignment,
    annotated,
    boards,
    breakdown,
    granules,
    plane,
    section_curve,
    strip,
    timeline,
)
from memmap_atlas.figures.data import Drawn, Source
from memmap_atlas.figures.words import Heads, heads


@dataclass(frozen=True)
class Kind:
    """How a kind of figure finds its rows, and draws them."""

    rows: Callable[[Source], Drawn]
    draw: Callable[[Drawn, Heads], Drawing]


KINDS = {
    "section-strip": Kind(strip.strip_rows, strip.strip_figure),
    "waste-heatmap": Kind(plane.waste_rows, plane.waste_heatmap),
    "alignment": Kind(alignment.alignment_rows, alignment.alignment_figure),
    "section-curve": Kind(section_curve.section_curve_rows, section_curve.section_curve),
    "best-choice": Kind(annotated.choice_rows, annotated.choice_heatmap),
    "regret-heatmap": Kind(plane.regret_rows, plane.waste_heatmap),
    "granules": Kind(granules.granule_rows, granules.granule_figure),
    "breakdown": Kind(breakdown.breakdown_rows, breakdown.breakdown_figure),
    "timeline": Kind(timeline.timeline_rows, timeline.timeline),
    "boards": Kind(boards.board_rows, boards.board_figure),
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
