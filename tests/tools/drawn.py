"""Figures drawn for tests, from sweeps of a few layouts that have what each kind needs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import yaml
from matplotlib.artist import Artist
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.cm import ScalarMappable
from matplotlib.collections import Collection
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.lines import Line2D
from matplotlib.transforms import Bbox
from memmap_atlas.catalog.boards import load_boards
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.figures.data import FigureData, Source
from memmap_atlas.figures.draw import draw, rows_of
from memmap_atlas.figures.registry import FIGURES, figures_of
from memmap_atlas.lab.tables import read_rows
from memmap_atlas.sweep.evaluate import points, strips
from memmap_atlas.sweep.layouts import blocks, layouts_of
from memmap_atlas.sweep.tables import write_memmap, write_strips
from memmap_atlas.sweepfile.sweeps import load_sweep
from numpy.typing import NDArray

from tests.tools.paths import ROOT

Colour = str | tuple[float, float, float] | tuple[float, float, float, float]

SWEEP = """
name: drawn
layouts:
  grid:
    ram_size: [1GiB, 2GiB, 4GiB]
    hole_start: {from: 0, to: 3GiB, step: 256MiB}
    hole_size: [512MiB]
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
    ragged: [[0x1000, 0x9f000], [0x100000, 0x7fe0000]]
kernels: [arm64-5.10-64k, arm64-5.10-4k]
section_size: [kernel, 128MiB]
models: all
figures: [waste-heatmap, kernel-heatmap, layout-heatmap, section-heatmap]
"""


OTHERS = [
    """
name: strips
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
    far: [[0x80000000, 0xff000000], [0x880000000, 0xa00000000]]
kernels: [arm64-5.10-4k, arm64-5.10-64k]
section_size: [kernel, 128MiB]
models: [flatmem-free, vmemmap, vmemmap-populated]
figures: [section-strip]
""",
    """
name: holes
layouts:
  grid:
    ram_size: [2GiB]
    hole_start: {from: 1GiB, to: 2GiB, step: 128MiB}
    hole_size: {from: 128MiB, to: 2GiB, step: 128MiB}
kernels: [arm64-5.10-4k]
section_size: [kernel, 256MiB]
models: [sparsemem-free, vmemmap]
figures: [alignment, regret-heatmap]
""",
    """
name: choices
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
    ragged: [[0x1000, 0x9f000], [0x100000, 0x7fe0000]]
  machines: [juno]
custom_kernels: {a-kernel-with-a-name-of-forty-characters: {extends: arm64-5.10-4k}}
kernels: [arm64-5.10-4k, a-kernel-with-a-name-of-forty-characters]
section_size: [2MiB, 8MiB, 64MiB, 128MiB, 512MiB, 1GiB]
models: all
figures: [section-curve, best-choice, breakdown]
""",
    """
name: granules
layouts:
  machines: [juno, hikey, ax3000-evk]
kernels: [arm64-6.12-64k, arm64-6.12-4k, arm64-6.12-16k]
models: [vmemmap]
figures: [granules]
""",
    """
name: releases
layouts:
  machines: [ax3000-evk]
kernels: [arm64-6.12-4k, arm64-4.6-4k, arm64-5.10-4k]
models: [vmemmap]
figures: [timeline]
""",
    """
name: boards
layouts:
  boards: [mips, arm64]
kernels: [arm64-5.10-4k, arm64-5.12-4k]
models: [vmemmap]
figures: [boards]
""",
]
MACHINES = load_machines(ROOT / "config/machines.yaml")
BOARDS = load_boards(ROOT / "config/boards.tsv")
EVIDENCE = read_rows(ROOT / "workflow/resources/evidence.parquet")


@dataclass(frozen=True)
class Made:
    """A figure with what it draws, and the whole table that its rows are from."""

    drawing: Drawing
    drawn: FigureData
    table: pd.DataFrame
    source: Source


def made_figures(folder: Path, text: str, further: Sequence[str] = ()) -> dict[str, Made]:
    """Draw the figures of a sweep, and those of ``further`` kinds that it has enough for."""
    (folder / "sweep.yaml").write_text(text)
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    path = folder / "sweep.yaml"
    sweep = load_sweep(path, "sweep.yaml", entries, MACHINES, 10**7, BOARDS)
    able = [kind for kind in further if not FIGURES[kind].lacks(sweep)]
    sweep = replace(sweep, figures=(*sweep.figures, *able))
    layouts = layouts_of(sweep)
    part, kept = folder / "part.parquet", folder / "strips.parquet"
    write_memmap(part, points(blocks(sweep, sweep.layouts_per_group), sweep), sweep, {})
    if any(FIGURES[kind].needs_strips for kind in sweep.figures):
        write_strips(kept, strips(layouts, sweep), layouts.names, {})
    table = pd.read_parquet(part)
    table = table.astype(dict.fromkeys(table.select_dtypes("category").columns, object))
    found = {}
    for figure in figures_of(sweep):
        source = Source(figure, sweep, [part], kept, EVIDENCE)
        drawn = rows_of(source)
        found[figure.name] = Made(draw(source, drawn), drawn, table, source)
    return found


def drawn_figures(folder: Path, text: str) -> dict[str, tuple[Drawing, FigureData]]:
    return {name: (one.drawing, one.drawn) for name, one in made_figures(folder, text).items()}


# Matplotlib's own types say "array-like", or nothing: what is drawn, as arrays


def values_of(drawn: ScalarMappable) -> NDArray[np.float64]:
    """Return the values of an image or mesh; masked cells are NaN."""
    values = drawn.get_array()
    assert values is not None
    return np.asarray(np.ma.filled(values, np.nan), dtype=np.float64)


def offsets_of(collection: Collection) -> NDArray[np.float64]:
    """Return the places of a collection's markers, one row (x, y) a marker."""
    return np.asarray(collection.get_offsets(), dtype=np.float64)


def line_of(line: Line2D) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return x and y of a line's points."""
    x, y = line.get_data()
    return np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)


def rgb_of(colour: Colour) -> NDArray[np.float64]:
    """Return red, green and blue of a colour, each from 0 to 1."""
    red, green, blue = to_rgb(colour)
    return np.array([red, green, blue])


def face_of(collection: Collection) -> str:
    """Return the fill of a collection's first member, as #rrggbb."""
    red, green, blue, _ = np.asarray(collection.get_facecolor(), dtype=np.float64)[0]
    return to_hex((red, green, blue))


def tight_box(drawing: Drawing) -> Bbox:
    """Return the extent of all that a figure draws, in inches."""
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves it without types
    return drawing.get_tightbbox(canvas.get_renderer())  # type: ignore[no-untyped-call]


def extents_of(drawing: Drawing, artists: Iterable[Artist]) -> list[Bbox]:
    """Return the extent of each artist of a figure, in pixels."""
    canvas = FigureCanvasAgg(drawing)
    canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib leaves it without types
    renderer = canvas.get_renderer()  # type: ignore[no-untyped-call]
    return [artist.get_window_extent(renderer) for artist in artists]
