"""Tables of a sweep: layouts.parquet, the memmap dataset with one row per point, strips.parquet.

Arrays become Arrow columns and files here; nothing is computed. The first two are written block by
block, so that memory does not grow with a sweep.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from memmap_atlas.memmodel.backing import NOTHING, PARTS, Strip
from memmap_atlas.memmodel.feasibility import FEASIBLE, RULES
from memmap_atlas.memmodel.quantities import POINT, QUANTITIES
from memmap_atlas.memmodel.regions import Ints
from memmap_atlas.sweep.axes import AXES
from memmap_atlas.sweep.design import POINTS_PER_GROUP, Combination, Sweep
from memmap_atlas.sweep.evaluate import Points
from memmap_atlas.sweep.layouts import Layouts

# rows of a row group of layouts.parquet
LAYOUTS_PER_GROUP = 1 << 16

NAME = pa.dictionary(pa.int32(), pa.string())
LAYOUT_COLUMNS = [
    ("layout", NAME, "name of the layout"),
    *((axis.column, pa.int64(), axis.stored) for axis in AXES.values()),
]
POINT_TYPES = {
    "kernel": NAME,
    "model": NAME,
    "selectable": pa.bool_(),
    "feasible": pa.bool_(),
    "reason": NAME,
}
POINT_COLUMNS = [
    (column, POINT_TYPES.get(column, pa.int64()), text) for column, text in POINT.items()
]
STRIP_COLUMNS = [
    column
    for column in [*LAYOUT_COLUMNS, *POINT_COLUMNS]
    if column[0] in ("layout", "kernel", "section_bytes", "model")
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
    """Return the Arrow schema of (name, type, description); names in _bytes have that unit."""
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
    """Return the schema of the memmap dataset."""
    costs = [(quantity.column, pa.int64(), quantity.description) for quantity in QUANTITIES]
    return schema([*LAYOUT_COLUMNS, *POINT_COLUMNS, *costs], metadata)


def layout_columns(layouts: Layouts) -> list[pa.Array]:
    """The columns of AXES, one value for each layout."""
    return [
        numbers(axis.measured(layouts.regions))
        if axis.measured
        else numbers(layouts.axes[name], valid=layouts.gridded)
        for name, axis in AXES.items()
    ]


def write_layouts(path: Path, blocks: Iterable[Layouts], metadata: dict[str, str]) -> None:
    """Write layouts.parquet: a row for each layout, with its regions in address order."""
    pairs = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64())]))
    name, *rest = LAYOUT_COLUMNS
    columns = [(name[0], pa.string(), name[2]), *rest]
    form = schema([*columns, ("regions", pairs, "regions of RAM, half-open, in bytes")], metadata)
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        for layouts in blocks:
            start, end = layouts.regions.start.T, layouts.regions.end.T
            filled = end > start
            offsets = np.concatenate([[0], np.cumsum(filled.sum(axis=1))]).astype(np.int32)
            edges = pa.StructArray.from_arrays(
                [pa.array(start[filled]), pa.array(end[filled])], names=["start", "end"]
            )
            regions = pa.ListArray.from_arrays(offsets, edges)
            arrays = [layouts.names, *layout_columns(layouts), regions]
            writer.write_table(pa.Table.from_arrays(arrays, schema=form))


def numbers(values: Ints, valid: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return int64 values as an Arrow column, without a copy; null where not ``valid``."""
    bits = None if valid is None or valid.all() else bitmap(valid)
    return pa.Array.from_buffers(pa.int64(), values.size, [bits, pa.py_buffer(values)])


def bitmap(values: NDArray[np.bool_]) -> pa.Buffer:
    """Return booleans as an Arrow bitmap, a bit each."""
    return pa.py_buffer(np.packbits(values, bitorder="little"))


def named(indices: NDArray[np.int32], names: Iterable[str]) -> pa.Array:
    """Return a column of names that repeat, from their ``indices`` into ``names``."""
    return pa.DictionaryArray.from_arrays(pa.array(indices), pa.array(names, pa.string()))


def point_columns(points: Points, sweep: Sweep) -> list[pa.Array]:
    """Return the columns of :func:`memmap_schema`: all layouts of one combination, then those of
    the next.
    """
    combinations, count = points.combinations, len(points.layouts)
    kernels = [sweep.kernels[combination.kernel] for combination in combinations]

    def all_layouts(values: Iterable[Any], kind: Any = np.int64) -> Any:
        return np.repeat(np.array(list(values), dtype=kind), count)

    def all_combinations(column: pa.Array) -> pa.Array:
        return pa.concat_arrays([column] * len(combinations))

    def all_named(values: list[str]) -> pa.Array:
        names = list(dict.fromkeys(values))
        return named(all_layouts(map(names.index, values), np.int32), names)

    rules = points.rules.ravel()
    feasible = rules == RULES.index(FEASIBLE)
    reasons = pa.array(rules.astype(np.int32), mask=feasible)
    selectable = [
        combination.model in kernel.models
        for combination, kernel in zip(combinations, kernels, strict=True)
    ]
    return [
        named(np.tile(np.arange(count, dtype=np.int32), len(combinations)), points.layouts.names),
        *map(all_combinations, layout_columns(points.layouts)),
        all_named([combination.kernel for combination in combinations]),
        numbers(all_layouts(kernel.page_size for kernel in kernels)),
        numbers(all_layouts(combination.section_size for combination in combinations)),
        numbers(all_layouts(kernel.struct_page_size for kernel in kernels)),
        all_named([combination.model for combination in combinations]),
        pa.array(all_layouts(selectable, np.bool_)),
        pa.array(feasible),
        pa.DictionaryArray.from_arrays(reasons, pa.array(RULES, pa.string())),
        *(numbers(values.ravel(), feasible) for values in points.costs),
    ]


def write_memmap(
    path: Path, points: Iterable[Points], sweep: Sweep, metadata: dict[str, str]
) -> None:
    """Write one file of the memmap dataset: a row group has all points of some layouts under one or
    several kernels, combination by combination.
    """
    form = memmap_schema(metadata)
    # one page for a row group: repetitions within a column compress
    with pq.ParquetWriter(
        path, form, compression="zstd", max_rows_per_page=POINTS_PER_GROUP
    ) as writer:
        for group in points:
            table = pa.Table.from_arrays(point_columns(group, sweep), schema=form)
            writer.write_table(table, row_group_size=len(table))


def stretches(strip: Strip) -> pa.Array:
    """Return the stretches of each layout that keep struct pages; neighbours of the same part are
    merged.
    """
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
    path: Path,
    strips: Iterator[tuple[Combination, Strip]],
    names: pa.StringArray,
    metadata: dict[str, str],
) -> None:
    """Write strips.parquet: for each combination and layout, where struct pages stay.

    names: of the layouts
    """
    columns = [*STRIP_COLUMNS, ("stretches", STRETCHES, "kept struct pages: addresses and part")]
    form = schema(columns, metadata)
    count = len(names)
    layouts = named(np.arange(count, dtype=np.int32), names)
    repeated = np.zeros(count, dtype=np.int32)
    with pq.ParquetWriter(path, form, compression="zstd") as writer:
        for combination, strip in strips:
            arrays = [
                layouts,
                named(repeated, [combination.kernel]),
                pa.repeat(combination.section_size, count),
                named(repeated, [combination.model]),
                stretches(strip),
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=form))
