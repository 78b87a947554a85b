"""The answer for one memory map, in sections: what it is, what it costs, whether its own log
agrees, and what would be better.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise

import pandas as pd

from memmap_atlas.answer.counts import Check
from memmap_atlas.figure_plan import PROPOSALS
from memmap_atlas.figures.labels import cell_label, size_label
from memmap_atlas.kernel import Kernel
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.sheet import Section, Table
from memmap_atlas.sweep import SourceFile, Sweep

MOST_LINES = 40
PARTS = ("hole", "edge", "rounding")
EXTRA = ("section_table", "usage", "page_table")
FORBIDDEN = "-"


def sections(
    found: MemoryMap,
    sweep: Sweep,
    rows: pd.DataFrame,
    name: str,
    reason: str,
    compared: Sequence[Check],
) -> list[Section]:
    """The whole answer; ``rows`` are those of the memmap dataset of ``sweep``, ``name`` is the
    kernel that runs on the map, and ``reason`` why it is that one.
    """
    return [
        the_map(found, sweep.sources),
        of_kernel(rows, name, sweep.kernels[name], reason),
        of_counts(compared, name),
        of_all(rows, sweep.kernels),
    ]


def exact(size: int) -> str:
    """Bytes, and the same in a unit that is short: 2,097,152 (2 MiB)."""
    return f"{size:,} ({size_label(size)})" if size >= 1024 else f"{size:,}"


def the_map(found: MemoryMap, sources: Sequence[SourceFile]) -> Section:
    """The file and the RAM that it has."""
    lines = [
        f"{one.file}: {one.kind}, SHA-256 {one.sha256}" if one.sha256 else one.file
        for one in sources
    ]
    notes = [f"Note: {one.file}: {note}." for one in sources for note in one.notes]
    ram = sum(end - start for start, end in found.regions)
    heads = ("RAM", "bytes", "hole behind it, bytes")
    rows = []
    for (start, end), following in zip(found.regions, [*found.regions[1:], None], strict=True):
        gap = exact(following[0] - end) if following else ""
        rows.append((f"[{start:#x}, {end:#x})", exact(end - start), gap))
    parts: list[str | Table] = ["\n".join([*lines, *notes])]
    parts.append(Table(heads, rows[:MOST_LINES]))
    if len(rows) > MOST_LINES:
        parts.append(f"and {len(rows) - MOST_LINES} regions more")
    count = len(found.regions)
    text = [f"{exact(ram)} bytes of RAM in {count} region{'s' if count > 1 else ''}."]
    if found.nomap:
        size = exact(sum(end - start for start, end in found.nomap))
        text.append(f"Of it {size} bytes are not mapped (no-map); they keep their struct pages.")
    if len(found.nodes) > 1:
        spans = ", ".join(f"{node} [{start:#x}, {end:#x})" for node, start, end in found.nodes)
        text.append(f"Nodes: {spans}.")
        if any(high > low for (_, _, high), (_, low, _) in pairwise(by_start(found.nodes))):
            text.append("Nodes interleave.")
    return Section("Memory map", [*parts, "\n".join(text)])


def by_start(nodes: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Nodes in the order of their addresses."""
    return sorted(nodes, key=lambda node: node[1])


def of_kernel(rows: pd.DataFrame, name: str, kernel: Kernel, reason: str) -> Section:
    """What each model takes on the kernel of the machine; the one that it runs with is marked."""
    mine = rows[rows["kernel"] == name]
    heads = ("model", "", "memmap", "wasted", *PARTS, "sections, tables", "% of RAM")
    table = []
    for row in mine.to_dict("records"):
        mark = "default" if row["model"] == kernel.default_model else ""
        mark = mark or ("can be built" if row["selectable"] else "")
        mark = mark or ("proposal" if row["model"] in PROPOSALS else "")
        if not row["feasible"]:
            table.append((row["model"], row["reason"], *[FORBIDDEN] * (len(heads) - 2)))
            continue
        extra = sum(int(row[f"{part}_bytes"]) for part in EXTRA)
        sizes = [int(row[f"{part}_bytes"]) for part in ("memmap", "wasted", *PARTS)]
        share = 100 * (sizes[0] + extra) / int(row["ram_bytes"])
        table.append(
            (row["model"], mark, *[f"{size:,}" for size in (*sizes, extra)], f"{share:.2f}")
        )
    page, section = size_label(kernel.page_size), size_label(kernel.section_size)
    needed = mine["needed_bytes"].dropna()
    need = f"needed for RAM alone: {exact(int(needed.iloc[0]))} bytes" if len(needed) else ""
    text = (
        f"{name}: {reason}.\nPages of {page}, sections of {section}, struct page of "
        f"{kernel.struct_page_size} bytes; {need}"
    )
    return Section(f"What it takes under {name}, in bytes", [text, Table(heads, table, names=2)])


def of_all(rows: pd.DataFrame, kernels: Mapping[str, Kernel]) -> Section:
    """What every kernel wastes under every model, each with its own section size."""
    models = list(rows["model"].drop_duplicates())
    wasted = rows.pivot(index="kernel", columns="model", values="wasted_bytes")
    needed = rows.dropna(subset=["needed_bytes"]).groupby("kernel")["needed_bytes"].first()
    table = []
    for name, kernel in kernels.items():
        cells = [
            (FORBIDDEN if pd.isna(value) else cell_label(int(value)))
            + ("*" if model == kernel.default_model else "")
            for model in models
            for value in [wasted.loc[name, model]]
        ]
        need = cell_label(int(needed[name])) if name in needed else FORBIDDEN
        sizes = (cell_label(kernel.page_size), cell_label(kernel.section_size))
        table.append((name, *sizes, need, *cells))
    text = (
        "Wasted memmap (K, M, G: KiB, MiB, GiB; bytes are in the CSV): what stays allocated and is "
        f"no struct page of RAM. * is the kernel's default model, {FORBIDDEN} what a rule of the "
        "kernel forbids. vmemmap-populated and vmemmap-trimmed are proposals, never merged."
    )
    heads = ("kernel", "page", "section", "needed", *models)
    return Section("Every kernel and model", [text, Table(heads, table)])


def of_counts(found: Sequence[Check], name: str) -> Section:
    """The log's own counts beside what is computed."""
    rows = [
        (
            check.quantity,
            check.verdict,
            *("-" if v is None else f"{v:,}" for v in (check.observed, check.computed)),
        )
        for check in found
    ]
    heads = ("count", "verdict", "in the file", "computed")
    text = f"What the file's own kernel counted, beside what is computed for {name}."
    if not rows:
        return Section("Check", [f"Nothing can be checked: this map can't be of {name}."])
    return Section("Check", [text, Table(heads, rows, names=2)])
