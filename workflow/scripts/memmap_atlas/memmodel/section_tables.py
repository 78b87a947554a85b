"""Metadata beside the memmap: mem_section roots, usage maps, and the page tables of the vmemmap."""

import numpy as np

from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import Memmap
from memmap_atlas.memmodel.regions import Ints, Regions, align_down, covering_windows

SUBSECTION_SIZE = 2 << 20


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
    per_root = sections_per_root(kernel)
    root = per_root * kernel.section_size
    array = -(-sections // per_root) * kernel.long_size
    return none + array, covering_windows(memmap.sections, root).size // root * kernel.page_size


def sections_per_root(kernel: Kernel) -> int:
    """SECTIONS_PER_ROOT: sections in a page of mem_section, one with SPARSEMEM_STATIC.

    include/linux/mmzone.h.
    """
    if kernel.section_roots == "static":
        return 1
    return kernel.page_size // kernel.mem_section_size


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
        memstart = align_down(layouts.first, max(kernel.memstart_align, kernel.section_size))
    origin = memstart // kernel.page_size * kernel.struct_page_size + kernel.vmemmap_below
    leaves = memmap.leaves.shifted(-origin)
    if kernel.tables_below:
        leaves = leaves.clipped(0, np.iinfo(np.int64).max)
    for covers, size in kernel.page_tables:
        if covers > memmap.leaf:
            total += covering_windows(leaves, covers).size // covers * size
    if kernel.leaf_record_size:
        listed = kernel.page_size // kernel.leaf_record_size
        total += -(-(memmap.leaves.size // memmap.leaf) // listed) * kernel.page_size
    # a layout without a page has its padding shifted off the edges of windows
    return np.where(memmap.leaves.size > 0, total, 0)
