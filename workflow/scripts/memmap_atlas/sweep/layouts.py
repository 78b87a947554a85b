"""Layouts of a sweep: the regions of every point of the grid, and the named ones."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.sweep.axes import AXES, axis_values, grid_names, grid_regions
from memmap_atlas.sweep.design import Sweep


@dataclass(frozen=True)
class Layouts:
    """Layouts with their names, all arrays of length (layouts,).

    names: Arrow strings, which 10^8 of fit the memory of
    axes: values of the axes of grid layouts by name, in bytes; 0 for other layouts
    gridded: true where a layout comes from the grid
    """

    names: pa.StringArray
    axes: dict[str, Ints]
    gridded: NDArray[np.bool_]
    regions: Regions

    def __len__(self) -> int:
        return len(self.gridded)


def layouts_of(sweep: Sweep, rows: slice = slice(None)) -> Layouts:
    """Return the layouts of a sweep, or a slice of them: first the grid's, whose last axis varies
    fastest, then the named ones in order.
    """
    first, last, _ = rows.indices(sweep.layouts)
    on_grid = sweep.grid.layouts if sweep.grid else 0
    indices = np.arange(min(first, on_grid), min(last, on_grid))
    named = list(sweep.regions.items())[max(first - on_grid, 0) : max(last - on_grid, 0)]
    axes = axis_values(sweep.grid, indices) if sweep.grid else dict.fromkeys(AXES, indices)
    regions = Regions.of([layout for _, layout in named])
    if not named:
        regions = grid_regions(**axes)
    elif len(indices):
        regions = stacked(grid_regions(**axes), regions)
    names = pa.array([name for name, _ in named], pa.string())
    off_grid = np.zeros(len(named), dtype=np.int64)
    return Layouts(
        names=pa.concat_arrays([grid_names(axes), names]),
        axes={name: np.concatenate([values, off_grid]) for name, values in axes.items()},
        gridded=np.arange(first, last) < on_grid,
        regions=regions,
    )


def blocks(sweep: Sweep, step: int, rows: slice = slice(None)) -> Iterator[Layouts]:
    """Yield the layouts of a sweep, or a slice of them, ``step`` at a time."""
    first, last, _ = rows.indices(sweep.layouts)
    for start in range(first, last, step):
        yield layouts_of(sweep, slice(start, min(start + step, last)))


def stacked(first: Regions, second: Regions) -> Regions:
    """Layouts of both, one after the other; the ones with fewer regions are padded."""
    height = max(len(first.start), len(second.start))

    def padded(edges: Ints, last: Ints) -> Ints:
        return np.concatenate([edges, np.tile(last, (height - len(edges), 1))])

    return Regions(
        np.concatenate([padded(some.start, some.last) for some in (first, second)], axis=1),
        np.concatenate([padded(some.end, some.last) for some in (first, second)], axis=1),
    )
