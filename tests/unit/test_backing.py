"""The parts of a strip against those of the cost, on maps of every kind."""

import numpy as np
import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.backing import NOTHING, PARTS, strip
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions

from tests.tools.paths import ROOT

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
LAYOUTS = [
    [(0x0, 0x60000000), (0x80000000, 0xE0000000)],
    [(0x1000, 0x9F000), (0x100000, 0x7FE0000), (0x40000000, 0x7FFF3000)],
    [(0x80000000, 0xFF000000), (0x880000000, 0xA00000000)],
    [(0x40000000, 0x80000000)],
]


# arrays of discontigmem can overlap: their sums are no stretches of the address space
@pytest.mark.parametrize("model", sorted(MODELS.keys() - {"discontigmem"}))
@pytest.mark.parametrize("name", ["arm64-5.10-4k", "arm64-6.12-64k", "arm-5.10"])
def test_parts_sum_to_the_cost(name: str, model: str) -> None:
    kernel = KERNELS[name]
    layouts = Regions.of(LAYOUTS)
    expected = cost(layouts, kernel, model)
    stretches = strip(layouts, kernel, model)
    pages = np.diff(stretches.edges, axis=0) // kernel.page_size
    assert (pages >= 0).all()
    for index, part in enumerate(PARTS):
        kept = np.where(stretches.part == index, pages, 0).sum(axis=0)
        assert (kept * kernel.struct_page_size == getattr(expected, part)).all(), part
    assert (stretches.part[pages == 0] == NOTHING).all()
