"""Boot logs of the lab: the bytes that a kernel took for its memmap, and its own parameters.

``memblock=debug`` writes a line for each early request, for the range that it is granted, and for
each range that is given back; the init of the lab adds files of /proc and /sys behind a marker.
Expected numbers come from elsewhere.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from memmap_atlas.readers.page_table_dump import mapped_bytes

BEGIN, END = "@@ atlas begin", "@@ atlas end"
ADDRESS = r"0x([0-9a-f]+)"
REQUEST = re.compile(
    rf"memblock_(?:phys_)?alloc\w*: (\d+) bytes align={ADDRESS} nid=(-?\d+) .* (\S+)$"
)
GRANT = re.compile(rf"\b_*memblock_reserve: \[{ADDRESS}-{ADDRESS}\]")
FREED = re.compile(rf"\bmemblock_(?:phys_)?free: \[{ADDRESS}-{ADDRESS}\]")
NODE_RANGE = re.compile(rf"node +\d+: \[mem {ADDRESS}-{ADDRESS}\]")
ZONES = re.compile(r"Zone ranges:")
# mm/page_alloc.c: mem_init_print_info(), when all that is unused has been given back
MEMORY = re.compile(r"Memory: \d+K/\d+K available")
# a line of the kernel's log without its time
STAMP = re.compile(r"^\[ *([0-9]+\.[0-9]+)\] ?(?:\[ *[TC]\d+\] ?)?")
TOLD = re.compile(r"^([A-Z]+\([\w.]+\)|[A-Z]+)=(\S+)$")
SHOWN = re.compile(r"^==> (\S+) <==$")

# who asks for what; compilers inline one into the other, and NODE asks for small things too
ROOT_PAGE = ("sparse_index_alloc", "sparse_index_init")
USAGE = ("sparse_init_nid", "sparse_usage_init", "sparse_early_usemaps_alloc_pgdat_section")
MEMMAP = ("memmap_alloc", "sparse_buffer_init", "sparse_mem_map_populate")
NODE = ("alloc_node_mem_map", "free_area_init", "free_area_init_node", "free_area_init_core")
VMEMMAP = ("__earlyonly_bootmem_alloc", "vmemmap_*")
# architectures whose tables come from functions of their own, which serve other mappings too
TABLES = ("early_alloc_pgtable", "vmem_alloc_pages", "vmem_crst_alloc", "vmem_pte_alloc")
Span = tuple[int, int]


class NoMemmap(ValueError):
    """Log that does not show the layout of the memmap."""


@dataclass(frozen=True)
class Request:
    """Request to memblock: bytes, ``exact`` for one node and no other, and the calling function."""

    size: int
    exact: bool
    caller: str

    def by(self, functions: tuple[str, ...]) -> bool:
        """Return True where one of ``functions`` asks."""
        symbol = self.caller.split("+")[0].split(".")[0]
        return any(
            symbol.startswith(name[:-1]) if name.endswith("*") else symbol == name
            for name in functions
        )


@dataclass
class Taken:
    """Grants by purpose while a log is read; sizes in bytes.

    blocks: ranges larger than a page: an array, the buffer of many sections, one section, a leaf
    pages: bytes of single pages and less: page tables, or leaves of base pages
    tables: bytes of page tables that can be nothing else
    array: where the array of FLATMEM starts
    """

    root_array: int = 0
    root_pages: int = 0
    usage: int = 0
    blocks: list[Span] = field(default_factory=list)
    pages: int = 0
    tables: int = 0
    array: int | None = None
    freed: int = 0
    requests: list[int] = field(default_factory=list)
    refused: bool = False


@dataclass(frozen=True)
class Observation:
    """Quantities of one boot; sizes in bytes, None where the log lacks them.

    regions: RAM as the kernel has it, whole pages, [start, end)
    memmap: what stays allocated for struct pages; where base pages are taken one by one they can't
        be told from page tables, and ``memmap_and_tables`` alone is known
    freed: given back by free_unused_memmap()
    array: where the array of FLATMEM starts
    boot_request: the largest single request for the memmap, granted or refused
    boot_pages: nr_memmap_boot_pages, in pages (6.11)
    mapped: the vmemmap part of kernel_page_tables
    present: pages of RAM in all zones (/proc/zoneinfo)
    block: a memory block, as sysfs has it
    parameters: the kernel's own, by their names in :class:`~memmap_atlas.memmodel.kernel.Kernel`
    """

    regions: tuple[Span, ...]
    memmap: int | None
    freed: int | None
    usage: int
    root_array: int
    root_pages: int
    page_table: int | None
    memmap_and_tables: int | None
    boot_request: int
    array: int | None
    refused: bool
    boot_pages: int | None
    mapped: int | None
    present: int | None
    block: int | None
    parameters: dict[str, int]


def lines_of(text: str) -> Iterator[str]:
    """Yield the lines of a log, without times and line ends.

    A console that comes late writes again what an early one wrote: a line with the same time,
    other than 0, is left out.
    """
    seen: set[str] = set()
    for line in text.splitlines():
        stamp = STAMP.match(line)
        if stamp and float(stamp[1]):
            if line in seen:
                continue
            seen.add(line)
        yield STAMP.sub("", line.rstrip())


def observe(text: str, page_size: int) -> Observation:
    """Return the quantities of a boot log; ``page_size`` separates tables and base pages from
    larger blocks.

    Raises NoMemmap where the log ends before the memmap is laid out, or does not show it.
    """
    kernel, ran, userland = text.partition(BEGIN)
    lines = list(lines_of(kernel))
    regions = node_ranges(lines)
    if not regions:
        raise NoMemmap("the log does not show the kernel's memory map (Early memory node ranges)")
    taken = read_allocations(lines, page_size)
    if not taken.requests:
        raise NoMemmap("the log shows no allocation of a memmap: was memblock=debug given?")
    memmap = sum(end - start for start, end in taken.blocks)
    tables = taken.tables + taken.pages
    # where nothing is kept of larger blocks, leaves are base pages: what is left may be told apart
    known = bool(taken.tables or memmap)
    if taken.tables and not memmap:
        memmap, tables = taken.pages, taken.tables
    # a log that ends before the boot allocator does says nothing of what is freed; a console that
    # is behind when init starts (6.12) can lack the line that tells
    whole = bool(ran) or any(MEMORY.match(line) for line in lines)
    files = shown_files(userland)
    return Observation(
        regions=regions,
        memmap=memmap if known and whole else None,
        freed=taken.freed if whole else None,
        usage=taken.usage,
        root_array=taken.root_array,
        root_pages=taken.root_pages,
        page_table=tables if known else None,
        memmap_and_tables=memmap + tables if whole else None,
        boot_request=max(taken.requests),
        array=taken.array,
        refused=taken.refused,
        boot_pages=counter(files),
        mapped=mapped_bytes(files.get("/sys/kernel/debug/kernel_page_tables", [])),
        present=present_pages(files),
        block=block_size(files),
        parameters=kernel_parameters(files),
    )


def read_allocations(lines: Sequence[str], page_size: int) -> Taken:
    """Return the early allocations of a log by purpose.

    mm/sparse.c: sparse_init() and below run before the zones are printed; mm/page_alloc.c and
    mm/mm_init.c: alloc_node_mem_map() after it. What is given back before them is the surplus of
    the section buffer (sparse_buffer_fini()), what later is free_unused_memmap().
    """
    taken = Taken()
    pending: Request | None = None
    granted = 0
    zones = mapping = False
    for line in lines:
        if match := REQUEST.search(line):
            if pending and is_memmap(pending):
                taken.refused = True
            pending = Request(int(match[1]), "exact" in match[0], match[4])
            mapping = mapping or is_memmap(pending)
            if is_memmap(pending) or pending.by(VMEMMAP):
                taken.requests.append(pending.size)
        elif match := GRANT.search(line):
            span = (int(match[1], 16), int(match[2], 16) + 1)
            if pending and pending.by(TABLES):
                taken.tables += pending.size if mapping and not zones else 0
            elif pending:
                book(taken, pending, span, granted, page_size)
                if zones and taken.blocks == [span]:
                    taken.array = span[0]
                granted = pending.size
            pending = None
        elif match := FREED.search(line):
            span = (int(match[1], 16), int(match[2], 16) + 1)
            if size := give_back(taken, span):
                taken.freed += size if zones else 0
                # the surplus goes back when all sections are mapped
                mapping = mapping and zones
        elif ZONES.search(line):
            zones = True
    return taken


def give_back(taken: Taken, span: Span) -> int:
    """Take a range out of the blocks, and return how many bytes of them it held."""
    before = sum(end - start for start, end in taken.blocks)
    left = [
        part
        for start, end in taken.blocks
        for part in ((start, min(end, span[0])), (max(start, span[1]), end))
        if part[1] > part[0]
    ]
    taken.blocks = left
    return before - sum(end - start for start, end in left)


def is_memmap(request: Request) -> bool:
    """Return True where a request is for struct pages of a section at least."""
    return request.exact or request.by(MEMMAP)


def book(taken: Taken, request: Request, span: Span, before: int, page_size: int) -> None:
    """Book a grant by its purpose; ``before`` is the size of the grant before it.

    The root array is what is granted just before the first root page (memory_present()).
    """
    if request.by(NODE) and span[1] - span[0] > max([0, *taken.requests]):
        taken.blocks, taken.requests = [span], [request.size]
    elif is_memmap(request) or request.by(VMEMMAP):
        if request.size > page_size:
            taken.blocks.append(span)
        else:
            taken.pages += request.size
    elif request.by(ROOT_PAGE):
        if not taken.root_pages:
            taken.root_array = before
        taken.root_pages += request.size
    elif request.by(USAGE):
        taken.usage += request.size


def node_ranges(lines: Sequence[str]) -> tuple[Span, ...]:
    """Return RAM as the kernel has it, from its "Early memory node ranges"."""
    ranges = [
        (int(match[1], 16), int(match[2], 16) + 1)
        for line in lines
        if (match := NODE_RANGE.search(line))
    ]
    return tuple(sorted(ranges))


def shown_files(text: str) -> dict[str, list[str]]:
    """Return the files that the lab's init prints, by name."""
    files: dict[str, list[str]] = {}
    name = ""
    for line in text.partition(END)[0].splitlines():
        if match := SHOWN.match(line.rstrip()):
            name = match[1]
            files[name] = []
        elif name and not STAMP.match(line):
            files[name].append(line.rstrip())
    return files


def counter(files: dict[str, list[str]]) -> int | None:
    """Return nr_memmap_boot_pages of /proc/vmstat."""
    for line in files.get("/proc/vmstat", []):
        if line.startswith("nr_memmap_boot_pages "):
            return int(line.split()[1])
    return None


def present_pages(files: dict[str, list[str]]) -> int | None:
    """Return the pages that /proc/zoneinfo counts as present, in all zones."""
    pages = [
        int(words[1])
        for line in files.get("/proc/zoneinfo", [])
        if (words := line.split())[:1] == ["present"]
    ]
    return sum(pages) if pages else None


def block_size(files: dict[str, list[str]]) -> int | None:
    """Return the bytes of a memory block; sysfs has them in hex without 0x."""
    content = files.get("/sys/devices/system/memory/block_size_bytes", [])
    return int(content[0], 16) if content else None


def kernel_parameters(files: dict[str, list[str]]) -> dict[str, int]:
    """Return the parameters that vmcoreinfo and /proc hold, by their names in ``Kernel``."""
    notes: dict[str, str] = {
        match[1]: match[2] for line in files.get("vmcoreinfo", []) if (match := TOLD.match(line))
    }
    parameters = {
        name: int(notes[note], 0)
        for name, note in {
            "page_size": "PAGESIZE",
            "struct_page_size": "SIZE(page)",
            "mem_section_size": "SIZE(mem_section)",
            "max_physmem_bits": "NUMBER(MAX_PHYSMEM_BITS)",
        }.items()
        if note in notes
    }
    if bits := notes.get("NUMBER(SECTION_SIZE_BITS)"):
        parameters["section_size"] = 1 << int(bits)
    if orders := notes.get("LENGTH(zone.free_area)"):
        parameters["max_order_pages"] = 1 << (int(orders) - 1)
    if unused := notes.get("NUMBER(TCR_EL1_T1SZ)"):
        parameters["va_bits"] = 64 - int(unused, 0)
    for line in files.get("/proc/pagetypeinfo", []):
        if line.startswith("Pages per block:"):
            parameters["pageblock_pages"] = int(line.split(":")[1])
    return parameters
