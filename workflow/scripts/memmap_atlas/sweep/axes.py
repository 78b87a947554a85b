"""The axes of a grid of layouts, and the values that each takes."""

from collections.abc import Iterator
from dataclasses import dataclass

GRID_AXES = ("base", "ram_size", "hole_start", "hole_size")


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


Axis = tuple[int, ...] | Range


@dataclass(frozen=True)
class Grid:
    """The axes of grid layouts, in bytes. Without a hole both of its axes are (0,)."""

    base: Axis
    ram_size: Axis
    hole_start: Axis
    hole_size: Axis

    def __len__(self) -> int:
        return len(self.base) * len(self.ram_size) * len(self.hole_start) * len(self.hole_size)
