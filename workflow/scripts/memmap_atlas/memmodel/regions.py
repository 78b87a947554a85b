"""Sorted ranges for many layouts at once, and the one primitive: the aligned windows that they
touch.

A region is a half-open range. One column holds the regions of one layout, in address order; all
columns have the same number of rows, and where a layout has fewer regions the rest is padding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
# regions of one layout, [start, end) in bytes and in address order: as a value, as an argument
Layout = tuple[tuple[int, int], ...]
LayoutLike = Sequence[tuple[int, int]]
# no machine addresses more, and all sums over a layout fit 64 bits
HIGHEST_ADDRESS = 1 << 57
# behind every address
NOWHERE = np.iinfo(np.int64).max


@dataclass(frozen=True)
class Regions:
    """Regions of many layouts: ``start`` and ``end``, int64 of shape (regions, layouts).

    In each column the regions are sorted and disjoint (they may touch). Padding is empty, and
    lies where no window sees it: at an edge of another region, or at 0 in a column without any.
    """

    start: Ints
    end: Ints

    @classmethod
    def of(cls, layouts: Sequence[Sequence[tuple[int, int]]]) -> "Regions":
        """The regions of each layout, given as (start, end) pairs in address order."""
        height = max((len(layout) for layout in layouts), default=0) or 1
        start = np.zeros((height, len(layouts)), dtype=np.int64)
        end = np.zeros_like(start)
        for column, layout in enumerate(layouts):
            if layout:
                start[:, column], end[:, column] = layout[-1][1], layout[-1][1]
                start[: len(layout), column] = [region[0] for region in layout]
                end[: len(layout), column] = [region[1] for region in layout]
        return cls(start, end)

    @property
    def size(self) -> Ints:
        """Sum of the sizes of each layout's regions, shape (layouts,)."""
        size: Ints = (self.end - self.start).sum(axis=0)
        return size

    @property
    def first(self) -> Ints:
        """Start of each layout's first region, shape (layouts,)."""
        first: Ints = self.start[0]
        return first

    @property
    def last(self) -> Ints:
        """End of each layout's last region, shape (layouts,)."""
        last: Ints = self.end[-1]
        return last

    def columns(self, which: slice) -> "Regions":
        """Some of the layouts."""
        return Regions(self.start[:, which], self.end[:, which])

    def scaled(self, multiply: int, divide: int = 1) -> "Regions":
        """Every edge times ``multiply`` / ``divide``; exact where the edges are multiples of
        ``divide``.
        """
        return Regions(
            floor_divide(self.start, divide) * multiply, floor_divide(self.end, divide) * multiply
        )

    def shifted(self, by: Ints) -> "Regions":
        """Every edge of a layout moved up by that layout's ``by``, shape (layouts,)."""
        return Regions(self.start + by, self.end + by)

    def clipped(self, low: Ints | int, high: Ints | int) -> "Regions":
        """The parts within [low, high) of each layout."""
        return Regions(np.clip(self.start, low, high), np.clip(self.end, low, high))


def floor_divide(value: Ints, by: int) -> Ints:
    """``value`` over ``by``, rounded down; a shift where ``by`` is a power of two."""
    return value >> (by.bit_length() - 1) if by.bit_count() == 1 else value // by


def align_down(value: Ints, to: int) -> Ints:
    """``value`` rounded down to a multiple of ``to``; a mask where that is a power of two."""
    return value & -to if to.bit_count() == 1 else value // to * to


def align_up(value: Ints, to: int) -> Ints:
    """``value`` rounded up to a multiple of ``to``."""
    return align_down(value + (to - 1), to)


def covering_windows(regions: Regions, window: int) -> Regions:
    """The windows of ``window`` bytes, aligned to their size, that hold any part of a region; each
    counted once.

    A window that several regions share belongs to the first of them: what comes out is sorted and
    disjoint again.
    """
    end = align_up(regions.end, window)
    start = align_down(regions.start, window)
    start[1:] = np.maximum(start[1:], end[:-1])
    return Regions(start, np.maximum(end, start))


def whole_pages(regions: Regions, page_size: int, *, truncate: bool = False) -> Regions:
    """Regions reduced to the whole pages inside them; one without any becomes empty, at the end of
    the region before it, or at the start of the first: no window can see it there.

    As mm/memblock.c: __next_mem_pfn_range() does, with PFN_UP of the start and PFN_DOWN of the end.
    With ``truncate`` the page that a region's start cuts counts too, as base / page did in loops of
    4.6.
    """
    start, end = align_up(regions.start, page_size), align_down(regions.end, page_size)
    empty = end <= start
    if truncate:
        start = align_down(regions.start, page_size)
    first = np.where(empty, NOWHERE, start).min(axis=0)
    end = np.maximum.accumulate(np.where(empty, 0, end), axis=0)
    end = np.maximum(end, np.minimum(first, end[-1]))
    return Regions(np.where(empty, end, start), end)


def overlap(regions: Regions, others: Regions) -> Ints:
    """Size of what lies in both, shape (layouts,)."""
    total = np.zeros_like(regions.size)
    for start, end in zip(others.start, others.end, strict=True):
        total += regions.clipped(start, end).size
    return total


def union(*parts: Regions) -> Regions:
    """Return what lies in any of ``parts``, layout by layout: sorted and disjoint.

    Shape (sum of the parts' regions, layouts). Empty regions, wherever they are, become padding.
    """
    start = np.concatenate([part.start for part in parts])
    end = np.concatenate([part.end for part in parts])
    empty = end <= start
    order = np.argsort(np.where(empty, NOWHERE, start), axis=0, kind="stable")
    start, end, empty = (np.take_along_axis(array, order, axis=0) for array in (start, end, empty))
    end = np.maximum.accumulate(np.where(empty, 0, end), axis=0)
    start = np.where(empty, end, start)
    start[1:] = np.maximum(start[1:], end[:-1])
    return Regions(start, end)


def merged(ranges: Iterable[tuple[int, int]]) -> Layout:
    """Return the ranges (start, end) of one layout in address order, those that touch or overlap
    merged and empty ones left out, as mm/memblock.c: memblock_add_range() does.
    """
    layout: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if end <= start:
            continue
        if layout and start <= layout[-1][1]:
            start, end = layout[-1][0], max(end, layout[-1][1])
            layout.pop()
        layout.append((start, end))
    return tuple(layout)
