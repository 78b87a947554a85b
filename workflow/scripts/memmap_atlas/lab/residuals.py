"""Booted against computed: every quantity that a boot shows, and what the arithmetic gives."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from memmap_atlas.lab.tables import TOLD_COLUMNS, layout_of
from memmap_atlas.memmodel.cost import Cost, cost, counted_pages
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, freed_in_place
from memmap_atlas.memmodel.regions import Ints, Regions, whole_pages

Row = Mapping[str, Any]


def residuals(observations: Sequence[Row], kernels: Mapping[str, Kernel]) -> list[dict[str, Any]]:
    """Return a row for each quantity that a boot shows, by kernel and in the order of the boots."""
    by_kernel: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in observations:
        if row.get("regions"):
            by_kernel[row["kernel"], row["model"]].append(row)
    table: list[dict[str, Any]] = []
    for (name, model), rows in by_kernel.items():
        table += of_kernel(rows, kernels[name], model)
    return table


def of_kernel(rows: Sequence[Row], kernel: Kernel, model: str) -> list[dict[str, Any]]:
    """Return the residuals of boots of one kernel."""
    given = Regions.of([layout_of(row["told"]) for row in rows])
    ram = Regions.of([layout_of(row["regions"]) for row in rows])
    computed = predicted(ram, kernel, model)
    holes = [kernel.page_size * (len(row["regions"]) - 1) for row in rows]
    residual_rows = []
    frees_array = MODELS[model].family == "flatmem" and MODELS[model].frees
    array = np.array([row.get("array_address") or 0 for row in rows])
    in_place = freed_in_place(ram, kernel, array)
    for index, row in enumerate(rows):
        frees = frees_array and row.get("array_address") is not None
        freed = row.get("freed_bytes") if frees else None
        pairs = {
            "freed_in_place_bytes": (freed, int(in_place[index])),
            "ram_bytes": (
                int(ram.size[index]),
                int(whole_pages(given, kernel.page_size).size[index]),
            ),
            "present_pages": (row.get("present_pages"), int(ram.size[index]) // kernel.page_size),
            **{name: (row.get(name), int(values[index])) for name, values in computed.items()},
            **{
                column: (row.get(column), getattr(kernel, name)) for name, column, _ in TOLD_COLUMNS
            },
        }
        if row.get("memmap_bytes") is not None:
            # both parts are known: their sum says nothing more
            del pairs["memmap_and_table_bytes"]
        for quantity, (observed, value) in pairs.items():
            if observed is None:
                continue
            loose = frees_array and quantity in LOOSE
            residual_rows.append(
                {
                    **{key: row[key] for key in ("kernel", "arch", "map")},
                    "model": model,
                    "quantity": quantity,
                    "observed": observed,
                    "predicted": value,
                    "off": observed - value,
                    "allowed": holes[index] * LOOSE[quantity] if loose else 0,
                }
            )
    return residual_rows


# FLATMEM frees holes page by page from wherever its array starts, and the arithmetic takes the
# start that keeps most (models.flatmem_free()): a boot can free up to a page more for each hole
LOOSE = {"freed_bytes": 1, "memmap_bytes": -1, "memmap_and_table_bytes": -1}


def predicted(ram: Regions, kernel: Kernel, model: str) -> dict[str, Ints]:
    """Compute each quantity of a boot log, int64 of shape (layouts,)."""
    result: Cost[Ints] = cost(ram, kernel, model)
    return {
        "memmap_bytes": result.memmap,
        "freed_bytes": result.freed,
        "usage_bytes": result.usage,
        "root_array_bytes": result.root_array,
        "root_page_bytes": result.root_pages,
        "page_table_bytes": result.page_table,
        "memmap_and_table_bytes": result.memmap + result.page_table,
        "boot_request_bytes": result.boot_request,
        "boot_pages": counted_pages(ram, kernel, model),
        "mapped_bytes": result.memmap,
    }


@dataclass(frozen=True)
class Agreement:
    """Agreement of a quantity over the boots of a kernel.

    boots: that show it
    exact, within: those equal to the byte, and those within what is allowed
    worst: largest difference of the others
    """

    boots: int
    exact: int
    within: int
    worst: int

    @property
    def holds(self) -> bool:
        """True where every boot is exact or within what is allowed."""
        return self.exact + self.within == self.boots


def is_within(residual: Row) -> bool:
    """Return True where a residual lies between 0 and what is allowed."""
    low, high = sorted((0, int(residual["allowed"])))
    return bool(low <= residual["off"] <= high)


def agreements(found: Sequence[Row]) -> dict[tuple[str, str], Agreement]:
    """Return the agreement by kernel and quantity, in the order of the residuals."""
    groups: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for residual in found:
        groups[residual["kernel"], residual["quantity"]].append(residual)
    result = {}
    for key, rows in groups.items():
        exact = sum(row["off"] == 0 for row in rows)
        within = sum(row["off"] != 0 and is_within(row) for row in rows)
        worst = max((row["off"] for row in rows if not is_within(row)), key=abs, default=0)
        result[key] = Agreement(len(rows), exact, within, worst)
    return result
