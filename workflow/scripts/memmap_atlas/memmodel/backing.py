"""Backing of the address space: a layout cut into stretches, each with the reason why the memmap
of its pages is kept.

Part of the arithmetic, beside ``cost``: the same windows, as places where ``cost`` has their sums.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, Memmap, memmap_of
from memmap_atlas.memmodel.quantities import smallest_parts
from memmap_atlas.memmodel.regions import Ints, Regions, whole_pages

# of the memmap, as the columns of the table name them
PARTS = tuple(quantity.name for quantity in smallest_parts("memmap"))
NOTHING = -1


@dataclass(frozen=True)
class Strip:
    """Stretches of the address space of each layout.

    edges: addresses in ascending order, bytes, shape (stretches + 1, layouts)
    part: index in PARTS of what the struct pages between two edges are kept for, or NOTHING where
        none are kept or the stretch is empty, shape (stretches, layouts)
    """

    edges: Ints
    part: NDArray[np.int8]


def strip(layouts: Regions, kernel: Kernel, model: str) -> Strip:
    """The stretches of ``layouts`` (regions of RAM in bytes) on ``kernel`` under a model.

    What is kept of a stretch in bytes is its size over the page size, times struct page. The parts
    sum to those of ``cost`` where a model has the memmap of an address once and in one piece: not
    for discontigmem, whose arrays can overlap, nor for what classic arrays are rounded up by, which
    no address has. Where struct page is no power of two, an edge can lie inside of a page.
    Raises KeyError for an unknown model.
    """
    memmap = MODELS[model].build(layouts, kernel)
    ram = memmap_of(whole_pages(layouts, kernel.page_size), kernel)
    edges, part = stretches(memmap, ram)
    return Strip(edges * kernel.page_size // kernel.struct_page_size, part)


def stretches(memmap: Memmap, ram: Regions) -> tuple[Ints, NDArray[np.int8]]:
    """Stretches of the memmap: edges in bytes from the struct page of pfn 0, and the part of each,
    as in :class:`Strip`; ``ram`` is the memmap of the whole pages of RAM.
    """
    sets = [memmap.kept, memmap.struct_pages, ram, *([memmap.freed] if memmap.freed else [])]
    edges = np.sort(
        np.concatenate([edge for ranges in sets for edge in (ranges.start, ranges.end)]), axis=0
    )
    # all edges of the sets are among these: a stretch lies in one where its first byte does
    first = edges[:-1]
    kept = inside(memmap.kept, first) & (edges[1:] > first)
    if memmap.freed:
        kept &= ~inside(memmap.freed, first)
    between = (first >= ram.first) & (first < ram.last)
    # the last rule that fits names the part
    part = np.full(first.shape, NOTHING, dtype=np.int8)
    for name, where in (
        ("rounding", kept),
        ("edge", kept & inside(memmap.struct_pages, first)),
        ("hole", kept & inside(memmap.struct_pages, first) & between),
        ("needed", kept & inside(ram, first)),
    ):
        part[where] = PARTS.index(name)
    return edges, part


def inside(regions: Regions, points: Ints) -> NDArray[np.bool_]:
    """Return True for each point, shape (points, layouts), that lies in a region of its layout."""
    within = np.zeros(points.shape, dtype=bool)
    for start, end in zip(regions.start, regions.end, strict=True):
        within |= (start <= points) & (points < end)
    return within
