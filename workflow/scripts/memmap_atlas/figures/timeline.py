"""Cost of one layout release by release, and the values of the kernel that changed it."""

import textwrap
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.data import PARTS, POINT, STATE, FigureData, Source
from memmap_atlas.figures.style import INK, MARGIN, PAGE_WIDTH, PART_COLOURS, part_key, sheet
from memmap_atlas.memmodel.kernel import PARAMETERS, Kernel
from memmap_atlas.memmodel.release import UNKNOWN, Release
from memmap_atlas.sweep.design import MODELS
from memmap_atlas.text.labels import size_label

MIB = 1 << 20
# inches
LEFT, TOP, HIGH, LINE, FOOT = 0.62, 0.72, 2.1, 0.125, 0.08
LETTER = 0.0575
# what the cost depends on, and how it is called: values in bytes, and plain ones
SIZES = {
    "section_size": "section",
    "struct_page_size": "struct page",
    "mem_section_size": "mem_section",
    "usage_header_size": "usage header",
    "vmemmap_leaf": "vmemmap leaf",
}
VALUES = {
    "default_model": "default model",
    "section_roots": "section roots",
    "max_physmem_bits": "MAX_PHYSMEM_BITS",
    "max_order_pages": "MAX_ORDER pages",
    "pageblock_pages": "pageblock pages",
    "pageblock_bits": "pageblock bits",
    "subsection_map": "sub-section map",
    "section_buffer": "section buffer",
    "free_unused_memmap": "free_unused_memmap",
    "page_tables": "page tables",
    "memstart_align": "vmemmap start",
    "vmemmap_below": "vmemmap start",
    "tables_below": "page tables there already",
    "va_bits": "virtual address bits",
}
# the same in a timeline, listed in another way, or of rules that forbid a point
NOT_LISTED = ("arch", "page_size", "release", "models")
OF_RULES = ("section_flags_bits", "leaf_needs_ram", "ram_limit")
# values without a shorter label
OTHERS = {
    name: name.replace("_", " ")
    for name in PARAMETERS
    if name not in {*SIZES, *VALUES, *NOT_LISTED, *OF_RULES}
}


def timeline_rows(source: Source) -> FigureData:
    """Return the cost of a layout for each release in order, part by part, with the changes of its
    kernel since the one before.
    """
    rows = source.rows([*POINT, *STATE, *PARTS.values(), "memmap_bytes"], own_section=True)
    rows = source.default_models(rows)
    kernels = source.sweep.kernels
    rows = rows.assign(release=[kernels[name].release for name in rows["kernel"]])
    by_release = sorted(
        range(len(rows)), key=lambda row: Release.parse(rows["release"].iloc[row]) or UNKNOWN
    )
    rows = rows.iloc[by_release]
    names = list(rows["kernel"])
    changes = [changed(kernels[before], kernels[name]) for before, name in pairwise(names)]
    cost = rows[list(PARTS.values())].sum(axis=1, skipna=False)
    rows = rows.assign(cost_bytes=cost, change_bytes=cost.diff(), changed=["", *changes])
    whole = {"cost_bytes": "Int64", "change_bytes": "Int64"}
    return FigureData(rows.astype(whole).reset_index(drop=True))


def changed(before: Kernel, kernel: Kernel) -> str:
    """Return the changed values that the cost depends on, each as ``label: old to new``."""
    changes: dict[str, str] = {}
    for name, label in {**SIZES, **VALUES, **OTHERS}.items():
        old, new = getattr(before, name), getattr(kernel, name)
        if old != new:
            words = size_label if is_size(name) else plain
            changes.setdefault(label, f"{label}: {words(old)} to {words(new)}")
    if not any(MODELS[name].frees for name in (before.default_model, kernel.default_model)):
        changes.pop("free_unused_memmap", None)
    for label in ("page tables", "vmemmap start"):
        if label in changes:
            changes[label] = f"{label} moved" if "start" in label else f"{label} differ"
    gone, come = (set(before.models) - set(kernel.models), set(kernel.models) - set(before.models))
    if gone:
        changes["models gone"] = f"no longer: {', '.join(sorted(gone))}"
    if come:
        changes["models come"] = f"new: {', '.join(sorted(come))}"
    return "; ".join(changes.values())


def is_size(name: str) -> bool:
    """Return True for a value of a kernel in bytes."""
    return name in SIZES or (name in OTHERS and PARAMETERS[name].kind == "size")


def plain(value: Any) -> str:
    """Return a value in words."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:,}" if isinstance(value, int) else str(value)


def timeline(data: FigureData, titles: Titles) -> Figure:
    """Return stacked bars, a column for each release, with its changes written below."""
    rows = data.rows
    wide = PAGE_WIDTH - MARGIN - LEFT
    width = wide / len(rows)
    letters = int((width - 0.12) / LETTER)
    texts = [
        [
            line
            for change in row["changed"].split("; ")
            for line in textwrap.wrap(change, letters, subsequent_indent="  ")
        ]
        for row in rows.to_dict("records")
    ]
    below = 0.62 + LINE * max(map(len, texts)) + 0.1
    page = sheet(titles.title, titles.subtitle, TOP + HIGH + below + FOOT)
    axes = page.axes(LEFT, TOP, wide, HIGH)
    stacked(axes, rows)
    for index, (row, lines) in enumerate(zip(rows.to_dict("records"), texts, strict=True)):
        x, y = LEFT + width * index + 0.06, TOP + HIGH + 0.07
        page.write(f"Linux {row['release']}", x, y, weight="bold")
        page.write(f"sections of {size_label(row['section_bytes'])}", x, y + LINE)
        if index:
            page.write(difference(row["change_bytes"]), x, y + 2.3 * LINE, weight="bold")
        for number, line in enumerate(lines):
            page.write(line, x, y + (3.6 + number) * LINE)
    there = [part for part in PARTS if rows[PARTS[part]].fillna(0).any()]
    part_key(page.figure, there, "upper left", LEFT, TOP - 0.26)
    return page.figure


def difference(change: Any) -> str:
    """Return a change of the cost in words."""
    if pd.isna(change):
        return "no comparison"
    if change == 0:
        return "costs the same"
    sign = "+" if change > 0 else "\N{MINUS SIGN}"
    return f"{sign}{size_label(abs(change))}"


def stacked(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw a bar for each release, parts in the order of PARTS."""
    x = np.arange(len(rows)) + 0.5
    so_far = np.zeros(len(rows))
    for part, column in PARTS.items():
        high = rows[column].fillna(0).to_numpy(dtype=np.float64) / MIB
        axes.bar(x, high, bottom=so_far, width=0.5, color=PART_COLOURS[part], lw=0, label=part)
        so_far = so_far + high
    for index, row in enumerate(rows.to_dict("records")):
        text = size_label(row["cost_bytes"]) if row["feasible"] else f"infeasible:\n{row['reason']}"
        axes.text(index + 0.5, so_far[index], text, ha="center", va="bottom", color=INK)
    axes.set(xlim=(0, len(rows)), ylim=(0, (so_far.max() or 1) * 1.13), xticks=[])
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.set_ylabel("cost (MiB)", labelpad=3)
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(axis="y", color="#ececec", lw=0.5)
    axes.set_axisbelow(True)
