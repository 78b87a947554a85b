"""Parts of the cost of named layouts."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import PARTS, POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import (
    FAINT,
    MARGIN,
    PAGE_WIDTH,
    PART_COLOURS,
    draw_bars,
    part_key,
    sheet,
)
from memmap_atlas.text.labels import size_label

BESIDE = [part for part in PARTS if part != "needed"]
# inches
TOP, ROW, FOOT, LETTER = 0.68, 0.152, 0.85, 0.056
RAM, WHOLE, BYTES, GAP = 0.62, 2.0, 0.7, 0.12


def breakdown_rows(source: Source) -> FigureData:
    """Return all parts of the cost of each layout, for the default model and the section size that
    ships; layouts whose cost beyond the needed struct pages is largest relative to RAM come first.
    """
    rows = source.rows([*POINT, *STATE, *PARTS.values()], own_section=True)
    rows = source.default_models(rows)
    beside = rows[[PARTS[part] for part in BESIDE]].sum(axis=1, skipna=False)
    rows = rows.assign(beside_bytes=beside, share=beside / rows["needed_bytes"])
    order = rows.sort_values("share", ascending=False, kind="stable").drop(columns="share")
    return FigureData(order.reset_index(drop=True))


def breakdown_figure(data: FigureData, titles: Titles) -> Figure:
    """Return a row for each layout: on the left all parts in per cent of RAM, on the right the
    parts beyond the needed struct pages in per cent of their sum.
    """
    rows = data.rows
    body = ROW * len(rows)
    page = sheet(titles.title, titles.subtitle, TOP + body + FOOT)
    names = LETTER * max(len("layout"), *(len(name) for name in rows["layout"]))
    left = MARGIN + names + RAM + GAP
    right = left + WHOLE + BYTES + 2 * GAP
    whole = page.axes(left, TOP, WHOLE, body)
    beside = page.axes(right, TOP, PAGE_WIDTH - 3.5 * MARGIN - right, body)
    for axes in (whole, beside):
        axes.set(ylim=(len(rows), 0), yticks=[])
        axes.spines[["left", "right", "top"]].set_visible(False)
    feasible = rows["needed_bytes"].notna()
    stack(whole, rows, list(PARTS), rows["ram_bytes"])
    whole.set_xlim(left=0)
    whole.set_xlabel("in per cent of RAM", labelpad=2)
    whole.xaxis.set_major_locator(MaxNLocator(4))
    stack(beside, rows, BESIDE, rows["beside_bytes"].where(rows["beside_bytes"] > 0, 1))
    beside.set_xlim(0, 100)
    beside.set_xlabel("of it, in per cent", labelpad=2)
    for axes in (whole, beside):
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    bytes_at = right - GAP
    for text, x, side in (
        ("layout", MARGIN, "left"),
        ("RAM", left - GAP, "right"),
        ("memmap and all that it takes", left, "left"),
        ("beyond needed", bytes_at, "right"),
        ("what that is", right, "left"),
    ):
        page.write(text, x, TOP - 0.05, weight="bold", ha=side, va="bottom")
    for index, row in enumerate(rows.to_dict("records")):
        y = TOP + ROW * (index + 0.5)
        page.write(row["layout"], MARGIN, y, va="center_baseline")
        page.write(size_label(row["ram_bytes"]), left - GAP, y, ha="right", va="center_baseline")
        if feasible.iloc[index]:
            text = size_label(row["beside_bytes"])
            page.write(text, bytes_at, y, ha="right", va="center_baseline")
        else:
            page.write(f"infeasible: {row['reason']}", left, y, va="center_baseline", color=FAINT)
    there = [part for part in PARTS if rows[PARTS[part]].fillna(0).any()]
    part_key(page.figure, there, "upper right", PAGE_WIDTH - MARGIN, TOP + body + FOOT - 0.36)
    return page.figure


def stack(axes: Axes, rows: pd.DataFrame, parts: list[str], of: pd.Series) -> None:
    """Draw bars of ``parts`` end to end, each row in per cent of ``of``."""
    so_far = pd.Series(0.0, index=rows.index)
    for part in parts:
        share = (rows[PARTS[part]] / of * 100).fillna(0)
        drawn = np.flatnonzero(share)
        start, length = so_far.iloc[drawn], share.iloc[drawn]
        draw_bars(axes, drawn + 0.5, start, length, 0.76, PART_COLOURS[part])
        so_far = so_far + share
