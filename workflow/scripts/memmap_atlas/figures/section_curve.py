"""Waste against section size, with the price of the sections themselves on the same axis."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import (
    COLUMN_WIDTH,
    FAINT,
    INK,
    LINES,
    byte_axis,
    forbidden_span,
    heights,
    sheet,
    spread,
)
from memmap_atlas.text.labels import size_label

# inches
LEFT, TOP, WIDE, HIGH, FOOT = 0.62, 0.74, 1.62, 2.75, 0.55
MOST_LABELS = 10
PRICE = INK


def section_curve_rows(source: Source) -> FigureData:
    """Return waste and sections' own bytes of the default model, at every section size."""
    own_bytes = ["section_table_bytes", "usage_bytes"]
    rows = source.default_models(source.rows([*POINT, *STATE, "wasted_bytes", *own_bytes]))
    own = {name: kernel.section_size for name, kernel in source.sweep.kernels.items()}
    price = rows[own_bytes].sum(axis=1, skipna=False)
    rows = rows.assign(sections_bytes=price, ships=rows["section_bytes"] == rows["kernel"].map(own))
    order = {name: index for index, name in enumerate(source.sweep.regions)}
    return FigureData(
        rows.drop(columns=own_bytes)
        .sort_values("section_bytes", kind="stable")
        .sort_values("layout", kind="stable", key=lambda names: names.map(order))
        .reset_index(drop=True)
    )


def section_curve(data: FigureData, titles: Titles) -> Figure:
    """Return a line for each layout over log2 of the section size, labelled at its end."""
    rows = data.rows
    page = sheet(titles.title, titles.subtitle, TOP + HIGH + FOOT, COLUMN_WIDTH)
    axes = page.axes(LEFT, TOP, WIDE, HIGH)
    sizes = np.array(sorted(rows["section_bytes"].unique()), dtype=np.float64)
    x = np.log2(sizes)
    feasible = rows[rows["feasible"]]
    shown = np.concatenate([feasible["wasted_bytes"], feasible["sections_bytes"]]).astype(
        np.float64
    )
    floor = byte_axis(axes.yaxis, shown)
    axes.set_xlim(x[0] - 0.5, x[-1] + 0.5)
    ticks = x[:: 1 if len(x) <= 6 else 2]
    labels = [size_label(2.0**tick).replace(" ", "\n") for tick in ticks]
    axes.set_xticks(ticks, labels)
    axes.set_xlabel("section size", labelpad=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#e9e9e9", lw=0.5)
    axes.set_axisbelow(True)
    forbid(axes, rows)
    ends: dict[str, tuple[float, str]] = {}
    layouts = list(feasible.groupby("layout", sort=False))
    for index, (layout, line) in enumerate(layouts):
        y = heights(line["wasted_bytes"], floor)
        colour = LINES[index % len(LINES)] if len(layouts) <= MOST_LABELS else "#9fb3bd"
        lx = np.log2(line["section_bytes"].to_numpy(dtype=np.float64))
        axes.plot(lx, y, "-o", color=colour, ms=2, lw=1.1, clip_on=False)
        ends[str(layout)] = (y[-1], colour)
    if feasible.size:
        price = feasible.groupby("section_bytes")["sections_bytes"].max()
        y = heights(price, floor)
        axes.plot(np.log2(price.index.to_numpy(dtype=float)), y, "--", color=PRICE, lw=1.3)
        worst = sorted(ends, key=lambda name: -ends[name][0])[:MOST_LABELS]
        labels_at_end(axes, {name: ends[name] for name in worst}, y[-1], x[-1] + 0.4)
    mark_shipped(axes, rows)
    return page.figure


def labels_at_end(axes: Axes, ends: dict[str, tuple[float, str]], price: float, x: float) -> None:
    """Write names at the ends of lines, moved apart where they would touch."""
    names = {**ends, "sections themselves": (price, PRICE)}
    low, high = axes.get_ylim()
    least = 0.125 / HIGH * (high - low)
    label_heights = spread([y for y, _ in names.values()], least)
    for (name, (_, colour)), y in zip(names.items(), label_heights, strict=True):
        axes.text(x, y, name, color=colour, va="center_baseline", clip_on=False)


def forbid(axes: Axes, rows: pd.DataFrame) -> None:
    """Hatch the section sizes that no layout may have, and write the rule along them."""
    by_size = rows.groupby("section_bytes")
    any_feasible = by_size["feasible"].any()
    bad = list(any_feasible.index[~any_feasible.astype(bool)])
    reasons = by_size["reason"].first()
    low, _ = axes.get_ylim()
    for reason in dict.fromkeys(reasons[size] for size in bad):
        mine = np.log2([size for size in bad if reasons[size] == reason])
        forbidden_span(axes, mine.min() - 0.5, mine.max() + 0.5)
        box = {"facecolor": "white", "edgecolor": "none", "pad": 1.2}
        words = str(reason).replace("section smaller than", "smaller than")
        axes.text(
            mine.mean(), low + 0.3, words, rotation=90, ha="center", va="bottom", bbox=box, zorder=6
        )


def mark_shipped(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw a line at the section size that the kernel ships with."""
    ships = rows[rows["ships"]]["section_bytes"]
    if len(ships):
        x, (_, top) = np.log2(float(ships.iloc[0])), axes.get_ylim()
        axes.axvline(x, color=FAINT, lw=0.7, ls=(0, (1, 2)), zorder=0)
        axes.text(x, top, "ships", ha="center", va="bottom", color=INK)
