"""From a sweep to its layouts: the regions of every point of the grid, and the named ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.sweep.axes import GRID_AXES, Grid
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.text.units import size_text

PLACED = ("base", "hole_start", "hole_size")


@dataclass(frozen=True)
class Layouts:
    """Layouts with their names, all arrays of length (layouts,).

    names: Arrow strings, which 10^8 of fit the memory of
    axes: base, hole_start and hole_size of grid layouts in bytes, 0 for others
    gridded: whether a layout comes from the grid, and so whether its axes mean anything
    """

    names: pa.StringArray
    axes: dict[str, Ints]
    gridded: NDArray[np.bool_]
    regions: Regions

    def __len__(self) -> int:
        return len(self.gridded)


def layouts_of(sweep: Sweep, rows: slice = slice(None)) -> Layouts:
    """The layouts of a sweep, or some of them in a row: first the grid's, hole size fastest, then
    the named ones in order.
    """
    first, last, _ = rows.indices(sweep.layouts)
    on_grid = len(sweep.grid) if sweep.grid else 0
    places = np.arange(min(first, on_grid), min(last, on_grid))
    named = list(sweep.regions.items())[max(first - on_grid, 0) : max(last - on_grid, 0)]
    axes = grid_axes(sweep.grid, places) if sweep.grid else dict.fromkeys(GRID_AXES, places)
    regions = Regions.of([layout for _, layout in named])
    if not named:
        regions = grid_regions(**axes)
    elif len(places):
        regions = stacked(grid_regions(**axes), regions)
    names = pa.array([name for name, _ in named], pa.string())
    none = np.zeros(len(named), dtype=np.int64)
    return Layouts(
        names=pa.concat_arrays([grid_names(**axes), names]),
        axes={axis: np.concatenate([axes[axis], none]) for axis in PLACED},
        gridded=np.arange(first, last) < on_grid,
        regions=regions,
    )


def blocks(sweep: Sweep, step: int, rows: slice = slice(None)) -> Iterator[Layouts]:
    """The layouts of a sweep, or some in a row, ``step`` at a time as far as there are."""
    first, last, _ = rows.indices(sweep.layouts)
    for start in range(first, last, step):
        yield layouts_of(sweep, slice(start, min(start + step, last)))


def grid_axes(grid: Grid, places: Ints) -> dict[str, Ints]:
    """The value of each axis at some places of the product, hole size fastest; each of the shape of
    ``places``.
    """
    values = {}
    for axis in reversed(GRID_AXES):
        known = np.fromiter(getattr(grid, axis), np.int64)
        places, at = np.divmod(places, len(known))
        values[axis] = known[at]
    return {axis: values[axis] for axis in GRID_AXES}


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


def grid_names(base: Ints, ram_size: Ints, hole_start: Ints, hole_size: Ints) -> pa.StringArray:
    """Names such as 3GiB-hole-512MiB-at-1536MiB, with -from-1GiB where RAM does not start at 0."""
    hole = hole_size > 0
    return pc.binary_join_element_wise(
        size_texts(ram_size),
        size_texts(hole_size, "-hole-", hole),
        size_texts(hole_start, "-at-", hole),
        size_texts(base, "-from-", base > 0),
        "",
    )


def size_texts(
    sizes: Ints, before: str = "", where: NDArray[np.bool_] | None = None
) -> pa.StringArray:
    """``before`` and ``units.size_text`` of each size, "" where ``where`` is false."""
    values, places = np.unique(sizes, return_inverse=True)
    texts = pa.array([*(before + size_text(size) for size in values.tolist()), ""], pa.string())
    return texts.take(pa.array(places if where is None else np.where(where, places, len(values))))
