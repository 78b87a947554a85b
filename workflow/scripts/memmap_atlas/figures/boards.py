"""Distribution of the waste of many boards under each kernel, and the worst of them."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import (
    INK,
    LINES,
    MARGIN,
    PAGE_WIDTH,
    Sheet,
    byte_axis,
    heights,
    sheet,
    spread,
)
from memmap_atlas.text.labels import size_label

# inches
TOP, HIGH, FOOT, LEFT, SHARE, GAP, LETTER = 0.72, 2.85, 0.42, 0.5, 2.35, 0.22, 0.056
TABLE = 0.42
WORST = 16
LONGEST = 36


def board_rows(source: Source) -> FigureData:
    """Return waste of every board under each kernel's default model and section size."""
    columns = [*POINT, *STATE, "needed_bytes", "wasted_bytes"]
    return FigureData(source.default_models(source.rows(columns, own_section=True)))


def board_figure(data: FigureData, titles: Titles) -> Figure:
    """Return the share of boards over their waste on the left; on the right the worst, by name."""
    rows = data.rows
    kernels = list(dict.fromkeys(rows["kernel"]))
    colours = dict(zip(kernels, LINES, strict=False))
    summary = TABLE + 0.14 * len(kernels)
    page = sheet(titles.title, titles.subtitle, TOP + HIGH + FOOT + summary)
    axes = page.axes(LEFT, TOP, SHARE, HIGH)
    floor = byte_axis(axes.xaxis, rows["wasted_bytes"].dropna(), most=5)
    page.write("Share of boards that waste at most so much", LEFT, TOP - 0.2, weight="bold")
    distribution(axes, rows, colours, floor)
    worst = worst_of(rows)
    names = [name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…" for name in worst]
    left = LEFT + SHARE + GAP
    dots_left = left + LETTER * max(map(len, names)) + 0.1
    dots = page.axes(dots_left, TOP, PAGE_WIDTH - MARGIN - 0.16 - dots_left, HIGH)
    byte_axis(dots.xaxis, rows["wasted_bytes"].dropna(), most=4)
    page.write("The worst", left, TOP - 0.2, weight="bold")
    for index, name in enumerate(names):
        page.write(name, left, TOP + HIGH * (index + 0.5) / len(names), va="center_baseline")
    lollipops(dots, rows, worst, colours, floor)
    top = TOP + HIGH + FOOT
    heading(page, top)
    for index, kernel in enumerate(kernels):
        counts(page, rows[rows["kernel"] == kernel], top + 0.14 * (index + 1), colours[kernel])
    return page.figure


def distribution(axes: Axes, rows: pd.DataFrame, colours: dict[str, str], floor: float) -> None:
    """Draw a step line for each kernel, from the share of boards without waste up to all."""
    low, high = axes.get_xlim()
    starts = []
    for kernel, colour in colours.items():
        waste = np.sort(rows[rows["kernel"] == kernel]["wasted_bytes"].dropna().to_numpy())
        share = (np.arange(len(waste)) + 1) / max(len(waste), 1) * 100
        x, y = heights(waste, floor), share
        none = float(share[waste == 0][-1]) if (waste == 0).any() else 0.0
        wasteful = waste > 0
        axes.step(
            [low, *x[wasteful], high],
            [none, *y[wasteful], y[-1] if len(y) else 0],
            where="post",
            color=colour,
            lw=1.3,
        )
        starts.append(none)
    bottom = max(min(starts, default=0) - 8, 0)
    axes.set(ylim=(bottom, 100.8))
    label_heights = spread(starts, (100 - bottom) * 0.055)
    for none, label_height, colour in zip(starts, label_heights, colours.values(), strict=True):
        axes.text(floor, label_height + 0.7, f"{none:.0f} %", color=colour, va="bottom")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axes.set_xlabel("wasted memmap", labelpad=2)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#ececec", lw=0.5)


def worst_of(rows: pd.DataFrame) -> list[str]:
    """Return the boards with most waste under any kernel, in descending order; one of several with
    the same waste everywhere.
    """
    table = rows.pivot(index="layout", columns="kernel", values="wasted_bytes").fillna(0)
    table = table.assign(most=table.max(axis=1), name=table.index)
    table = table.sort_values(["most", "name"], ascending=[False, True])
    return list(table.drop_duplicates([*rows["kernel"].unique()])["name"][:WORST])


def lollipops(
    axes: Axes, rows: pd.DataFrame, worst: list[str], colours: dict[str, str], floor: float
) -> None:
    """Draw a line for each board, with a dot for each kernel."""
    table = rows[rows["layout"].isin(worst)].pivot(
        index="layout", columns="kernel", values="wasted_bytes"
    )
    y = np.arange(len(worst)) + 0.5
    waste_of = {
        kernel: heights(table.loc[worst, kernel].to_numpy(dtype=np.float64), floor)
        for kernel in colours
    }
    every = np.array(list(waste_of.values()))
    axes.hlines(y, every.min(axis=0), every.max(axis=0), color="#c9c9c9", lw=1, zorder=1)
    for index, (kernel, x) in enumerate(waste_of.items()):
        axes.scatter(x, y, s=15, color=colours[kernel], lw=0, zorder=len(waste_of) + 2 - index)
    axes.set(ylim=(len(worst), 0), yticks=[])
    axes.spines[["left", "right", "top"]].set_visible(False)
    axes.grid(axis="x", color="#ececec", lw=0.5)
    axes.set_axisbelow(True)
    axes.set_xlabel("wasted memmap", labelpad=2)


COLUMNS_AT = {"waste some": 3.35, "more than 1 MiB": 4.45, "the worst": 5.35, "all together": 6.35}


def heading(page: Sheet, top: float) -> None:
    """Write the headings of the summary's columns."""
    page.write("kernel and section", LEFT, top, weight="bold")
    for name, x in COLUMNS_AT.items():
        page.write(name, x, top, weight="bold", ha="right")


def counts(page: Sheet, rows: pd.DataFrame, top: float, colour: str) -> None:
    """Write waste of the boards under one kernel as numbers."""
    waste = rows["wasted_bytes"].dropna()
    first = rows.iloc[0]
    name = f"{first['kernel']}, {size_label(first['section_bytes'])}"
    page.write(name, LEFT, top, color=colour)
    values = (
        f"{int((waste > 0).sum()):,} of {len(waste):,}",
        f"{int((waste > 1 << 20).sum()):,}",
        size_label(waste.max()) if len(waste) else "",
        size_label(waste.sum()),
    )
    for text, x in zip(values, COLUMNS_AT.values(), strict=True):
        page.write(text, x, top, ha="right", color=INK)
