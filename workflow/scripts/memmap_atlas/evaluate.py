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
from memmap_atlas.regions import Regions
from memmap_atlas.sweep import Sweep
from memmap_atlas.table import constant, layout_columns


def rows(layouts: Layouts, sweep: Sweep) -> Iterator[list[pa.Array]]:
    """The columns of the memmap dataset, for all layouts of one combination after the other."""
    shared = layout_columns(layouts)
    for name, section, model in sweep.combinations:
        kernel = sweep.kernels[name].with_section(section)
        yield [*shared, *point_columns(layouts.regions, name, kernel, model)]


def point_columns(regions: Regions, name: str, kernel: Kernel, model: str) -> list[pa.Array]:
    """The columns of kernel, model and cost for each layout, in the order of the contract."""
    count = len(regions.start)
    reasons = infeasible(regions, kernel, model)
    forbidden: NDArray[np.bool_] = reasons != FEASIBLE
    result = cost(regions, kernel, model)
    costs = (
        result.needed,
        result.memmap,
        result.freed,
        result.wasted,
        result.hole,
        result.edge,
        result.rounding,
        result.section_table,
        result.usage,
        result.page_table,
        result.boot_request,
    )
    return [
        constant(name, count),
        constant(kernel.page_size, count),
        constant(kernel.section_size, count),
        constant(kernel.struct_page_size, count),
        constant(model, count),
        constant(model in kernel.models, count),
        pa.array(~forbidden),
        pa.array(reasons, pa.string(), mask=~forbidden).dictionary_encode(),
        *(pa.array(values, mask=forbidden) for values in costs),
    ]
