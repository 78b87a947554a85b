"""The tables: layouts.parquet and the memmap dataset, one row per point.

Here arrays become Arrow columns and files, and come back; nothing is computed.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from memmap_atlas.layouts import PLACED, Layouts
from memmap_atlas.regions import Ints, Regions
from memmap_atlas.strips import NOTHING, PARTS, Strip

ROW_GROUP = 1 << 20

NAME = pa.dictionary(pa.int32(), pa.string())
LAYOUT_COLUMNS = [
    ("layout", NAME, "name of the layout"),
    ("base_bytes", pa.int64(), "where RAM of a grid layout starts; null for other layouts"),
    ("ram_bytes", pa.int64(), "RAM, without holes"),
    ("hole_start_bytes", pa.int64(), "address of a grid layout's hole; null for other layouts"),
    ("hole_size_bytes", pa.int64(), "size of a grid layout's hole; null for other layouts"),
]
POINT_COLUMNS = [
    ("kernel", NAME, "name of the kernel"),
    ("page_bytes", pa.int64(), "its page, the granule"),
    ("section_bytes", pa.int64(), "size of a section, the kernel's own or a what-if"),
    ("struct_page_bytes", pa.int64(), "sizeof(struct page)"),
    ("model", NAME, "memory model"),
    ("selectable", pa.bool_(), "whether the kernel can be built with the model"),
    ("feasible", pa.bool_(), "whether no hard rule of the kernel forbids the point"),
    ("reason", NAME, "the rule that forbids the point; null where feasible"),
]
COST_COLUMNS = [
    ("needed_bytes", "whole RAM pages x struct page"),
    ("memmap_bytes", "what stays allocated for struct pages after boot"),
    ("freed_bytes", "given back by free_unused_memmap() or by trimming"),
    ("wasted_bytes", "memmap_bytes - needed_bytes, the sum of the next three"),
    ("hole_bytes", "kept struct pages of pages between RAM"),
    ("edge_bytes", "kept struct pages of pages before the first or after the last of RAM"),
    ("rounding_bytes", "the rest of the allocation"),
    ("section_table_bytes", "mem_section: roots and root pages"),
    ("usage_bytes", "mem_section_usage of the present sections"),
    ("page_table_bytes", "page tables that map the vmemmap"),
    ("boot_request_bytes", "the largest single request for the memmap while booting"),
]


STRIP_COLUMNS = [
    LAYOUT_COLUMNS[0],
    POINT_COLUMNS[0],
    POINT_COLUMNS[2],
    POINT_COLUMNS[4],
]
STRETCHES = pa.list_(
    pa.struct(
        [
            ("start", pa.int64()),
            ("end", pa.int64()),
            ("part", pa.dictionary(pa.int8(), pa.string())),
        ]
    )
)


def schema(columns: Iterable[tuple[str, pa.DataType, str]], metadata: dict[str, str]) -> pa.Schema:
    """An Arrow schema whose fields say what they hold and in which unit."""
    return pa.schema(
        [
            pa.field(
                name,
                kind,
                metadata={"description": text}
                | ({"unit": "bytes"} if name.endswith("_bytes") else {}),
            )
            for name, kind, text in columns
        ],
        metadata=metadata,
    )


def memmap_schema(metadata: dict[str, str]) -> pa.Schema:
    """The schema of the memmap dataset, columns in the order of the contract."""
    costs = [(name, pa.int64(), text) for name, text in COST_COLUMNS]
    return schema([*LAYOUT_COLUMNS, *POINT_COLUMNS, *costs], metadata)


def layout_columns(layouts: Layouts) -> list[pa.Array]:
    """The columns that say which layout a row is about."""
    count = len(layouts.names)
    names = pa.DictionaryArray.from_arrays(
        np.arange(count, dtype=np.int32), pa.array(layouts.names, pa.string())
    )
    axes = {axis: pa.array(values, mask=~layouts.gridded) for axis, values in layouts.axes.items()}
    ram = pa.array(layouts.regions.size)
    return [names, axes["base"], ram, axes["hole_start"], axes["hole_size"]]


def write_layouts(path: Path, layouts: Layouts, metadata: dict[str, str]) -> None:
    """layouts.parquet: a row for each layout, with its regions in address order."""
    start, end = layouts.regions.start.T, layouts.regions.end.T
    some = end > start
    offsets = np.concatenate([[0], np.cumsum(some.sum(axis=1))]).astype(np.int32)
    pairs = pa.StructArray.from_arrays(
        [pa.array(start[some]), pa.array(end[some])], names=["start", "end"]
    )
    regions = pa.ListArray.from_arrays(offsets, pairs)
    columns = [*LAYOUT_COLUMNS, ("regions", regions.type, "regions of RAM, half-open, in bytes")]
    table = pa.Table.from_arrays(
        [*layout_columns(layouts), regions], schema=schema(columns, metadata)
    )
    pq.write_table(table, path, compression="zstd")


def read_layouts(path: Path) -> Layouts:
    """The layouts that :func:`write_layouts` wrote."""
    table = pq.read_table(path)
    axes: dict[str, Ints] = {
        axis: table[f"{axis}_bytes"].fill_null(0).to_numpy() for axis in PLACED
    }
    regions = table["regions"].combine_chunks()
    offsets = regions.offsets.to_numpy()
    counts = np.diff(offsets)
    place = np.arange(counts.max(initial=1))[:, None]
    flat = offsets[:-1] + np.minimum(place, counts - 1)
    pairs = regions.values
    starts, ends = (pairs.field(name).to_numpy()[flat] for name in ("start", "end"))
    padding = place >= counts
    return Layouts(
        names=np.asarray(table["layout"].to_numpy(), dtype=object),
        axes=axes,
        gridded=table["base_bytes"].is_valid().to_numpy(),
        regions=Regions(np.where(padding, ends, starts), ends),
    )


def constant(value: Any, count: int) -> pa.Array:
    """The same value ``count`` times; text as a dictionary of one."""
    if isinstance(value, str):
        return pa.DictionaryArray.from_arrays(np.zeros(count, dtype=np.int32), [value])
    return pa.repeat(value, count)


def write_memmap(
    path: Path, rows: Iterator[list[pa.Array]], layouts: int, metadata: dict[str, str]
) -> None:
    """One file of the memmap dataset, from columns for ``layouts`` rows at a time.

    Row groups hold many of them, as far as memory stays bounded.
    """
    form = memmap_schema(metadata)
    per_group = max(ROW_GROUP // layouts, 1)
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        while group := list(islice(rows, per_group)):
            tables = [pa.Table.from_arrays(columns, schema=form) for columns in group]
            table = pa.concat_tables(tables).unify_dictionaries().combine_chunks()
            writer.write_table(table, row_group_size=len(table))


def stretches(strip: Strip) -> pa.Array:
    """The stretches of each layout that keep anything, neighbours of the same part as one."""
    edges, part = strip.edges.T, strip.part.T
    kept = part != NOTHING
    start, end, part = edges[:, :-1][kept], edges[:, 1:][kept], part[kept]
    layout = np.nonzero(kept)[0]
    new = np.ones(len(start), dtype=bool)
    new[1:] = (part[1:] != part[:-1]) | (start[1:] != end[:-1]) | (layout[1:] != layout[:-1])
    last = np.append(new, True)[1:]
    counts = np.bincount(layout[new], minlength=len(kept))
    names = pa.DictionaryArray.from_arrays(pa.array(part[new]), pa.array(PARTS))
    pairs = pa.StructArray.from_arrays(
        [pa.array(start[new]), pa.array(end[last]), names], names=["start", "end", "part"]
    )
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(offsets, pairs)


def write_strips(
    path: Path, strips: Iterator[tuple[str, int, str, Strip]], names: Any, metadata: dict[str, str]
) -> None:
    """strips.parquet: for each layout and (kernel, section size, model) where struct pages stay."""
    columns = [*STRIP_COLUMNS, ("stretches", STRETCHES, "kept struct pages: addresses and part")]
    form = schema(columns, metadata)
    count = len(names)
    layouts = pa.DictionaryArray.from_arrays(
        np.arange(count, dtype=np.int32), pa.array(names, pa.string())
    )
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        for kernel, section, model, strip in strips:
            values = [constant(kernel, count), constant(section, count), constant(model, count)]
            arrays = [layouts, *values, stretches(strip)]
            writer.write_table(pa.Table.from_arrays(arrays, schema=form))
