"""Advice: choices against cost, and changes of a map against a search over every distance."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.advice import search
from memmap_atlas.advice.build_options import Choice, best, choice_row, choices, siblings
from memmap_atlas.advice.map_changes import (
    Change,
    change_row,
    pages_of,
    sentence,
    smallest_changes,
)
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.text.labels import exact, short

from tests.tools.fuzzing import checked
from tests.tools.paths import ROOT
from tests.unit.test_simulation import VARIANTS, small_kernel

Layout = list[tuple[int, int]]
KERNELS = load_kernels(ROOT / "config/kernels.yaml")
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
THREAD_3G = [(0, 3 * GIB // 2), (2 * GIB, 7 * GIB // 2)]
THREAD_4G = [(0, 7 * GIB // 2), (4 * GIB, 9 * GIB // 2)]


def changes_of(ram: Layout, kernel: Kernel, model: str) -> list[Change]:
    """The changes that the search finds."""
    return list(smallest_changes(ram, kernel, model).changes)


def changed(ram: Layout, kernel: Kernel, change: Change) -> list[tuple[int, int]]:
    """Regions after a change, of whole pages of the kernel; those that then touch are one."""
    page = kernel.page_size
    regions = [(start * page, end * page) for start, end in pages_of(ram, page)]
    place, (start, end) = change.place, change.new
    if change.kind == "hole":
        regions[place : place + 2] = [(regions[place][0], start), (end, regions[place + 1][1])]
    elif change.kind in ("bank", "base"):
        above = regions[place:]
        regions[place:] = [(start + change.by, end + change.by) for start, end in above]
    else:
        regions[place] = (start, end)
    return [(start * page, end * page) for start, end in pages_of(regions, page)]


def memmap(layout: Layout, kernel: Kernel, model: str) -> int:
    return int(cost(Regions.of([layout]), kernel, model).memmap[0])


# --- small kernels and maps -----------------------------------------------------------------------


@st.composite
def kernels(draw: st.DrawFn, model: str) -> Kernel:
    """Kernels with windows of a few pages, so that every distance can be tried."""
    page = draw(st.sampled_from([256, 64, 1024]))
    section_order = draw(st.integers(3, 5))
    most = section_order if model.startswith(("sparsemem", "vmemmap")) else 5
    leaf = page << draw(st.integers(0, 3))
    return replace(
        small_kernel(draw(st.sampled_from(VARIANTS)), page, page << section_order, 1),
        max_physmem_bits=40,
        struct_page_size=draw(st.sampled_from([64, 56, 36, 32, 80])),
        max_order_pages=1 << draw(st.integers(0, most)),
        pageblock_pages=1 << draw(st.integers(0, most)),
        vmemmap_leaf=leaf,
        pmd_size=leaf,
        models=(model,),
        default_model=model,
        subsection_map=False,
        section_flags_bits=64,
    )


@st.composite
def cases(draw: st.DrawFn, model: str) -> tuple[Kernel, Layout]:
    """A kernel, and a map of one to five regions that it can have."""
    kernel = draw(kernels(model))
    page, section = kernel.page_size, kernel.section_pages
    pages = st.one_of(
        st.integers(1, 3),
        st.integers(1, 3 * section),
        st.integers(1, 3).map(lambda n: n * section),
        st.integers(1, 6).map(lambda n: n * kernel.max_order_pages),
        st.integers(1, 6).map(lambda n: n * kernel.pageblock_pages),
    )
    far = st.integers(3 * section, 12 * section)
    at = draw(st.one_of(st.just(0), pages, far))
    layout: Layout = []
    for _ in range(draw(st.integers(1, 5))):
        end = at + draw(pages)
        layout.append((at * page, end * page))
        at = end + draw(st.one_of(pages, pages, far, st.just(0)))
    if draw(st.integers(0, 3)) == 0:
        # ragged edges, which the kernel cuts off
        ragged = page // 4
        layout = [(start + ragged, end - ragged) for start, end in layout]
    last = layout[-1][1]
    if draw(st.integers(0, 3)) == 0:
        kernel = replace(kernel, ram_limit=last + draw(st.integers(0, section)) * page)
    if draw(st.integers(0, 3)) == 0:
        size = sum(end // page - -(-start // page) for start, end in layout) * page
        kernel = replace(kernel, leaf_needs_ram=max(size - draw(st.integers(0, 2)) * page, 0))
    return kernel, layout


# --- every change there is ------------------------------------------------------------------------

Tried = tuple[Layout, int, int]


def every_change(regions: Layout, furthest: int) -> Iterator[Tried]:
    """Every single change of a map in pages: the new map, the distance, and what is given up.

    What nothing stops is moved by up to ``furthest``.
    """
    for i in range(len(regions) - 1):
        (low, end), (start, high) = regions[i : i + 2]
        for by in range(low + 1 - end, high - start):
            yield [*regions[:i], (low, end + by), (start + by, high), *regions[i + 2 :]], by, 0
    for i, (start, end) in enumerate(regions):
        below = -start if i == 0 else regions[i - 1][1] - start
        above = regions[i + 1][0] - end if i + 1 < len(regions) else furthest
        for by in range(max(below, -furthest) if i == 0 else below, above + 1):
            yield [*regions[:i], (start + by, end + by), *regions[i + 1 :]], by, 0
        for by in range(max(below, -furthest) if i == 0 else below, furthest + 1):
            yield [*regions[:i], *((s + by, e + by) for s, e in regions[i:])], by, 0
        for gives in range(1, end - start):
            yield [*regions[:i], (start + gives, end), *regions[i + 1 :]], 0, gives
            yield [*regions[:i], (start, end - gives), *regions[i + 1 :]], 0, gives
        yield [*regions[:i], *regions[i + 1 :]], 0, end - start


def front(tried: list[tuple[int, int]]) -> set[tuple[int, int]]:
    """Of (measure, gain) those that gain something, and more than all that measure less."""
    found, most = set(), 0
    for measure, gain in sorted(tried, key=lambda one: (one[0], -one[1])):
        if gain > most:
            found.add((measure, gain))
            most = gain
    return found


def searched_through(
    layout: Layout, kernel: Kernel, model: str
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """The fronts of all moves and of all RAM given up, in bytes, the slow way."""
    page = kernel.page_size
    regions = pages_of(layout, page)
    furthest = 2 * MODELS[model].windows(kernel).period + kernel.section_pages
    tried = list(every_change(regions, furthest))
    maps = [
        [(start * page, end * page) for start, end in touching_as_one(new)] for new, _, _ in tried
    ]
    whole = [(start * page, end * page) for start, end in regions]
    everything = Regions.of([whole, *maps])
    cheap = cost(everything, kernel, model).memmap
    allowed = infeasible(everything, kernel, model) == FEASIBLE
    if not allowed[0]:
        return set(), set()
    saved = cheap[0] - cheap[1:]
    moved, given_up = [], []
    for (_, by, gives), gain, fine in zip(tried, saved.tolist(), allowed[1:], strict=True):
        if fine and gives:
            given_up.append((gives * page, gain - gives * page))
        elif fine:
            moved.append((abs(by) * page, gain))
    return front(moved), front(given_up)


def touching_as_one(regions: Layout) -> Layout:
    found: Layout = []
    for start, end in regions:
        if found and found[-1][1] == start:
            start = found.pop()[0]
        found.append((start, end))
    return found


def fronts(found: list[Change]) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    moved = {(change.distance, change.saved) for change in found if change.by}
    given_up = {(change.given_up, change.net) for change in found if not change.by}
    assert len(moved) + len(given_up) == len(found)
    return moved, given_up


@pytest.mark.parametrize("model", MODELS)
def test_search_finds_what_a_search_over_every_distance_finds(model: str) -> None:
    seen: Counter[str] = Counter()

    @checked(120)
    @given(cases(model))
    def compare(case: tuple[Kernel, Layout]) -> None:
        kernel, layout = case
        result = smallest_changes(layout, kernel, model)
        assert result.complete_to is None
        found = list(result.changes)
        assert fronts(found) == searched_through(layout, kernel, model)
        assert found == sorted(found, key=lambda c: (-c.net, c.given_up, c.distance))
        page = kernel.page_size
        whole = [(start * page, end * page) for start, end in pages_of(layout, page)]
        for change in found:
            new = changed(layout, kernel, change)
            assert memmap(whole, kernel, model) - memmap(new, kernel, model) == change.saved
            size = sum(end - start for start, end in whole)
            assert sum(end - start for start, end in new) == size - change.given_up
            seen[change.kind] += 1
        seen["nothing"] += not found

    compare()
    kinds = {*search.MOVES, *search.TRIMS, "nothing"}
    if model == "flatmem":
        # one array over all RAM: a hole that moves changes nothing, the edges of RAM rarely a block
        kinds -= {"hole", "base", "start", "end"}
    assert {kind for kind in kinds if not seen[kind]} == set()


@pytest.mark.parametrize("model", MODELS)
def test_memmap_is_a_sum_over_neighbours(model: str) -> None:
    """Basis of the evaluation on few regions."""

    @checked(150)
    @given(cases(model))
    def compare(case: tuple[Kernel, Layout]) -> None:
        kernel, layout = case
        page = kernel.page_size
        whole = [(start * page, end * page) for start, end in pages_of(layout, page)]
        total = memmap(whole[-1:], kernel, model) if whole else 0
        for pair in pairwise(whole):
            total += memmap(list(pair), kernel, model) - memmap([pair[1]], kernel, model)
        assert total == memmap(whole, kernel, model)

    compare()


@pytest.mark.parametrize("model", MODELS)
def test_a_period_further_all_is_the_same(model: str) -> None:
    @checked(100)
    @given(cases(model))
    def compare(case: tuple[Kernel, Layout]) -> None:
        kernel, layout = case
        page = kernel.page_size
        further = MODELS[model].windows(kernel).period * page
        whole = [(start * page, end * page) for start, end in pages_of(layout, page)]
        moved = [(start + further, end + further) for start, end in whole]
        assert memmap(moved, kernel, model) == memmap(whole, kernel, model)

    compare()


def test_a_bounded_search_says_how_far_it_is_complete(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows of 64 pages, of which only so many are tried: all changes below are known."""
    kernel = KERNELS["arm64-5.10-4k"]
    layout = [(0, 3 * MIB + 12 * KIB), (70 * MIB + 4 * KIB, 1050 * MIB + 8 * KIB)]
    whole = smallest_changes(layout, kernel, "sparsemem-free")
    assert whole.complete_to is None
    monkeypatch.setattr(search, "MOST_DISTANCES", 2 * 70)
    some = smallest_changes(layout, kernel, "sparsemem-free")
    known = some.complete_to
    assert known == 70 * 64 * 4 * KIB
    near = [change for change in whole.changes if change.distance + change.given_up < known]
    assert near != list(whole.changes)
    assert [c for c in some.changes if c.distance + c.given_up < known] == near
    # a long way of FLATMEM is cut too, but for its end
    layout = [(0, 2 * GIB), (42 * GIB, 43 * GIB)]
    monkeypatch.setattr(search, "MOST_DISTANCES", 2 * 100)
    some = smallest_changes(layout, kernel, "flatmem")
    assert some.complete_to == 100 * 4 * MIB
    assert len(some.changes) == 100
    assert sentence(some.changes[0]) == (
        "move all RAM from 0xa80000000 on down by 40 GiB, to start at 0x80000000: "
        "saves 671,088,640 bytes (640 MiB)"
    )


def test_many_regions_are_bounded() -> None:
    """1,024 regions at odd pages, under the kernel and model with the smallest windows for its
    section.
    """
    page = 4 * KIB
    edges = np.cumsum(np.random.default_rng(7).integers(1, 1 << 12, 2048)) * page
    layout = [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]
    result = smallest_changes(layout, KERNELS["arm64-5.10-4k"], "sparsemem-free")
    assert result.complete_to == 512 * 64 * page
    before = memmap(layout, KERNELS["arm64-5.10-4k"], "sparsemem-free")
    assert result.changes
    for change in result.changes:
        new = changed(layout, KERNELS["arm64-5.10-4k"], change)
        assert before - memmap(new, KERNELS["arm64-5.10-4k"], "sparsemem-free") == change.saved


# --- changes by hand ------------------------------------------------------------------------------


def test_the_map_of_the_thread_with_the_kernel_of_then() -> None:
    """Five sections of 1 GiB are present for RAM that fills four: only without the hole are there
    four.
    """
    (change,) = changes_of(THREAD_4G, KERNELS["arm64-5.10-4k"], "vmemmap")
    assert change == Change(
        "bank",
        1,
        old=(4 * GIB, 9 * GIB // 2),
        new=(7 * GIB // 2, 4 * GIB),
        by=-512 * MIB,
        moved=512 * MIB,
        given_up=0,
        saved=16 * MIB,
    )
    assert changed(THREAD_4G, KERNELS["arm64-5.10-4k"], change) == [(0, 4 * GIB)]
    assert change_row(change) == {
        "kind": "bank",
        "region": 1,
        "old_start": 4 * GIB,
        "old_end": 9 * GIB // 2,
        "new_start": 7 * GIB // 2,
        "new_end": 4 * GIB,
        "by_bytes": -512 * MIB,
        "moved_bytes": 512 * MIB,
        "given_up_bytes": 0,
        "saved_bytes": 16 * MIB,
        "net_bytes": 16 * MIB,
    }


@pytest.mark.parametrize(
    ("layout", "kernel", "model", "words"),
    [
        # a hole over the middle of a section of 128 MiB comes to fill one
        (
            [(0, 192 * MIB), (320 * MIB, 512 * MIB)],
            "arm64-6.12-4k",
            "vmemmap",
            [
                "move the hole [0xc000000, 0x14000000) down by 64 MiB to [0x8000000, 0x10000000): "
                "saves 2,097,152 bytes (2 MiB)"
            ],
        ),
        # a region over the edge of a section
        (
            [(64 * MIB, 128 * MIB + 4 * KIB), (512 * MIB, 640 * MIB)],
            "arm64-6.12-4k",
            "vmemmap",
            [
                "move the region [0x4000000, 0x8001000) down by 4 KiB to [0x3fff000, 0x8000000): "
                "saves 2,097,152 bytes (2 MiB)",
                "give up the last 4 KiB of the region [0x4000000, 0x8001000): saves 2,097,152 "
                "bytes (2 MiB) of memmap, 2,093,056 bytes (2,044 KiB) more than it gives up",
            ],
        ),
        # the same as the first page of all RAM
        (
            [(128 * MIB - 4 * KIB, 200 * MIB)],
            "arm64-6.12-4k",
            "vmemmap",
            [
                "move all RAM up by 4 KiB, to start at 0x8000000: saves 2,097,152 bytes (2 MiB)",
                "give up the first 4 KiB of the region [0x7fff000, 0xc800000): saves 2,097,152 "
                "bytes (2 MiB) of memmap, 2,093,056 bytes (2,044 KiB) more than it gives up",
            ],
        ),
        # a page alone in its section: it comes into another one, or is given up
        (
            [(0, 100 * MIB), (GIB, GIB + 4 * KIB), (2 * GIB, 2 * GIB + 128 * MIB)],
            "arm64-6.12-4k",
            "vmemmap",
            [
                "move the region [0x40000000, 0x40001000) down by 917,508 KiB to "
                "[0x7fff000, 0x8000000): saves 2,097,152 bytes (2 MiB)",
                "give up the region [0x40000000, 0x40001000), 4 KiB of RAM: saves 2,097,152 bytes "
                "(2 MiB) of memmap, 2,093,056 bytes (2,044 KiB) more than it gives up",
            ],
        ),
        # the same, so little that a smaller saving can't be worth it
        ([(0, 100 * MIB), (100 * MIB + 64 * KIB, 128 * MIB)], "arm64-6.12-4k", "vmemmap", []),
        (THREAD_3G, "arm64-6.12-4k", "vmemmap", []),
        (THREAD_4G, "arm64-6.12-4k", "vmemmap", []),
        # RAM of 15.97 GiB can't have fewer than 128 sections
        ([(2 * GIB, 4 * GIB - 16 * MIB), (34 * GIB, 40 * GIB)], "arm64-6.12-4k", "vmemmap", []),
        # what a rule forbids has no cost to save of
        ([(0, 64 * MIB), (4 * GIB, 5 * GIB)], "debian-6.1-armmp", "flatmem-free", []),
        ([], "arm64-6.12-4k", "vmemmap", []),
        ([(1, 4096)], "arm64-6.12-4k", "vmemmap", []),
    ],
)
def test_changes_by_hand(layout: Layout, kernel: str, model: str, words: list[str]) -> None:
    assert [sentence(change) for change in changes_of(layout, KERNELS[kernel], model)] == words


def test_of_equal_changes_the_one_that_moves_least_ram_is_named() -> None:
    # from below 128 MiB, from above 960 MiB, or all: each leaves one section less
    layout = [(64 * MIB, 192 * MIB), (256 * MIB, 1216 * MIB)]
    (change,) = changes_of(layout, KERNELS["arm64-6.12-4k"], "vmemmap")
    assert (change.kind, change.moved, change.by) == ("region", 128 * MIB, -64 * MIB)


def test_no_change_leads_beyond_what_the_kernel_can_use() -> None:
    kernel = KERNELS["debian-6.1-armmp"]
    # up by 64 MiB the array would begin on a block
    layout = [(4 * GIB - 512 * MIB - 4 * KIB, 4 * GIB - 4 * MIB)]
    assert changes_of(layout, kernel, "flatmem")[0].by == 4 * KIB
    lower = replace(kernel, ram_limit=4 * GIB - 4 * MIB)
    assert all(change.by <= 0 for change in changes_of(layout, lower, "flatmem"))


def test_unknown_model() -> None:
    with pytest.raises(KeyError):
        smallest_changes(THREAD_3G, KERNELS["arm64-6.12-4k"], "slab")
    with pytest.raises(KeyError):
        choices(THREAD_3G, KERNELS, "arm64-6.12-4k", "slab")


def test_sizes_in_words() -> None:
    assert [short(size) for size in (0, 12, 2044 * KIB, 512 * MIB)] == [
        "0 bytes",
        "12 bytes",
        "2,044 KiB",
        "512 MiB",
    ]
    assert exact(8 * MIB) == "8,388,608 bytes (8 MiB)"
    assert exact(1000) == "1,000 bytes"


# --- choices --------------------------------------------------------------------------------------


def only(found: list[Choice], **values: object) -> Choice:
    (one,) = [c for c in found if all(getattr(c, key) == value for key, value in values.items())]
    return one


def test_choices_for_the_map_of_the_thread() -> None:
    found = choices(THREAD_4G, KERNELS, "arm64-5.10-4k")
    present = found[0]
    # memory-model facts of the boots: 80 MiB, roots 8 KiB + a page, 5 usage maps of 320, two tables
    assert present == Choice(
        kernel="arm64-5.10-4k",
        page_size=4 * KIB,
        section_size=GIB,
        model="vmemmap",
        needs="nothing",
        reason="",
        costs={
            "memmap": 80 * MIB,
            "section_table": 12 * KIB,
            "usage": 1600,
            "page_table": 8 * KIB,
            "wasted": 16 * MIB,
        },
        difference=0,
    )
    smaller = only(found, kernel="arm64-5.10-4k", model="vmemmap", section_size=128 * MIB)
    assert (smaller.needs, smaller.wasted) == ("edit of SECTION_SIZE_BITS", 0)
    # what is not wasted any more, less the larger table of sections
    assert smaller.difference == -16 * MIB + (64 * KIB - 8 * KIB) - (1600 - 1280)
    tiny = only(found, kernel="arm64-5.10-4k", model="vmemmap", section_size=2 * MIB)
    assert tiny.reason == "section smaller than a MAX_ORDER block"
    assert tiny.total is None
    assert choice_row(tiny) == {
        "kernel": "arm64-5.10-4k",
        "page_bytes": 4 * KIB,
        "section_bytes": 2 * MIB,
        "model": "vmemmap",
        "needs": "edit of SECTION_SIZE_BITS",
        "reason": "section smaller than a MAX_ORDER block",
        "total_bytes": None,
        "memmap_bytes": None,
        "section_table_bytes": None,
        "usage_bytes": None,
        "page_table_bytes": None,
        "wasted_bytes": None,
        "difference_bytes": None,
    }
    granule = only(found, kernel="arm64-5.10-64k", model="vmemmap", section_size=GIB)
    assert (granule.needs, granule.costs and granule.costs["memmap"]) == ("configuration", 5 * MIB)
    both = only(found, kernel="arm64-5.10-16k", model="sparsemem-free", section_size=512 * MIB)
    assert both.needs == "configuration and edit of SECTION_SIZE_BITS"
    # FLATMEM has no sections to choose
    flat = only(found, kernel="arm64-5.10-4k", model="flatmem-free")
    assert (flat.needs, flat.section_size) == ("configuration", GIB)
    same = [choice for choice in found if choice.page_size == 4 * KIB]
    assert best(same, edit=False) == flat
    edited = [choice for choice in same if choice.model == "vmemmap"]
    cheapest = best(edited, edit=True)
    assert cheapest is not None
    # 4 GiB of RAM without waste, for the least table
    assert cheapest.section_size == 512 * MIB
    assert best(edited, edit=False) == present


def test_every_choice_costs_what_cost_says() -> None:
    found = choices(THREAD_3G, KERNELS, "arm64-6.12-16k")
    assert {choice.kernel for choice in found} == {
        "arm64-6.12-4k",
        "arm64-6.12-4k-pa48",
        "arm64-6.12-16k",
        "arm64-6.12-64k",
    }
    assert len({(c.kernel, c.section_size, c.model) for c in found}) == len(found)
    layout = Regions.of([THREAD_3G])
    for choice in found:
        kernel = KERNELS[choice.kernel].with_section(choice.section_size)
        assert choice.model in kernel.models
        assert infeasible(layout, kernel, choice.model)[0] == choice.reason
        if choice.total is None:
            assert choice.reason
            continue
        result = cost(layout, kernel, choice.model)
        parts = (result.memmap, result.section_table, result.usage, result.page_table)
        assert choice.total == sum(int(part[0]) for part in parts)
        assert choice.wasted == result.wasted[0]
        assert choice.difference == choice.total - (found[0].total or 0)


def test_where_nothing_is_cheaper_nothing_is_changed() -> None:
    # RAM of one section: others cost the same tables, or more
    kernels = {"static": replace(KERNELS["arm64-6.12-4k"], section_size=4 * GIB)}
    found = choices([(0, 4 * GIB)], kernels, "static")
    assert best(found, edit=True) == best(found, edit=False) == found[0]
    # of equal ones the nearest: two models that are one with leaves of a page
    found = choices(THREAD_3G, {"one": KERNELS["arm64-6.12-16k"]}, "one", "vmemmap-base")
    assert found[0].model == "vmemmap-base"
    assert best(found, edit=False) == found[0]
    forbidden = choices([(0, 1 << 53)], kernels, "static")
    assert best(forbidden, edit=True) is None
    assert {choice.difference for choice in forbidden} == {None}


@pytest.mark.parametrize(
    ("name", "others"),
    [
        ("arm64-5.10-4k", ["arm64-5.10-16k", "arm64-5.10-64k"]),
        ("debian-6.12-arm64", ["debian-6.12-arm64-16k"]),
        ("debian-6.12-arm64-16k", ["debian-6.12-arm64"]),
        ("debian-6.12-cloud-arm64", []),
        ("debian-6.1-686-pae", []),
        ("debian-6.1-powerpc64le-hash", []),
        ("i386-6.1", []),
    ],
)
def test_siblings(name: str, others: list[str]) -> None:
    assert siblings(KERNELS, name) == others
