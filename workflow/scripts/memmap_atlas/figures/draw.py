"""One figure of a sweep: from its rows to its picture."""

from matplotlib.figure import Figure as Drawing

from memmap_atlas.figures.captions import titles
from memmap_atlas.figures.data import FigureData, Source
from memmap_atlas.figures.style import atlas_style


def rows_of(source: Source) -> FigureData:
    """Return what a figure draws.

    Raises ValueError where the dataset has no row for it.
    """
    spec = source.figure.spec
    data: FigureData = spec.function(spec.rows)(source)
    return data


def draw(source: Source, data: FigureData) -> Drawing:
    """Return the picture of ``data``."""
    spec = source.figure.spec
    with atlas_style():
        drawing: Drawing = spec.function(spec.draw)(data, titles(source.figure, source.sweep))
    return drawing
