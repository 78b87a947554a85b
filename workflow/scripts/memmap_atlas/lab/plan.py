"""A lab: kernels, memory maps, and which of them are booted together; values, no files."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Layout
from memmap_atlas.text.units import size_text

# what kernels and their initramfs need in one piece at most
ROOM = 256 << 20
# draws in a row that are no map, before it is said that there is none
MOST_MISSED = 1000


@dataclass(frozen=True)
class Origin:
    """Origin of a kernel's image: a Debian package, a build of a Debian source package, or
    a file; ``suite`` is for the first two.
    """

    package: str = ""
    source: str = ""
    image: str = ""
    suite: str = ""


@dataclass(frozen=True)
class LabKernel:
    """A kernel of the lab: the parameters to hold it to, its image's origin, and its CPU ("": the
    board's own).
    """

    kernel: Kernel
    origin: Origin
    cpu: str = ""


@dataclass(frozen=True)
class Lab:
    """Kernels and maps by name, and the boots as (kernel, map); a time limit in seconds."""

    kernels: Mapping[str, LabKernel]
    maps: Mapping[str, Layout]
    boots: tuple[tuple[str, str], ...]
    time_limit: int

    @property
    def summary(self) -> str:
        """Return the planned boots in words, as shown before work starts."""
        names = {kernel for kernel, _ in self.boots}
        arches = {self.kernels[name].kernel.arch for name in names}
        maps = {name for _, name in self.boots}
        return (
            f"lab: {len(self.boots)} boots of {len(names)} kernels, {len(arches)} architectures, "
            f"on {len(maps)} maps; {self.time_limit} s at most for each"
        )


@dataclass(frozen=True)
class Random:
    """Random maps: up to ``regions`` regions between two addresses, edges at multiples of
    ``edge``; the first region has ``room`` for a kernel. Sizes in bytes.

    fixed: whether RAM starts at ``start``, and not anywhere behind it
    """

    count: int
    seed: int
    regions: int
    start: int
    end: int
    edge: int
    room: int = ROOM
    fixed: bool = False


def random_maps(plan: Random) -> list[Layout]:
    """The maps of a plan, always the same ones.

    Edges are drawn from grids of 1 to 2^17 times ``edge``, so that some lie on section edges,
    some on leaves, and some on nothing. Raises ValueError where hardly any draw is a map.
    """
    if not 0 <= plan.start < plan.end or not plan.edge or plan.edge > plan.end - plan.start:
        raise ValueError("to must lie above from, by one edge or more, and an edge is no 0")
    random = np.random.default_rng(plan.seed)
    maps: list[Layout] = []
    missed = 0
    while len(maps) < plan.count:
        edges = {plan.start} if plan.fixed else set()
        for _ in range(2 * int(random.integers(1, plan.regions + 1))):
            grid = plan.edge << int(random.integers(0, 18))
            edges.add(int(random.integers(plan.start // grid, plan.end // grid + 1)) * grid)
        ordered = sorted(edge for edge in edges if plan.start <= edge <= plan.end)
        regions = tuple(zip(ordered[::2], ordered[1::2], strict=False))
        if regions and regions[0][1] - regions[0][0] >= plan.room:
            maps.append(regions)
            missed = 0
        elif (missed := missed + 1) == MOST_MISSED:
            raise ValueError(
                f"of {MOST_MISSED:,} draws none has room for {size_text(plan.room)} in its first "
                "region: widen from and to, or give a smaller room"
            )
    return maps
