"""Page sizes side by side: waste and memmap of the same layouts."""

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator
from matplotlib.typing import ColorType
from numpy.typing import ArrayLike

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import (
    MARGIN,
    PAGE_WIDTH,
    PART_COLOURS,
    byte_axis,
    draw_bars,
    heights,
    sheet,
)
from memmap_atlas.text.labels import size_label

# inches
TOP, ROW, FOOT, LETTER = 0.68, 0.3, 0.72, 0.056
RAM, GAP, BETWEEN = 0.62, 0.12, 0.3
MARKERS = ("o", "s", "D", "^", "v")


def granule_rows(source: Source) -> FigureData:
    """Return needed and wasted memmap of each layout and page size, for default models and the
    section sizes that ship.
    """
    rows = source.rows([*POINT, *STATE, "needed_bytes", "wasted_bytes"], own_section=True)
    rows = source.default_models(rows)
    order = {name: index for index, name in enumerate(source.sweep.regions)}
    rows = rows.sort_values("page_bytes", kind="stable")
    rows = rows.sort_values("layout", kind="stable", key=lambda names: names.map(order))
    return FigureData(rows.reset_index(drop=True))


def granule_figure(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each layout: dots of waste on the left, bars in per cent of RAM on the
    right.
    """
    rows = data.rows
    layouts = list(dict.fromkeys(rows["layout"]))
    pages = sorted(rows["page_bytes"].unique())
    colours = dict(zip(pages, sns.color_palette("mako", len(pages) + 1)[:-1], strict=True))
    markers = dict(zip(pages, (MARKERS * len(pages))[: len(pages)], strict=True))
    body = ROW * len(layouts)
    page = sheet(titles.title, titles.subtitle, TOP + body + FOOT)
    left = MARGIN + LETTER * max(len("layout"), *map(len, layouts)) + RAM + GAP
    wide = (PAGE_WIDTH - MARGIN - left - BETWEEN - GAP) / 2
    dots = page.axes(left, TOP, wide, body)
    bars = page.axes(left + wide + BETWEEN, TOP, wide, body)
    floor = byte_axis(dots.xaxis, rows["wasted_bytes"].dropna(), most=5)
    for axes in (dots, bars):
        axes.set(ylim=(len(layouts), 0), yticks=[])
        axes.spines[["left", "right", "top"]].set_visible(False)
        axes.hlines(
            range(1, len(layouts)),
            0,
            1,
            color="#ececec",
            lw=0.5,
            transform=axes.get_yaxis_transform(),
        )
    step = 0.76 / len(pages)
    for index, size in enumerate(pages):
        of_size = rows[rows["page_bytes"] == size]
        y = of_size["layout"].map(layouts.index).to_numpy() + 0.12 + step * (index + 0.5)
        feasible = of_size["wasted_bytes"].notna().to_numpy()
        x = heights(of_size["wasted_bytes"][feasible].astype(np.float64), floor)
        dots.scatter(
            x, y[feasible], s=13, marker=markers[size], color=[colours[size]], lw=0, zorder=3
        )
        bar_of(bars, of_size[feasible], y[feasible], step, colours[size])
    bars.set_xlim(left=0)
    bars.xaxis.set_major_locator(MaxNLocator(5))
    bars.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    for text, at, side in (
        ("layout", MARGIN, "left"),
        ("RAM", left - GAP, "right"),
        ("Wasted memmap", left, "left"),
        ("Memmap in per cent of RAM", left + wide + BETWEEN, "left"),
    ):
        page.write(text, at, TOP - 0.05, weight="bold", ha=side, va="bottom")
    ram = rows.groupby("layout")["ram_bytes"].first()
    for index, layout in enumerate(layouts):
        middle = TOP + ROW * (index + 0.5)
        page.write(layout, MARGIN, middle, va="center_baseline")
        words = size_label(ram[layout])
        page.write(words, left - GAP, middle, ha="right", va="center_baseline")
    handles: list[Line2D | Patch] = [
        Line2D([], [], marker=markers[size], color=colours[size], lw=3.5, ms=4) for size in pages
    ]
    names = [
        f"{kernel}, sections of {size_label(section)}"
        for size in pages
        for kernel, section in [
            rows[rows["page_bytes"] == size][["kernel", "section_bytes"]].iloc[0]
        ]
    ]
    page.figure.legend(
        [*handles, Patch(facecolor=PART_COLOURS["hole"])],
        [*names, "wasted"],
        loc="lower left",
        bbox_to_anchor=(MARGIN / PAGE_WIDTH, 0.06 / (TOP + body + FOOT)),
        ncols=2,
        frameon=False,
        borderpad=0,
        handlelength=1.6,
    )
    return page.figure


def bar_of(axes: Axes, rows: pd.DataFrame, y: ArrayLike, step: float, colour: ColorType) -> None:
    """Draw needed memmap in the colour of the page size, and wasted memmap behind it."""
    needed = rows["needed_bytes"] / rows["ram_bytes"] * 100
    wasted = rows["wasted_bytes"] / rows["ram_bytes"] * 100
    high = step * 0.86
    draw_bars(axes, y, 0, needed, high, colour)
    draw_bars(axes, y, needed, wasted, high, PART_COLOURS["hole"])
