"""From a sweep to its layouts: the regions of every point of the grid, and the named ones."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmap_atlas.regions import Ints, Regions
from memmap_atlas.sweep import GRID_AXES, Sweep
from memmap_atlas.units import size_text

PLACED = ("base", "hole_start", "hole_size")


@dataclass(frozen=True)
class Layouts:
    """Layouts with their names, all arrays of length (layouts,).

    axes: base, hole_start and hole_size of grid layouts in bytes, 0 for others
    gridded: whether a layout comes from the grid, and so whether its axes mean anything
    """

    names: NDArray[np.object_]
    axes: dict[str, Ints]
    gridded: NDArray[np.bool_]
    regions: Regions

    def part(self, number: int, size: int) -> "Layouts":
        """The ``number``-th stretch of ``size`` layouts."""
        rows = slice(number * size, (number + 1) * size)
        return Layouts(
            self.names[rows],
            {axis: values[rows] for axis, values in self.axes.items()},
            self.gridded[rows],
            self.regions.columns(rows),
        )


def layouts_of(sweep: Sweep) -> Layouts:
    """All layouts of a sweep: first the grid's, hole size fastest, then the named ones in order."""
    named = Regions.of(list(sweep.regions.values()))
    size = len(sweep.grid) if sweep.grid else 0
    none = np.zeros(len(sweep.regions), dtype=np.int64)
    if sweep.grid is None:
        axes = dict.fromkeys(PLACED, np.zeros(0, dtype=np.int64))
        regions, names = named, np.zeros(0, dtype=object)
    else:
        values = [np.fromiter(getattr(sweep.grid, axis), np.int64) for axis in GRID_AXES]
        product = np.meshgrid(*values, indexing="ij")
        axes = {axis: grid.ravel() for axis, grid in zip(GRID_AXES, product, strict=True)}
        regions = stacked(grid_regions(**axes), named) if sweep.regions else grid_regions(**axes)
        names = grid_names(**axes)
    return Layouts(
        names=np.concatenate([names, np.array(list(sweep.regions), dtype=object)]),
        axes={axis: np.concatenate([axes[axis], none]) for axis in PLACED},
        gridded=np.arange(size + len(sweep.regions)) < size,
        regions=regions,
    )


def grid_regions(base: Ints, ram_size: Ints, hole_start: Ints, hole_size: Ints) -> Regions:
    """RAM of ``ram_size`` bytes from ``base``, with a hole opened at the address ``hole_start``.

    What lies above the hole moves up by its size; a hole at or beyond the end of RAM, or of no
    size, leaves RAM contiguous. All arguments have shape (layouts,).
    """
    end = base + ram_size
    split = (base < hole_start) & (hole_start < end) & (hole_size > 0)
    lifted = (hole_start <= base) & (hole_size > 0)
    low = np.where(lifted, base + hole_size, base)
    top = np.where(split | lifted, end + hole_size, end)
    return Regions(
        np.stack([low, np.where(split, hole_start + hole_size, top)]),
        np.stack([np.where(split, hole_start, top), top]),
    )


def stacked(one: Regions, other: Regions) -> Regions:
    """The layouts of both, one after the other; where one has fewer regions, padded."""
    height = max(len(one.start), len(other.start))

    def tall(edges: Ints, last: Ints) -> Ints:
        return np.concatenate([edges, np.tile(last, (height - len(edges), 1))])

    return Regions(
        np.concatenate([tall(one.start, one.last), tall(other.start, other.last)], axis=1),
        np.concatenate([tall(one.end, one.last), tall(other.end, other.last)], axis=1),
    )


def grid_names(
    base: Ints, ram_size: Ints, hole_start: Ints, hole_size: Ints
) -> NDArray[np.object_]:
    """Names such as 3GiB-hole-512MiB-at-1536MiB, with -from-1GiB where RAM does not start at 0."""
    hole = "-hole-" + size_texts(hole_size) + "-at-" + size_texts(hole_start)
    start = "-from-" + size_texts(base)
    names: NDArray[np.object_] = (
        size_texts(ram_size) + np.where(hole_size > 0, hole, "") + np.where(base > 0, start, "")
    )
    return names


def size_texts(sizes: Ints) -> NDArray[np.object_]:
    """``units.size_text`` of each size, shape (layouts,), str objects."""
    values, inverse = np.unique(sizes, return_inverse=True)
    texts = np.array([size_text(size) for size in values.tolist()], dtype=object)
    return np.asarray(texts[inverse], dtype=object)
