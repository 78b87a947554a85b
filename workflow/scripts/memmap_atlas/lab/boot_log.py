"""What a boot log says: the bytes that a kernel took for its memmap, and its own parameters.

``memblock=debug`` writes a line for each early request, for the range that it is granted, and for
each range that is given back; the init of the lab adds files of /proc and /sys behind a marker.
Nothing here knows what the numbers should be.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

BEGIN, END = "@@ atlas begin", "@@ atlas end"
ADDRESS = r"0x([0-9a-f]+)"
REQUEST = re.compile(
    rf"memblock_(?:phys_)?alloc\w*: (\d+) bytes align={ADDRESS} nid=(-?\d+) .* (\S+)$"
)
GRANT = re.compile(rf"\b_*memblock_reserve: \[{ADDRESS}-{ADDRESS}\]")
FREED = re.compile(rf"\bmemblock_(?:phys_)?free: \[{ADDRESS}-{ADDRESS}\]")
NODE_RANGE = re.compile(rf"node +\d+: \[mem {ADDRESS}-{ADDRESS}\]")
ZONES = re.compile(r"Zone ranges:")
# a line of the kernel's log without its time
STAMP = re.compile(r"^\[ *[0-9.]+\] ?(?:\[ *[TC]\d+\] ?)?")
TOLD = re.compile(r"^([A-Z]+\([\w.]+\)|[A-Z]+)=(\S+)$")
SHOWN = re.compile(r"^==> (\S+) <==$")
MAPPED = re.compile(rf"^{ADDRESS}-{ADDRESS} +(\d+)([KMGTPE]) +(\w+) ")
UNITS = {unit: 1 << (10 * power) for power, unit in enumerate("KMGTPE", start=1)}

# who asks for what: a name stands for the function and for what compilers append to it
ROOT_PAGE = ("sparse_index_alloc", "sparse_index_init")
USAGE = ("sparse_init_nid", "sparse_usage_init", "sparse_early_usemaps_alloc_pgdat_section")
MEMMAP = ("memmap_alloc", "alloc_node_mem_map", "sparse_buffer_init", "sparse_mem_map_populate")
VMEMMAP = ("__earlyonly_bootmem_alloc", "vmemmap_alloc_block", "vmemmap_alloc_block_zero")
Span = tuple[int, int]


class NoMemmap(ValueError):
    """A log that does not show how the memmap was laid out."""


@dataclass(frozen=True)
class Request:
    """A request to memblock: bytes, whether for one node and no other, and who asks."""

    size: int
    exact: bool
    caller: str

    def by(self, functions: tuple[str, ...]) -> bool:
        """Whether one of ``functions`` asks."""
        symbol = self.caller.split("+")[0].split(".")[0]
        return symbol in functions


@dataclass
class Taken:
    """What is granted for each purpose while a log is read; sizes in bytes.

    blocks: ranges that hold nothing but memmap: an array, or the buffer of many sections
    steps: sizes of what is taken step by step: leaves, tables, and the memmaps of single sections
    """

    root_array: int = 0
    root_pages: int = 0
    usage: int = 0
    blocks: list[Span] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    given_back: int = 0
    freed: int = 0
    requests: list[int] = field(default_factory=list)
    refused: bool = False


@dataclass(frozen=True)
class Observation:
    """What a boot shows; sizes in bytes, None where it does not say.

    regions: RAM as the kernel has it, whole pages, [start, end)
    memmap: what stays allocated for struct pages; where base pages are taken one by one they can't
        be told from page tables, and ``memmap_and_tables`` alone is known
    freed: given back by free_unused_memmap()
    boot_request: the largest single request for the memmap, granted or refused
    boot_pages: nr_memmap_boot_pages, in pages (6.11)
    mapped: the vmemmap part of kernel_page_tables
    told: the kernel's own parameters by their names in :class:`~memmap_atlas.kernel.Kernel`
    """

    regions: tuple[Span, ...]
    memmap: int | None
    freed: int
    usage: int
    root_array: int
    root_pages: int
    page_table: int | None
    memmap_and_tables: int
    boot_request: int
    refused: bool
    boot_pages: int | None
    mapped: int | None
    block: int | None
    told: dict[str, int]


def lines_of(text: str) -> Iterator[str]:
    """The lines of a log, without times and line ends."""
    for line in text.splitlines():
        yield STAMP.sub("", line.rstrip())


def observe(text: str, page_size: int) -> Observation:
    """What the log of a boot shows; ``page_size`` tells tables and base pages from larger steps.

    Raises NoMemmap where the log ends before the memmap is laid out, or does not show it.
    """
    kernel, _, told_text = text.partition(BEGIN)
    lines = list(lines_of(kernel))
    regions = node_ranges(lines)
    if not regions:
        raise NoMemmap("the log does not show the kernel's memory map (Early memory node ranges)")
    taken = read_allocations(lines)
    if not taken.blocks and not taken.steps:
        raise NoMemmap("the log shows no allocation of a memmap: was memblock=debug given?")
    kept = sum(end - start for start, end in taken.blocks) - taken.given_back - taken.freed
    larger = [size for size in taken.steps if size > page_size]
    pages = sum(size for size in taken.steps if size <= page_size)
    known = bool(taken.blocks or larger)
    memmap = kept + sum(larger)
    files = shown_files(told_text)
    return Observation(
        regions=regions,
        memmap=memmap if known else None,
        freed=taken.freed,
        usage=taken.usage,
        root_array=taken.root_array,
        root_pages=taken.root_pages,
        page_table=pages if known else None,
        memmap_and_tables=memmap + pages,
        boot_request=max(taken.requests),
        refused=taken.refused,
        boot_pages=counter(files),
        mapped=mapped_bytes(files),
        block=block_size(files),
        told=told(files),
    )


def read_allocations(lines: Sequence[str]) -> Taken:
    """The early allocations of a log, each booked on what it is for.

    mm/sparse.c: sparse_init() and below run before the zones are printed; mm/page_alloc.c and
    mm/mm_init.c: alloc_node_mem_map() after it. What is given back before them is the surplus of
    the section buffer (sparse_buffer_fini()), what later is free_unused_memmap().
    """
    taken = Taken()
    pending: Request | None = None
    granted = 0
    zones = False
    for line in lines:
        if match := REQUEST.search(line):
            if pending and is_memmap(pending):
                taken.refused = True
            pending = Request(int(match[1]), "exact" in match[0], match[4])
            if is_memmap(pending) or pending.by(VMEMMAP):
                taken.requests.append(pending.size)
        elif match := GRANT.search(line):
            span = (int(match[1], 16), int(match[2], 16) + 1)
            if pending:
                book(taken, pending, span, granted)
                granted = pending.size
            pending = None
        elif match := FREED.search(line):
            start, end = int(match[1], 16), int(match[2], 16) + 1
            size = sum(max(min(end, high) - max(start, low), 0) for low, high in taken.blocks)
            if zones:
                taken.freed += size
            else:
                taken.given_back += size
        elif ZONES.search(line):
            zones = True
    return taken


def is_memmap(request: Request) -> bool:
    """Whether a request is for struct pages of a section at least."""
    return request.exact or request.by(MEMMAP)


def book(taken: Taken, request: Request, span: Span, before: int) -> None:
    """Book what is granted; ``before`` is the size of the grant before it.

    The root array is what is granted just before the first root page (memory_present()).
    """
    if request.exact or request.by(("alloc_node_mem_map",)):
        taken.blocks.append(span)
    elif request.by(MEMMAP) or request.by(VMEMMAP):
        taken.steps.append(request.size)
    elif request.by(ROOT_PAGE):
        if not taken.root_pages:
            taken.root_array = before
        taken.root_pages += request.size
    elif request.by(USAGE):
        taken.usage += request.size


def node_ranges(lines: Sequence[str]) -> tuple[Span, ...]:
    """RAM as the kernel has it, from its "Early memory node ranges"."""
    found = [
        (int(match[1], 16), int(match[2], 16) + 1)
        for line in lines
        if (match := NODE_RANGE.search(line))
    ]
    return tuple(sorted(found))


def shown_files(text: str) -> dict[str, list[str]]:
    """The files that the lab's init shows, by name."""
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
    """nr_memmap_boot_pages of /proc/vmstat."""
    for line in files.get("/proc/vmstat", []):
        if line.startswith("nr_memmap_boot_pages "):
            return int(line.split()[1])
    return None


def block_size(files: dict[str, list[str]]) -> int | None:
    """Bytes of a memory block, as sysfs has it, in hex without 0x."""
    found = files.get("/sys/devices/system/memory/block_size_bytes", [])
    return int(found[0], 16) if found else None


def mapped_bytes(files: dict[str, list[str]]) -> int | None:
    """Bytes that kernel_page_tables shows between the markers of the vmemmap."""
    total, inside, seen = 0, False, False
    for line in files.get("/sys/kernel/debug/kernel_page_tables", []):
        if line.startswith("---["):
            inside = "vmemmap" in line and " end" not in line.lower()
            seen = seen or inside
        elif inside and (match := MAPPED.match(line)):
            total += int(match[3]) * UNITS[match[4]]
    return total if seen else None


def told(files: dict[str, list[str]]) -> dict[str, int]:
    """Parameters that the kernel tells of itself, by their names in ``Kernel``."""
    notes: dict[str, str] = {
        match[1]: match[2] for line in files.get("vmcoreinfo", []) if (match := TOLD.match(line))
    }
    found = {
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
        found["section_size"] = 1 << int(bits)
    if orders := notes.get("LENGTH(zone.free_area)"):
        found["max_order_pages"] = 1 << (int(orders) - 1)
    if unused := notes.get("NUMBER(TCR_EL1_T1SZ)"):
        found["va_bits"] = 64 - int(unused, 0)
    for line in files.get("/proc/pagetypeinfo", []):
        if line.startswith("Pages per block:"):
            found["pageblock_pages"] = int(line.split(":")[1])
    return found
