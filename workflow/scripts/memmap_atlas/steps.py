"""What a rule does to the regions of one layout, written down instead of done.

A rule of ``models`` or ``cost`` works on arrays. Given :class:`Lanes` in their place it comes to
the same end, and each thing that it does is a step: what ``compiled`` makes machine code of. So no
rule has a second copy; one that does what can't be written down fails with a TypeError.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import index
from typing import Any, cast

import numpy as np

from memmap_atlas.regions import Ints, Regions

# an operation and the places of the steps that it takes; of a constant or an edge its number
Step = tuple[str, tuple[int, ...]]

COMPARED: dict[np.ufunc, str] = {
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.equal: "==",
    np.not_equal: "!=",
}
COMPUTED: dict[np.ufunc, str] = {
    np.add: "add",
    np.subtract: "sub",
    np.multiply: "mul",
    np.floor_divide: "div",
    np.bitwise_and: "and",
    np.right_shift: "shr",
    np.minimum: "min",
    np.maximum: "max",
}


@dataclass
class Steps:
    """Steps in the order in which they are taken, each once.

    The values of constants are kept apart: kernels that differ in nothing else have the same steps.
    """

    taken: list[Step] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    places: dict[Step, int] = field(default_factory=dict)

    def step(self, name: str, *arguments: int) -> int:
        """The place of a step, taken now or before."""
        step = (name, arguments)
        if step not in self.places:
            self.places[step] = len(self.taken)
            self.taken.append(step)
        return self.places[step]

    def constant(self, value: int) -> int:
        """The place of a number that is the same for every layout."""
        if value not in self.constants:
            self.constants.append(value)
        return self.step("constant", self.constants.index(value))

    def known(self, place: int) -> int | None:
        """The number at a place, None where it depends on the layout."""
        name, arguments = self.taken[place]
        return self.constants[arguments[0]] if name == "constant" else None

    def computed(self, ufunc: np.ufunc, one: int, other: int) -> int:
        """The place of what numpy's ``ufunc`` makes of two numbers; powers of two are shifts."""
        left, right = self.known(one), self.known(other)
        if ufunc in COMPARED:
            return self.step(COMPARED[ufunc], one, other)
        if left is not None and right is not None:
            return self.constant(int(ufunc(np.int64(left), np.int64(right))))
        if one == other and ufunc in (np.minimum, np.maximum):
            return one
        if right == 0 and ufunc in (np.add, np.subtract):
            return one
        if left == 0 and ufunc is np.add:
            return other
        if ufunc is np.multiply and is_power(left):
            return self.shifted("shl", other, cast(int, left))
        if ufunc is np.multiply and is_power(right):
            return self.shifted("shl", one, cast(int, right))
        if ufunc is np.floor_divide and is_power(right):
            return self.shifted("shr", one, cast(int, right))
        return self.step(COMPUTED[ufunc], one, other)

    def shifted(self, name: str, place: int, power: int) -> int:
        """A number times a power of two, or over one."""
        bits = power.bit_length() - 1
        return self.step(name, place, self.constant(bits)) if bits else place


def is_power(value: int | None) -> bool:
    """Whether a number is known, and a power of two."""
    return value is not None and value > 0 and value.bit_count() == 1


class Lanes(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array of int64 or bool: of shape (rows, layouts), or (layouts,) where ``flat``.

    rows: the place of the step that each row is
    """

    def __init__(self, steps: Steps, rows: Sequence[int], flat: bool) -> None:
        self.steps, self.rows, self.flat = steps, list(rows), flat

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        raise TypeError("no step can depend on a layout: np.where chooses between two values")

    def __iter__(self) -> Iterator["Lanes"]:
        return (Lanes(self.steps, [row], True) for row in self.rows)

    def __getitem__(self, key: int | slice | None) -> "Lanes":
        if key is None:
            return Lanes(self.steps, self.rows, False)
        if isinstance(key, slice):
            return Lanes(self.steps, self.rows[key], False)
        return Lanes(self.steps, [self.rows[key]], True)

    def __setitem__(self, key: slice, value: "Lanes") -> None:
        self.rows[key] = value.rows

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "accumulate" and ufunc in COMPUTED and options == {"axis": 0}:
            rows = self.rows[:1]
            for row in self.rows[1:]:
                rows.append(self.steps.computed(ufunc, rows[-1], row))
            return Lanes(self.steps, rows, self.flat)
        # what is done in place has itself as out
        if method != "__call__" or options.keys() - {"out"}:
            return NotImplemented
        if ufunc is np.negative:
            return 0 - inputs[0]
        if ufunc not in COMPUTED and ufunc not in COMPARED:
            return NotImplemented
        return self.each(lambda one, other: self.steps.computed(ufunc, one, other), *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if options:
            return NotImplemented
        if function is np.where:
            return self.each(lambda *three: self.steps.step("select", *three), *inputs)
        if function is np.clip:
            value, low, high = inputs
            return np.minimum(np.maximum(value, low), high)
        if function is np.zeros_like:
            return Lanes(self.steps, [self.steps.constant(0)] * len(self), self.flat)
        if function is np.concatenate:
            return Lanes(self.steps, [row for part in inputs[0] for row in part.rows], False)
        return NotImplemented

    def each(self, step: Callable[..., int], *inputs: Any) -> "Lanes":
        """``step`` row by row; a number or a flat one serves every row."""
        lanes = [
            one
            if isinstance(one, Lanes)
            else Lanes(self.steps, [self.steps.constant(index(one))], True)
            for one in inputs
        ]
        tall = max((len(one) for one in lanes if not one.flat), default=1)
        rows = zip(*(one.rows * tall if one.flat else one.rows for one in lanes), strict=True)
        return Lanes(self.steps, [step(*row) for row in rows], all(one.flat for one in lanes))

    def over_rows(self, ufunc: np.ufunc) -> "Lanes":
        """All rows as one."""
        row = reduce(lambda one, other: self.steps.computed(ufunc, one, other), self.rows)
        return Lanes(self.steps, [row], True)

    def sum(self, axis: int) -> "Lanes":
        """Sum of the rows: ``axis`` is 0, as for all that follow."""
        none = Lanes(self.steps, [self.steps.constant(0)], True)
        return self.over_rows(np.add) if self.rows else none

    def max(self, axis: int) -> "Lanes":
        """Largest of the rows."""
        return self.over_rows(np.maximum)

    def min(self, axis: int) -> "Lanes":
        """Smallest of the rows."""
        return self.over_rows(np.minimum)


def steps_of(rule: Callable[[Regions], Sequence[Ints]], regions: int) -> tuple[Steps, list[int]]:
    """The steps by which ``rule`` comes from layouts of so many regions to arrays of shape
    (layouts,), and the places of these.

    Raises TypeError where the rule does what can't be written down.
    """
    steps = Steps()
    start, end = (
        Lanes(steps, [steps.step(name, row) for row in range(regions)], False)
        for name in ("start", "end")
    )
    found = rule(Regions(cast(Ints, start), cast(Ints, end)))
    return steps, [cast(Lanes, one).rows[0] for one in found]
