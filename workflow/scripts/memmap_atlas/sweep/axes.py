"""Axes of a grid of layouts: one table for all that the atlas knows of each.

:class:`Grid` is that table: a field for each axis, annotated with an :class:`Axis`. From it come
the keys of ``layouts.grid`` in sweep files and their checks, the columns of the dataset, the names
of layouts, and the words of figures and of the explorer. A new axis is a field of Grid and its part
in :func:`grid_regions`, here; where it can contradict another one, a line in
:func:`contradictions`.

Others read :data:`AXES`, the axes by name in the order of the grid (the last one varies fastest),
and :data:`PLANE_ORDER`, the names in the order in which they are wanted on a plane:

    for name, axis in AXES.items():
        values = grid[name]             # of a Grid: a tuple or a Range
        rows[axis.column]               # bytes, in layouts.parquet and the memmap dataset
        axis.label                      # "address of the hole"
    columns = [axis.column for axis in AXES.values()]
    axis_of_column = {axis.column: axis for axis in AXES.values()}
    across, *up = [name for name in PLANE_ORDER if len(grid[name]) > 1]
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from math import prod
from typing import Annotated, get_type_hints

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Ints, Regions
from memmap_atlas.text.units import size_text


@dataclass(frozen=True)
class Range:
    """Values from ``start`` to ``stop``, which is one of them when a step lands on it.

    ``step`` is added, or ``factor`` multiplied; the other one is 0.
    """

    start: int
    stop: int
    step: int = 0
    factor: int = 0

    def __len__(self) -> int:
        if self.step:
            return (self.stop - self.start) // self.step + 1
        return sum(1 for _ in self)

    def __iter__(self) -> Iterator[int]:
        if self.step:
            yield from range(self.start, self.stop + 1, self.step)
            return
        value = self.start
        while value <= self.stop:
            yield value
            value *= self.factor


# values of one axis, in bytes and in the order of the layouts
AxisValues = tuple[int, ...] | Range


def lowest(values: AxisValues) -> int:
    """Return the smallest value of an axis."""
    return values.start if isinstance(values, Range) else min(values)


def highest(values: AxisValues) -> int:
    """Return a bound on the values of an axis."""
    return values.stop if isinstance(values, Range) else max(values)


@dataclass(frozen=True)
class Axis:
    """Properties of one axis of a grid; its values are bytes, in whole pages.

    label: noun phrase for figures and pages
    key: description of its key in a sweep file
    column, stored: its column in the dataset (a name ending in _bytes), and that one's description
    order: place of its value in the name of a layout, and among the axes wanted on a plane
    prefix: what comes before its value in a name
    named_with: the axis that must not be 0 for the value to be part of a name; itself where ""
    absent: value where a sweep file has none, None where the key is needed
    needs: axes that have to be given with it
    zero: why a value of 0 is refused, "" where it is accepted
    across: wanted as the x axis of a plane before all others
    measured: value of the column for any layout, computed from its regions; None where the column
        holds the axis and is null for layouts that come from no grid
    name: its key, and its field in Grid
    """

    label: str
    key: str
    column: str
    stored: str
    order: int
    prefix: str
    named_with: str = ""
    absent: int | None = 0
    needs: tuple[str, ...] = ()
    zero: str = ""
    across: bool = False
    measured: Callable[[Regions], Ints] | None = None
    name: str = ""


@dataclass(frozen=True)
class Grid:
    """Values of the axes of grid layouts. Without a hole both of its axes are (0,)."""

    base: Annotated[
        AxisValues,
        Axis(
            label="start of RAM",
            key="address at which RAM starts, [0] where not given",
            column="base_bytes",
            stored="where RAM of a grid layout starts; null for other layouts",
            order=3,
            prefix="-from-",
        ),
    ]
    ram_size: Annotated[
        AxisValues,
        Axis(
            label="RAM size",
            key="bytes of RAM, without the hole",
            column="ram_bytes",
            stored="RAM, without holes",
            order=0,
            prefix="",
            absent=None,
            zero="RAM of size 0",
            measured=lambda regions: regions.size,
        ),
    ]
    hole_start: Annotated[
        AxisValues,
        Axis(
            label="address of the hole",
            key="address of the hole; at or beyond the end of RAM it leaves RAM contiguous",
            column="hole_start_bytes",
            stored="address of a grid layout's hole; null for other layouts",
            order=2,
            prefix="-at-",
            named_with="hole_size",
            needs=("hole_size",),
            across=True,
        ),
    ]
    hole_size: Annotated[
        AxisValues,
        Axis(
            label="size of the hole",
            key="bytes of the hole; what lies above it moves up by as much",
            column="hole_size_bytes",
            stored="size of a grid layout's hole; null for other layouts",
            order=1,
            prefix="-hole-",
            needs=("hole_start",),
            zero="a hole of size 0 is no hole",
        ),
    ]

    def __getitem__(self, axis: str) -> AxisValues:
        values: AxisValues = getattr(self, axis)
        return values

    @property
    def layouts(self) -> int:
        """Number of layouts; a len() could not be as large."""
        return prod(len(self[name]) for name in AXES)


AXES: dict[str, Axis] = {
    name: replace(annotated.__metadata__[0], name=name)
    for name, annotated in get_type_hints(Grid, include_extras=True).items()
}
NAME_ORDER = tuple(sorted(AXES, key=lambda name: AXES[name].order))
PLANE_ORDER = tuple(sorted(NAME_ORDER, key=lambda name: not AXES[name].across))


def grid_regions(base: Ints, ram_size: Ints, hole_start: Ints, hole_size: Ints) -> Regions:
    """RAM of ``ram_size`` bytes from ``base``, with a hole opened at the address ``hole_start``.

    RAM above the hole moves up by its size. A hole at or beyond the end of RAM, or of size 0,
    leaves RAM contiguous. All arguments have shape (layouts,), the regions (2, layouts).
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


def contradictions(grid: Grid) -> Iterator[tuple[str, str]]:
    """Yield (axis, text) for values that no layout can have together; the axis is "" where it is
    the grid as a whole.
    """
    if highest(grid.hole_size) and lowest(grid.hole_start) < highest(grid.base):
        yield (
            "hole_start",
            f"a hole at {lowest(grid.hole_start):#x} lies below the base {highest(grid.base):#x}: "
            "hole_start is an address, not an offset",
        )
    end = highest(grid.base) + highest(grid.ram_size) + highest(grid.hole_size)
    if end > HIGHEST_ADDRESS:
        yield "", f"RAM would end at {end:#x}, above {HIGHEST_ADDRESS:#x}"


def axis_values(grid: Grid, indices: Ints) -> dict[str, Ints]:
    """Values of each axis at some ``indices`` into the product of all; each of their shape."""
    values = {}
    for name in reversed(AXES):
        of_axis = np.fromiter(grid[name], np.int64)
        indices, index = np.divmod(indices, len(of_axis))
        values[name] = of_axis[index]
    return {name: values[name] for name in AXES}


def grid_names(values: Mapping[str, Ints]) -> pa.StringArray:
    """Names of layouts from the values of their axes, each of shape (layouts,).

    3GiB-hole-512MiB-at-1536MiB; with -from-1GiB where RAM does not start at 0.
    """
    parts = [
        size_texts(values[name], axis.prefix, values[axis.named_with or name] > 0)
        for name in NAME_ORDER
        for axis in [AXES[name]]
        if name in values
    ]
    return pc.binary_join_element_wise(*parts, "")


def size_texts(sizes: Ints, before: str, where: NDArray[np.bool_]) -> pa.StringArray:
    """``before`` and ``units.size_text`` of each size, "" where ``where`` is false."""
    values, indices = np.unique(sizes, return_inverse=True)
    texts = pa.array([*(before + size_text(size) for size in values.tolist()), ""], pa.string())
    return texts.take(pa.array(np.where(where, indices, len(values))))
