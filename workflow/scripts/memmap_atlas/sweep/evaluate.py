"""Points of a sweep: layouts under every kernel, section size and model.

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

# layouts that arrays evaluate in the time that compiling takes
MANY_LAYOUTS = 1 << 16
# regions of the layouts that are compiled for: those of a grid have two
FEW_REGIONS = 2
# layouts whose arrays fit the cache: evaluated several times faster than all at once
BLOCK = 1 << 14


@dataclass(frozen=True)
class Points:
    """Layouts under some combinations of a sweep.

    costs: bytes, as in QUANTITIES, int64 of shape (quantities, combinations, layouts); without
        meaning where a rule forbids the point
    rules: indices into ``feasibility.RULES``, shape (combinations, layouts)
    """

    layouts: Layouts
    combinations: Sequence[Combination]
    costs: Ints
    rules: Ints


def points(blocks: Iterable[Layouts], sweep: Sweep) -> Iterator[Points]:
    """Yield the points of each block of layouts, group by group of the sweep's combinations."""
    fill = fill_compiled if sweep.layouts >= MANY_LAYOUTS else fill_from_arrays
    groups = sweep.groups
    kernels = {
        combination: sweep.kernels[combination.kernel].with_section(combination.section_size)
        for combination in sweep.combinations
    }
    for layouts in blocks:
        for group in groups:
            rows = np.empty((len(QUANTITIES) + 1, len(group), len(layouts)), dtype=np.int64)
            for index, combination in enumerate(group):
                fill(layouts.regions, kernels[combination], combination.model, rows[:, index])
            yield Points(layouts, group, rows[:-1], rows[-1])


def point(layouts: Regions, kernel: Kernel, model: str) -> Sequence[Ints]:
    """Return QUANTITIES of each layout, then the index of the rule that forbids it; each of shape
    (layouts,).
    """
    costs = cost(layouts, kernel, model)
    values = [getattr(costs, quantity.name) for quantity in QUANTITIES]
    return [*values, forbidden(layouts, kernel, model)]


def fill_from_arrays(layouts: Regions, kernel: Kernel, model: str, out: Ints) -> None:
    """Write the results of :func:`point` to the rows of ``out``, (quantities + 1, layouts)."""
    for first in range(0, out.shape[1], BLOCK):
        block = slice(first, first + BLOCK)
        out[:, block] = point(layouts.columns(block), kernel, model)


def fill_compiled(layouts: Regions, kernel: Kernel, model: str, out: Ints) -> None:
    """Write the results of :func:`point` to the rows of ``out``, compiled where layouts have
    FEW_REGIONS.
    """
    if len(layouts.start) == FEW_REGIONS:
        program(kernel, model)(layouts, out)
    else:
        fill_from_arrays(layouts, kernel, model, out)


@cache
def program(kernel: Kernel, model: str) -> Callable[[Regions, Ints], None]:
    """Return :func:`point` compiled for layouts of FEW_REGIONS."""
    # loads LLVM, which most sweeps are too small to need
    from memmap_atlas.jit.codegen import compile_rule

    return compile_rule(partial(point, kernel=kernel, model=model), FEW_REGIONS)


def strips(layouts: Layouts, sweep: Sweep) -> Iterator[tuple[Combination, Strip]]:
    """Yield for each combination where the struct pages of all layouts stay; infeasible layouts
    keep nothing.
    """
    for combination in sweep.combinations:
        kernel = sweep.kernels[combination.kernel].with_section(combination.section_size)
        kept = strip(layouts.regions, kernel, combination.model)
        infeasible = forbidden(layouts.regions, kernel, combination.model) != RULES.index(FEASIBLE)
        kept.part[:, infeasible] = NOTHING
        yield combination, kept
