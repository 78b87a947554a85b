"""The rows of the memmap dataset: every layout under every kernel, section size and model.

A row is a point. Layouts are handled as arrays; the loop is over combinations of the others.
"""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from memmap_atlas.cost import FEASIBLE, cost, infeasible
from memmap_atlas.kernel import Kernel
from memmap_atlas.layouts import Layouts
from memmap_atlas.regions import Ints, Regions
from memmap_atlas.strips import NOTHING, Strip, strip
from memmap_atlas.sweep import Sweep
from memmap_atlas.table import COST_COLUMNS, constant, layout_columns

BLOCK = 1 << 14


def rows(layouts: Layouts, sweep: Sweep) -> Iterator[list[pa.Array]]:
    """The columns of the memmap dataset, for all layouts of one combination after the other."""
    shared = layout_columns(layouts)
    for name, section, model in sweep.combinations:
        kernel = sweep.kernels[name].with_section(section)
        yield [*shared, *point_columns(layouts.regions, name, kernel, model)]


def point_columns(regions: Regions, name: str, kernel: Kernel, model: str) -> list[pa.Array]:
    """The columns of kernel, model and cost for each layout, in the order of the contract."""
    count = len(regions.first)
    reasons = infeasible(regions, kernel, model)
    forbidden: NDArray[np.bool_] = reasons != FEASIBLE
    return [
        constant(name, count),
        constant(kernel.page_size, count),
        constant(kernel.section_size, count),
        constant(kernel.struct_page_size, count),
        constant(model, count),
        constant(model in kernel.models, count),
        pa.array(~forbidden),
        pa.array(reasons, pa.string(), mask=~forbidden).dictionary_encode(),
        *(pa.array(values, mask=forbidden) for values in costs(regions, kernel, model)),
    ]


def strips(layouts: Layouts, sweep: Sweep) -> Iterator[tuple[str, int, str, Strip]]:
    """Where struct pages stay, for all layouts of one combination after the other; nowhere in what
    is infeasible.
    """
    for name, section, model in sweep.combinations:
        kernel = sweep.kernels[name].with_section(section)
        found = strip(layouts.regions, kernel, model)
        found.part[:, infeasible(layouts.regions, kernel, model) != FEASIBLE] = NOTHING
        yield name, section, model, found


def costs(regions: Regions, kernel: Kernel, model: str) -> list[Ints]:
    """The byte columns of the contract for each layout, each of shape (layouts,)."""
    # blocks that fit the cache are evaluated several times faster than all at once
    blocks = [
        cost(regions.columns(slice(first, first + BLOCK)), kernel, model)
        for first in range(0, len(regions.first), BLOCK)
    ]
    columns = [name.removesuffix("_bytes") for name, _ in COST_COLUMNS]
    return [np.concatenate([getattr(block, name) for block in blocks]) for name in columns]
