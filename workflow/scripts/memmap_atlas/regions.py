"""Sorted ranges for many layouts at once, and the one primitive: the aligned windows that they
touch.

A region is a half-open range. One row holds the regions of one layout; all rows have the same
number of columns, and the columns behind a row's last region are padding.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Regions:
    """Regions of many layouts: ``start`` and ``end``, int64 of shape (layouts, regions).

    In each row the regions are sorted and disjoint (they may touch); padding is empty and stands at
    the end of the last region (at 0 in a row without any), where no window can see it.
    """

    start: Ints
    end: Ints

    @classmethod
    def of(cls, layouts: Sequence[Sequence[tuple[int, int]]]) -> "Regions":
        """The regions of each layout, given as (start, end) pairs in address order."""
        width = max((len(layout) for layout in layouts), default=0) or 1
        start = np.zeros((len(layouts), width), dtype=np.int64)
        end = np.zeros_like(start)
        for row, layout in enumerate(layouts):
            if layout:
                start[row], end[row] = layout[-1][1], layout[-1][1]
                start[row, : len(layout)] = [region[0] for region in layout]
                end[row, : len(layout)] = [region[1] for region in layout]
        return cls(start, end)

    @property
    def size(self) -> Ints:
        """Sum of the sizes of each layout's regions, shape (layouts,)."""
        size: Ints = (self.end - self.start).sum(axis=1)
        return size

    @property
    def first(self) -> Ints:
        """Start of each layout's first region, shape (layouts,)."""
        return self.start[:, 0]

    @property
    def last(self) -> Ints:
        """End of each layout's last region, shape (layouts,)."""
        return self.end[:, -1]

    def scaled(self, multiply: int, divide: int = 1) -> "Regions":
        """Every edge times ``multiply`` / ``divide``; exact where the edges are multiples of
        ``divide``.
        """
        return Regions(self.start // divide * multiply, self.end // divide * multiply)

    def shifted(self, by: Ints) -> "Regions":
        """Every edge of a layout moved up by that layout's ``by``, shape (layouts,)."""
        return Regions(self.start + by[:, None], self.end + by[:, None])

    def clipped(self, low: Ints | int, high: Ints | int) -> "Regions":
        """What lies within [low, high) of each layout."""
        bounds = [
            np.broadcast_to(np.asarray(bound), self.start.shape[:1])[:, None]
            for bound in (low, high)
        ]
        return Regions(np.clip(self.start, *bounds), np.clip(self.end, *bounds))


def down(value: Ints, to: int) -> Ints:
    """``value`` rounded down to a multiple of ``to``."""
    return value // to * to


def up(value: Ints, to: int) -> Ints:
    """``value`` rounded up to a multiple of ``to``."""
    return -(-value // to) * to


def touched(regions: Regions, window: int) -> Regions:
    """The windows of ``window`` bytes, aligned to their size, that hold any part of a region; each
    counted once.

    A window that several regions share belongs to the first of them: the rows stay sorted and
    disjoint.
    """
    end = np.maximum.accumulate(up(regions.end, window), axis=1)
    start = down(regions.start, window)
    start[:, 1:] = np.maximum(start[:, 1:], end[:, :-1])
    return Regions(start, np.maximum(end, start))


def whole_pages(regions: Regions, page_size: int, *, truncate: bool = False) -> Regions:
    """Regions reduced to the whole pages inside them; those without one become padding.

    As mm/memblock.c: __next_mem_pfn_range() does, with PFN_UP of the start and PFN_DOWN of the end.
    With ``truncate`` the page that a region's start cuts counts too, as base / page did in loops of
    4.6.
    """
    start, end = up(regions.start, page_size), down(regions.end, page_size)
    empty = end <= start
    if truncate:
        start = down(regions.start, page_size)
    order = np.argsort(empty, axis=1, kind="stable")
    start, end = np.take_along_axis(start, order, axis=1), np.take_along_axis(end, order, axis=1)
    empty = np.take_along_axis(empty, order, axis=1)
    end = np.maximum.accumulate(np.where(empty, 0, end), axis=1)
    return Regions(np.where(empty, end, start), end)


def overlap(one: Regions, other: Regions) -> Ints:
    """Size of what lies in both, shape (layouts,)."""
    total = np.zeros(len(one.start), dtype=np.int64)
    for start, end in zip(other.start.T, other.end.T, strict=True):
        total += one.clipped(start, end).size
    return total
