"""What a layout costs under a model: every byte that the table reports, and the rules that forbid a
point.

The last room of the arithmetic: it knows layouts, kernels and models, and neither files nor tables
nor figures.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmap_atlas.kernel import Kernel
from memmap_atlas.models import MODELS, Memmap, memmap_of
from memmap_atlas.regions import Ints, Regions, divided, down, overlap, touched, up, whole_pages

SUBSECTION_SIZE = 2 << 20


@dataclass(frozen=True)
class Cost:
    """Bytes for each layout, int64 of shape (layouts,). ``hole``, ``edge`` and ``rounding`` sum to
    ``wasted``.
    """

    needed: Ints
    memmap: Ints
    freed: Ints
    hole: Ints
    edge: Ints
    rounding: Ints
    root_array: Ints
    root_pages: Ints
    usage: Ints
    page_table: Ints
    boot_request: Ints

    @property
    def wasted(self) -> Ints:
        """What stays allocated and is no struct page of RAM."""
        return self.memmap - self.needed

    @property
    def section_table(self) -> Ints:
        """mem_section: the root array and its root pages."""
        return self.root_array + self.root_pages


def cost(layouts: Regions, kernel: Kernel, model: str) -> Cost:
    """Cost of ``layouts`` (regions of RAM in bytes) on ``kernel`` under the model of that name.

    Raises KeyError for an unknown model. Rules that forbid a point are not looked at: see
    :func:`infeasible`.
    """
    memmap = MODELS[model](layouts, kernel)
    ram = memmap_of(whole_pages(layouts, kernel.page_size), kernel)
    between = staying(memmap, memmap.struct_pages.clipped(ram.first, ram.last))
    known = staying(memmap, memmap.struct_pages)
    kept = memmap.taken - memmap.given_back
    arrays, pages = section_roots(memmap, kernel)
    return Cost(
        needed=ram.size,
        memmap=kept,
        freed=memmap.given_back,
        hole=between - ram.size,
        edge=known - between,
        rounding=kept - known,
        root_array=arrays,
        root_pages=pages,
        usage=section_usage(memmap, kernel),
        page_table=page_tables(memmap, layouts, kernel),
        boot_request=memmap.request,
    )


def staying(memmap: Memmap, struct_pages: Regions) -> Ints:
    """Bytes of ``struct_pages`` that stay backed after boot."""
    kept = overlap(memmap.kept, struct_pages)
    return kept if memmap.freed is None else kept - overlap(memmap.freed, struct_pages)


def section_roots(memmap: Memmap, kernel: Kernel) -> tuple[Ints, Ints]:
    """Bytes of the array of mem_section roots, and of the root pages behind it.

    mm/sparse.c: sparse_index_alloc(), include/linux/mmzone.h: SECTIONS_PER_ROOT. The array spans
    MAX_PHYSMEM_BITS, however little RAM there is. STATIC has the sections themselves in the array.
    """
    none = np.zeros_like(memmap.taken)
    if memmap.sections is None:
        return none, none
    sections = (1 << kernel.max_physmem_bits) // kernel.section_size
    if kernel.section_roots == "static":
        return none + sections * kernel.mem_section_size, none
    per_root = kernel.page_size // kernel.mem_section_size
    root = per_root * kernel.section_size
    array = -(-sections // per_root) * kernel.long_size
    return none + array, touched(memmap.sections, root).size // root * kernel.page_size


def section_usage(memmap: Memmap, kernel: Kernel) -> Ints:
    """Bytes of the usage maps: for each section a header, its sub-sections (VMEMMAP only) and its
    pageblock bits.

    include/linux/mmzone.h: struct mem_section_usage (5.3; with an RCU head from 6.8 and in stable
    releases before), mm/sparse.c: mem_section_usage_size(). Before 5.3 the pageblock bits alone.
    """
    if memmap.sections is None:
        return np.zeros_like(memmap.taken)
    size = kernel.usage_header_size
    if memmap.leaves is not None and kernel.subsection_map:
        size += bitmap(max(kernel.section_size // SUBSECTION_SIZE, 1), kernel)
    size += bitmap(kernel.pageblock_bits * (kernel.section_pages // kernel.pageblock_pages), kernel)
    return memmap.sections.size // kernel.section_size * size


def bitmap(bits: int, kernel: Kernel) -> int:
    """Bytes of a bitmap: whole longs."""
    return -(-bits // (8 * kernel.long_size)) * kernel.long_size


def page_tables(memmap: Memmap, layouts: Regions, kernel: Kernel) -> Ints:
    """Bytes of the page tables that are made to map the vmemmap: windows again, one level up.

    mm/sparse-vmemmap.c: vmemmap_pgd_populate() and below. The virtual address of the first struct
    page decides which windows are touched: arm64's arch/arm64/include/asm/memory.h: VMEMMAP_START
    lies ``vmemmap_below`` under a boundary of all levels, and stands for the start of RAM rounded
    down (arm64_memblock_init()). ``tables_below``: the tables under that boundary exist already
    (the fixmap's, arm64 5.10). powerpc lists its leaves too, in whole pages:
    arch/powerpc/mm/init_64.c: vmemmap_list_alloc() (6.1).
    """
    total = np.zeros_like(memmap.taken)
    if memmap.leaves is None:
        return total
    memstart = np.zeros_like(total)
    if kernel.memstart_align:
        memstart = down(layouts.first, max(kernel.memstart_align, kernel.section_size))
    origin = memstart // kernel.page_size * kernel.struct_page_size + kernel.vmemmap_below
    leaves = memmap.leaves.shifted(-origin)
    if kernel.tables_below:
        leaves = leaves.clipped(0, np.iinfo(np.int64).max)
    for covers, size in kernel.page_tables:
        if covers > memmap.leaf:
            total += touched(leaves, covers).size // covers * size
    if kernel.leaf_record_size:
        listed = kernel.page_size // kernel.leaf_record_size
        total += -(-(memmap.leaves.size // memmap.leaf) // listed) * kernel.page_size
    # a layout without a page has its padding shifted off the edges of windows
    return np.where(memmap.leaves.size > 0, total, 0)


def counted_pages(layouts: Regions, kernel: Kernel, model: str) -> Ints:
    """What /proc/vmstat's nr_memmap_boot_pages says, in pages: it is computed, not measured.

    mm/sparse.c: sparse_init_nid() and mm/mm_init.c: alloc_node_mem_map() add whole pages for each
    present section or array, whatever is taken or freed (15995a352474, 6.11; c3576889d87b).
    """
    memmap = MODELS[model](layouts, kernel)
    if memmap.sections is None:
        return divided(up(memmap.taken, kernel.page_size), kernel.page_size)
    each = -(-kernel.section_memmap // kernel.page_size)
    return memmap.sections.size // kernel.section_size * each


def beside_its_array(layouts: Regions, kernel: Kernel, model: str) -> NDArray[np.bool_]:
    """Whether FLATMEM's mem_map would point beside its array, and the kernel write past its end.

    mm/page_alloc.c: alloc_node_mem_map() sets mem_map right for a first pfn that is rounded to
    MAX_ORDER blocks, where arm64 rounds the start of RAM to more (arm64_memblock_init(); seen on
    boots of 5.10). No rule forbids such a build; nobody should be told to use it.
    """
    if not model.startswith("flatmem") or not kernel.memstart_align:
        return np.zeros(layouts.first.shape, dtype=bool)
    first = whole_pages(layouts, kernel.page_size).first
    beside: NDArray[np.bool_] = down(first, kernel.memstart_align) != down(
        first, kernel.max_order_size
    )
    return beside


FEASIBLE = ""
BEYOND = "RAM beyond MAX_PHYSMEM_BITS"
LIMITED = "RAM beyond what the kernel can use"
NO_PAGE = "no whole page of RAM"
LEAF = "less RAM than the vmemmap's leaf asks for"
OF_SECTIONS = (
    "section smaller than a MAX_ORDER block",
    "section smaller than a pageblock",
    "section smaller than a sub-section",
    "section larger than MAX_PHYSMEM_BITS spans",
    "section number does not fit into page->flags",
)
RULES = (FEASIBLE, BEYOND, LIMITED, NO_PAGE, LEAF, *OF_SECTIONS)


def infeasible(layouts: Regions, kernel: Kernel, model: str) -> NDArray[np.object_]:
    """The rule that forbids each point, or "" where none does; shape (layouts,), str objects."""
    rules: NDArray[np.object_] = np.array(RULES, dtype=object)[forbidden(layouts, kernel, model)]
    return rules


def forbidden(layouts: Regions, kernel: Kernel, model: str) -> Ints:
    """The same as places in RULES, 0 where none forbids the point; shape (layouts,)."""
    ram = whole_pages(layouts, kernel.page_size)
    size, last = ram.size, ram.last
    rule = np.zeros_like(size)
    if of_sections := forbidden_sections(kernel, model):
        return rule + RULES.index(of_sections)
    if model.startswith("vmemmap") and model != "vmemmap-base":
        # arch/powerpc/mm/book3s64/hash_utils.c: htab_init_page_sizes()
        rule = np.where(size < kernel.leaf_needs_ram, RULES.index(LEAF), rule)
    rule = np.where(last > 1 << kernel.max_physmem_bits, RULES.index(BEYOND), rule)
    if kernel.ram_limit:
        rule = np.where(last > kernel.ram_limit, RULES.index(LIMITED), rule)
    return np.where(size == 0, RULES.index(NO_PAGE), rule)


def forbidden_sections(kernel: Kernel, model: str) -> str:
    """The rule that the kernel's sections break whatever the layout, "" where there is none.

    include/linux/mmzone.h: a section holds a MAX_ORDER block, a pageblock and a sub-section, and
    MAX_PHYSMEM_BITS spans it; include/linux/page-flags-layout.h: a classic section's number lives
    in page->flags (with VMEMMAP it does not).
    """
    section = kernel.section_size
    classic = model.startswith("sparsemem")
    width = kernel.max_physmem_bits - (section.bit_length() - 1)
    found = (
        section < kernel.max_order_size,
        section < kernel.pageblock_size,
        section < SUBSECTION_SIZE and kernel.subsection_map,
        width < 0,
        classic and width > kernel.section_flags_bits,
    )
    if not classic and not model.startswith("vmemmap"):
        return FEASIBLE
    broken = (rule for rule, breaks in zip(OF_SECTIONS, found, strict=True) if breaks)
    return next(broken, FEASIBLE)
