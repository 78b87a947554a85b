"""Memory that comes after boot: what adding it takes, where from, and what of it is lost.

Windows again: a range that is added is made of sections, and takes what they take. Ranges are
columns of one row (``regions.Regions`` of shape (1, ranges)), each beside the RAM that is there
before; everything is in bytes unless it says pages. The rules are those of SPARSEMEM_VMEMMAP, the
model of every 64-bit architecture that adds memory.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from memmap_atlas.memmodel.kernel import Kernel, default_page_tables
from memmap_atlas.memmodel.models import MODELS, Memmap, memmap_of, present_sections
from memmap_atlas.memmodel.regions import (
    Ints,
    Regions,
    align_down,
    align_up,
    covering_windows,
    floor_divide,
    overlap,
    union,
    whole_pages,
)
from memmap_atlas.memmodel.release import UNKNOWN, Change, Release
from memmap_atlas.memmodel.section_tables import (
    SUBSECTION_SIZE,
    page_tables,
    section_roots,
    section_usage,
)

Reasons = NDArray[np.object_]

# arch/x86/mm/init_64.c: MEM_SIZE_FOR_LARGE_BLOCK and MAX_BLOCK_SIZE (4.17)
X86_LARGE_RAM = 64 << 30
X86_LARGEST_BLOCK = 2 << 30
# drivers/nvdimm/pfn_devs.c and pfn.h: what stands before the memmap, and the page struct it is for
INFO_BLOCK = 8 << 10
MOST_STRUCT_PAGE = 64
# mm/memory_hotplug.c: memmap_on_memory, its value "force", and a range of several memory blocks
ON_MEMORY = Change(
    Release(5, 13), "a08a2ae34613", "mm,memory_hotplug: allocate memmap from the added memory range"
)
ON_MEMORY_FORCED = Change(
    Release(6, 6),
    "2d1f649c7c08",
    "mm/memory_hotplug: support memmap_on_memory when memmap is not aligned to pageblocks",
)
ON_MEMORY_SPLIT = Change(
    Release(6, 8),
    "6b8f0798b85a",
    "mm/memory_hotplug: split memmap_on_memory requests across memblocks",
)


@dataclass(frozen=True)
class HotAdd:
    """Bytes that adding each range takes, int64 of shape (ranges,).

    size: the range
    memmap: what backs the new struct pages
    own: the part of ``memmap`` that lies in the range itself (memmap_on_memory)
    lost: what of the range is set aside beside it, to fill a pageblock
    usage, root_pages: mem_section_usage, and pages of mem_section roots
    page_table: tables that map the new struct pages
    linear_table: tables that map the range itself
    """

    size: Ints
    memmap: Ints
    own: Ints
    lost: Ints
    usage: Ints
    root_pages: Ints
    page_table: Ints
    linear_table: Ints

    @property
    def from_ram(self) -> Ints:
        """RAM that must be free before the range can be added."""
        tables = self.page_table + self.linear_table
        return self.memmap - self.own + self.usage + self.root_pages + tables

    @property
    def usable(self) -> Ints:
        """The part of the range that is left for others."""
        return self.size - self.own - self.lost


@dataclass(frozen=True)
class OnMemory:
    """The memmap of a memory block inside of the block, for each block size; shape (blocks,).

    pages: pages that hold the memmap
    reserved: further pages set aside, to fill a pageblock; 0 but where it is forced
    reason: the rule that forbids it, "" where none does
    """

    pages: Ints
    reserved: Ints
    reason: Reasons


@dataclass(frozen=True)
class Stranded:
    """Parts of a range before and behind its whole memory blocks, shape (ranges,): ``front``,
    ``back``, ``usable``, and where the usable part starts.
    """

    front: Ints
    back: Ints
    usable: Ints
    start: Ints


@dataclass(frozen=True)
class Step:
    """One range that is added, and the free memory behind it."""

    size: int
    need: int
    free: int


def ranges(start: Ints | int, size: Ints | int) -> Regions:
    """Ranges of ``size`` from ``start``, one in a column."""
    first, length = np.broadcast_arrays(np.int64(start), np.int64(size))
    first = np.atleast_1d(first)
    return Regions(first[None].copy(), (first + length)[None])


def none_of(like: Regions) -> Regions:
    """Return empty layouts, one for each range of ``like``."""
    none = np.zeros((1, like.start.shape[1]), dtype=np.int64)
    return Regions(none, none)


def refused(added: Regions, ram: Regions, kernel: Kernel, block: Ints | int) -> Reasons:
    """The rule that forbids adding each range, "" where none does; shape (ranges,), str objects.

    mm/memory_hotplug.c: check_hotplug_memory_range() (whole memory blocks, 4.17) and
    mhp_range_allowed() (MAX_PHYSMEM_BITS, 5.12); drivers/base/memory.c: memory_dev_init(): a block
    is whole sections.
    """
    start, end = added.start[0], added.end[0]
    reason = np.full(len(start), "", dtype=object)
    reason[overlap(ram, added) > 0] = "overlaps RAM"
    reason[end > 1 << kernel.max_physmem_bits] = "range beyond MAX_PHYSMEM_BITS"
    reason[(start % block != 0) | ((end - start) % block != 0)] = "range of no whole memory blocks"
    reason[end <= start] = "empty range"
    reason[np.broadcast_to(np.int64(block) % kernel.section_size != 0, reason.shape)] = (
        "memory block of no whole sections"
    )
    if MODELS[kernel.default_model].family != "vmemmap":
        reason[:] = "kernel without SPARSEMEM_VMEMMAP"
    return reason


def hot_add(
    added: Regions,
    ram: Regions,
    kernel: Kernel,
    *,
    linear_leaf: int | None = None,
    small_as_pages: bool = True,
) -> HotAdd:
    """Cost of adding each range beside the RAM that is there, whose struct pages are mapped.

    mm/memory_hotplug.c: __add_pages() goes section by section, mm/sparse.c: section_activate() maps
    the struct pages of each piece (5.3). A whole section takes the vmemmap's leaf, as at boot. A
    piece of one takes nothing where the section was there at boot: its memmap is whole already. A
    piece of a new section takes base pages with ``small_as_pages``: arch/x86/mm/init_64.c and
    arch/arm64/mm/mmu.c: vmemmap_populate() (d4234d131b0a "arm64: mm: Populate vmemmap at the page
    level if not section aligned", 6.14 and stable releases); without it the leaf. Pieces are whole
    sub-sections, and come from drivers alone: RAM is added in memory blocks. ``linear_leaf``: see
    :func:`linear_tables`.
    """
    page, leaf, section = kernel.page_size, kernel.vmemmap_leaf, kernel.section_size
    present = present_sections(whole_pages(ram, page), kernel)
    start, end = added.start[0], added.end[0]
    first = align_up(start, section)
    last = np.maximum(align_down(end, section), first)
    whole = Regions(first[None], last[None])
    pieces = Regions(np.stack([start, last]), np.stack([np.minimum(end, first), end]))
    early = np.stack(
        [
            overlap(present, Regions(low[None], high[None]))
            for low, high in zip(pieces.start, pieces.end, strict=True)
        ]
    )
    pieces = union(Regions(pieces.start, np.where(early > 0, pieces.start, pieces.end)))
    sections = union(whole, covering_windows(pieces, section))

    before = covering_windows(memmap_of(present, kernel), leaf)
    small = memmap_of(pieces, kernel) if small_as_pages else none_of(added)
    large = whole if small_as_pages else union(whole, pieces)
    large = covering_windows(memmap_of(union(present, large), kernel), leaf)
    small = covering_windows(small, page)
    after = union(large, small)

    anchor = np.where(ram.size > 0, ram.first, start)
    tables = tables_of(after, leaf, anchor, kernel) - tables_of(before, leaf, anchor, kernel)
    # a base page takes a table below the leaf too
    tables += tables_of(small, page, anchor, kernel) - tables_of(small, leaf, anchor, kernel)
    known, new = (mapping(some, after, leaf) for some in (present, sections))
    both = mapping(union(present, sections), after, leaf)
    none = np.zeros_like(start)
    return HotAdd(
        size=end - start,
        memmap=after.size - before.size,
        own=none,
        lost=none,
        usage=section_usage(new, kernel),
        root_pages=section_roots(both, kernel)[1] - section_roots(known, kernel)[1],
        page_table=tables,
        linear_table=linear_tables(added, ram, kernel, linear_leaf),
    )


def hot_add_on_memory(
    added: Regions,
    ram: Regions,
    kernel: Kernel,
    block: int,
    *,
    force: bool = False,
    linear_leaf: int | None = None,
) -> HotAdd:
    """Cost of adding each range with memmap_on_memory: each block of ``block`` bytes holds its own
    memmap, where :func:`memmap_on_memory` allows it; else as :func:`hot_add`.

    mm/memory_hotplug.c: create_altmaps_and_memory_blocks() (6b8f0798b85a "mm/memory_hotplug: split
    memmap_on_memory requests across memblocks", 6.8; before, a range of one block alone). Page
    tables, usage maps and roots come from RAM all the same.
    """
    plain = hot_add(added, ram, kernel, linear_leaf=linear_leaf)
    held = memmap_on_memory(np.array([block], dtype=np.int64), kernel, force=force)
    if held.reason[0]:
        return plain
    blocks = plain.size // block
    return HotAdd(
        size=plain.size,
        memmap=blocks * held.pages[0] * kernel.page_size,
        own=blocks * held.pages[0] * kernel.page_size,
        lost=blocks * held.reserved[0] * kernel.page_size,
        usage=plain.usage,
        root_pages=plain.root_pages,
        page_table=plain.page_table,
        linear_table=plain.linear_table,
    )


def mapping(sections: Regions, leaves: Regions, leaf: int) -> Memmap:
    """Sections and leaves as what a model answers, for what ``cost`` counts of it."""
    none = np.zeros_like(leaves.size)
    return Memmap(
        leaves, leaves, None, leaves.size, none, none, leaves=leaves, leaf=leaf, sections=sections
    )


def tables_of(leaves: Regions, leaf: int, first: Ints, kernel: Kernel) -> Ints:
    """Bytes of the tables that map ``leaves``, with RAM that starts at ``first``."""
    start = Regions(first[None], first[None])
    return page_tables(mapping(leaves, leaves, leaf), start, kernel)


def default_linear_leaf(kernel: Kernel) -> int:
    """The largest page that maps added memory in the linear map.

    arm64: a page, since rodata=full is the default (arch/arm64/mm/mmu.c: arch_add_memory(),
    arch/arm64/mm/pageattr.c: can_set_direct_map(), 5.0 to 6.12). x86_64: 1 GiB
    (arch/x86/mm/init_64.c: phys_pud_init(), on a CPU that has such pages). Else a PMD.
    """
    if kernel.arch == "arm64":
        return kernel.page_size
    return 1 << 30 if kernel.arch == "x86_64" else kernel.pmd_size


def linear_tables(
    added: Regions, ram: Regions, kernel: Kernel, linear_leaf: int | None = None
) -> Ints:
    """Bytes of the tables that map each range in the linear map, beside those of RAM.

    A table is made for each window that it covers and that the range touches; a window no larger
    than ``linear_leaf`` that lies whole in the range is mapped by one entry above, without a table.
    arch/arm64/mm/mmu.c: __create_pgd_mapping(), arch/x86/mm/init_64.c:
    kernel_physical_mapping_init() (6.12).
    """
    leaf = default_linear_leaf(kernel) if linear_leaf is None else linear_leaf
    odd = kernel.arch in ("powerpc64le", "s390x")
    levels = kernel.page_tables if odd else default_page_tables(kernel.page_size, kernel.va_bits)
    first = np.where(ram.size > 0, ram.first, added.start[0])
    origin = np.zeros_like(first)
    if kernel.memstart_align:
        origin = align_down(first, max(kernel.memstart_align, kernel.section_size))
    here, there = ram.shifted(-origin), added.shifted(-origin)
    here = union(here, none_of(here))
    total = np.zeros_like(first)
    for covers, size in levels:
        windows = (
            covering_windows(union(here, there), covers).size - covering_windows(here, covers).size
        )
        if covers <= leaf:
            whole = align_down(there.end[0], covers) - align_up(there.start[0], covers)
            windows = windows - np.maximum(whole, 0)
        total += floor_divide(windows, covers) * size
    return total


def memmap_on_memory(blocks: Ints, kernel: Kernel, *, force: bool = False) -> OnMemory:
    """Memmap of a memory block of each size inside of the block, or the rule that forbids it.

    mm/memory_hotplug.c: mhp_supports_memmap_on_memory() and memory_block_memmap_on_memory_pages()
    (a08a2ae34613 "mm,memory_hotplug: allocate memmap from the added memory range", 5.13): whole
    pages and pageblocks of memmap, less than the block, and whole PMDs unless the architecture says
    else. ``force`` fills up to a pageblock (2d1f649c7c08 "mm/memory_hotplug: support
    memmap_on_memory when memmap is not aligned to pageblocks", 6.6).
    powerpc: arch/powerpc/include/asm/pgtable.h: arch_supports_memmap_on_memory(), radix MMU only,
    whole PMDs with 4 KiB pages only (6.6).
    """
    page = kernel.page_size
    memmap = floor_divide(blocks, page) * kernel.struct_page_size
    pages = floor_divide(memmap + page - 1, page)
    set_aside = align_up(pages, kernel.pageblock_pages) if force else pages
    reason = np.full(blocks.shape, "", dtype=object)
    if kernel.arch.startswith("powerpc"):
        if kernel.vmemmap_leaf > 2 << 20 or kernel.leaf_needs_ram:
            reason[:] = "hash MMU"
    else:
        reason[memmap % kernel.pmd_size != 0] = "memmap of no whole PMDs"
    reason[set_aside >= floor_divide(blocks, page)] = "nothing is left of the block"
    reason[set_aside % kernel.pageblock_pages != 0] = "memmap of no whole pageblocks"
    reason[memmap % page != 0] = "memmap of no whole pages"
    reason[blocks % kernel.section_size != 0] = "memory block of no whole sections"
    return OnMemory(pages, set_aside - pages, reason)


def too_old(kernel: Kernel, *, force: bool, many: bool) -> str:
    """Return why a release has no memmap_on_memory, or none for ``many`` blocks at once; "" if it
    has.
    """
    release = Release.parse(kernel.release) or UNKNOWN
    needed = ON_MEMORY_FORCED if force else ON_MEMORY
    if release < needed.since:
        return f"kernel before {needed.since}"
    if many and release < ON_MEMORY_SPLIT.since:
        return f"range of several blocks, kernel before {ON_MEMORY_SPLIT.since}"
    return ""


def largest_range(
    free: Ints, start: Ints | int, ram: Regions, kernel: Kernel, block: int, most: int | None = None
) -> Ints:
    """The largest range from ``start``, in whole blocks, that ``free`` bytes can add in one go;
    shape of ``free``. 0 where not even a block.

    ``start`` is a multiple of ``block``, at or above the end of ``ram``. Found by halving: what a
    range takes never falls with its size, since the struct pages of a block outweigh the one table
    that it can spare where it completes a window of the linear map. ``most``: no more than that,
    and MAX_PHYSMEM_BITS anyway.
    """
    begin = np.broadcast_to(np.int64(start), free.shape)
    limit = 1 << kernel.max_physmem_bits
    high = np.maximum(limit - begin, 0) // block
    if most is not None:
        high = np.minimum(high, most // block)
    low = np.zeros_like(free)
    while (low < high).any():
        middle = (low + high + 1) // 2
        fits = hot_add(ranges(begin, middle * block), ram, kernel).from_ram <= free
        low = np.where(fits, middle, low)
        high = np.where(fits, high, middle - 1)
    largest: Ints = low * block
    return largest


def growth(
    free: int, start: int, ram: Regions, kernel: Kernel, block: int, target: int
) -> list[Step]:
    """``target`` bytes added step by step, each as large as the free memory allows, once the step
    before is online and free.

    With struct pages of 64 bytes and pages of 4 KiB each step is up to 64 times as large as the
    free memory: two or three reach any size. Ends early where not even a block can be added.
    """
    steps: list[Step] = []
    left, here = target // block * block, ram
    while left:
        fits = largest_range(np.array([free], dtype=np.int64), start, here, kernel, block, left)
        size = int(fits[0])
        if not size:
            break
        added = ranges(start, size)
        need = int(hot_add(added, here, kernel).from_ram[0])
        free += size - need
        steps.append(Step(size, need, free))
        start, left, here = start + size, left - size, union(here, added)
    return steps


def x86_block_size(
    boot_end: Ints, section: int, *, virtual: bool, advised: int = 0, chosen: int = 0
) -> Ints:
    """Size of the memory block of x86_64, from where boot memory ends; shape of ``boot_end``.

    arch/x86/mm/init_64.c: probe_memory_block_size() (078eb6aa50dc "x86/mm/memory_hotplug: determine
    block size based on the end of boot memory", 4.17; as in 6.12): what the command line chose; a
    section below 64 GiB; 2 GiB on bare metal; else the largest that the end of boot memory is
    aligned to, 2 GiB at most. ``advised``: what drivers/acpi/numa/srat.c makes of CXL windows
    bounds it, on bare metal too (6.16).
    """
    if chosen:
        return np.full_like(boot_end, chosen)
    largest = max(min(advised, X86_LARGEST_BLOCK), section) if advised else X86_LARGEST_BLOCK
    size = np.full_like(boot_end, largest)
    if virtual or advised:
        while (odd := (boot_end % size != 0) & (size > section)).any():
            size = np.where(odd, size // 2, size)
    return np.where(boot_end < X86_LARGE_RAM, section, size)


def block_size(kernel: Kernel, boot_end: int) -> int:
    """The memory block that a virtual machine has, where nobody chooses one.

    drivers/base/memory.c: memory_block_size_bytes(): a section; x86_64: :func:`x86_block_size`;
    powerpc: an LMB, 256 MiB as a rule (arch/powerpc/mm/init_64.c).
    """
    if kernel.arch == "x86_64":
        end = np.array([boot_end], dtype=np.int64)
        return int(x86_block_size(end, kernel.section_size, virtual=True)[0])
    return max(kernel.section_size, 256 << 20 if kernel.arch.startswith("powerpc") else 0)


def stranded(start: Ints, size: Ints, block: Ints | int) -> Stranded:
    """Whole memory blocks of [start, start + size), and what is lost before and behind them.

    drivers/dax/kmem.c: dax_kmem_range() (6.12; dev_dax_kmem_probe() in 5.8): the start rounded up
    to a block, the end rounded down; where nothing is left the range counts as lost in front.
    """
    each = np.broadcast_to(np.int64(block), np.broadcast_shapes(start.shape, np.shape(block)))
    first, end = -(-start // each) * each, (start + size) // each * each
    usable = np.maximum(end - first, 0)
    some = usable > 0
    front = np.where(some, first - start, size)
    return Stranded(front, size - front - usable, usable, np.where(some, first, start))


def namespace_data(
    start: Ints,
    size: Ints,
    kernel: Kernel,
    *,
    memmap_in_device: bool = True,
    align: int = SUBSECTION_SIZE,
) -> tuple[Ints, Ints]:
    """Start and size of the data of a pmem namespace (fsdax or devdax); a size of 0 where nothing
    is left.

    drivers/nvdimm/pfn_devs.c: nd_pfn_init() (5.8 to 6.12): behind 8 KiB for the info block, and,
    with ``memmap_in_device`` (ndctl --map=dev), struct pages of 64 bytes for every page, on a
    multiple of ``align``, as is the end.
    """
    room = start + INFO_BLOCK
    if memmap_in_device:
        room = room + floor_divide(size - INFO_BLOCK, kernel.page_size) * MOST_STRUCT_PAGE
    first, end = align_up(room, align), align_down(start + size, align)
    return first, np.maximum(end - first, 0)
