"""SVG and PDF of a figure in one pass.

To find out where the artists of a figure lie takes as long as to write them; here both files share
that. The renderers and PdfFile are no public API of matplotlib: nothing else uses them, and other
releases than those below take :meth:`Figure.savefig` instead.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib.backend_bases import RendererBase
from matplotlib.figure import Figure

# releases of matplotlib whose renderers were compared with savefig: from the first, below the last
FIRST, LAST = (3, 10), (3, 12)
# points of an inch: the unit of SVG and PDF
POINTS = 72
# questions of a figure that the renderer of the PDF answers
PDF_METHODS = (
    "flipy",
    "get_canvas_width_height",
    "get_image_magnification",
    "get_text_width_height_descent",
    "new_gc",
)
VectorFile = tuple[Path, Mapping[str, Any]]


def on_both(name: str) -> Any:
    """Return a method that calls the method ``name`` of both renderers."""

    def call(self: "BothRenderers", *args: Any, **kwargs: Any) -> None:
        getattr(self.svg, name)(*args, **kwargs)
        getattr(self.pdf, name)(*args, **kwargs)

    return call


class BothRenderers(RendererBase):
    """Renderer that draws on an SVG and a PDF; coordinates are those of the PDF, whose y axis
    points up.
    """

    def __init__(self, svg: Any, pdf: Any) -> None:
        super().__init__()
        self.svg, self.pdf = svg, pdf
        for name in PDF_METHODS:
            setattr(self, name, getattr(pdf, name))

    open_group, close_group = on_both("open_group"), on_both("close_group")
    draw_path, draw_markers = on_both("draw_path"), on_both("draw_markers")
    draw_path_collection = on_both("draw_path_collection")
    draw_image = on_both("draw_image")

    def draw_text(self, gc: Any, x: float, y: float, *args: Any, **kwargs: Any) -> None:
        """Draw text; the y axis of an SVG points down."""
        self.svg.draw_text(gc, x, self.svg.height - y, *args, **kwargs)
        self.pdf.draw_text(gc, x, y, *args, **kwargs)


def draw_both(figure: Figure, svg: VectorFile, pdf: VectorFile) -> bool:
    """Write both files, each given with its metadata; return False, with nothing written, where
    this release of matplotlib was not compared.
    """
    if not FIRST <= mpl.__version_info__[:2] < LAST:
        return False
    try:
        from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
        from matplotlib.backends.backend_svg import RendererSVG
    except ImportError:
        return False
    dpi, (width, height) = figure.dpi, figure.get_size_inches()
    document: Any = PdfFile(*pdf)  # type: ignore[no-untyped-call]
    document.newPage(width, height)
    with svg[0].open("w", encoding="utf-8") as file:
        size = (width * POINTS, height * POINTS)
        on_svg: Any = RendererSVG(*size, file, None, dpi, metadata=svg[1])  # type: ignore[no-untyped-call]
        on_pdf: Any = RendererPdf(document, dpi, height, width)  # type: ignore[no-untyped-call]
        figure.dpi = POINTS
        figure.draw(BothRenderers(on_svg, on_pdf))
        figure.dpi = dpi
        on_svg.finalize()
    on_pdf.finalize()
    document.finalize()
    document.close()
    return True
