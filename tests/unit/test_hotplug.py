"""Memory that comes after boot: each function against a slow loop, and examples by hand."""

import re
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.hotplug import (
    X86_LARGE_RAM,
    block_size,
    growth,
    hot_add,
    hot_add_on_memory,
    largest_range,
    linear_tables,
    memmap_on_memory,
    namespace_data,
    none_of,
    ranges,
    refused,
    stranded,
    too_old,
    x86_block_size,
)
from memmap_atlas.memmodel.hugetlb import dax_saved, hvo_kept, hvo_saved, optimized
from memmap_atlas.memmodel.kernel import Kernel, default_page_tables
from memmap_atlas.memmodel.models import present_sections
from memmap_atlas.memmodel.regions import Ints, Regions, union
from memmap_atlas.memmodel.release import Release

from tests.tools.fuzzing import checked
from tests.tools.paths import ROOT

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
ARM, X86 = KERNELS["arm64-6.12-4k"], KERNELS["x86_64-6.12"]
KIB, MIB, GIB, TIB = 1 << 10, 1 << 20, 1 << 30, 1 << 40
MICRO = [(0, 256 * MIB)]


def one(value: int) -> Ints:
    return np.array([value], dtype=np.int64)


def row(found: object, *names: str) -> dict[str, int]:
    return {name: int(getattr(found, name)[0]) for name in names}


# --- slow loops -----------------------------------------------------------------------------------

SECTION, PAGE = 2 * MIB, 4 * KIB
PIECE = 512 * KIB


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    """Small sections, and leaves of one, several or many of them."""
    leaf = draw(st.sampled_from([PAGE, 2 * PAGE, 8 * PAGE, 32 * PAGE]))
    return replace(
        X86,
        section_size=SECTION,
        vmemmap_leaf=leaf,
        va_bits=36,
        max_physmem_bits=36,
        page_tables=((64 * PAGE, PAGE), (2048 * PAGE, 2 * PAGE)),
        mem_section_size=draw(st.sampled_from([16, 1024])),
    )


@st.composite
def maps(draw: st.DrawFn) -> tuple[list[tuple[int, int]], tuple[int, int]]:
    """RAM in pieces of sections, and a range that it leaves free."""
    cells = draw(st.lists(st.booleans(), min_size=8, max_size=80))
    taken = [(place * PIECE, (place + 1) * PIECE) for place, some in enumerate(cells) if some]
    start = draw(st.integers(0, len(cells)))
    length = draw(st.integers(1, 24))
    inside = [low for low, _ in taken if start * PIECE <= low < (start + length) * PIECE]
    end = min([*inside, (start + length) * PIECE])
    assume(end > start * PIECE)
    return taken, (start * PIECE, end)


def slow_hot_add(
    ram: list[tuple[int, int]], span: tuple[int, int], kernel: Kernel, small_as_pages: bool
) -> dict[str, int]:
    """Section by section, page of struct pages by page."""
    page, leaf, size = kernel.page_size, kernel.vmemmap_leaf, kernel.struct_page_size
    section = kernel.section_size
    present = {place // section for low, high in ram for place in range(low, high, page)}

    def window(low: int, high: int, unit: int) -> set[int]:
        first, last = low // page * size // unit, -(-(high // page * size) // unit)
        return {
            number
            for one in range(first, last)
            for number in range(one * unit // page, (one + 1) * unit // page)
        }

    before = {
        number for some in present for number in window(some * section, (some + 1) * section, leaf)
    }
    after, small, new = set(before), set(), set()
    for number in range(span[0] // section, -(-span[1] // section)):
        low, high = max(span[0], number * section), min(span[1], (number + 1) * section)
        whole = high - low == section
        if not whole and number in present:
            continue
        new.add(number)
        pages = window(low, high, leaf if whole or not small_as_pages else page)
        if not whole and small_as_pages:
            small |= pages
        after |= pages
    tables = 0
    for covers, bytes_ in kernel.page_tables:
        each = covers // page
        counted = after if covers > leaf else small if covers > page else set()
        known = before if covers > leaf else set()
        tables += bytes_ * len({p // each for p in counted} - {p // each for p in known})
    per_root = page // kernel.mem_section_size
    roots = {number // per_root for number in new} - {number // per_root for number in present}
    each = cost(Regions.of([[(0, section)]]), kernel, "vmemmap").usage[0]
    return {
        "memmap": (len(after) - len(before)) * page,
        "usage": len(new) * int(each),
        "root_pages": len(roots) * page,
        "page_table": tables,
        "size": span[1] - span[0],
        "own": 0,
        "lost": 0,
    }


@checked(150)
@given(kernels(), maps(), st.booleans())
def test_hot_add_is_the_loop(
    kernel: Kernel, case: tuple[list[tuple[int, int]], tuple[int, int]], small: bool
) -> None:
    ram, span = case
    # a piece takes base pages where a leaf maps whole sections alone
    small = small and kernel.section_memmap % kernel.vmemmap_leaf == 0
    expected = slow_hot_add(ram, span, kernel, small)
    found = hot_add(
        ranges(span[0], span[1] - span[0]), Regions.of([ram]), kernel, small_as_pages=small
    )
    assert row(found, *expected) == expected
    taken = sum(expected[key] for key in ("memmap", "usage", "root_pages", "page_table"))
    assert found.from_ram[0] == taken + found.linear_table[0]


@checked(150)
@given(kernels(), st.lists(maps(), min_size=2, max_size=5))
def test_many_ranges_at_once(
    kernel: Kernel, cases: list[tuple[list[tuple[int, int]], tuple[int, int]]]
) -> None:
    layouts = Regions.of([ram for ram, _ in cases])
    starts = np.array([span[0] for _, span in cases], dtype=np.int64)
    ends = np.array([span[1] for _, span in cases], dtype=np.int64)
    together = hot_add(ranges(starts, ends - starts), layouts, kernel).from_ram
    alone = [
        int(hot_add(ranges(low, high - low), Regions.of([ram]), kernel).from_ram[0])
        for ram, (low, high) in cases
    ]
    assert list(together) == alone


@checked(150)
@given(kernels(), maps(), st.sampled_from([PAGE, 2 * MIB, GIB]))
def test_linear_tables_are_the_loop(
    kernel: Kernel, case: tuple[list[tuple[int, int]], tuple[int, int]], leaf: int
) -> None:
    ram, (start, end) = case
    expected = 0
    for covers, size in default_page_tables(kernel.page_size, kernel.va_bits):
        known = {place // covers for low, high in ram for place in range(low, high, PIECE)}
        for number in range(start // covers, -(-end // covers)):
            whole = start <= number * covers and (number + 1) * covers <= end
            if number not in known and not (whole and covers <= leaf):
                expected += size
    found = linear_tables(ranges(start, end - start), Regions.of([ram]), kernel, leaf)
    assert found[0] == expected


@checked(150)
@given(
    st.lists(
        st.lists(st.tuples(st.integers(0, 60), st.integers(0, 20)), max_size=6),
        min_size=1,
        max_size=4,
    )
)
def test_union(spans: list[list[tuple[int, int]]]) -> None:
    parts = [
        Regions(
            np.array([[low] for low, _ in part] or [[0]], dtype=np.int64),
            np.array([[low + size] for low, size in part] or [[0]], dtype=np.int64),
        )
        for part in spans
    ]
    found = union(*parts)
    covered = {place for part in spans for low, size in part for place in range(low, low + size)}
    pairs = zip(found.start[:, 0], found.end[:, 0], strict=True)
    assert sorted(place for low, high in pairs for place in range(low, high)) == sorted(covered)
    assert (found.start[1:] >= found.end[:-1]).all()


@checked(150)
@given(st.integers(0, 600), st.integers(1, 600), st.integers(1, 40))
def test_stranded_is_the_loop(start: int, size: int, block: int) -> None:
    inside = [
        number
        for number in range((start + size) // block + 1)
        if start <= number * block and (number + 1) * block <= start + size
    ]
    found = stranded(one(start), one(size), block)
    assert found.usable[0] == len(inside) * block
    assert found.front[0] + found.usable[0] + found.back[0] == size
    if inside:
        assert (found.start[0], found.front[0]) == (inside[0] * block, inside[0] * block - start)
    else:
        assert (found.front[0], found.back[0]) == (size, 0)


def test_stranded_by_many_blocks_at_once() -> None:
    blocks = np.array([128, 256, 512, 1024, 2048], dtype=np.int64) * MIB
    found = stranded(one(0x8000000), one(4 * GIB), blocks)
    assert list(found.usable // blocks) == [32, 15, 7, 3, 1]


@checked(150)
@given(
    st.integers(0, 70 * 1024).map(lambda n: n * 32 * MIB),
    st.booleans(),
    st.sampled_from([0, 64 * MIB, 128 * MIB, 256 * MIB, GIB, 4 * GIB]),
)
def test_x86_block_is_the_kernels_loop(end: int, virtual: bool, advised: int) -> None:
    section = 128 * MIB
    if end < 64 * GIB:
        expected = section
    elif not advised and not virtual:
        expected = 2 * GIB
    else:
        expected = max(min(advised, 2 * GIB), section) if advised else 2 * GIB
        while expected > section and end % expected:
            expected //= 2
    found = x86_block_size(one(end), section, virtual=virtual, advised=advised)
    assert found[0] == expected
    assert x86_block_size(one(end), section, virtual=virtual, chosen=GIB)[0] == GIB


@checked(150)
@given(
    st.integers(0, 300).map(lambda n: n * 2 * MIB),
    st.integers(1, 3000).map(lambda n: n * MIB),
    st.sampled_from(["arm64-6.12-4k", "arm64-6.12-16k", "arm64-6.12-64k"]),
    st.booleans(),
)
def test_namespace_is_found_by_trying(start: int, size: int, name: str, held: bool) -> None:
    kernel = KERNELS[name]
    pages = (size - 8 * KIB) // kernel.page_size
    least = start + 8 * KIB + (64 * pages if held else 0)
    first = start
    while first < least:
        first += 2 * MIB
    end = start + size
    while end % (2 * MIB):
        end -= MIB
    data, length = namespace_data(one(start), one(size), kernel, memmap_in_device=held)
    assert (data[0], length[0]) == (first, max(end - first, 0))


BLOCKS = np.array([16, 32, 64, 128, 256, 512, 1024, 2048], dtype=np.int64) * MIB


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", sorted(KERNELS))
def test_memmap_on_memory_is_the_rules_one_by_one(name: str, force: bool) -> None:
    kernel = KERNELS[name]
    found = memmap_on_memory(BLOCKS, kernel, force=force)
    power = kernel.arch.startswith("powerpc")
    for place, block in enumerate(map(int, BLOCKS)):
        memmap = block // kernel.page_size * kernel.struct_page_size
        pages = len(range(0, memmap, kernel.page_size))
        taken = pages
        while force and taken % kernel.pageblock_pages:
            taken += 1
        rules = {
            "memory block of no whole sections": block % kernel.section_size != 0,
            "memmap of no whole pages": memmap % kernel.page_size != 0,
            "memmap of no whole pageblocks": taken % kernel.pageblock_pages != 0,
            "nothing is left of the block": taken >= block // kernel.page_size,
            "memmap of no whole PMDs": not power and memmap % kernel.pmd_size != 0,
            "hash MMU": name.endswith("-hash"),
        }
        expected = next((reason for reason, broken in rules.items() if broken), "")
        assert (found.pages[place], found.reserved[place]) == (pages, taken - pages)
        assert found.reason[place] == expected


@checked(150)
@given(
    st.integers(0, 40 * MIB), st.sampled_from(["arm64-6.12-4k", "arm64-6.12-64k", "x86_64-6.12"])
)
def test_largest_range_is_found_block_by_block(free: int, name: str) -> None:
    kernel = KERNELS[name]
    block, ram = kernel.section_size, Regions.of([MICRO])
    most = 24 * block
    expected = 0
    while expected < most:
        need = hot_add(ranges(4 * GIB, expected + block), ram, kernel).from_ram[0]
        if need > free:
            break
        expected += block
    assert largest_range(one(free), 4 * GIB, ram, kernel, block, most)[0] == expected


def test_largest_range_to_the_byte() -> None:
    # a block is part of a GiB of the linear map, and takes a table; 96 are 12 whole ones
    single, exact = 2 * MIB + 56 + 4096, 192 * MIB + 96 * 56
    free = np.array([0, single - 1, single, exact - 1, exact, exact + 1], dtype=np.int64)
    found = largest_range(free, 4 * GIB, Regions.of([MICRO] * 6), X86, 128 * MIB, 64 * GIB)
    assert list(found // (128 * MIB)) == [0, 0, 1, 95, 96, 96]


@checked(150)
@given(
    st.integers(0, 300 * MIB),
    st.integers(0, 3000),
    st.sampled_from(["arm64-6.12-4k", "x86_64-6.12", "riscv64-6.12"]),
)
def test_growth_goes_as_far_as_it_can(free: int, blocks: int, name: str) -> None:
    kernel = KERNELS[name]
    block, ram = 128 * MIB, Regions.of([MICRO])
    steps = growth(free, 4 * GIB, ram, kernel, block, blocks * block)
    added = sum(step.size for step in steps)
    left, place, here = free, 4 * GIB, ram
    for step in steps:
        span = ranges(place, step.size)
        assert step.need == hot_add(span, here, kernel).from_ram[0] <= left
        if place + step.size < 4 * GIB + blocks * block:
            more = hot_add(ranges(place, step.size + block), here, kernel).from_ram[0]
            assert more > left
        left += step.size - step.need
        assert step.free == left
        place, here = place + step.size, union(here, span)
    # one block that fits brings more than it takes: from there on nothing is out of reach
    first = hot_add(ranges(4 * GIB, block), ram, kernel).from_ram[0]
    assert added == (blocks * block if first <= free else 0)


@checked(150)
@given(
    st.sampled_from([2 * MIB, 32 * MIB, 512 * MIB, GIB]),
    st.sampled_from([32, 56, 64, 80, 128]),
    st.sampled_from([4 * KIB, 16 * KIB, 64 * KIB]),
    st.sampled_from([0, 1, 2]),
)
def test_shared_struct_pages_are_counted_page_by_page(
    huge: int, size: int, page: int, kept: int
) -> None:
    kernel = replace(ARM, page_size=page, struct_page_size=size)
    memmap = huge // page * size
    pages = [place for place in range(0, memmap, page) if place + page <= memmap]
    power = size in (32, 64, 128)
    saved = memmap - kept * page if power and kept and len(pages) > kept else 0
    assert hvo_saved(one(huge), kernel, kept)[0] == saved
    dax = len(pages[2:]) * page if power and len(pages) > 2 else 0
    assert dax_saved(one(huge), kernel)[0] == dax


# --- by hand --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "memmap", "usage", "page_table", "linear"),
    [
        # 96 sections of 2 MiB of struct pages, one usage map of 56 bytes each
        ("x86_64-6.12", 192 * MIB, 96 * 56, 0, 0),
        # 6,144 tables for pages of 4 KiB and 12 over them; RAM has the one above
        ("arm64-6.12-4k", 192 * MIB, 96 * 56, 0, (6144 + 12) * 4096),
        # 24 sections of 512 MiB; their 12 MiB lie under the table of 512 MiB that RAM has
        ("arm64-6.12-64k", 12 * MIB, 24 * 56, 0, 24 * 65536),
        # 48 MiB of struct pages under tables of 32 MiB, [16 MiB, 64 MiB) of them: one is new
        ("arm64-6.12-16k", 48 * MIB, 96 * 32, 16384, 384 * 16384),
        # 12 tables of a GiB for pages of 2 MiB
        ("riscv64-6.12", 192 * MIB, 96 * 56, 0, 12 * 4096),
        # one leaf of 32 MiB covers 8 GiB: [4 GiB, 16 GiB) ends the first, which RAM has mapped
        ("loongarch-6.12-16k", 32 * MIB, 24 * 56, 0, 0),
    ],
)
def test_twelve_gib_beside_a_small_machine(
    name: str, memmap: int, usage: int, page_table: int, linear: int
) -> None:
    found = hot_add(ranges(4 * GIB, 12 * GIB), Regions.of([MICRO]), KERNELS[name])
    assert row(found, "memmap", "usage", "root_pages", "page_table", "linear_table") == {
        "memmap": memmap,
        "usage": usage,
        "root_pages": 0,
        "page_table": page_table,
        "linear_table": linear,
    }
    assert found.from_ram[0] == memmap + usage + page_table + linear


def test_a_far_range_takes_tables_and_roots() -> None:
    # 1 TiB: another root (256 sections of 128 MiB: 32 GiB), another GiB of the vmemmap; the linear
    # map has 1 GiB pages, under a table of 512 GiB
    found = hot_add(ranges(TIB, GIB), Regions.of([MICRO]), X86)
    assert row(found, "memmap", "root_pages", "page_table", "linear_table") == {
        "memmap": 16 * MIB,
        "root_pages": 4096,
        "page_table": 4096,
        "linear_table": 4096,
    }


def test_a_sub_section_takes_base_pages_and_nothing_in_an_early_section() -> None:
    ram = Regions.of([[(0, 64 * MIB)]])
    early = hot_add(ranges(64 * MIB, 64 * MIB), ram, X86)
    assert row(early, "memmap", "usage", "page_table") == {
        "memmap": 0,
        "usage": 0,
        "page_table": 0,
    }
    # 2 MiB: 512 struct pages, 8 pages of 4 KiB, and a table for them
    new = hot_add(ranges(GIB, 2 * MIB), ram, X86)
    assert row(new, "memmap", "usage", "page_table") == {
        "memmap": 32 * KIB,
        "usage": 56,
        "page_table": 4096,
    }
    old = hot_add(ranges(GIB, 2 * MIB), ram, X86, small_as_pages=False)
    assert row(old, "memmap", "page_table") == {"memmap": 2 * MIB, "page_table": 0}


def test_usage_is_that_of_boot() -> None:
    ram = Regions.of([[(0, 4 * GIB)]])
    boot = cost(ram, ARM, "vmemmap")
    found = hot_add(ranges(0, 4 * GIB), none_of(ram), ARM)
    assert (found.memmap, found.usage) == (boot.memmap, boot.usage)
    assert found.page_table == boot.page_table
    assert present_sections(ram, ARM).size // ARM.section_size * 56 == boot.usage


def test_memmap_on_memory_of_a_range() -> None:
    ram, added = Regions.of([MICRO]), ranges(4 * GIB, 12 * GIB)
    plain, held = hot_add(added, ram, X86), hot_add_on_memory(added, ram, X86, 128 * MIB)
    assert held.from_ram[0] == plain.from_ram[0] - 192 * MIB == 5376
    assert (held.own[0], held.lost[0], held.usable[0]) == (192 * MIB, 0, 12 * GIB - 192 * MIB)
    # pages of 64 KiB: no memmap of whole PMDs of 512 MiB, whatever the block
    arm = KERNELS["arm64-6.12-64k"]
    refused_there = hot_add_on_memory(added, ram, arm, 512 * MIB, force=True)
    assert refused_there.own[0] == 0
    assert refused_there.from_ram == hot_add(added, ram, arm).from_ram
    power = KERNELS["debian-6.1-powerpc64le"]
    forced = hot_add_on_memory(added, ram, power, 256 * MIB, force=True)
    assert (forced.own[0], forced.lost[0]) == (48 * 4 * 65536, 48 * 28 * 65536)
    assert forced.usable[0] == 12 * GIB - 48 * 2 * MIB


@pytest.mark.parametrize(
    ("name", "force", "many", "reason"),
    [
        ("debian-5.10-arm64", False, False, "kernel before 5.13"),
        ("arm64-6.1-4k", False, False, ""),
        ("arm64-6.1-4k", True, False, "kernel before 6.6"),
        ("arm64-6.1-4k", False, True, "range of several blocks, kernel before 6.8"),
        ("arm64-6.12-4k", True, True, ""),
    ],
)
def test_which_release_holds_it(name: str, force: bool, many: bool, reason: str) -> None:
    assert too_old(KERNELS[name], force=force, many=many) == reason


def test_what_is_refused() -> None:
    ram = Regions.of([MICRO] * 6)
    start = np.array([4 * GIB, 0, GIB, GIB, 1 << 46, 4 * GIB + MIB], dtype=np.int64)
    size = np.array([GIB, GIB, 0, 100 * MIB, GIB, GIB], dtype=np.int64)
    assert list(refused(ranges(start, size), ram, X86, 128 * MIB)) == [
        "",
        "overlaps RAM",
        "empty range",
        "range of no whole memory blocks",
        "range beyond MAX_PHYSMEM_BITS",
        "range of no whole memory blocks",
    ]
    span, here = ranges(4 * GIB, GIB), Regions.of([MICRO])
    assert refused(span, here, X86, 64 * MIB)[0] == "memory block of no whole sections"
    assert refused(span, here, KERNELS["arm-5.10"], GIB)[0] == "kernel without SPARSEMEM_VMEMMAP"


def test_growth_is_geometric() -> None:
    steps = growth(188 * MIB, 4 * GIB, Regions.of([MICRO]), X86, 128 * MIB, TIB)
    assert [step.size for step in steps] == [11904 * MIB, 761856 * MIB, 274816 * MIB]
    # the one that fails is the first: less than 2 MiB and a usage map
    assert not growth(2 * MIB, 4 * GIB, Regions.of([MICRO]), X86, 128 * MIB, TIB)


def test_blocks_of_architectures() -> None:
    assert block_size(ARM, GIB) == 128 * MIB
    assert block_size(KERNELS["arm64-6.12-64k"], GIB) == 512 * MIB
    assert block_size(KERNELS["debian-6.1-powerpc64le"], GIB) == 256 * MIB
    assert block_size(X86, X86_LARGE_RAM - 1) == 128 * MIB
    assert block_size(X86, X86_LARGE_RAM) == 2 * GIB
    assert block_size(X86, X86_LARGE_RAM + GIB) == GIB


def test_pmem_of_2020_in_smaller_blocks() -> None:
    kernel = KERNELS["arm64-5.10-64k"]
    data, size = namespace_data(one(0x240000000), one(0xFFE00000), kernel)
    found = [int(stranded(data, size, block * MIB).usable[0]) for block in (1024, 512, 128)]
    assert found == [2 * GIB, 3 * GIB, 3840 * MIB]
    assert data[0] == 0x240600000


def test_hvo_by_release() -> None:
    assert [hvo_kept(Release(*of)) for of in ((5, 13), (5, 14), (5, 17), (5, 18), (6, 12))] == [
        0,
        2,
        2,
        1,
        1,
    ]


def test_holes_in_what_huge_pages_leave() -> None:
    # 16 GiB and a hole of 64 MiB in a section: 1 MiB of waste
    layout = Regions.of([[(0, 64 * MIB), (128 * MIB, 16 * GIB + 64 * MIB)]])
    shares = np.array([0, 50, 100], dtype=np.int64)
    found = optimized(layout, X86, GIB, shares)
    needed = cost(layout, X86, "vmemmap").needed[0]
    assert list(found.pages) == [0, 8, 16]
    assert list(found.saved) == [0, 8 * 4095 * 4096, 16 * 4095 * 4096]
    # the leaves of 8 and 16 GiB, one table each
    assert list(found.tables) == [0, 64 * 4096, 128 * 4096]
    wasted = cost(layout, X86, "vmemmap").wasted[0]
    assert list(found.wasted) == [wasted] * 3
    assert list(found.kept) == list(needed + wasted - found.saved + found.tables)
    assert found.wasted[2] > found.kept[2] / 2


# --- the command ----------------------------------------------------------------------------------


def hotplug(*words: str) -> subprocess.CompletedProcess[str]:
    script = ROOT / "workflow/scripts/hotplug.py"
    return subprocess.run([sys.executable, script, *words], capture_output=True, text=True)


def test_the_command_answers() -> None:
    told = hotplug(
        *("--kernel", "x86_64-6.12", "--ram", "0x0-0x10000000", "--add", "4GiB-16GiB"),
        *("--memmap-on-memory", "--free", "188MiB"),
    )
    assert told.returncode == 0, told.stderr
    assert "free RAM that it needs: 201,331,968 bytes (192 MiB)" in told.stdout
    assert "with memmap_on_memory: 5,376 bytes" in told.stdout
    assert "can add in one go: 12,482,248,704 bytes (11.6 GiB)" in told.stdout
    assert "it takes 2: 11904MiB, 384MiB" in told.stdout


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--kernel arm64-6.12-4 --add 0x0-0x1", "did you mean 'arm64-6.12-4k'"),
        ("--kernel arm64-6.12-4k --add 0x9-0x3", "is empty: its end must lie above its start"),
        ("--kernel arm64-6.12-4k --add x", "invalid region 'x': expected START-END"),
        ("--kernel arm64-6.12-4k --add 0x1-zz", "invalid address 'zz'"),
        (
            "--kernel arm64-6.12-4k --add 0x240000-0x40000000",
            "whole memory blocks (128MiB); its whole blocks are 0x8000000-0x40000000",
        ),
        ("--kernel arm-5.10 --add 0x0-0x40000000", "without SPARSEMEM_VMEMMAP"),
        ("--kernel x86_64-6.12 --ram 0x0-0x1000000 --add 0x0-0x40000000", "overlaps RAM"),
        (
            "--kernel x86_64-6.12 --ram 0-4096,0-1 --add 0x0-0x40000000",
            "--ram: the regions [0x0, 0x1) and [0x0, 0x1000) overlap",
        ),
        ("--kernel x86_64-6.12 --block 3MiB --add 0x0-0x40000000", "no whole sections (3MiB)"),
        ("--kernel x86_64-6.12 --block 0 --add 0x0-0x40000000", "a memory block of 0 bytes"),
        ("--kernel x86_64-6.12 --add 0x0-0x7ffffffffffffffff", "expected one within 0 and 128 PiB"),
        ("--kernel x86_64-6.12 --add 128MiB-1000TiB", "beyond MAX_PHYSMEM_BITS"),
        ("--kernel x86_64-6.12 --kernels no.yaml --add 0x0-0x40000000", "no.yaml: can't be read"),
        (
            "--kernel x86_64-6.12 --ram 8GiB-9GiB --add 4GiB-5GiB --free 1GiB",
            "needs a range above RAM",
        ),
    ],
)
def test_wrong_input_is_one_line(words: str, message: str) -> None:
    told = hotplug(*words.split())
    assert told.returncode != 0
    assert message in told.stderr
    assert re.fullmatch(r"hotplug: [^\n]+\n", told.stderr)
    assert not told.stdout
