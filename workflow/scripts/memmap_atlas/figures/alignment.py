"""Alignment against size: waste of every hole of a plane, by its size and by the alignment of its
edges.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import PLANE, STATE, WASTE, FigureData, Source
from memmap_atlas.figures.plane_heatmap import (
    Panel,
    axis_label,
    cells,
    draw_panel,
    key_entries,
    label_axes,
)
from memmap_atlas.figures.style import FAINT, INK, dot_area, draw_key, sheet
from memmap_atlas.text.labels import size_label

GIB = 1 << 30
# inches
LEFT, TOP, PLANE_WIDTH, PLANE_HEIGHT, KEY = 0.45, 0.66, 2.9, 2.55, 1.2
RIGHT, RIGHT_WIDTH, UPPER, LOWER = 4.55, 2.38, 0.98, 0.95
# how many of a hole's two edges lie on section edges
EDGES = {2: "both edges on\nsection edges", 1: "one of them", 0: "neither"}


def alignment_rows(source: Source) -> FigureData:
    """Return waste of each hole under each kernel's default model and section size, with the number
    of its edges on section edges.
    """
    columns = [*PLANE, "kernel", "section_bytes", "model", *STATE, WASTE.value]
    pieces = map(with_aligned_edges, source.pieces(columns, own_section=True))
    own = (source.default_models(rows) for rows in pieces)
    keys = ["kernel", "section_bytes", "model", "aligned_edges", WASTE.value]
    return FigureData(cells(source, own, keys, WASTE.value), source.scale(1))


def with_aligned_edges(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with the number of edges of their hole on section edges, 0 to 2."""
    start, size, section = (
        rows[name] for name in ("hole_start_bytes", "hole_size_bytes", "section_bytes")
    )
    aligned = (start % section == 0).astype(int) + ((start + size) % section == 0)
    return rows.assign(aligned_edges=aligned)


def alignment_figure(data: FigureData, titles: Titles) -> Figure:
    """Return the plane of holes on the left; on the right their waste by size, and by aligned
    edges.
    """
    rows = data.rows
    height = TOP + PLANE_HEIGHT + KEY
    page = sheet(titles.title, titles.subtitle, height)
    model, section = str(rows["model"].iloc[0]), int(rows["section_bytes"].iloc[0])
    page.write(f"{model}, sections of {size_label(section)}", LEFT, TOP - 0.2, weight="bold")
    plane = page.axes(LEFT, TOP, PLANE_WIDTH, PLANE_HEIGHT)
    # a cell of several holes has a row for each waste: the most is drawn
    most = rows.sort_values(WASTE.value, na_position="first", kind="stable")
    most = most.drop_duplicates(["hole_start_bytes", "hole_size_bytes"], keep="last")
    draw_panel(plane, Panel(model, None, most), "hole_size_bytes", data)
    plane.set_title("")
    label_axes(plane, axis_label("hole_size_bytes"), lowest=True)
    bar = page.axes(LEFT, TOP + PLANE_HEIGHT + 0.72, 2.9, 0.14)
    entries = [entry for entry in key_entries(rows, "hole_size_bytes") if "edge" in entry[1]]
    draw_key(page.figure, bar, data.scale, entries, data.key.called, upright=False)
    page.write("By size (area: number of holes)", RIGHT, TOP - 0.2, weight="bold")
    by_size = page.axes(RIGHT, TOP, RIGHT_WIDTH, UPPER)
    counted(by_size, rows, "hole_size_bytes")
    by_size.set_xlabel(axis_label("hole_size_bytes"), labelpad=2)
    by_size.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
    by_size.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    lower = TOP + PLANE_HEIGHT - LOWER
    page.write("By alignment", RIGHT, lower - 0.2, weight="bold")
    by_edges = page.axes(RIGHT, lower, RIGHT_WIDTH, LOWER)
    counted(by_edges, rows, "aligned_edges")
    by_edges.set(xlim=(2.5, -0.5))
    by_edges.set_xticks(list(EDGES), list(EDGES.values()))
    by_edges.tick_params(axis="x", length=0)
    write_counts(by_edges, rows)
    return page.figure


def holes_by(rows: pd.DataFrame, by: Sequence[str]) -> pd.DataFrame:
    """Return the number of holes for each value of ``by``, as ``holes``."""
    holes = rows.assign(holes=rows.get("points", 1))
    return holes.groupby(list(by))["holes"].sum().reset_index()


def counted(axes: Axes, rows: pd.DataFrame, by: str) -> None:
    """Draw a dot for each value of ``by`` and waste; its area is their share of the holes, for
    sizes of the holes of one size.
    """
    of_size = by.endswith("_bytes")
    holes = holes_by(rows, [by])["holes"]
    steps = int(holes.max() if of_size else holes.sum())
    feasible = rows[rows["feasible"]]
    counts = holes_by(feasible, [by, WASTE.value])
    x = counts[by] / GIB if of_size else counts[by]
    largest = 14.0 if of_size else 260.0
    area = dot_area(counts["holes"].to_numpy(), steps, largest)
    axes.scatter(x, counts["wasted_bytes"], s=area, color=INK, linewidth=0, clip_on=False)
    high = feasible["wasted_bytes"].max()
    pad = 0.12 * (high or 1)
    axes.set(ylim=(-pad, high + pad))
    axes.yaxis.set_major_locator(MaxNLocator(4, steps=[1, 2, 4, 8, 10]))
    ticks = sorted({0, *feasible["wasted_bytes"].unique().tolist()})
    if len(ticks) > 6:
        ticks = [ticks[round(position)] for position in np.linspace(0, len(ticks) - 1, 5)]
    axes.set_yticks(ticks, ["none" if tick == 0 else size_label(tick) for tick in ticks])
    axes.grid(axis="y", color="#e3e3e3", lw=0.5)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_ylabel("wasted memmap", labelpad=3)


def write_counts(axes: Axes, rows: pd.DataFrame) -> None:
    """Write the number of holes beside each dot."""
    counts = holes_by(rows[rows["feasible"]], ["aligned_edges", WASTE.value])
    for edges, waste, count in counts.itertuples(index=False):
        axes.text(edges - 0.2, waste, f"{count:,}", va="center_baseline", color=FAINT)
