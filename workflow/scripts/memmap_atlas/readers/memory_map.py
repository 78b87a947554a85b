"""What a file says of a machine: where its RAM is, and what it tells of the kernel that ran on it.

Readers give banks as they stand in the file; here they become the regions of one layout, held to
what memblock would make of them.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NoReturn

from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Layout, merged

MOST_REGIONS = 1024
# banks that are looked at before a file is given up
MOST_BANKS = 65_536
LONGEST_LINE = 4096
# a line of a file with its number, from 1 on; longer ones are cut
Line = tuple[int, str]


class Unreadable(ValueError):
    """What is wrong with a file, and where: a line from 1 on, or an offset in bytes."""

    def __init__(self, text: str, *, line: int | None = None, offset: int | None = None) -> None:
        super().__init__(text)
        self.line, self.offset = line, offset


@dataclass(frozen=True)
class Bank:
    """A range of RAM as a file has it: [start, end) in bytes, and the line or offset that says it.

    nomap: memory that the kernel does not map and that keeps its struct pages (memblock's NOMAP)
    """

    start: int
    end: int
    place: int
    node: int | None = None
    nomap: bool = False


@dataclass(frozen=True)
class KernelHints:
    """What a file tells of the kernel that wrote it; None where it does not.

    arch: as config/kernels.yaml names it
    release: as uname -r has it
    page_size, block_size: bytes, the latter of a memory block
    unavailable_pages: struct pages without RAM that the kernel counted (4.18 on)
    clipped: the count may lack its last lines
    boot_pages: nr_memmap_boot_pages of /proc/vmstat (6.11 on)
    mapped: bytes of the vmemmap part of kernel_page_tables
    """

    arch: str | None = None
    release: str | None = None
    page_size: int | None = None
    block_size: int | None = None
    unavailable_pages: int | None = None
    clipped: bool = False
    boot_pages: int | None = None
    mapped: int | None = None


NO_HINTS = KernelHints()


@dataclass(frozen=True)
class MemoryMap:
    """The memory of one machine.

    kind: of the file, in words
    regions: RAM, sorted and disjoint, [start, end) in bytes; what touches is one region
    places: for each region where its first bank stands in the file
    unit: what a place is
    nomap: the parts of it that the kernel does not map
    nodes: the spans of each node's banks, as (node, start, end), empty where the file has no nodes
    told: what the file says of the kernel
    notes: what a reader of the numbers has to know of the file
    """

    kind: str
    regions: Layout
    places: tuple[int, ...]
    unit: Literal["line", "offset"]
    nomap: Layout = ()
    nodes: tuple[tuple[int, int, int], ...] = ()
    told: KernelHints = NO_HINTS
    notes: tuple[str, ...] = ()


def memory_map(
    kind: str,
    banks: Iterable[Bank],
    unit: Literal["line", "offset"],
    *,
    overlaps: Literal["merge", "refuse"],
    told: KernelHints = NO_HINTS,
    notes: Sequence[str] = (),
) -> MemoryMap:
    """The memory map of some banks, in any order; banks of no size are left out.

    ``overlaps``: whether the kernel would merge banks that overlap (mm/memblock.c:
    memblock_add_range()), or could never have written them. Raises Unreadable where a bank can't
    be, where there is none, or where they are too many.
    """

    def refuse(bank: Bank, text: str) -> NoReturn:
        where = {"line": bank.place} if unit == "line" else {"offset": bank.place}
        raise Unreadable(text, **where)

    sized = []
    for count, bank in enumerate(banks):
        if count == MOST_BANKS:
            refuse(bank, f"more than {MOST_BANKS:,} ranges of memory")
        if bank.end < bank.start:
            refuse(bank, f"the range [{bank.start:#x}, {bank.end:#x}) ends before it starts")
        if bank.end > HIGHEST_ADDRESS:
            refuse(
                bank,
                f"the range [{bank.start:#x}, {bank.end:#x}) ends above {HIGHEST_ADDRESS:#x}, "
                "beyond what any machine addresses",
            )
        if bank.end > bank.start:
            sized.append(bank)
    sized.sort(key=lambda bank: (bank.start, bank.end))
    if not sized:
        raise Unreadable("has no RAM of any size")
    overlapping = []
    start = reached = 0
    for bank in sized:
        if bank.start > reached:
            start = bank.start
        elif bank.start < reached:
            text = f"the range [{bank.start:#x}, {bank.end:#x}) overlaps [{start:#x}, {reached:#x})"
            if overlaps == "refuse":
                refuse(bank, f"{text}: no kernel writes this, the file is damaged")
            overlapping.append(text)
        reached = max(reached, bank.end)
    regions = merged((bank.start, bank.end) for bank in sized)
    first_places = {bank.start: bank.place for bank in reversed(sized)}
    if len(regions) > MOST_REGIONS:
        raise Unreadable(f"{len(regions):,} separate ranges are more than {MOST_REGIONS:,}")
    if overlapping:
        more = f", and {len(overlapping) - 1} more do so" if len(overlapping) > 1 else ""
        notes = [*notes, f"{overlapping[0]}{more}: merged, as memblock does it"]
    return MemoryMap(
        kind=kind,
        regions=regions,
        places=tuple(first_places[start] for start, _ in regions),
        unit=unit,
        nomap=merged((b.start, b.end) for b in sized if b.nomap),
        nodes=node_spans(sized),
        told=told,
        notes=tuple(notes),
    )


def node_spans(banks: Sequence[Bank]) -> tuple[tuple[int, int, int], ...]:
    """From the first to the last byte of each node's banks."""
    spans: dict[int, tuple[int, int]] = {}
    for bank in banks:
        if bank.node is not None:
            low, high = spans.get(bank.node, (bank.start, bank.end))
            spans[bank.node] = (min(low, bank.start), max(high, bank.end))
    return tuple((node, *spans[node]) for node in sorted(spans))
