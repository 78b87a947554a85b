"""The files of a picture: SVG, PDF and PNG.

The same data gives the same bytes: no time, no machine and no random name goes into a file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypdfium2
from fontTools.subset import Options
from matplotlib.backend_bases import RendererBase
from matplotlib.backends.backend_pdf import PdfFile, RendererPdf
from matplotlib.backends.backend_svg import RendererSVG
from matplotlib.figure import Figure
from PIL.Image import Image as Picture
from PIL.PngImagePlugin import PngInfo
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

# letters in a PDF stand where they were drawn: rules of layout, which would take most of the time
# of writing one, stay out of its fonts
Options._drop_tables_default += ["GSUB", "GPOS", "GDEF", "MATH"]

POINTS = 72
# pixels: more than a rounding error, less than can be seen
HAIR = 0.01


# what a figure asks before it draws
OF_PDF = (
    "flipy",
    "get_canvas_width_height",
    "get_image_magnification",
    "get_text_width_height_descent",
    "new_gc",
)


def on_both(name: str) -> Any:
    """The method ``name`` of a renderer, called on both."""

    def call(self: "Both", *drawn: Any, **how: Any) -> None:
        getattr(self.svg, name)(*drawn, **how)
        getattr(self.pdf, name)(*drawn, **how)

    return call


class Both(RendererBase):
    """Draws on two renderers at once: to find out where all of a figure is takes as long as to
    write it down.

    Places are those of the PDF, which counts them from below.
    """

    def __init__(self, svg: Any, pdf: Any) -> None:
        super().__init__()
        self.svg, self.pdf = svg, pdf
        for name in OF_PDF:
            setattr(self, name, getattr(pdf, name))

    open_group, close_group = on_both("open_group"), on_both("close_group")
    draw_path, draw_markers = on_both("draw_path"), on_both("draw_markers")
    draw_path_collection = on_both("draw_path_collection")
    draw_image = on_both("draw_image")

    def draw_text(self, gc: Any, x: float, y: float, *text: Any, **how: Any) -> None:
        """Some text; an SVG counts from above."""
        self.svg.draw_text(gc, x, self.svg.height - y, *text, **how)
        self.pdf.draw_text(gc, x, y, *text, **how)


def save(
    figure: Figure, stem: Path, title: str, description: str, provenance: Mapping[str, Any]
) -> None:
    """SVG, PDF and PNG of a figure at ``stem``, the same bytes on every run, with where it comes
    from among their metadata.

    What a figure has as pixels has those of its own dpi in all three.
    """
    source = json.dumps(provenance)
    svg, pdf, png = (stem.with_name(stem.name + suffix) for suffix in (".svg", ".pdf", ".png"))
    draw(
        figure,
        (svg, {"Title": title, "Description": description, "Date": None, "Source": source}),
        (pdf, {"Title": title, "Subject": description, "CreationDate": None, "Keywords": source}),
    )
    about = PngInfo()
    for name, text in (("Title", title), ("Description", description), ("Source", source)):
        about.add_text(name, text)
    # drawn by matplotlib it would take as long as both
    dpi = (figure.dpi, figure.dpi)
    pixels(pdf, figure.dpi).save(png, pnginfo=about, dpi=dpi, compress_level=3)


def draw(
    figure: Figure, svg: tuple[Path, Mapping[str, Any]], pdf: tuple[Path, Mapping[str, Any]]
) -> None:
    """Both vector files, each given with its metadata."""
    dpi, (width, height) = figure.dpi, figure.get_size_inches()
    document: Any = PdfFile(*pdf)  # type: ignore[no-untyped-call]
    document.newPage(width, height)
    with svg[0].open("w", encoding="utf-8") as file:
        size = (width * POINTS, height * POINTS)
        on_svg: Any = RendererSVG(*size, file, None, dpi, metadata=svg[1])  # type: ignore[no-untyped-call]
        on_pdf: Any = RendererPdf(document, dpi, height, width)  # type: ignore[no-untyped-call]
        figure.dpi = POINTS
        figure.draw(Both(on_svg, on_pdf))
        figure.dpi = dpi
        on_svg.finalize()
    on_pdf.finalize()
    document.finalize()
    document.close()


def pixels(path: Path, dpi: float) -> Picture:
    """The page of a PDF as a picture, pixel by pixel of the images in it, which have that dpi."""
    hair = HAIR * POINTS / dpi
    with pypdfium2.PdfDocument(path) as document:
        page = document[0]
        for image in page.get_objects(filter=[FPDF_PAGEOBJ_IMAGE]):
            # one that reaches over its last pixel by a rounding error would be stretched by one
            wide, _, _, high, left, low = image.get_matrix().get()
            fit = (wide - 2 * hair, 0, 0, high - 2 * hair, left + hair, low + hair)
            image.set_matrix(pypdfium2.PdfMatrix(*fit))
        # and so would be the page
        scale = dpi / POINTS * (1 - 1e-6)
        picture: Picture = page.render(scale=scale, no_smoothimage=True).to_pil()
    return picture
