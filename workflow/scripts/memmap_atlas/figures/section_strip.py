"""Section strips: the addresses of one layout for which each kernel keeps struct pages, the use of
these, and bytes of booted kernels.
"""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from numpy.typing import NDArray

from memmap_atlas.catalog.evidence import booted_on
from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import (
    FAINT,
    FORBIDDEN,
    HATCH,
    INK,
    MARGIN,
    PAGE_WIDTH,
    PART_COLOURS,
    draw_bars,
    forbidden_patch,
    key_line,
    sheet,
)
from memmap_atlas.memmodel.backing import PARTS
from memmap_atlas.sweep.design import PROPOSALS
from memmap_atlas.text.labels import size_label

Floats = NDArray[np.float64]

GIB = 1 << 30
# inches
TOP, ROW, GROUP, FOOT = 0.62, 0.165, 0.27, 0.82
NAMES, NUMBER, BOOTED, GAP = 1.2, 0.56, 1.12, 0.1
BAR = 0.78  # of a row
MOST_EDGES = 80
# a hole wider than this share of all RAM is drawn so wide
WIDEST_GAP, BREAK = 1.0, 0.3
RAM = "RAM"


def strip_rows(source: Source) -> FigureData:
    """Return a row for each stretch of each strip, one for a strip that keeps none, and RAM itself
    as stretches; with the bytes of the strip, and the least and the most that booted kernels kept.
    """
    columns = [*POINT, *STATE, "memmap_bytes", "wasted_bytes"]
    key = ["layout", "kernel", "section_bytes", "model"]
    strips = source.rows(columns).drop(columns="page_bytes")
    regions = source.sweep.regions[source.figure.layout]
    booted = [
        booted_on(source.evidence, kernel, model, regions)
        for name, section, model in strips[key[1:]].itertuples(index=False)
        for kernel in [source.sweep.kernels[name].with_section(int(section))]
    ]
    strips["booted_least_bytes"] = pd.array(
        [min(kept.values(), default=None) for kept in booted], "Int64"
    )
    strips["booted_most_bytes"] = pd.array(
        [max(kept.values(), default=None) for kept in booted], "Int64"
    )
    strips["booted_kernels"] = [" ".join(kept) for kept in booted]
    stretches = strips.merge(source.stretches(), on=key, how="left")
    ram = pd.DataFrame(regions, columns=["start", "end"]).assign(part=RAM)
    both = pd.concat([ram.assign(layout=source.figure.layout), stretches], ignore_index=True)
    both = both.astype({"start": "Int64", "end": "Int64", "memmap_bytes": "Int64"})
    order = ["layout", *[name for name in stretches if name != "layout"]]
    return FigureData(both[order].astype({"wasted_bytes": "Int64", "section_bytes": "Int64"}))


def strip_figure(data: FigureData, titles: Titles) -> Figure:
    """Return RAM on top, and below it a strip for each model, in groups of kernel and section
    size.
    """
    rows = data.rows
    ram, strips = rows[rows["part"] == RAM], rows[rows["part"] != RAM]
    groups = list(strips.groupby(["kernel", "section_bytes"], sort=False))
    count = strips.groupby(["kernel", "section_bytes", "model"]).ngroups
    body = 1.6 * ROW + len(groups) * GROUP + count * ROW
    page = sheet(titles.title, titles.subtitle, TOP + body + FOOT)
    left = MARGIN + NAMES + GAP
    wide = PAGE_WIDTH - MARGIN - left - GAP - 2 * NUMBER - BOOTED
    axes = page.axes(left, TOP, wide, body)
    addresses, positions = scale_of(ram, strips)
    axes.set(xlim=(positions[0], positions[-1]), ylim=(body, 0), yticks=[])
    axes.spines[["left", "right", "top"]].set_visible(False)
    numbers = [left + wide + GAP + NUMBER, left + wide + GAP + 2 * NUMBER, PAGE_WIDTH - MARGIN]
    for text, x in zip(("memmap", "wasted", "booted"), numbers, strict=True):
        page.write(text, x, TOP - 0.02, weight="bold", ha="right", va="bottom")

    def at(edges: pd.Series) -> Floats:
        return np.asarray(np.interp(edges.to_numpy(dtype=np.float64), addresses, positions))

    def bars(part: pd.DataFrame, y: float, colour: str) -> None:
        start, end = at(part["start"]), at(part["end"])
        draw_bars(axes, y + ROW / 2, start, end - start, BAR * ROW, colour)

    y = 0.0
    bars(ram, y, INK)
    page.write("RAM", MARGIN + NAMES, TOP + y + ROW / 2, va="center_baseline", ha="right")
    breaks(axes, addresses, positions, body)
    y += 1.6 * ROW
    for _, group in groups:
        size = int(group["section_bytes"].iloc[0])
        words = f"{group['kernel'].iloc[0]}, sections of {size_label(size)}"
        page.write(words, MARGIN, TOP + y + GROUP - 0.05, va="bottom", weight="bold")
        y += GROUP
        models = list(group.groupby("model", sort=False))
        section_edges(axes, size, addresses, positions, (y, y + ROW * len(models)))
        for model, stretches in models:
            first = stretches.iloc[0]
            style = {"va": "center_baseline", "color": INK if first["selectable"] else FAINT}
            name = f"{model!s}*" if model in PROPOSALS else str(model)
            page.write(name, MARGIN + NAMES, TOP + y + ROW / 2, ha="right", **style)
            if not first["feasible"]:
                forbidden(axes, y, str(first["reason"]))
            else:
                for part in PARTS:
                    bars(stretches[stretches["part"] == part], y, PART_COLOURS[part])
                cells = (
                    size_label(first["memmap_bytes"]),
                    size_label(first["wasted_bytes"]),
                    booted_words(first),
                )
                for text, x in zip(cells, numbers, strict=True):
                    page.write(text, x, TOP + y + ROW / 2, ha="right", **style)
            y += ROW
    label_axis(axes, addresses, positions)
    key(page.figure, strips, (left, TOP + body + FOOT - 0.30))
    return page.figure


def booted_words(first: pd.Series) -> str:
    """Return what booted kernels kept, and their number."""
    if pd.isna(first["booted_least_bytes"]):
        return "\N{EN DASH}"
    count = len(first["booted_kernels"].split())
    least, most = (size_label(first[f"booted_{which}_bytes"]) for which in ("least", "most"))
    words = least if least == most else f"{least} to {most}"
    return f"{words}, {count} kernel{'s' if count > 1 else ''}"


def scale_of(ram: pd.DataFrame, strips: pd.DataFrame) -> tuple[Floats, Floats]:
    """Return addresses and their x coordinates: in proportion, but a hole wider than WIDEST_GAP of
    all RAM is cut to BREAK of it.
    """
    starts, ends = (ram[name].to_numpy(dtype=np.float64) for name in ("start", "end"))
    first = np.append(starts[:1], strips["start"].dropna()).astype(np.float64).min()
    last = np.append(ends[-1:], strips["end"].dropna()).astype(np.float64).max()
    total = (ends - starts).sum()
    addresses, positions = [first], [0.0]
    for end, start in zip(ends[:-1], starts[1:], strict=True):
        addresses += [end, start]
        positions.append(positions[-1] + end - addresses[-3])
        cut = BREAK * total if start - end > WIDEST_GAP * total else start - end
        positions.append(positions[-1] + cut)
    return np.array([*addresses, last]), np.array(
        [*positions, positions[-1] + last - addresses[-1]]
    )


def breaks(axes: Axes, addresses: Floats, positions: Floats, body: float) -> None:
    """Write the size of each hole that is cut short into the row of RAM, and draw dots below it."""
    for index in np.flatnonzero(~np.isclose(np.diff(addresses), np.diff(positions))):
        middle = (positions[index] + positions[index + 1]) / 2
        text = size_label(addresses[index + 1] - addresses[index])
        axes.text(middle, ROW / 2, text, ha="center", va="center_baseline", color=FAINT)
        axes.vlines(middle, 1.3 * ROW, body, color=FAINT, lw=0.7, ls=(0, (1, 3)), zorder=3)


def section_edges(
    axes: Axes, section: int, addresses: Floats, positions: Floats, rows: tuple[float, float]
) -> None:
    """Draw section edges over the strips of a group; none where they would touch, or in a hole that
    is cut short.
    """
    edges = np.arange(np.ceil(addresses[0] / section), np.floor(addresses[-1] / section) + 1)
    if len(edges) > 100 * MOST_EDGES:
        return
    edges = edges * section
    straight = np.isclose(np.diff(addresses), np.diff(positions))
    stretch = np.clip(np.searchsorted(addresses, edges, side="right") - 1, 0, len(straight) - 1)
    edges = edges[straight[stretch] | np.isin(edges, addresses)]
    if len(edges) <= MOST_EDGES:
        axes.vlines(np.interp(edges, addresses, positions), *rows, color=INK, lw=0.5, zorder=4)


def forbidden(axes: Axes, y: float, reason: str) -> None:
    """Draw a hatched strip with the rule that forbids it."""
    low, high = axes.get_xlim()
    bar = Rectangle((low, y + 0.1 * ROW), high - low, BAR * ROW, hatch=HATCH, lw=0)
    bar.set(facecolor=FORBIDDEN, edgecolor="#c4c4c4")
    axes.add_patch(bar)
    box = {"facecolor": "white", "edgecolor": "none", "pad": 0.8}
    middle = (low + high) / 2
    axes.text(middle, y + ROW / 2, reason, ha="center", va="center_baseline", bbox=box, zorder=5)


def label_axis(axes: Axes, addresses: Floats, positions: Floats) -> None:
    """Set ticks at round addresses in GiB, or in MiB where RAM is small, as many as do not
    touch.
    """
    straight = np.isclose(np.diff(addresses), np.diff(positions))
    unit, name = (GIB, "GiB") if positions[-1] >= GIB else (1 << 20, "MiB")
    for step in unit * 2.0 ** np.arange(-3, 40):
        values = np.arange(np.ceil(addresses[0] / step), np.floor(addresses[-1] / step) + 1) * step
        if len(values) > 4096:
            continue
        stretch = np.clip(
            np.searchsorted(addresses, values, side="right") - 1, 0, len(straight) - 1
        )
        values = values[straight[stretch] | np.isin(values, addresses)]
        ticks = np.interp(values, addresses, positions)
        if len(ticks) < 2 or np.diff(ticks).min() > 0.09 * positions[-1]:
            break
    axes.set_xticks(ticks, [f"{value / unit:g}" for value in values])
    axes.set_xlabel(f"address ({name})", labelpad=2)


def key(figure: Figure, strips: pd.DataFrame, corner: tuple[float, float]) -> None:
    """Draw the key of the colours in use; ``corner`` is its upper left one, in inches."""
    names = [part for part in PARTS if (strips["part"] == part).any()]
    handles: list[Patch] = [Patch(facecolor=PART_COLOURS[name]) for name in names]
    handles.append(Patch(facecolor="none", edgecolor=INK, linewidth=0.5))
    names.append("a section")
    if not strips["feasible"].all():
        handles.append(forbidden_patch())
        names.append("infeasible")
    if strips["model"].isin(PROPOSALS).any():
        handles.append(Patch(alpha=0))
        names.append("* proposal, never merged; grey: not selectable")
    elif not strips["selectable"].all():
        handles.append(Patch(alpha=0))
        names.append("grey: not selectable")
    key_line(figure, handles, names, "upper left", *corner)
