"""One figure of a sweep: from its rows to its picture.

A kind is imported when it is drawn: a figure waits for no other kind, and an edit of one makes the
figures of the others again for nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any

from memmap_atlas.figures.captions import titles

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from memmap_atlas.figures.data import FigureData, Source


@dataclass(frozen=True)
class Kind:
    """The module of a kind of figure, and what in it finds its rows, and draws them:
    ``rows(source)`` gives a Drawn, ``draw(drawn, heads)`` a picture.
    """

    module: str
    rows: str
    draw: str

    @property
    def file(self) -> str:
        """The module's path below the scripts."""
        return f"memmap_atlas/figures/{self.module}.py"

    def function(self, name: str) -> Callable[..., Any]:
        """One of the two."""
        found: Callable[..., Any] = getattr(
            import_module(f"memmap_atlas.figures.{self.module}"), name
        )
        return found


KINDS = {
    "section-strip": Kind("section_strip", "strip_rows", "strip_figure"),
    "waste-heatmap": Kind("plane_heatmap", "waste_rows", "waste_heatmap"),
    "alignment": Kind("alignment", "alignment_rows", "alignment_figure"),
    "section-curve": Kind("section_curve", "section_curve_rows", "section_curve"),
    "best-choice": Kind("annotated_heatmap", "choice_rows", "choice_heatmap"),
    "regret-heatmap": Kind("plane_heatmap", "regret_rows", "waste_heatmap"),
    "granules": Kind("granules", "granule_rows", "granule_figure"),
    "breakdown": Kind("breakdown", "breakdown_rows", "breakdown_figure"),
    "timeline": Kind("timeline", "timeline_rows", "timeline"),
    "boards": Kind("boards", "board_rows", "board_figure"),
    "kernel-heatmap": Kind("annotated_heatmap", "own_rows", "kernel_heatmap"),
    "layout-heatmap": Kind("annotated_heatmap", "own_rows", "layout_heatmap"),
    "section-heatmap": Kind("annotated_heatmap", "all_rows", "section_heatmap"),
}


def rows_of(source: "Source") -> "FigureData":
    """What a figure draws."""
    kind = KINDS[source.figure.kind]
    drawn: FigureData = kind.function(kind.rows)(source)
    return drawn


def draw(source: "Source", drawn: "FigureData") -> "Drawing":
    """The picture of it."""
    kind = KINDS[source.figure.kind]
    drawing: Drawing = kind.function(kind.draw)(drawn, titles(source.figure, source.sweep))
    return drawing
