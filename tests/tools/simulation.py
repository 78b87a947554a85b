"""A boot seen page by page: what the closed form computes, found the slow way.

Everything here is counted, nothing computed by a formula: page frames, sections, leaves of the
vmemmap and page tables are walked one by one, in the order in which a kernel comes to them, and
each byte of a memmap is either allocated or not. Only for small maps.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache

from memmap_atlas.memmodel.kernel import Kernel

SUBSECTION = 2 << 20
# Some address that is a boundary of every level of page tables.
BOUNDARY = 1 << 60


def simulate(regions: Sequence[tuple[int, int]], kernel: Kernel, model: str) -> dict[str, int]:
    """Boot with ``regions`` of RAM (bytes, sorted, disjoint) and look at what the memmap holds."""
    boot = Boot(kernel, frames(regions, kernel.page_size))
    if model == "flatmem":
        boot_flatmem(boot)
    elif model == "flatmem-free":
        boot_flatmem(boot)
        free_flatmem(boot, truncated(regions, kernel))
    elif model == "discontigmem":
        boot_discontigmem(boot)
    elif model == "sparsemem":
        boot_sparsemem(boot)
    elif model == "sparsemem-free":
        boot_sparsemem(boot)
        free_sparsemem(boot, truncated(regions, kernel))
    elif model == "vmemmap":
        boot_vmemmap(boot, kernel.vmemmap_leaf, only_ram=False)
    elif model == "vmemmap-base":
        boot_vmemmap(boot, kernel.page_size, only_ram=False)
    elif model == "vmemmap-populated":
        boot_vmemmap(boot, kernel.vmemmap_leaf, only_ram=True)
    elif model == "vmemmap-trimmed":
        boot_vmemmap(boot, kernel.vmemmap_leaf, only_ram=False)
        trim_vmemmap(boot)
    else:
        raise KeyError(model)
    return account(boot) | {
        "root_array": root_array(boot),
        "root_pages": root_pages(boot),
        "usage": usage(boot),
        "page_table": page_table(boot, regions),
    }


# --- physical memory -----------------------------------------------------------------------------


def frames(regions: Sequence[tuple[int, int]], page_size: int) -> list[range]:
    """The page frames that lie whole in each region; a region without any vanishes."""
    found = []
    for start, end in regions:
        whole = [
            pfn
            for pfn in range(start // page_size, end // page_size + 1)
            if start <= pfn * page_size and (pfn + 1) * page_size <= end
        ]
        if whole:
            found.append(range(whole[0], whole[-1] + 1))
    return found


def truncated(regions: Sequence[tuple[int, int]], kernel: Kernel) -> list[range]:
    """The regions as ``free_unused_memmap()`` sees them.

    In 4.6 a ragged start was cut down to its page, all others round it up. A region without a whole
    page is left out here too, as it is everywhere else.
    """
    seen = []
    for start, end in regions:
        for whole in frames([(start, end)], kernel.page_size):
            if kernel.free_unused_memmap == "max-order-truncated":
                whole = range(start // kernel.page_size, whole.stop)
            seen.append(whole)
    return seen


def floor(pfn: int, unit: int) -> int:
    while pfn % unit:
        pfn -= 1
    return pfn


def ceiling(pfn: int, unit: int) -> int:
    while pfn % unit:
        pfn += 1
    return pfn


# --- the machine ---------------------------------------------------------------------------------


@dataclass
class Array:
    """A piece of memmap that the boot allocator gave out: struct pages from ``first_pfn`` on.

    ``allocated`` has a 1 for each byte that is not given back.
    """

    first_pfn: int
    pages: int
    allocated: bytearray

    def free(self, start: int, stop: int) -> int:
        """Give bytes back; says how many."""
        assert self.allocated[start:stop] == b"\1" * (stop - start), "freed twice"
        self.allocated[start:stop] = bytes(stop - start)
        return stop - start


@dataclass
class Boot:
    """A machine while it boots."""

    kernel: Kernel
    regions: list[range]
    arrays: list[Array] = field(default_factory=list)
    # numbers of the present sections, or None where the model has no sections
    sections: list[int] | None = None
    # bytes of a leaf; 0 where there is no vmemmap
    leaf: int = 0
    # leaves mapped while booting, and those of them that still are
    populated: list[int] = field(default_factory=list)
    mapped: set[int] = field(default_factory=set)
    requests: list[int] = field(default_factory=list)
    freed: int = 0

    def ram(self) -> set[int]:
        return {pfn for region in self.regions for pfn in region}

    def allocate(self, first_pfn: int, pages: int, size: int) -> None:
        self.arrays.append(Array(first_pfn, pages, bytearray(b"\1" * size)))


# --- FLATMEM, DISCONTIGMEM -----------------------------------------------------------------------


def alloc_node_mem_map(boot: Boot, first: int, last: int) -> None:
    """One array for a node with the pages ``first`` to ``last``, out to MAX_ORDER blocks."""
    start = floor(first, boot.kernel.max_order_pages)
    end = ceiling(last + 1, boot.kernel.max_order_pages)
    size = sum(boot.kernel.struct_page_size for _ in range(start, end))
    boot.requests.append(size)
    boot.allocate(start, end - start, size)


def boot_flatmem(boot: Boot) -> None:
    ram = boot.ram()
    if ram:
        alloc_node_mem_map(boot, min(ram), max(ram))


def boot_discontigmem(boot: Boot) -> None:
    for node in boot.regions:
        alloc_node_mem_map(boot, node[0], node[-1])


# --- free_unused_memmap() ------------------------------------------------------------------------


def free_unused_memmap(
    regions: Iterable[range], kernel: Kernel, sparse: bool
) -> Iterator[tuple[int, int]]:
    """The calls free_memmap(start_pfn, end_pfn), as the kernel's walk over memblock makes them."""
    variant = kernel.free_unused_memmap
    section = kernel.section_pages
    block = kernel.pageblock_pages if variant == "pageblock" else kernel.max_order_pages
    prev_end = 0
    for region in regions:
        start = region.start
        if sparse:
            # there may be no memmap behind the section that prev_end is in
            start = min(start, ceiling(prev_end, section))
        if variant == "pageblock" or (variant == "max-order-flatmem" and not sparse):
            start = floor(start, block)
        if prev_end and prev_end < start:
            yield prev_end, start
        prev_end = ceiling(region.stop, block)
    if sparse and prev_end % section:
        yield prev_end, ceiling(prev_end, section)


def free_flatmem(boot: Boot, regions: list[range]) -> None:
    """Free the holes of an array that starts in mid-page, at the worst place.

    A hole then begins behind the start of a page and ends before the end of another: of the whole
    pages that its struct pages would fill, one less is freed. Which bytes these are is open; taken
    are the first ones.
    """
    size, page = boot.kernel.struct_page_size, boot.kernel.page_size
    for start, end in free_unused_memmap(regions, boot.kernel, sparse=False):
        array = boot.arrays[0]
        at, stop = (start - array.first_pfn) * size, (end - array.first_pfn) * size
        while at + 2 * page <= stop:
            boot.freed += array.free(at, at + page)
            at += page


def freed_in_phase(regions: Sequence[tuple[int, int]], kernel: Kernel, phase: int) -> int:
    """Bytes that ``free_unused_memmap()`` gives back with FLATMEM if the array starts ``phase``
    bytes behind a page boundary: the pages that lie whole in the struct pages of a hole.
    """
    boot = Boot(kernel, frames(regions, kernel.page_size))
    boot_flatmem(boot)
    for start, end in free_unused_memmap(truncated(regions, kernel), kernel, sparse=False):
        array = boot.arrays[0]
        first = (start - array.first_pfn) * kernel.struct_page_size
        stop = (end - array.first_pfn) * kernel.struct_page_size
        for at in range(-phase, len(array.allocated), kernel.page_size):
            if first <= at and at + kernel.page_size <= stop:
                boot.freed += array.free(at, at + kernel.page_size)
    return boot.freed


# --- SPARSEMEM -----------------------------------------------------------------------------------


def memory_present(boot: Boot) -> list[int]:
    """Mark the section of each page; the sections in the order of their numbers."""
    present: set[int] = set()
    for region in boot.regions:
        for pfn in region:
            present.add(pfn // boot.kernel.section_pages)
    boot.sections = sorted(present)
    return boot.sections


def whole_units(size: int, unit: int) -> int:
    """Bytes of as many units as hold ``size`` bytes."""
    total = 0
    while total < size:
        total += unit
    return total


def boot_sparsemem(boot: Boot) -> None:
    kernel = boot.kernel
    sections = memory_present(boot)
    size = whole_units(kernel.section_pages * kernel.struct_page_size, kernel.page_size)
    if kernel.section_buffer and sections:
        boot.requests.append(sum(size for _ in sections))
    for section in sections:
        if not kernel.section_buffer:
            boot.requests.append(size)
        boot.allocate(section * kernel.section_pages, kernel.section_pages, size)


def free_sparsemem(boot: Boot, regions: list[range]) -> None:
    """Free what lies behind a region in its section; each section's array starts on a page."""
    size, page = boot.kernel.struct_page_size, boot.kernel.page_size
    for start, end in free_unused_memmap(regions, boot.kernel, sparse=True):
        (array,) = (a for a in boot.arrays if a.first_pfn <= start < a.first_pfn + a.pages)
        assert end <= array.first_pfn + array.pages, "freed beyond the section"
        first, stop = (start - array.first_pfn) * size, (end - array.first_pfn) * size
        for at in range(0, len(array.allocated), page):
            if first <= at and at + page <= stop:
                boot.freed += array.free(at, at + page)


# --- SPARSEMEM_VMEMMAP ---------------------------------------------------------------------------


def leaves_of(pfn: int, boot: Boot) -> range:
    """The leaves that a struct page lies in, from that of its first byte to that of its last."""
    first = pfn * boot.kernel.struct_page_size
    last = first + boot.kernel.struct_page_size - 1
    return range(first // boot.leaf, last // boot.leaf + 1)


def boot_vmemmap(boot: Boot, leaf: int, only_ram: bool) -> None:
    """Map each present section, struct page by struct page; ``only_ram`` leaves out those of holes
    (a proposal).
    """
    kernel = boot.kernel
    boot.leaf = leaf
    sections = memory_present(boot)
    # section_map_size() rounds to PMD_SIZE, whatever the leaf
    map_size = whole_units(kernel.section_pages * kernel.struct_page_size, kernel.pmd_size)
    buffer = 0
    if kernel.section_buffer and sections:
        buffer = sum(map_size for _ in sections)
        boot.requests.append(buffer)
    ram = boot.ram()
    for section in sections:
        first = section * kernel.section_pages
        for pfn in range(first, first + kernel.section_pages):
            if only_ram and pfn not in ram:
                continue
            for number in leaves_of(pfn, boot):
                # another struct page or section can have mapped it
                if number in boot.mapped:
                    continue
                boot.mapped.add(number)
                boot.populated.append(number)
                if leaf <= buffer:
                    buffer -= leaf
                else:
                    boot.requests.append(leaf)


def trim_vmemmap(boot: Boot) -> None:
    """Free the leaves without a struct page of RAM (a proposal)."""
    needed = {number for pfn in boot.ram() for number in leaves_of(pfn, boot)}
    for number in boot.populated:
        if number not in needed:
            boot.mapped.remove(number)
            boot.freed += boot.leaf


# --- what is left after the boot -----------------------------------------------------------------


def kept_bytes(boot: Boot) -> dict[int, int]:
    """For each page that the model covers: how many bytes of its struct page are backed."""
    size = boot.kernel.struct_page_size
    kept: dict[int, int] = {}
    for array in boot.arrays:
        for i in range(array.pages):
            # arrays of near nodes can hold a struct page twice: it is the page's only once
            kept[array.first_pfn + i] = array.allocated.count(1, i * size, (i + 1) * size)
    if boot.leaf:
        for section in boot.sections or ():
            for i in range(boot.kernel.section_pages):
                pfn = section * boot.kernel.section_pages + i
                kept[pfn] = sum(
                    byte // boot.leaf in boot.mapped for byte in range(pfn * size, (pfn + 1) * size)
                )
    return kept


def account(boot: Boot) -> dict[str, int]:
    size = boot.kernel.struct_page_size
    ram = boot.ram()
    first, last = min(ram, default=0), max(ram, default=0)
    needed = hole = edge = known = 0
    for pfn, kept in kept_bytes(boot).items():
        known += kept
        if pfn in ram:
            assert kept == size, "the struct page of a page of RAM is gone"
            needed += kept
        elif first < pfn < last:
            hole += kept
        else:
            edge += kept
    assert needed == sum(size for _ in ram), "a page of RAM has no struct page"
    memmap = sum(array.allocated.count(1) for array in boot.arrays)
    memmap += sum(boot.leaf for _ in boot.mapped)
    return {
        "needed": needed,
        "memmap": memmap,
        "freed": boot.freed,
        "hole": hole,
        "edge": edge,
        "rounding": memmap - known,
        "boot_request": max(boot.requests, default=0),
    }


def root_array(boot: Boot) -> int:
    if boot.sections is None:
        return 0
    kernel = boot.kernel
    sections = (1 << kernel.max_physmem_bits) // kernel.section_size
    if kernel.section_roots == "static":
        return sum(kernel.mem_section_size for _ in range(sections))
    return roots(sections, kernel.page_size // kernel.mem_section_size) * kernel.long_size


@cache
def roots(sections: int, per_root: int) -> int:
    """Number of roots of all sections that there can be."""
    return len({section // per_root for section in range(sections)})


def root_pages(boot: Boot) -> int:
    """A page for each root that has a present section; STATIC has none."""
    kernel = boot.kernel
    made: dict[int, int] = {}
    if kernel.section_roots == "extreme":
        for section in boot.sections or ():
            made.setdefault(
                section // (kernel.page_size // kernel.mem_section_size), kernel.page_size
            )
    return sum(made.values())


def usage(boot: Boot) -> int:
    """struct mem_section_usage of each section: header, bits of sub-sections and of pageblocks."""
    kernel = boot.kernel
    total = 0
    for _ in boot.sections or ():
        total += kernel.usage_header_size
        if boot.leaf and kernel.subsection_map:
            # a section smaller than a sub-section is not to be had in Linux; it gets one bit here
            subsections = len(range(0, kernel.section_size, SUBSECTION))
            total += whole_units(subsections, 8 * kernel.long_size) // 8
        pageblocks = kernel.section_pages // kernel.pageblock_pages
        total += whole_units(kernel.pageblock_bits * pageblocks, 8 * kernel.long_size) // 8
    return total


@dataclass
class Table:
    """A page table: what it points to, by index."""

    entries: dict[int, "Table"] = field(default_factory=dict)


def page_table(boot: Boot, regions: Sequence[tuple[int, int]]) -> int:
    """Bytes of the tables that are made to map the leaves, from the top level down.

    The vmemmap starts ``vmemmap_below`` under a boundary of all levels with the struct page of the
    first page of RAM's aligned start, or of pfn 0.
    """
    kernel = boot.kernel
    if not boot.leaf or not boot.populated:
        return 0
    memstart = 0
    if kernel.memstart_align:
        memstart = regions[0][0]
        memstart -= memstart % max(kernel.memstart_align, kernel.section_size)
    vmemmap = BOUNDARY - kernel.vmemmap_below
    vmemmap -= memstart // kernel.page_size * kernel.struct_page_size
    total = unwritten = 0
    top = Table()
    for number in boot.populated:
        if kernel.leaf_record_size:
            if unwritten < kernel.leaf_record_size:
                unwritten = kernel.page_size
                total += kernel.page_size
            unwritten -= kernel.leaf_record_size
        address = vmemmap + number * boot.leaf
        if kernel.tables_below and address < BOUNDARY:
            continue
        table = top
        for covers, size in reversed(kernel.page_tables):
            if covers <= boot.leaf:
                # the leaf is an entry of the table above
                break
            if address // covers not in table.entries:
                table.entries[address // covers] = Table()
                total += size
            table = table.entries[address // covers]
    return total
