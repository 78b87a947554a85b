"""The files of a picture: SVG, PDF and PNG.

The same data gives the same bytes: no time, machine or random name goes into a file.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pypdfium2
from matplotlib.figure import Figure
from PIL.Image import Image as Picture
from PIL.PngImagePlugin import PngInfo
from pypdfium2.raw import FPDF_PAGEOBJ_IMAGE

from memmap_atlas.figures.one_pass import POINTS, VectorFile, draw_both
from memmap_atlas.figures.pdf_fonts import without_layout_tables
from memmap_atlas.figures.style import atlas_style

# pixels: more than a rounding error, less than can be seen
HAIR = 0.01


def save(
    figure: Figure, stem: Path, title: str, description: str, provenance: Mapping[str, Any]
) -> None:
    """Write SVG, PDF and PNG of a figure at ``stem``, the same bytes on every run, with title,
    description and provenance as metadata.

    Images in a figure have one pixel for each of the figure's own dpi in all three.
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
    # from the PDF: matplotlib would take as long as for both others
    dpi = (figure.dpi, figure.dpi)
    pixels(pdf, figure.dpi).save(png, pnginfo=about, dpi=dpi, compress_level=3)


def draw(figure: Figure, svg: VectorFile, pdf: VectorFile) -> None:
    """Write both vector files, each given with its metadata."""
    with atlas_style(), without_layout_tables():
        if draw_both(figure, svg, pdf):
            return
        for kind, (path, metadata) in (("svg", svg), ("pdf", pdf)):
            figure.savefig(path, format=kind, metadata=metadata, dpi=figure.dpi)


def pixels(path: Path, dpi: float) -> Picture:
    """Return the page of a PDF as pixels of ``dpi``, which is that of the images in it."""
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
