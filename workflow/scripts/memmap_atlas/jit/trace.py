"""Trace a rule into a straight-line program over int64.

A rule of ``memmodel`` works on arrays. Called with a :class:`Tracer` in place of each array, it
records every operation as an instruction of a :class:`Trace`, from which ``codegen`` makes machine
code. So each rule is written once. One that branches on a layout, or calls what is not known here,
fails with a TypeError.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import index
from typing import Any, TypeGuard, cast

import numpy as np

from memmap_atlas.memmodel.regions import Ints, Regions

# an opcode and the registers that it reads; of a constant or an edge its number
Instruction = tuple[str, tuple[int, ...]]

COMPARISONS: dict[np.ufunc, str] = {
    np.less: "<",
    np.less_equal: "<=",
    np.greater: ">",
    np.greater_equal: ">=",
    np.equal: "==",
    np.not_equal: "!=",
}
ARITHMETIC: dict[np.ufunc, str] = {
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
    """A number that every layout shares."""

    value: int


# the register of an earlier result, or a number
Operand = int | Constant


@dataclass
class Trace:
    """Instructions in order, each recorded once; the result of the n-th is register n.

    constants: numbers that instructions read, one for each operand. Instructions hold their index
        only, so that kernels that differ in numbers alone share a program.
    """

    instructions: list[Instruction] = field(default_factory=list)
    constants: list[int] = field(default_factory=list)
    recorded: dict[tuple[str, tuple[Operand, ...]], int] = field(default_factory=dict)

    def record(self, opcode: str, *operands: Operand) -> int:
        """The register of an instruction, recorded now or before."""
        key = (opcode, operands)
        if key not in self.recorded:
            self.recorded[key] = self.append(opcode, tuple(map(self.register, operands)))
        return self.recorded[key]

    def register(self, operand: Operand) -> int:
        """The register that holds an operand; a number gets one of its own."""
        if not isinstance(operand, Constant):
            return operand
        self.constants.append(operand.value)
        return self.append("constant", (len(self.constants) - 1,))

    def append(self, opcode: str, operands: tuple[int, ...]) -> int:
        """The register of a new instruction."""
        self.instructions.append((opcode, operands))
        return len(self.instructions) - 1

    def apply(self, ufunc: np.ufunc, left: Operand, right: Operand) -> Operand:
        """NumPy's ``ufunc`` of two operands; constants are folded, powers of two are shifts."""
        if ufunc in COMPARISONS:
            return self.record(COMPARISONS[ufunc], left, right)
        if isinstance(left, Constant) and isinstance(right, Constant):
            return Constant(int(ufunc(np.int64(left.value), np.int64(right.value))))
        if left == right and ufunc in (np.minimum, np.maximum):
            return left
        if right == Constant(0) and ufunc in (np.add, np.subtract):
            return left
        if left == Constant(0) and ufunc is np.add:
            return right
        if ufunc is np.multiply and is_power_of_two(left):
            left, right = right, left
        if is_power_of_two(right) and ufunc in (np.multiply, np.floor_divide):
            bits = right.value.bit_length() - 1
            return self.record(SHIFTS[ufunc], left, Constant(bits)) if bits else left
        return self.record(ARITHMETIC[ufunc], left, right)


def is_power_of_two(operand: Operand) -> TypeGuard[Constant]:
    """Return True for a constant that is a power of two."""
    return isinstance(operand, Constant) and operand.value > 0 and operand.value.bit_count() == 1


class Tracer(np.lib.mixins.NDArrayOperatorsMixin):
    """Symbolic array of int64 or bool, of shape (rows, layouts), or (layouts,) where ``flat``.

    rows: the register or the number that each row holds
    """

    def __init__(self, trace: Trace, rows: Sequence[Operand], flat: bool) -> None:
        self.trace, self.rows, self.flat = trace, list(rows), flat

    def __len__(self) -> int:
        return len(self.rows)

    def __bool__(self) -> bool:
        raise TypeError("a rule can't branch on a layout: choose between two values by np.where")

    def __iter__(self) -> Iterator["Tracer"]:
        return (Tracer(self.trace, [row], True) for row in self.rows)

    def __getitem__(self, key: int | slice | None) -> "Tracer":
        if key is None:
            return Tracer(self.trace, self.rows, False)
        if isinstance(key, slice):
            return Tracer(self.trace, self.rows[key], False)
        return Tracer(self.trace, [self.rows[key]], True)

    def __setitem__(self, key: slice, value: "Tracer") -> None:
        self.rows[key] = value.rows

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "accumulate" and ufunc in ARITHMETIC and options == {"axis": 0}:
            rows = self.rows[:1]
            for row in self.rows[1:]:
                rows.append(self.trace.apply(ufunc, rows[-1], row))
            return Tracer(self.trace, rows, self.flat)
        # an operation in place has itself as out
        if method != "__call__" or options.keys() - {"out"}:
            return NotImplemented
        if ufunc is np.negative:
            return 0 - inputs[0]
        if ufunc not in ARITHMETIC and ufunc not in COMPARISONS:
            return NotImplemented
        return self.rowwise(lambda left, right: self.trace.apply(ufunc, left, right), *inputs)

    def __array_function__(self, function: Any, types: Any, inputs: Any, options: Any) -> Any:
        if options:
            return NotImplemented
        if function is np.where:
            return self.rowwise(lambda *three: self.trace.record("select", *three), *inputs)
        if function is np.clip:
            value, low, high = inputs
            return np.minimum(np.maximum(value, low), high)
        if function is np.zeros_like:
            return Tracer(self.trace, [Constant(0)] * len(self), self.flat)
        if function is np.concatenate:
            return Tracer(self.trace, [row for part in inputs[0] for row in part.rows], False)
        return NotImplemented

    def rowwise(self, operation: Callable[..., Operand], *inputs: Any) -> "Tracer":
        """``operation`` row by row; a number or a flat array is broadcast to every row."""
        arrays = [
            value
            if isinstance(value, Tracer)
            else Tracer(self.trace, [Constant(index(value))], True)
            for value in inputs
        ]
        height = max((len(array) for array in arrays if not array.flat), default=1)
        rows = zip(
            *(array.rows * height if array.flat else array.rows for array in arrays), strict=True
        )
        flat = all(array.flat for array in arrays)
        return Tracer(self.trace, [operation(*row) for row in rows], flat)

    def reduced(self, ufunc: np.ufunc) -> "Tracer":
        """All rows combined into one."""
        row = reduce(lambda left, right: self.trace.apply(ufunc, left, right), self.rows)
        return Tracer(self.trace, [row], True)

    def sum(self, axis: int) -> "Tracer":
        """Sum of the rows; ``axis`` is 0, as for the next two."""
        zero = Tracer(self.trace, [Constant(0)], True)
        return self.reduced(np.add) if self.rows else zero

    def max(self, axis: int) -> "Tracer":
        """Largest of the rows."""
        return self.reduced(np.maximum)

    def min(self, axis: int) -> "Tracer":
        """Smallest of the rows."""
        return self.reduced(np.minimum)


def trace_rule(rule: Callable[[Regions], Sequence[Ints]], regions: int) -> tuple[Trace, list[int]]:
    """The trace of ``rule`` for layouts of ``regions`` regions each, and the registers of its
    results, arrays of shape (layouts,).

    Raises TypeError where the rule can't be traced.
    """
    trace = Trace()
    start, end = (
        Tracer(trace, [trace.append(edge, (row,)) for row in range(regions)], False)
        for edge in ("start", "end")
    )
    results = rule(Regions(cast(Ints, start), cast(Ints, end)))
    return trace, [trace.register(cast(Tracer, result).rows[0]) for result in results]
