"""The points of a sweep: layouts under every kernel, section size and model.

Layouts are handled as arrays; the loop is over combinations of the others.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial

import numpy as np

from memmap_atlas.memmodel.backing import NOTHING, Strip, strip
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, RULES, forbidden
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.sweep.design import Combination, Sweep
from memmap_atlas.sweep.layouts import Layouts

# machine code takes as long to make as arrays take for so many layouts
MANY_LAYOUTS = 1 << 16
# regions of a layout that machine code is made for: a grid has two
FEW_REGIONS = 2
# layouts whose arrays fit the cache: evaluated several times faster than all at once
BLOCK = 1 << 14


@dataclass(frozen=True)
class Points:
    """Layouts under some combinations of a sweep.

    costs: bytes, as in QUANTITIES, int64 of shape (quantities, combinations, layouts); without
        meaning where a rule forbids the point
    rules: its place in ``cost.RULES``, 0 where there is none, shape (combinations, layouts)
    """

    layouts: Layouts
    combinations: Sequence[Combination]
    costs: Ints
    rules: Ints


def points(blocks: Iterable[Layouts], sweep: Sweep) -> Iterator[Points]:
    """The points of some layouts of a sweep: for one block of them after the other, each group of
    combinations.
    """
    fill = fill_compiled if sweep.layouts >= MANY_LAYOUTS else fill_from_arrays
    groups = sweep.groups
    kernels = {
        (name, section): sweep.kernels[name].with_section(section)
        for name, section, _ in sweep.combinations
    }
    for layouts in blocks:
        for group in groups:
            found = np.empty((len(QUANTITIES) + 1, len(group), len(layouts)), dtype=np.int64)
            for place, (name, section, model) in enumerate(group):
                fill(layouts.regions, kernels[name, section], model, found[:, place])
            yield Points(layouts, group, found[:-1], found[-1])


def point(layouts: Regions, kernel: Kernel, model: str) -> Sequence[Ints]:
    """QUANTITIES of each layout, and the rule that forbids it; each of shape (layouts,)."""
    costs = cost(layouts, kernel, model)
    values = [getattr(costs, quantity.name) for quantity in QUANTITIES]
    return [*values, forbidden(layouts, kernel, model)]


def fill_from_arrays(layouts: Regions, kernel: Kernel, model: str, out: Ints) -> None:
    """Write what :func:`point` gives into the rows of ``out``."""
    for first in range(0, out.shape[1], BLOCK):
        some = slice(first, first + BLOCK)
        out[:, some] = point(layouts.columns(some), kernel, model)


def fill_compiled(layouts: Regions, kernel: Kernel, model: str, out: Ints) -> None:
    """The same as machine code; from arrays where layouts have more regions."""
    if len(layouts.start) == FEW_REGIONS:
        program(kernel, model)(layouts, out)
    else:
        fill_from_arrays(layouts, kernel, model, out)


@cache
def program(kernel: Kernel, model: str) -> Callable[[Regions, Ints], None]:
    """:func:`point` as machine code, for layouts of FEW_REGIONS."""
    # LLVM is loaded where it is needed: most sweeps are small
    from memmap_atlas.jit.codegen import compile_rule

    return compile_rule(partial(point, kernel=kernel, model=model), FEW_REGIONS)


def strips(layouts: Layouts, sweep: Sweep) -> Iterator[tuple[str, int, str, Strip]]:
    """Where struct pages stay, for all layouts of one combination after the other; nowhere in what
    is infeasible.
    """
    for name, section, model in sweep.combinations:
        kernel = sweep.kernels[name].with_section(section)
        found = strip(layouts.regions, kernel, model)
        forbids = forbidden(layouts.regions, kernel, model) != RULES.index(FEASIBLE)
        found.part[:, forbids] = NOTHING
        yield name, section, model, found
