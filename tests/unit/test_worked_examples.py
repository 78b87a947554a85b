"""The closed form against worked examples: tests/golden/worked-examples.yaml, each cell to the
byte.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.cost import Cost, cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Ints, Regions
from memmap_atlas.text.units import parse_size

from tests.tools.paths import GOLDEN, ROOT

Cell = dict[str, Any]

KERNELS = load_kernels(ROOT / "config/kernels.yaml", ROOT / "config/lab-kernels.yaml")
EXAMPLES = load_yaml(GOLDEN / "worked-examples.yaml")
CELLS: list[Cell] = EXAMPLES["cells"]
KERNEL_KEYS = ("kernel", "page", "section", "struct_page", "variant")
PLACE = {"row", "layout", "model", "aligned", *KERNEL_KEYS}
STATED: dict[str, Callable[[Cost[Ints]], Ints]] = {
    "needed": lambda c: c.needed,
    "allocated": lambda c: c.memmap + c.freed,
    "freed": lambda c: c.freed,
    "memmap": lambda c: c.memmap,
    "wasted": lambda c: c.wasted,
    "boot_request": lambda c: c.boot_request,
    # what the leaves leave of the section buffer
    "buffer_returned": lambda c: c.boot_request - c.memmap,
    "root_array": lambda c: c.root_array,
    "root_pages": lambda c: c.root_pages,
    "usage": lambda c: c.usage,
    "page_table": lambda c: c.page_table,
}


def kernel_of(cell: Cell) -> Kernel:
    if "kernel" in cell:
        return KERNELS[cell["kernel"]]
    kernel = KERNELS[EXAMPLES["kernels"][cell["page"]]]
    return replace(
        kernel,
        struct_page_size=cell["struct_page"],
        section_size=parse_size(cell.get("section", kernel.section_size)),
        free_unused_memmap=cell.get("variant", kernel.free_unused_memmap),
    )


def moved_to_page_start(cell: Cell, page_size: int) -> dict[str, int]:
    """Effect of an aligned array: each hole gives back the page that the ragged ends keep."""
    if not cell.get("aligned"):
        return {}
    layout = EXAMPLES["layouts"][cell["layout"]]
    holes = sum(end < start for (_, end), (start, _) in pairwise(layout))
    pages = holes * page_size
    return {"freed": pages, "memmap": -pages, "wasted": -pages}


def name_of(cell: Cell) -> str:
    keys = ("row", "layout", *KERNEL_KEYS, "model")
    parts = [str(cell[key]) for key in keys if key in cell]
    return "-".join([*parts, *(["aligned"] if cell.get("aligned") else [])]).replace(" ", "_")


@pytest.mark.parametrize("cell", CELLS, ids=name_of)
def test_cell(cell: Cell) -> None:
    kernel = kernel_of(cell)
    layout = Regions.of([EXAMPLES["layouts"][cell["layout"]]])
    # every cell that is not said to be illegal is legal
    assert infeasible(layout, kernel, cell["model"])[0] == cell.get("infeasible", FEASIBLE)
    result = cost(layout, kernel, cell["model"])
    moved = moved_to_page_start(cell, kernel.page_size)
    expected = {key: cell[key] for key in cell if key in STATED}
    assert {key: int(STATED[key](result)[0]) + moved.get(key, 0) for key in expected} == expected


def test_every_cell_is_there() -> None:
    counted = Counter(cell["layout"] for cell in CELLS)
    assert counted == {"L3": 50, "L4": 50, "FM": 50, "E1": 21, "E2": 4, "R1": 5, "R2": 4}
    assert len(CELLS) == 184
    assert sum(len(cell.keys() & STATED.keys()) for cell in CELLS) == 309
    assert sum("infeasible" in cell for cell in CELLS) == 18
    assert len({name_of(cell) for cell in CELLS}) == len(CELLS)
    for cell in CELLS:
        # a cell states something, and nothing that is not compared
        assert cell.keys() - PLACE
        assert cell.keys() - PLACE <= STATED.keys() | {"infeasible"}


@pytest.mark.parametrize(
    ("page", "section_memmap", "max_order"),
    [
        ("4KiB", 16_777_216, "4MiB"),
        ("16KiB", 4_194_304, "32MiB"),
        ("64KiB", 1_048_576, "512MiB"),
    ],
)
def test_kernels_are_those_of_the_cells(page: str, section_memmap: int, max_order: str) -> None:
    kernel = KERNELS[EXAMPLES["kernels"][page]]
    assert (kernel.page_size, kernel.section_size) == (parse_size(page), 1 << 30)
    assert kernel.section_memmap == section_memmap
    assert kernel.max_order_size == parse_size(max_order)
    assert kernel.pageblock_pages == (512 if page == "4KiB" else kernel.max_order_pages)
