"""The closed form against a boot that is simulated page by page, over random maps and kernels."""

from collections import Counter
from dataclasses import fields
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.memmodel.cost import Cost, cost
from memmap_atlas.memmodel.kernel import FreeVariant, Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Ints, Regions

from tests.tools.fuzzing import checked
from tests.tools.simulation import frames, free_unused_memmap, freed_in_phase, simulate, truncated

Layout = list[tuple[int, int]]
Case = tuple[Kernel, Layout]

VARIANTS: tuple[FreeVariant, ...] = (
    "max-order",
    "max-order-truncated",
    "max-order-flatmem",
    "pageblock",
)
# memblock aligns an array to SMP_CACHE_BYTES, no more
CACHE_LINE = 64
# a map may span so many pages; what keeps the simulation fast
MOST_PAGES = 640


@st.composite
def kernels(draw: st.DrawFn, model: str) -> Kernel:
    """Kernels of a small geometry, whole powers of two where Linux has them.

    Sub-sections are ever 2 MiB: all but the largest pages get sections smaller than one, which
    Linux forbids and which the arithmetic of the other columns does not look at.
    """
    pages = [256, 64, 1024, 16, 4096, 1 << 16]
    if model.startswith("vmemmap"):
        # sections of so many sub-sections that their bitmap takes two longs
        pages.append(1 << 22)
    page = draw(st.sampled_from(pages))
    section_order = draw(st.integers(2, 6))
    section = page << section_order
    # a section holds a MAX_ORDER block and a pageblock; where there are none, both are free
    most = section_order if model.startswith(("sparsemem", "vmemmap")) else 6
    max_order = draw(st.integers(0, most))
    pageblock = draw(st.one_of(st.integers(0, max_order), st.integers(0, most)))
    size = draw(st.sampled_from([64, 56, 36, 32, 80]))
    leaf = page << draw(st.integers(0, 4))
    section_buffer = draw(st.booleans())
    # the buffer is made of PMDs: no kernel has it with a leaf larger than a PMD
    pmd = (leaf if section_buffer else page) << draw(st.integers(0, 3))
    # a start of the vmemmap is aligned to leaves
    memstart = draw(st.sampled_from([0, 1, 2, 8]))
    while memstart // page * size % leaf or memstart % page:
        memstart *= 2
    covers, tables = page, []
    for _ in range(draw(st.integers(0, 4))):
        covers <<= draw(st.integers(1, 3))
        tables.append((covers, draw(st.sampled_from([page, 4 * page]))))
    return Kernel(
        arch="small",
        release="0",
        page_size=page,
        section_size=section,
        max_physmem_bits=section.bit_length() - 1 + draw(st.sampled_from([10, 13])),
        va_bits=48,
        struct_page_size=size,
        max_order_pages=1 << max_order,
        pageblock_pages=1 << pageblock,
        mem_section_size=draw(st.sampled_from([m for m in (16, 8, 32) if m <= page])),
        section_roots=draw(st.sampled_from(["extreme", "static"])),
        usage_header_size=draw(st.sampled_from([0, 8, 16])),
        vmemmap_leaf=leaf,
        section_buffer=section_buffer,
        free_unused_memmap=draw(st.sampled_from(VARIANTS)),
        models=(model,),
        default_model=model,
        long_size=draw(st.sampled_from([8, 4])),
        pmd_size=pmd,
        subsection_map=draw(st.booleans()),
        section_flags_bits=64,
        memstart_align=memstart,
        vmemmap_below=leaf * draw(st.sampled_from([0, 1, 2, 5, 64])),
        tables_below=draw(st.booleans()),
        pageblock_bits=draw(st.sampled_from([4, 8, 1])),
        leaf_record_size=draw(st.sampled_from([0, page // 3 + 1, page // 5])),
        leaf_needs_ram=0,
        ram_limit=0,
        page_tables=tuple(tables),
    )


def lengths(kernel: Kernel) -> st.SearchStrategy[int]:
    """Bytes, from parts of a page to some sections; often a whole number of something."""
    page, section = kernel.page_size, kernel.section_size
    return st.one_of(
        st.integers(1, 2 * page),
        st.integers(1, 3 * kernel.section_pages).map(lambda n: n * page),
        st.integers(1, 6).map(lambda n: n * kernel.max_order_size),
        st.integers(1, 6).map(lambda n: n * kernel.pageblock_size),
        st.integers(1, 3).map(lambda n: n * section),
        st.integers(1, 3 * section),
    )


@st.composite
def layouts(draw: st.DrawFn, kernel: Kernel) -> Layout:
    """One to eight regions, ragged or not, some of them touching."""
    some = lengths(kernel)
    # RAM anywhere below MAX_PHYSMEM_BITS, most often near 0
    room = (1 << kernel.max_physmem_bits) // kernel.section_size - MOST_PAGES // 4
    at = kernel.section_size * draw(st.one_of(st.integers(0, 40), st.integers(0, room)))
    at += draw(st.one_of(st.just(0), some))
    most = at + MOST_PAGES * kernel.page_size
    layout: Layout = []
    for _ in range(draw(st.integers(1, 8))):
        end = min(at + draw(some), most)
        if end <= at:
            break
        layout.append((at, end))
        at = end + draw(st.one_of(some, st.just(0), some))
    return layout


@st.composite
def cases(draw: st.DrawFn, model: str) -> Case:
    kernel = draw(kernels(model))
    return kernel, draw(layouts(kernel))


def row(result: Cost[Ints], index: int = 0) -> dict[str, int]:
    return {column.name: int(getattr(result, column.name)[index]) for column in fields(Cost)}


@pytest.mark.parametrize("model", MODELS)
def test_closed_form_is_what_a_walk_finds(model: str) -> None:
    @checked(600)
    @given(cases(model))
    def compare(case: Case) -> None:
        kernel, layout = case
        found = row(cost(Regions.of([layout]), kernel, model))
        walked = simulate(layout, kernel, model)
        assert found == walked
        assert found["hole"] + found["edge"] + found["rounding"] == (
            found["memmap"] - found["needed"]
        )
        assert min(found.values()) >= 0

    compare()


@pytest.mark.parametrize("model", MODELS)
def test_layouts_do_not_see_each_other(model: str) -> None:
    @checked(60)
    @given(st.data())
    def compare(data: st.DataObject) -> None:
        kernel = data.draw(kernels(model))
        some = data.draw(st.lists(layouts(kernel), min_size=2, max_size=6))
        together = cost(Regions.of(some), kernel, model)
        for index, layout in enumerate(some):
            assert row(together, index) == row(cost(Regions.of([layout]), kernel, model))

    compare()


# --- what the start of a FLATMEM array decides ----------------------------------------------------


def freed_holes(kernel: Kernel, layout: Layout) -> list[tuple[int, int]]:
    """Offset in the array and size, in bytes, of what is handed to free_memmap()."""
    ram = frames(layout, kernel.page_size)
    first = ram[0].start // kernel.max_order_pages * kernel.max_order_pages
    size = kernel.struct_page_size
    return [
        ((start - first) * size, (end - start) * size)
        for start, end in free_unused_memmap(truncated(layout, kernel), kernel, sparse=False)
    ]


@st.composite
def flatmem_cases(draw: st.DrawFn, most: int) -> Case:
    """Maps with at most so many freed holes, with pages that an array can start in the midst of."""
    kernel = draw(kernels("flatmem-free").filter(lambda k: 256 <= k.page_size <= 4096))
    layout = draw(
        layouts(kernel).filter(
            lambda some: (
                bool(frames(some, kernel.page_size)) and 0 < len(freed_holes(kernel, some)) <= most
            )
        )
    )
    return kernel, layout


def phases(kernel: Kernel) -> range:
    return range(0, kernel.page_size, CACHE_LINE)


@checked(200)
@given(flatmem_cases(most=8))
def test_any_phase_frees_up_to_a_page_more_per_hole(case: Case) -> None:
    kernel, layout = case
    closed = row(cost(Regions.of([layout]), kernel, "flatmem-free"))["freed"]
    large = [size for _, size in freed_holes(kernel, layout) if size >= kernel.page_size]
    for phase in phases(kernel):
        really = freed_in_phase(layout, kernel, phase)
        assert closed <= really <= closed + len(large) * kernel.page_size


@checked(200)
@given(flatmem_cases(most=1))
def test_the_worst_phase_is_the_closed_form(case: Case) -> None:
    """... of one hole: it takes another phase for another hole to be at its worst.

    The closed form is a bound that no phase reaches where the hole lacks less of a whole page than
    the array's start can be moved by: then every phase frees one page more.
    """
    kernel, layout = case
    closed = row(cost(Regions.of([layout]), kernel, "flatmem-free"))["freed"]
    ((offset, size),) = freed_holes(kernel, layout)
    worst = min(freed_in_phase(layout, kernel, phase) for phase in phases(kernel))
    # how little behind the start of a page the hole can begin
    lead = offset % CACHE_LINE or CACHE_LINE
    reached = size < kernel.page_size or size % kernel.page_size + lead < kernel.page_size
    assert worst == (closed if reached else closed + kernel.page_size)


# --- the simulation and the strategies themselves -------------------------------------------------


def small_kernel(variant: FreeVariant, page: int, section: int, order: int) -> Kernel:
    """A kernel of the worked examples, by pages."""
    return Kernel(
        arch="arm64",
        release="example",
        page_size=page,
        section_size=section,
        max_physmem_bits=48,
        va_bits=48,
        struct_page_size=64,
        max_order_pages=order,
        pageblock_pages=order // 2,
        mem_section_size=16,
        section_roots="extreme",
        usage_header_size=16,
        vmemmap_leaf=page,
        section_buffer=True,
        free_unused_memmap=variant,
        models=("flatmem",),
        default_model="flatmem",
        long_size=8,
        pmd_size=page,
        subsection_map=True,
        section_flags_bits=34,
        memstart_align=0,
        vmemmap_below=0,
        tables_below=False,
        pageblock_bits=4,
        leaf_record_size=0,
        leaf_needs_ram=0,
        ram_limit=0,
        page_tables=(),
    )


MIB, GIB = 1 << 20, 1 << 30
THREAD_3G = [(0, 3 * GIB // 2), (2 * GIB, 7 * GIB // 2)]
RAGGED = [(64 * MIB, 1000 * MIB + 12 * 1024), (1100 * MIB, 2 * GIB)]
FAR = [(0, 128 * MIB), (1664 * MIB, 2 * GIB)]


@pytest.mark.parametrize(
    ("layout", "model", "variant", "section", "memmap", "freed"),
    [
        (RAGGED, "flatmem-free", "max-order", GIB, 30_937_088, 1_568_768),
        (RAGGED, "flatmem-free", "pageblock", GIB, 30_904_320, 1_601_536),
        (RAGGED, "sparsemem-free", "max-order", GIB, 33_226_752, 327_680),
        (RAGGED, "sparsemem-free", "pageblock", GIB, 33_193_984, 360_448),
        (RAGGED, "sparsemem-free", "max-order", 64 * MIB, 31_129_600, 327_680),
        (FAR, "sparsemem-free", "max-order", GIB, 18_874_368, 14_680_064),
    ],
)
def test_simulation_of_known_answers(
    layout: Layout, model: str, variant: FreeVariant, section: int, memmap: int, freed: int
) -> None:
    found = simulate(layout, small_kernel(variant, 4096, section, 1024), model)
    assert (found["memmap"], found["freed"]) == (memmap, freed)


@pytest.mark.parametrize(
    ("model", "section", "memmap"),
    [
        ("flatmem", GIB, 3_670_016),
        ("sparsemem", GIB, 4_194_304),
        ("sparsemem", GIB // 2, 3_145_728),
        ("vmemmap", GIB, 4_194_304),
        ("vmemmap-populated", GIB, 3_145_728),
    ],
)
def test_simulation_of_known_answers_in_64k_pages(model: str, section: int, memmap: int) -> None:
    found = simulate(THREAD_3G, small_kernel("max-order", 1 << 16, section, 4096), model)
    assert found["memmap"] == memmap
    assert found["needed"] == 3_145_728


def features(case: Case) -> set[str]:
    """Return the features of a map that the tests must reach."""
    kernel, layout = case
    page, section, leaf = kernel.page_size, kernel.section_size, kernel.vmemmap_leaf
    ram = frames(layout, page)
    found = {kernel.free_unused_memmap, f"{len(layout)} regions", f"s={kernel.struct_page_size}"}
    if len(ram) < len(layout):
        found.add("region without a whole page")
    if not ram:
        return found | {"no RAM"}
    if any(start % page for start, _ in layout):
        found.add("ragged start")
    if any(end % page for _, end in layout):
        found.add("ragged end")
    if any(end == start for (_, end), (start, _) in pairwise(layout)):
        found.add("touching")
    if any(end == start and end % page for (_, end), (start, _) in pairwise(layout)):
        found.add("touching within a page")
    numbers = [sorted({pfn // kernel.section_pages for pfn in region}) for region in ram]
    shared = Counter(number for region in numbers for number in region)
    if max(shared.values()) > 1:
        found.add("regions share a section")
    if max(shared.values()) > 2:
        found.add("three regions in a section")
    if any(second[0] - first[-1] > 1 for first, second in pairwise(numbers)):
        found.add("hole over sections")
    if any(first[-1] == second[0] for first, second in pairwise(numbers)):
        found.add("hole within a section")
    memmaps = [
        (number * kernel.section_memmap, (number + 1) * kernel.section_memmap - 1)
        for number in sorted(shared)
    ]
    if any(one[1] // leaf == two[0] // leaf for one, two in pairwise(memmaps)):
        found.add("sections share a leaf")
    if any(one[0] // leaf == two[1] // leaf for one, two in pairwise(memmaps)):
        found.add("two sections within a leaf")
    if any(one[0] % leaf for one in memmaps):
        found.add("section memmap off a leaf")
    if kernel.section_memmap % page:
        found.add("section memmap of no whole page")
    if section // 4 > kernel.pageblock_size and kernel.pageblock_pages < kernel.max_order_pages:
        found.add("small pageblock")
    if kernel.pageblock_pages > kernel.max_order_pages:
        found.add("pageblock over MAX_ORDER")
    if kernel.pmd_size != leaf:
        found.add("PMD is no leaf")
    if section > 2 << 20:
        found.add("sub-sections")
    return found


def test_maps_reach_what_is_interesting() -> None:
    seen: Counter[str] = Counter()

    @checked(500)
    @given(cases("vmemmap"))
    def look(case: Case) -> None:
        kernel, layout = case
        found = features(case)
        for model in ("flatmem-free", "sparsemem-free", "vmemmap-trimmed"):
            result = simulate(layout, kernel, model)
            if result["freed"]:
                found.add(f"{model} frees")
            found |= {f"{model} {name}" for name in ("hole", "edge", "rounding") if result[name]}
            size = kernel.struct_page_size
            if result["hole"] % size or result["edge"] % size:
                found.add("part of a struct page is freed")
            if result["page_table"] > 2 * kernel.page_size:
                found.add("page tables")
        seen.update(found)

    look()
    expected = {
        *VARIANTS,
        *(f"{count} regions" for count in range(1, 9)),
        *(f"s={size}" for size in (32, 36, 56, 64, 80)),
        *(
            f"{model} {what}"
            for model in ("flatmem-free", "sparsemem-free", "vmemmap-trimmed")
            for what in ("frees", "hole", "edge", "rounding")
        ),
        "no RAM",
        "region without a whole page",
        "ragged start",
        "ragged end",
        "touching",
        "touching within a page",
        "regions share a section",
        "three regions in a section",
        "hole over sections",
        "hole within a section",
        "sections share a leaf",
        "two sections within a leaf",
        "section memmap off a leaf",
        "section memmap of no whole page",
        "small pageblock",
        "pageblock over MAX_ORDER",
        "PMD is no leaf",
        "sub-sections",
        "part of a struct page is freed",
        "page tables",
    }
    # an array of FLATMEM is struct pages and nothing else
    assert seen["flatmem-free rounding"] == 0
    expected.remove("flatmem-free rounding")
    assert {name: seen[name] for name in sorted(expected) if seen[name] < 10} == {}
