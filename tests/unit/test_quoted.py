"""Numbers that people quoted in public: each computed, its verdict asserted, and the page of docs/
equal to them.
"""

from fractions import Fraction

import numpy as np
import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.hotplug import (
    hot_add,
    hot_add_on_memory,
    memmap_on_memory,
    namespace_data,
    ranges,
    stranded,
    x86_block_size,
)
from memmap_atlas.memmodel.hugetlb import optimized
from memmap_atlas.memmodel.regions import Regions

from tests.tools.paths import ROOT
from tests.tools.quoted_numbers import (
    CALCULATIONS,
    GIB,
    KIB,
    MIB,
    PAGE,
    Inputs,
    load_quotes,
    one,
    page,
    room_for,
    shown,
    verdict,
)

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
QUOTES = {quote.name: quote for quote in load_quotes(KERNELS)}

# quoted, computed, and what comes of it
EXPECTED: dict[str, tuple[float, float, str]] = {
    "kata-12g-188m": (188 * MIB, 192 * MIB, "rounds"),
    "kata-ratio": (1.56, 1.5625, "rounds"),
    "kata-12g-192m": (192 * MIB, 192 * MIB + 5376, "rounds"),
    "kata-12g-192m-arm64": (192 * MIB, 192 * MIB + 6156 * 4096 + 5376, "wrong"),
    "kata-12g-192m-64k": (192 * MIB, 12 * MIB + 24 * 65536 + 24 * 56, "wrong"),
    "kata-factor-48": (75, 75, "agrees"),
    "kata-1g-65g": (65 * GIB, 64 * GIB - 128 * MIB, "agrees"),
    "kata-2g-130g": (130 * GIB, 128 * GIB - 128 * MIB, "agrees"),
    "vm-size-63-64": (261 * MIB, 262 * MIB, "wrong"),
    "ppc64-block-needs-4": (4, 4, "agrees"),
    "ppc64-block-loses-28": (28, 28, "agrees"),
    "doc-force-loses-1m": (MIB, MIB, "agrees"),
    "cxl-front": (1280 * MIB, 768 * MIB, "wrong"),
    "cxl-back": (512 * MIB, 1792 * MIB, "wrong"),
    "cxl-both": (1536 * MIB, 2560 * MIB, "wrong"),
    "cxl-window": (121.25 * GIB, 242.5 * GIB, "wrong"),
    "cxl-percent": (0.7, 100 * 2.5 / 242.5, "wrong"),
    "cxl-up-to-2g": (2 * GIB, 2560 * MIB, "wrong"),
    "x86-large-block": (2 * GIB, 2 * GIB, "agrees"),
    "pmem-namespace-4m": (4 * MIB, 4 * MIB, "agrees"),
    "pmem-dax-1g": (GIB, GIB, "agrees"),
    "pmem-4g-2g": (2 * GIB, 2 * GIB, "agrees"),
    "pmem-4g-range": (3 * GIB, 2 * GIB, "wrong"),
    "kdump-holes-6m": (98308, 98308, "agrees"),
    "kdump-low-2m": (2 * MIB, 2 * MIB, "agrees"),
    "hvo-2m-6": (6, 6, "agrees"),
    "hvo-1g-4094": (4094, 4094, "agrees"),
    "hvo-1t-2m": (12 * GIB, 12 * GIB, "agrees"),
    "hvo-1t-1g": (16 * GIB, 16 * GIB - 8 * MIB, "rounds"),
    "hvo-doc-7": (7, 7, "agrees"),
    "hvo-doc-4095": (4095, 4095, "agrees"),
    "hvo-0-6-7": (7, 7, "agrees"),
    "hvo-87": (87.5, 87.5, "agrees"),
    "hvo-1t-16g": (16 * GIB, 16 * GIB, "agrees"),
    "hvo-8-times-64": (512, 32 * KIB, "wrong"),
    "dax-half": (50, 600 / 7, "wrong"),
    "dax-ppc64-16": (16, 16, "agrees"),
}


def test_every_quote_is_expected() -> None:
    assert list(QUOTES) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_quoted_computed_and_verdict(name: str) -> None:
    quoted, computed, held = EXPECTED[name]
    quote = QUOTES[name]
    assert float(quote.quoted) == pytest.approx(quoted, rel=1e-12)
    assert float(quote.computed) == pytest.approx(computed, rel=1e-12)
    # the verdict follows from the numbers, and the entry states it
    assert quote.verdict == quote.entry["verdict"] == held
    assert quote.entry["why"].endswith((".", ")"))


def test_the_page_has_these_numbers() -> None:
    """`make docs` writes it."""
    text = page(list(QUOTES.values()))
    assert PAGE.read_text() == text
    rows = [line for line in text.splitlines() if line.startswith("| ") and "| ---" not in line]
    assert len(rows) == len(QUOTES) + 3
    assert {row.count(" | ") for row in rows} == {6}
    assert "\n21 agree, 4 are rounded, 12 are wrong." in text
    assert "| 1.25 GiB | 768 MiB | -512 MiB | wrong |" in text


def test_numbers_in_the_reasons_are_computed() -> None:
    """Numbers that a `why` adds beside the two."""
    device = one(0x240000000), one(0xFFE00000)
    data, length = namespace_data(*device, KERNELS["arm64-6.12-64k"], memmap_in_device=True)
    in_device = [stranded(data, length, block * MIB).usable[0] for block in (512, 128)]
    assert in_device == [3 * GIB, 3840 * MIB]
    head = CALCULATIONS["namespace-head"][1]
    small = Inputs(KERNELS["arm64-6.12-4k"], start=0x240000000, size=2 * GIB)
    assert head(small) == 34 * MIB
    usable = CALCULATIONS["kmem-usable"][1]
    halves = Inputs(KERNELS["arm64-5.12-64k"], start=0x240000000, size=2 * GIB, block=512 * MIB)
    assert usable(halves) == 1536 * MIB
    # a window on multiples of 256 MiB loses most where it starts and ends just behind a block
    lost = CALCULATIONS["stranded-both"][1]
    places = range(0, 2 * GIB, 256 * MIB)
    most = max(
        lost(Inputs(None, start=start, size=8 * GIB + more, block=2 * GIB))
        for start in places
        for more in places
    )
    assert most == 3584 * MIB
    assert lost(Inputs(None, start=0xC050000000, size=0x3CA0000000, block=256 * MIB)) == 0
    # C x 64/63 against whole sections
    short = []
    for size in range(64, 2048):
        exact = room_for(Inputs(KERNELS["x86_64-6.12"], size=size * MIB))
        short.append(exact // MIB - -(-size * 64 // 63))
    assert set(short) == {0, 1}
    assert short[256 - 64] == 1
    assert 0.45 < sum(short) / len(short) < 0.55
    low = cost(Regions.of([[(0x1000, 0xA0000)]]), KERNELS["x86_64-6.12"], "vmemmap")
    assert round(low.needed[0] / KIB, 1) == 9.9


@pytest.mark.parametrize(
    ("quoted", "computed", "precision", "bound", "expected"),
    [
        (10, 10, 0, False, "agrees"),
        (10, 11, 0, False, "wrong"),
        (10, 11, 2, False, "rounds"),
        (10, 9, 2, False, "rounds"),
        (10, 11, 1, False, "wrong"),
        (10, 9, 0, True, "agrees"),
        (10, 11, 2, True, "wrong"),
    ],
)
def test_verdict(quoted: int, computed: int, precision: int, bound: bool, expected: str) -> None:
    assert verdict(Fraction(quoted), Fraction(computed), Fraction(precision), bound) == expected


def test_numbers_for_people() -> None:
    assert shown(Fraction(192 * MIB), "bytes") == "192 MiB"
    assert shown(Fraction(-3 * GIB, 2), "bytes") == "-1.5 GiB"
    assert shown(Fraction(25, 16)) == "1.5625"
    assert shown(Fraction(4095)) == "4,095"
    assert shown(Fraction(512), "bytes") == "512 B"


# The same questions for other kernels, blocks and windows


def test_blocks_that_hold_their_own_memmap() -> None:
    kernel = KERNELS["x86_64-6.12"]
    ram, added = Regions.of([[(0, 512 * MIB)]]), ranges(4 * GIB, 12 * GIB)
    assert hot_add(added, ram, kernel).from_ram[0] == 192 * MIB + 5376
    # ... of a block that holds its own memmap there is next to nothing
    assert hot_add_on_memory(added, ram, kernel, 128 * MIB).from_ram[0] == 5376
    power, block = KERNELS["debian-6.1-powerpc64le"], one(256 * MIB)
    plain, forced = (memmap_on_memory(block, power, force=force) for force in (False, True))
    assert (plain.pages[0], forced.reserved[0]) == (4, 28)
    assert plain.reason[0] == "memmap of no whole pageblocks"
    assert forced.reason[0] == ""
    blocks = np.array([512 * MIB, GIB], dtype=np.int64)
    arm = memmap_on_memory(blocks, KERNELS["arm64-6.12-64k"], force=True)
    assert list(arm.reason) == ["nothing is left of the block", "memmap of no whole PMDs"]


def test_a_window_loses_to_large_blocks() -> None:
    start, size = 0xC050000000, 0x3CA0000000
    lost = stranded(one(start), one(size), 2 * GIB)
    assert (lost.front[0], lost.back[0]) == (768 * MIB, 1792 * MIB)
    lost = stranded(one(start), one(size), 256 * MIB)
    assert (lost.front[0], lost.back[0]) == (0, 0)
    section = KERNELS["x86_64-6.12"].section_size
    assert x86_block_size(one(65 * GIB), section, virtual=True)[0] == GIB
    assert x86_block_size(one(65 * GIB), section, virtual=False)[0] == 2 * GIB


def crash(name: str, start: int, low: tuple[tuple[int, int], ...] = ()) -> tuple[int, int]:
    """Memmap and waste of a crash kernel with 256 MiB at ``start``."""
    kernel = KERNELS[name]
    ram = Regions.of([[*low, (start, start + 256 * MIB)]])
    taken = cost(ram, kernel, kernel.default_model)
    return int(taken.memmap[0]), int(taken.wasted[0])


def test_a_crash_kernel_by_where_it_lies() -> None:
    # a section of low RAM, and two or three of 128 MiB
    low = ((0x1000, 0xA0000),)
    assert crash("x86_64-6.12", 0x30000000, low) == (6 * MIB, 2 * MIB - 159 * 64)
    assert crash("x86_64-6.12", 0x2F000000, low)[0] == 8 * MIB
    # 16 MiB of struct pages for 256 MiB with sections of 1 GiB
    assert crash("arm64-5.10-4k", 0x30000000)[0] == 16 * MIB


def test_waste_comes_to_the_fore_with_huge_pages() -> None:
    layout = Regions.of([load_machines(ROOT / "config/machines.yaml")["ec2-xen"]])
    percent = np.array([0, 25, 50, 75, 90, 95, 99], dtype=np.int64)
    result = optimized(layout, KERNELS["x86_64-6.12"], GIB, percent)
    shares = [wasted / kept for wasted, kept in zip(result.wasted, result.kept, strict=True)]
    assert shares == sorted(shares)
    assert result.saved[0] == 0
    assert list(result.kept) == list(result.kept[0] - result.saved + result.tables)
