"""Memory models: how a kernel lays out its memmap, each a few lines over the windows that RAM
touches.

A rule takes RAM as whole pages (``regions.whole_pages``) and returns a :class:`Memmap`; the
registry :data:`MODELS` has an entry for each. Ranges of RAM are in bytes of physical memory, ranges
of the memmap in bytes from the struct page of pfn 0. Rules name the kernel's file, function and
release; where releases differ, a value of the kernel chooses.

The picture of each model shows RAM of [0, 1.5 GiB) and [2 GiB, 3.5 GiB), the map of April 2016, a
letter for 256 MiB, with sections of 1 GiB: # is RAM, or struct pages of RAM; - are struct pages
that are kept for no RAM; . is nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Literal

import numpy as np

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import (
    Ints,
    Regions,
    align_down,
    align_up,
    covering_windows,
    whole_pages,
)

Family = Literal["flatmem", "discontigmem", "sparsemem", "vmemmap"]


@dataclass(frozen=True)
class Memmap:
    """Memmap of each layout under a model.

    struct_pages: the memmap of the pages that the model covers
    kept: what stays backed of the memmap, before ``freed`` is taken away
    freed: ranges inside ``kept`` that are given back after boot, or None
    taken, given_back: bytes allocated while booting, and bytes returned after it, shape (layouts,)
    request: bytes of the largest single request while booting, shape (layouts,)
    leaves: what the vmemmap maps while booting, or None where there is no vmemmap
    leaf: bytes of one of them
    sections: the present sections, or None where the model knows none
    """

    struct_pages: Regions
    kept: Regions
    freed: Regions | None
    taken: Ints
    given_back: Ints
    request: Ints
    leaves: Regions | None = None
    leaf: int = 0
    sections: Regions | None = None


def memmap_of(ram: Regions, kernel: Kernel) -> Regions:
    """Struct pages of some ranges of RAM."""
    return ram.scaled(kernel.struct_page_size, kernel.page_size)


def present_sections(ram: Regions, kernel: Kernel) -> Regions:
    """Sections that hold a whole page of RAM, and are present therefore.

    mm/sparse.c: memory_present() (4.6 to 6.12).
    """
    return covering_windows(ram, kernel.section_size)


def flatmem(layouts: Regions, kernel: Kernel) -> Memmap:
    """One array from the first to the last page, both rounded out to MAX_ORDER blocks.

    ::

        RAM      ######..######..
        memmap   ######--######..

    mm/page_alloc.c: alloc_node_mem_map() (to 6.2), mm/mm_init.c (6.12). The size of the array is
    not rounded to pages.
    """
    ram = whole_pages(layouts, kernel.page_size)
    order = kernel.max_order_size
    span = Regions(align_down(ram.first, order)[None], align_up(ram.last, order)[None])
    array = memmap_of(span, kernel)
    none = np.zeros_like(array.size)
    return Memmap(array, array, None, array.size, none, request=array.size)


def flatmem_free(layouts: Regions, kernel: Kernel) -> Memmap:
    """FLATMEM whose array loses what lies between regions, by ``free_unused_memmap()``.

    ::

        RAM      ######..######..
        memmap   ######..######..

    The array is aligned to 64 bytes only (memblock_alloc_node(), 5.10), so its pages begin and end
    anywhere in a hole: of a hole worth H bytes the two ragged ends stay, one page more than H %
    page. No start of the array keeps more; where H is no whole number of pages a boot can keep one
    page less.
    """
    array = flatmem(layouts, kernel)
    holes = memmap_of(unused(layouts, kernel, sparse=False), kernel)
    pages = np.maximum(holes.end - holes.start - kernel.page_size, 0)
    freed = Regions(holes.start, holes.start + align_down(pages, kernel.page_size))
    return Memmap(
        array.struct_pages, array.kept, freed, array.taken, freed.size, request=array.request
    )


def freed_in_place(layouts: Regions, kernel: Kernel, array: Ints) -> Ints:
    """Bytes that ``free_unused_memmap()`` returns of a FLATMEM array that starts at ``array``
    (bytes, shape (layouts,)): the pages that lie whole in the holes of the memmap.

    mm/memblock.c: free_memmap() (5.11), arch/arm64/mm/init.c and arch/arm/mm/init.c before.
    """
    moved = array - flatmem(layouts, kernel).struct_pages.first
    holes = memmap_of(unused(layouts, kernel, sparse=False), kernel).shifted(moved)
    start, end = align_up(holes.start, kernel.page_size), align_down(holes.end, kernel.page_size)
    freed: Ints = np.maximum(end - start, 0).sum(axis=0)
    return freed


def discontigmem(layouts: Regions, kernel: Kernel) -> Memmap:
    """A FLATMEM array for each region, as if each were a node.

    ::

        RAM      ######..######..
        memmap   ######..######..

    Arrays of near regions can hold a page twice. mm/page_alloc.c: alloc_node_mem_map(), once a
    node; removed in 5.14 (bb1c50d3967f "mm: remove CONFIG_DISCONTIGMEM").
    """
    ram = whole_pages(layouts, kernel.page_size)
    order = kernel.max_order_size
    some = ram.end > ram.start
    arrays = memmap_of(
        Regions(
            np.where(some, align_down(ram.start, order), 0),
            np.where(some, align_up(ram.end, order), 0),
        ),
        kernel,
    )
    covered = memmap_of(covering_windows(ram, order), kernel)
    return Memmap(
        covered,
        covered,
        None,
        arrays.size,
        np.zeros_like(arrays.size),
        request=(arrays.end - arrays.start).max(axis=0),
    )


def sparsemem(layouts: Regions, kernel: Kernel) -> Memmap:
    """Classic SPARSEMEM: each present section has an array of its own, of whole pages.

    ::

        RAM      ######..######..
        memmap   ######--######--

    mm/sparse.c: sparse_early_mem_map_alloc() (4.6), sparse_init_nid() with one buffer for all
    sections (4.19 to early 2026).
    """
    sections = present_sections(whole_pages(layouts, kernel.page_size), kernel)
    count = sections.size // kernel.section_size
    each = -(-kernel.section_memmap // kernel.page_size) * kernel.page_size
    struct_pages = memmap_of(sections, kernel)
    return Memmap(
        struct_pages,
        struct_pages,
        None,
        count * each,
        np.zeros_like(count),
        request=boot_request(count, each, each, kernel),
        sections=sections,
    )


def sparsemem_free(layouts: Regions, kernel: Kernel) -> Memmap:
    """Classic SPARSEMEM whose arrays lose what lies behind a region in its last section, by
    ``free_unused_memmap()``.

    ::

        RAM      ######..######..
        memmap   ######..######..

    The array of a section starts on a page; only pages that lie whole in the unused part are freed
    (free_memmap()).
    """
    whole = sparsemem(layouts, kernel)
    holes = unused(layouts, kernel, sparse=True)
    array = holes.start // kernel.section_size * kernel.section_memmap
    gaps = memmap_of(holes, kernel)
    start = array + align_up(gaps.start - array, kernel.page_size)
    freed = Regions(
        start, np.maximum(array + align_down(gaps.end - array, kernel.page_size), start)
    )
    return Memmap(
        whole.struct_pages,
        whole.kept,
        freed,
        whole.taken,
        freed.size,
        request=whole.request,
        sections=whole.sections,
    )


def vmemmap(layouts: Regions, kernel: Kernel) -> Memmap:
    """SPARSEMEM_VMEMMAP: each present section is mapped whole, by leaves of the kernel's size.

    ::

        RAM      ######..######..
        memmap   ######--######--

    A leaf is taken when any struct page of a present section falls into it. mm/sparse.c:
    sparse_init_nid(), mm/sparse-vmemmap.c: __populate_section_memmap() and the architecture's
    vmemmap_populate() (4.6 to 6.12). Sections that share a leaf share its bytes: the second finds
    it mapped.
    """
    return mapped(layouts, kernel, kernel.vmemmap_leaf)


def vmemmap_base(layouts: Regions, kernel: Kernel) -> Memmap:
    """SPARSEMEM_VMEMMAP with leaves of one page, whatever the kernel would use.

    ::

        RAM      ######..######..
        memmap   ######--######--

    mm/sparse-vmemmap.c: vmemmap_populate_basepages().
    """
    return mapped(layouts, kernel, kernel.page_size)


def mapped(layouts: Regions, kernel: Kernel, leaf: int) -> Memmap:
    """Vmemmap of all present sections with leaves of ``leaf`` bytes."""
    sections = present_sections(whole_pages(layouts, kernel.page_size), kernel)
    count = sections.size // kernel.section_size
    struct_pages = memmap_of(sections, kernel)
    leaves = covering_windows(struct_pages, leaf)
    # section_map_size() rounds to PMD_SIZE, whatever the leaf (mm/sparse.c, 4.19 on)
    each = -(-kernel.section_memmap // kernel.pmd_size) * kernel.pmd_size
    return Memmap(
        struct_pages,
        leaves,
        None,
        leaves.size,
        np.zeros_like(count),
        request=boot_request(count, each, leaf, kernel),
        leaves=leaves,
        leaf=leaf,
        sections=sections,
    )


def vmemmap_populated(layouts: Regions, kernel: Kernel) -> Memmap:
    """Proposal: only leaves that hold struct pages of RAM, as the reply of April 2016 took it to
    be.

    ::

        RAM      ######..######..
        memmap   ######..######..
    """
    whole = vmemmap(layouts, kernel)
    leaves = leaves_of_ram(layouts, kernel)
    return Memmap(
        whole.struct_pages,
        leaves,
        None,
        leaves.size,
        np.zeros_like(whole.taken),
        request=whole.request,
        leaves=leaves,
        leaf=whole.leaf,
        sections=whole.sections,
    )


def vmemmap_trimmed(layouts: Regions, kernel: Kernel) -> Memmap:
    """Proposal: the kernel maps whole sections, then frees the leaves that lie whole in holes.

    ::

        RAM      ######..######..
        memmap   ######..######..

    "arm64: mm: free unused memmap for sparse memory model that define VMEMMAP", July 2020; never
    merged.
    """
    whole = vmemmap(layouts, kernel)
    kept = leaves_of_ram(layouts, kernel)
    return Memmap(
        whole.struct_pages,
        kept,
        None,
        whole.taken,
        whole.taken - kept.size,
        request=whole.request,
        leaves=whole.leaves,
        leaf=whole.leaf,
        sections=whole.sections,
    )


def leaves_of_ram(layouts: Regions, kernel: Kernel) -> Regions:
    """Leaves that hold any struct page of RAM."""
    return covering_windows(
        memmap_of(whole_pages(layouts, kernel.page_size), kernel), kernel.vmemmap_leaf
    )


def boot_request(count: Ints, each: int, alone: int, kernel: Kernel) -> Ints:
    """Largest request for ``count`` sections: all at once with the section buffer, else one
    piece of ``alone`` bytes.
    """
    if kernel.section_buffer:
        return count * each
    return np.where(count > 0, np.int64(alone), np.int64(0))


def unused(layouts: Regions, kernel: Kernel, sparse: bool) -> Regions:
    """Ranges of addresses whose struct pages ``free_unused_memmap()`` hands to free_memmap().

    arch/arm64/mm/init.c (4.6 to 5.10), arch/arm/mm/init.c (to 5.10), mm/memblock.c (4f5b0c178996
    "arm, arm64: move free_unused_memmap() to generic mm", 5.11). Each variant rounds in its own
    way: ``max-order`` rounds only the end of a region, to a MAX_ORDER block;
    ``max-order-truncated`` (4.6) also takes the page that a ragged start cuts (but for regions
    without a whole page, of which 4.6 would keep a page too); ``max-order-flatmem`` rounds the
    start too, with FLATMEM only; ``pageblock`` (e2a86800d586 "memblock: free_unused_memmap: use
    pageblock units instead of MAX_ORDER", f921f53e089a "memblock: align freed memory map on
    pageblock boundaries with SPARSEMEM", 5.14) rounds both to pageblocks.
    """
    variant = kernel.free_unused_memmap
    ram = whole_pages(layouts, kernel.page_size, truncate=variant == "max-order-truncated")
    unit = kernel.pageblock_size if variant == "pageblock" else kernel.max_order_size
    ends = align_up(ram.end, unit)
    previous, start = ends[:-1], ram.start[1:]
    if sparse:
        start = np.minimum(start, align_up(previous, kernel.section_size))
    if variant == "pageblock" or (variant == "max-order-flatmem" and not sparse):
        start = align_down(start, unit)
    if sparse:
        # behind the last region, to the end of its section
        previous = ends
        start = np.concatenate([start, align_up(ends[-1:], kernel.section_size)])
    return Regions(previous, np.maximum(start, previous))


# --- the registry ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class EdgeWindows:
    """Windows whose multiples matter to the edges of a region, in pages of RAM.

    The memmap of a map changes only where an edge comes into another of its windows. A leaf of the
    vmemmap or a page of the memmap may hold a fraction of a page of RAM.

    start, end: windows of a region's start, and of its end
    shared: further windows that regions can share; with them the memmap repeats
    """

    start: tuple[Fraction, ...]
    end: tuple[Fraction, ...]
    shared: tuple[Fraction, ...] = ()

    @property
    def period(self) -> int:
        """Pages of RAM after which all windows repeat."""
        return lcm(*(window.numerator for window in (*self.start, *self.end, *self.shared)))


def block_windows(kernel: Kernel) -> EdgeWindows:
    """MAX_ORDER blocks, which FLATMEM rounds to."""
    order = (Fraction(kernel.max_order_pages),)
    return EdgeWindows(order, order)


def section_windows(kernel: Kernel) -> EdgeWindows:
    """Sections, each with an array of its own."""
    section = (Fraction(kernel.section_pages),)
    return EdgeWindows(section, section)


def mapped_section_windows(kernel: Kernel) -> EdgeWindows:
    """Sections, which can share a leaf of the kernel's vmemmap."""
    section = (Fraction(kernel.section_pages),)
    return EdgeWindows(section, section, (ram_of(kernel.vmemmap_leaf, kernel),))


def paged_section_windows(kernel: Kernel) -> EdgeWindows:
    """Sections, which can share a page of the vmemmap."""
    section = (Fraction(kernel.section_pages),)
    return EdgeWindows(section, section, (ram_of(kernel.page_size, kernel),))


def leaf_windows(kernel: Kernel) -> EdgeWindows:
    """Leaves of the kernel's vmemmap."""
    leaf = (ram_of(kernel.vmemmap_leaf, kernel),)
    return EdgeWindows(leaf, leaf)


def freed_block_windows(kernel: Kernel) -> EdgeWindows:
    """MAX_ORDER blocks, and what ``free_unused_memmap()`` rounds to in a FLATMEM array."""
    aligned = kernel.free_unused_memmap in ("pageblock", "max-order-flatmem")
    return freed_windows(kernel, Fraction(kernel.max_order_pages), aligned)


def freed_section_windows(kernel: Kernel) -> EdgeWindows:
    """Sections, and what ``free_unused_memmap()`` rounds to in their arrays."""
    aligned = kernel.free_unused_memmap == "pageblock"
    return freed_windows(kernel, Fraction(kernel.section_pages), aligned)


def freed_windows(kernel: Kernel, array: Fraction, start_aligned: bool) -> EdgeWindows:
    """Windows of :func:`unused`: ends are rounded to a unit, starts only where ``start_aligned``.

    Where a rule counts pages of the memmap from a place that is no boundary of one, every page of
    RAM matters to a start.
    """
    pageblock = kernel.free_unused_memmap == "pageblock"
    unit = Fraction(kernel.pageblock_pages if pageblock else kernel.max_order_pages)
    page = ram_of(kernel.page_size, kernel)
    before = unit
    if not start_aligned:
        whole = array * kernel.struct_page_size % kernel.page_size == 0
        before = page if whole else Fraction(1)
    return EdgeWindows((array, before), (array, unit), (page,))


def ram_of(memmap: int, kernel: Kernel) -> Fraction:
    """Pages of RAM that ``memmap`` bytes of struct pages describe."""
    return Fraction(memmap, kernel.struct_page_size)


@dataclass(frozen=True)
class Model:
    """A memory model.

    name: as sweep files, kernels and tables have it
    family: the kernel's choice of CONFIG_FLATMEM, DISCONTIGMEM, SPARSEMEM (classic) or
        SPARSEMEM_VMEMMAP that it is a variant of
    description: one sentence for tables and pages
    build: its rule, from layouts (regions of RAM in bytes) and a kernel to a :class:`Memmap`
    windows: what its memmap depends on, for the search for a better map
    leaf: what maps its vmemmap: the kernel's leaf, always a page, or none
    frees: ``free_unused_memmap()`` returns memmap after boot
    proposal: no kernel has it; every figure marks it
    """

    name: str
    family: Family
    description: str
    build: Callable[[Regions, Kernel], Memmap]
    windows: Callable[[Kernel], EdgeWindows]
    leaf: Literal["", "kernel", "page"] = ""
    frees: bool = False
    proposal: bool = False

    @property
    def has_sections(self) -> bool:
        """RAM is divided into sections, whose size matters."""
        return self.family in ("sparsemem", "vmemmap")

    @property
    def pays_for_holes(self) -> bool:
        """The memmap grows with the distance between the ends of RAM."""
        return self.family == "flatmem" and not self.frees

    @property
    def counts_regions(self) -> bool:
        """Each region has an array of its own, so that two that touch differ from one."""
        return self.family == "discontigmem"

    def leaf_size(self, kernel: Kernel) -> int:
        """Bytes of what maps the vmemmap; 0 where there is no vmemmap."""
        return {"": 0, "page": kernel.page_size, "kernel": kernel.vmemmap_leaf}[self.leaf]


# in the order of tables and figures
MODELS: dict[str, Model] = {
    model.name: model
    for model in (
        Model(
            "flatmem",
            "flatmem",
            "One array over the span of RAM: holes are paid for.",
            flatmem,
            block_windows,
        ),
        Model(
            "flatmem-free",
            "flatmem",
            "One array over the span of RAM, after free_unused_memmap().",
            flatmem_free,
            freed_block_windows,
            frees=True,
        ),
        Model(
            "discontigmem",
            "discontigmem",
            "One array for each region, as if it were a node (removed in 5.14).",
            discontigmem,
            block_windows,
        ),
        Model(
            "sparsemem",
            "sparsemem",
            "An array for each section with RAM.",
            sparsemem,
            section_windows,
        ),
        Model(
            "sparsemem-free",
            "sparsemem",
            "An array for each section with RAM, after free_unused_memmap().",
            sparsemem_free,
            freed_section_windows,
            frees=True,
        ),
        Model(
            "vmemmap",
            "vmemmap",
            "Sections with RAM are mapped whole, as the kernel does it.",
            vmemmap,
            mapped_section_windows,
            leaf="kernel",
        ),
        Model(
            "vmemmap-base",
            "vmemmap",
            "The same with leaves of one page, whatever the kernel would use.",
            vmemmap_base,
            paged_section_windows,
            leaf="page",
        ),
        Model(
            "vmemmap-populated",
            "vmemmap",
            "Claimed in 2016: only leaves that hold struct pages of RAM.",
            vmemmap_populated,
            leaf_windows,
            leaf="kernel",
            proposal=True,
        ),
        Model(
            "vmemmap-trimmed",
            "vmemmap",
            "Proposed in 2020: leaves that lie wholly in holes are freed after boot.",
            vmemmap_trimmed,
            leaf_windows,
            leaf="kernel",
            proposal=True,
        ),
    )
}
PROPOSALS = tuple(model.name for model in MODELS.values() if model.proposal)
