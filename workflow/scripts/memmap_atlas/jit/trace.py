"""What a rule does to the regions of one layout, written down instead of done.

A rule of ``models`` or ``cost`` works on arrays. Given :class:`Lanes` in their place it comes to
the same end, and each thing that it does is a step: what ``compiled`` makes machine code of. So no
rule has a second copy; one that does what can't be written down fails with a TypeError.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import index
from typing import Any, TypeGuard, cast

import numpy as np

from memmap_atlas.memmodel.regions import Ints, Regions

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
SHIFTS: dict[np.ufunc, str] = {np.multiply: "shl", np.floor_divide: "shr"}


@dataclass(frozen=True)
class Constant:
    """A number that is the same for every layout."""

    value: int


# what a step takes: the place of another, or a number
Operand = int | Constant


@dataclass
class Trace:
    """Steps in the order in which they are taken, each once.

    constants: the numbers that steps take, one for each step and operand. The steps know their
        place only: kernels that differ in nothing but numbers have the same steps.
    """

    taken: list[Step] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    places: dict[tuple[str, tuple[Operand, ...]], int] = field(default_factory=dict)

    def step(self, name: str, *operands: Operand) -> int:
        """The place of a step, taken now or before."""
        if (name, operands) not in self.places:
            arguments = tuple(self.place(operand) for operand in operands)
            self.places[name, operands] = self.added(name, arguments)
        return self.places[name, operands]

    def place(self, operand: Operand) -> int:
        """Where an operand stands; a number gets a place of its own."""
        if not isinstance(operand, Constant):
            return operand
        self.constants.append(operand.value)
        return self.added("constant", (len(self.constants) - 1,))

    def added(self, name: str, arguments: tuple[int, ...]) -> int:
        """The place of a new step."""
        self.taken.append((name, arguments))
        return len(self.taken) - 1

    def computed(self, ufunc: np.ufunc, one: Operand, other: Operand) -> Operand:
        """What numpy's ``ufunc`` makes of two operands; powers of two are shifts."""
        if ufunc in COMPARED:
            return self.step(COMPARED[ufunc], one, other)
        if isinstance(one, Constant) and isinstance(other, Constant):
            return Constant(int(ufunc(np.int64(one.value), np.int64(other.value))))
        if one == other and ufunc in (np.minimum, np.maximum):
            return one
        if other == Constant(0) and ufunc in (np.add, np.subtract):
            return one
        if one == Constant(0) and ufunc is np.add:
            return other
        if ufunc is np.multiply and is_power(one):
            one, other = other, one
        if is_power(other) and ufunc in (np.multiply, np.floor_divide):
            bits = other.value.bit_length() - 1
            return self.step(SHIFTS[ufunc], one, Constant(bits)) if bits else one
        return self.step(COMPUTED[ufunc], one, other)


def is_power(operand: Operand) -> TypeGuard[Constant]:
    """Whether an operand is a number, and a power of two."""
    return isinstance(operand, Constant) and operand.value > 0 and operand.value.bit_count() == 1


class Tracer(np.lib.mixins.NDArrayOperatorsMixin):
    """Stands for an array of int64 or bool: of shape (rows, layouts), or (layouts,) where ``flat``.

    rows: what each row is, the place of a step or a number
    """

    def __init__(self, steps: Trace, rows: Sequence[Operand], flat: bool) -> None:
        self.steps, self.rows, self.flat = steps, list(rows), flat

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        raise TypeError("no step can depend on a layout: np.where chooses between two values")

    def __iter__(self) -> Iterator["Tracer"]:
        return (Tracer(self.steps, [row], True) for row in self.rows)

    def __getitem__(self, key: int | slice | None) -> "Tracer":
        if key is None:
            return Tracer(self.steps, self.rows, False)
        if isinstance(key, slice):
            return Tracer(self.steps, self.rows[key], False)
        return Tracer(self.steps, [self.rows[key]], True)

    def __setitem__(self, key: slice, value: "Tracer") -> None:
        self.rows[key] = value.rows

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "accumulate" and ufunc in COMPUTED and options == {"axis": 0}:
            rows = self.rows[:1]
            for row in self.rows[1:]:
                rows.append(self.steps.computed(ufunc, rows[-1], row))
            return Tracer(self.steps, rows, self.flat)
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
            return Tracer(self.steps, [Constant(0)] * len(self), self.flat)
        if function is np.concatenate:
            return Tracer(self.steps, [row for part in inputs[0] for row in part.rows], False)
        return NotImplemented

    def each(self, step: Callable[..., Operand], *inputs: Any) -> "Tracer":
        """``step`` row by row; a number or a flat one serves every row."""
        lanes = [
            one if isinstance(one, Tracer) else Tracer(self.steps, [Constant(index(one))], True)
            for one in inputs
        ]
        tall = max((len(one) for one in lanes if not one.flat), default=1)
        rows = zip(*(one.rows * tall if one.flat else one.rows for one in lanes), strict=True)
        return Tracer(self.steps, [step(*row) for row in rows], all(one.flat for one in lanes))

    def over_rows(self, ufunc: np.ufunc) -> "Tracer":
        """All rows as one."""
        row = reduce(lambda one, other: self.steps.computed(ufunc, one, other), self.rows)
        return Tracer(self.steps, [row], True)

    def sum(self, axis: int) -> "Tracer":
        """Sum of the rows: ``axis`` is 0, as for all that follow."""
        none = Tracer(self.steps, [Constant(0)], True)
        return self.over_rows(np.add) if self.rows else none

    def max(self, axis: int) -> "Tracer":
        """Largest of the rows."""
        return self.over_rows(np.maximum)

    def min(self, axis: int) -> "Tracer":
        """Smallest of the rows."""
        return self.over_rows(np.minimum)


def trace_rule(rule: Callable[[Regions], Sequence[Ints]], regions: int) -> tuple[Trace, list[int]]:
    """The steps by which ``rule`` comes from layouts of so many regions to arrays of shape
    (layouts,), and the places of these.

    Raises TypeError where the rule does what can't be written down.
    """
    steps = Trace()
    start, end = (
        Tracer(steps, [steps.added(name, (row,)) for row in range(regions)], False)
        for name in ("start", "end")
    )
    found = rule(Regions(cast(Ints, start), cast(Ints, end)))
    return steps, [steps.place(cast(Tracer, one).rows[0]) for one in found]
