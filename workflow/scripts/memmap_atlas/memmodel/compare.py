"""Cost of one layout under several kernels and models, as rows with the columns of the table."""

from collections.abc import Mapping, Sequence
from typing import Any

from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import LayoutLike, Regions

Row = Mapping[str, Any]


def compare(
    layout: LayoutLike, kernels: Mapping[str, Kernel], models: Sequence[str] | None = None
) -> list[Row]:
    """Return a row for each of ``kernels`` under each of ``models`` by name, under its default
    model where there are none.

    A row has native types and these keys: ram_bytes, then kernel, page_bytes, section_bytes,
    struct_page_bytes, model, selectable, feasible, reason and the columns of QUANTITIES, as in the
    memmap table. The bytes are None where a rule of the kernel forbids the layout, ``reason`` is
    None where none does. Raises KeyError for an unknown model.
    """
    ram = Regions.of([layout])
    rows: list[Row] = []
    for name, kernel in kernels.items():
        for model in models or [kernel.default_model]:
            reason = str(infeasible(ram, kernel, model)[0])
            feasible = reason == FEASIBLE
            costs = cost(ram, kernel, model) if feasible else None
            row: dict[str, Any] = {
                "ram_bytes": int(ram.size[0]),
                "kernel": name,
                "page_bytes": kernel.page_size,
                "section_bytes": kernel.section_size,
                "struct_page_bytes": kernel.struct_page_size,
                "model": model,
                "selectable": model in kernel.models,
                "feasible": feasible,
                "reason": None if feasible else reason,
            }
            for quantity in QUANTITIES:
                row[quantity.column] = costs and int(getattr(costs, quantity.name)[0])
            rows.append(row)
    return rows
