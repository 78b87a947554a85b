"""The closed form against what real kernels allocated: tests/golden/boots.json, each value to the
byte.
"""

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.cost import Cost, cost
from memmap_atlas.memmodel.feasibility import infeasible
from memmap_atlas.memmodel.regions import Ints, Regions

from tests.tools.paths import GOLDEN, ROOT

CONFIG = ROOT / "config"
BOOTS = json.loads((GOLDEN / "boots.json").read_text())
KERNELS = load_kernels(CONFIG / "kernels.yaml", CONFIG / "lab-kernels.yaml")
BOOTED: dict[str, Callable[[Cost[Ints]], Ints]] = {
    "memmap_bytes": lambda c: c.memmap,
    "freed_bytes": lambda c: c.freed,
    "array_bytes": lambda c: c.memmap + c.freed,
    "usage_bytes": lambda c: c.usage,
    "root_array_bytes": lambda c: c.root_array,
    "root_page_bytes": lambda c: c.root_pages,
    "page_table_bytes": lambda c: c.page_table,
    "boot_request_bytes": lambda c: c.boot_request,
    "memmap_plus_page_table_bytes": lambda c: c.memmap + c.page_table,
}


def computed(boot: dict[str, Any]) -> Cost[Ints]:
    layout = [(int(start, 16), int(end, 16)) for start, end in boot["layout"]]
    return cost(Regions.of([layout]), KERNELS[boot["kernel"]], boot["model"])


@pytest.mark.parametrize("boot", BOOTS["boots"], ids=lambda b: f"{b['kernel']}-{b['layout_name']}")
def test_boot(boot: dict[str, Any]) -> None:
    kernel = KERNELS[boot["kernel"]]
    assert (kernel.page_size, kernel.section_size) == (boot["page_bytes"], boot["section_bytes"])
    assert boot["model"] in kernel.models
    result = computed(boot)
    values = {key: int(get(result)[0]) for key, get in BOOTED.items() if key in boot}
    assert values == {key: boot[key] for key in values}
    assert result.wasted[0] == result.hole[0] + result.edge[0] + result.rounding[0]
    if "nr_memmap_boot_pages" in boot:
        # the counter is computed per present section, which is what is taken where no leaf rounds
        assert boot["nr_memmap_boot_pages"] * kernel.page_size == values["memmap_bytes"]


def test_every_value_is_compared() -> None:
    described = {"kernel", "page_bytes", "section_bytes", "model", "layout", "layout_name"}
    known = described | set(BOOTED) | {"nr_memmap_boot_pages", "buffer_refused"}
    assert {key for boot in BOOTS["boots"] for key in boot} <= known
    assert len(BOOTS["boots"]) == 76


THREAD = {
    "thread-3g": [(0, 0x60000000), (0x80000000, 0xE0000000)],
    "thread-4g": [(0, 0xE0000000), (0x100000000, 0x120000000)],
}


@pytest.mark.parametrize(
    ("kernel", "model", "expected"),
    [
        ("arm64-4.6-4k", "vmemmap", [67_108_864, 83_886_080]),
        ("arm64-5.10-4k", "vmemmap", [67_108_864, 83_886_080]),
        ("arm64-4.6-4k", "vmemmap-populated", [50_331_648, 67_108_864]),
        ("arm64-4.6-4k", "vmemmap-trimmed", [50_331_648, 67_108_864]),
        ("arm64-5.12-4k", "vmemmap", [50_331_648, 67_108_864]),
        ("arm64-6.12-4k", "vmemmap", [50_331_648, 67_108_864]),
        ("arm64-6.12-4k", "flatmem", [58_720_256, 75_497_472]),
        ("arm64-5.10-4k", "sparsemem-free", [50_331_648, 67_108_864]),
    ],
)
def test_thread_of_2016(kernel: str, model: str, expected: list[int]) -> None:
    layouts = Regions.of(list(THREAD.values()))
    result = cost(layouts, KERNELS[kernel], model)
    assert result.needed.tolist() == [50_331_648, 67_108_864]
    assert result.memmap.tolist() == expected
    assert np.array_equal(infeasible(layouts, KERNELS[kernel], model), ["", ""])
