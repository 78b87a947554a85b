"""Memory map of a machine and hints of its kernel, as every reader of a file returns them.

Readers give banks in the order of the file; :func:`memory_map` checks them and makes the regions of
one layout, as memblock would.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, NoReturn

from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Layout, merged

MOST_REGIONS = 1024
# banks of a file at most
MOST_BANKS = 65_536
LONGEST_LINE = 4096
# a line of a file with its number, from 1 on; longer ones are cut
Line = tuple[int, str]


class Unreadable(ValueError):
    """Mistake in a file, with its location: a line from 1 on, or an offset in bytes."""

    def __init__(self, text: str, *, line: int | None = None, offset: int | None = None) -> None:
        super().__init__(text)
        self.line, self.offset = line, offset


@dataclass(frozen=True)
class Bank:
    """Range of RAM in a file: [start, end) in bytes.

    place: line from 1 on, or offset in bytes
    node: NUMA node, None where the file has none
    nomap: memory that the kernel does not map and that keeps its struct pages (memblock's NOMAP)
    """

    start: int
    end: int
    place: int
    node: int | None = None
    nomap: bool = False


@dataclass(frozen=True)
class KernelHints:
    """Clues to the kernel that wrote a file; None where the file lacks them.

    arch: as config/kernels.yaml names it
    release: as uname -r has it
    page_size, block_size: bytes, the latter of a memory block
    unavailable_pages: struct pages without RAM that the kernel counted (4.18 on)
    clipped: the last lines of the count may be missing
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
    """Memory of one machine.

    kind: of the file, in words
    regions: RAM, sorted and disjoint, [start, end) in bytes; ranges that touch are merged
    places: for each region the line or offset of its first bank
    unit: of the places
    nomap: parts of the regions that the kernel does not map
    nodes: the spans of each node's banks, as (node, start, end), empty where the file has no nodes
    hints: clues to the kernel that wrote the file
    notes: caveats of the numbers, in words
    """

    kind: str
    regions: Layout
    places: tuple[int, ...]
    unit: Literal["line", "offset"]
    nomap: Layout = ()
    nodes: tuple[tuple[int, int, int], ...] = ()
    hints: KernelHints = NO_HINTS
    notes: tuple[str, ...] = ()


def memory_values(memory: MemoryMap) -> dict[str, Any]:
    """Return a memory map in native types, as Snakemake's params take them."""
    return {key: listed(value) for key, value in asdict(memory).items()}


def listed(value: Any) -> Any:
    """Return ``value`` with a list for every tuple."""
    return list(map(listed, value)) if isinstance(value, tuple) else value


def memory_from(values: Mapping[str, Any]) -> MemoryMap:
    """Return the memory map whose :func:`memory_values` are ``values``."""
    return MemoryMap(
        **{
            **values,
            "regions": tuple((start, end) for start, end in values["regions"]),
            "places": tuple(values["places"]),
            "nomap": tuple((start, end) for start, end in values["nomap"]),
            "nodes": tuple((node, start, end) for node, start, end in values["nodes"]),
            "hints": KernelHints(**values["hints"]),
            "notes": tuple(values["notes"]),
        }
    )


def memory_map(
    kind: str,
    banks: Iterable[Bank],
    unit: Literal["line", "offset"],
    *,
    overlaps: Literal["merge", "refuse"],
    hints: KernelHints = NO_HINTS,
    notes: Sequence[str] = (),
) -> MemoryMap:
    """Return the memory map of banks in any order; empty ones are left out.

    ``overlaps``: "merge" where the kernel merges banks that overlap (mm/memblock.c:
    memblock_add_range()), "refuse" where it could never have written them. Raises Unreadable where
    a bank is impossible, where there is no RAM, or beyond MOST_BANKS or MOST_REGIONS.
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
        hints=hints,
        notes=tuple(notes),
    )


def node_spans(banks: Sequence[Bank]) -> tuple[tuple[int, int, int], ...]:
    """Return (node, first byte, end) of each node's banks."""
    spans: dict[int, tuple[int, int]] = {}
    for bank in banks:
        if bank.node is not None:
            low, high = spans.get(bank.node, (bank.start, bank.end))
            spans[bank.node] = (min(low, bank.start), max(high, bank.end))
    return tuple((node, *spans[node]) for node in sorted(spans))
