"""Columns as a page stores them: distinct values and a code for each layout, compressed; equal
columns are stored once.

Nothing is computed here: the browser decodes the table's own integers.
"""

import base64
import gzip
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memmap_atlas.memmodel.backing import PARTS
from memmap_atlas.memmodel.regions import Ints

# the largest integer up to which a number of the browser is exact
LARGEST = 1 << 53
CODES = (np.uint8, np.uint16, np.uint32)


@dataclass
class Store:
    """Blobs in base64, each once; ``add`` returns the index of a blob."""

    blobs: list[str] = field(default_factory=list)
    places: dict[bytes, int] = field(default_factory=dict)
    columns: dict[bytes, int] = field(default_factory=dict)

    def add(self, *arrays: bytes) -> int:
        """Store arrays as one blob."""
        whole = b"".join(arrays)
        if whole not in self.places:
            self.places[whole] = len(self.blobs)
            # gzip without a time: the same bytes on every run
            self.blobs.append(base64.b64encode(gzip.compress(whole, 9, mtime=0)).decode())
        return self.places[whole]

    def add_column(self, column: pa.ChunkedArray) -> int:
        """Store a column of integers. Most columns equal another one, which is not encoded
        again.
        """
        # with nulls in it, it would come as floats
        parts = (column.is_null(), column.fill_null(0))
        seen = b"".join(part.to_numpy().tobytes() for part in parts)
        if seen not in self.columns:
            self.columns[seen] = self.add(coded(whole(column)))
        return self.columns[seen]

    def add_text(self, text: str) -> int:
        """Store text as UTF-8."""
        return self.add(text.encode())


def whole(column: pa.ChunkedArray) -> pa.Array:
    """Return a column as one array."""
    made = column.combine_chunks()
    return made if isinstance(made, pa.Array) else made.chunk(0)


def coded(values: pa.Array | Ints) -> bytes:
    """Return integers, some of them null, as bytes: the number of distinct values and of all values
    (uint32), the distinct values (float64, NaN for null), and for each value its index among them
    (the smallest unsigned type), little-endian, padded to 8 bytes.

    Raises ValueError where a value is no exact number in a browser.
    """
    encoded = pa.array(values).dictionary_encode()
    integers: Ints = encoded.dictionary.to_numpy(zero_copy_only=False)
    if len(integers) and max(int(integers.max()), -int(integers.min())) > LARGEST:
        raise ValueError(
            f"{integers[np.abs(integers).argmax()]:,} bytes are more than a browser counts"
        )
    ascending = np.argsort(integers)
    distinct: NDArray[np.float64] = integers[ascending].astype(np.float64)
    if encoded.null_count:
        distinct = np.append(distinct, np.nan)
    # the place of each in the order of their size, and that of null behind them
    ranks = np.append(np.argsort(ascending), len(integers))
    codes: NDArray[np.intp] = ranks[encoded.indices.fill_null(len(integers)).to_numpy()]
    kind = next(kind for kind in CODES if len(distinct) <= np.iinfo(kind).max + 1)
    head = np.array([len(distinct), len(codes)], dtype="<u4").tobytes()
    body = codes.astype(np.dtype(kind).newbyteorder("<")).tobytes()
    return head + distinct.astype("<f8").tobytes() + body + bytes(-len(body) % 8)


def coded_stretches(counts: Ints, start: Ints, end: Ints, part: NDArray[np.integer]) -> list[bytes]:
    """Return stretches of each layout, ``counts`` of them one after the other, as columns: the
    counts; then the first stretch of every layout, the second of every one that has it and so on,
    as the gap to the end of the one before, the size, and the part. Neighbouring layouts differ
    little in that order.
    """
    offset = np.repeat(np.cumsum(counts) - counts, counts)
    numbers = np.arange(len(start)) - offset
    before = np.zeros_like(start)
    before[1:] = np.where(numbers[1:] > 0, end[:-1], 0)
    if len(end) and end.max() > LARGEST:
        raise ValueError(f"the address {end.max():#x} is more than a browser counts")
    order = np.argsort(numbers, kind="stable")
    columns = (counts, (start - before)[order], (end - start)[order], part[order])
    return [coded(np.asarray(column, dtype=np.int64)) for column in columns]


def strip_columns(stretches: pa.ListArray) -> list[bytes]:
    """Return the stretches of strips.parquet for some layouts, parts as indices into PARTS."""
    pairs = stretches.flatten()
    named = pairs.field("part")
    indices = np.array([PARTS.index(name) for name in named.dictionary.to_pylist()], dtype=np.int64)
    part = indices[named.indices.to_numpy()] if len(pairs) else np.zeros(0, dtype=np.int64)
    counts = stretches.value_lengths().to_numpy()
    start, end = (pairs.field(name).to_numpy() for name in ("start", "end"))
    return coded_stretches(counts, start, end, part)


def region_columns(regions: pa.ListArray) -> list[bytes]:
    """Return the regions of layouts.parquet as stretches of one part."""
    pairs = regions.flatten()
    start, end = (pairs.field(name).to_numpy() for name in ("start", "end"))
    return coded_stretches(
        regions.value_lengths().to_numpy(), start, end, np.zeros(len(start), dtype=np.int64)
    )
