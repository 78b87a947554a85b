"""/proc/iomem: the physical address space as the kernel handed it out, RAM by name.

kernel/resource.c: r_show() writes a line a resource, ``start-end : name`` in hex with the last
byte, indented by two columns for each resource around it; who may not see addresses gets zeros.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from memmap_atlas.readers.memory_map import (
    MOST_BANKS,
    Bank,
    Line,
    MemoryMap,
    Unreadable,
    memory_map,
)

RESOURCE = re.compile(r"^([ \t]*)([0-9a-f]{4,16})-([0-9a-f]{4,16}) : (.+)$")
RAM = "System RAM"
# Memory that a driver added after boot: "System RAM (kmem)" (drivers/dax/kmem.c, 5.8), "System RAM
# (virtio_mem)" (drivers/virtio/virtio_mem.c, 5.8).
ADDED = re.compile(r"^System RAM \(\w+\)$")
# arch/arm/kernel/setup.c: request_standard_resources(), where the boot loader sees RAM elsewhere
ALIAS = "System RAM (boot alias)"
# what only x86 writes (arch/x86/kernel: e820.c, probe_roms.c, apic/, hpet.c)
X86 = (
    "Local APIC",
    "IOAPIC ",
    "HPET ",
    "System ROM",
    "Video ROM",
    "Adapter ROM",
    "Video RAM area",
    "ACPI Tables",
    "ACPI Non-volatile Storage",
    "RAM buffer",
)
# trim_bios_range() of arch/x86 leaves no RAM in the first page and from 640 KiB to 1 MiB
FIRST_PAGE, ISA_START, ISA_END = 0x1000, 0xA0000, 0x100000
# deeper than any indent
NESTED = 1 << 31


@dataclass
class Found:
    """What is of interest in the file while it is read: (indent, bank) of what may be RAM."""

    ram: list[tuple[int, Bank]] = field(default_factory=list)
    reserved: dict[str, list[tuple[int, Bank]]] = field(
        default_factory=lambda: {"reserved": [], "Reserved": []}
    )
    added: int = 0
    alias: int = 0
    x86: bool = False
    nested_reserved: bool = False
    indent: int = 1 << 30
    outer_end: int = 0
    resources: int = 0
    zeros: int = 0


def is_kind(head: bytes) -> bool:
    """Whether most lines of the beginning are resources, and the first of them comes soon."""
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    found = [at for at, line in enumerate(lines) if RESOURCE.match(line.rstrip())]
    return bool(found) and found[0] <= 3 and len(found) * 3 >= len(lines) * 2


def read(lines: Iterator[Line]) -> MemoryMap:
    """The RAM that the kernel booted with: "System RAM" that lies in no other resource.

    RAM within another resource (persistent memory, a CXL window, a virtio device) was added after
    boot and is left out. Memory that memblock does not map (NOMAP) keeps its struct pages: it is
    top-level "reserved" on arm64 (arch/arm64/kernel/setup.c: request_standard_resources(), 4.8),
    "Reserved" on loongarch (resource_init()) and riscv (init_resources(), 5.12), where what
    memblock reserves outside of RAM has the same name; on x86 both are what the firmware keeps
    (arch/x86/kernel/e820.c) and no memory of the kernel. 32-bit arm does not show it.
    """
    found = Found()
    count = 0
    for number, text in lines:
        count = number
        if match := RESOURCE.match(text):
            see(found, number, len(match[1].expandtabs()), match[2], match[3], match[4])
        elif text.endswith(f": {RAM}"):
            raise Unreadable(
                f'"{text.strip()[:80]}" is no range of RAM: '
                f'it would be "00100000-3fffffff : {RAM}"',
                line=number,
            )
    if not found.resources:
        raise Unreadable(
            f'no line of {count:,} is one of /proc/iomem, as in "00100000-3fffffff : {RAM}"'
        )
    if found.zeros == found.resources:
        raise Unreadable("all addresses are zero: read it as root (sudo cat /proc/iomem)")
    banks, inside = top_level(found.ram, found.indent)
    if not banks:
        raise Unreadable(f'none of its {found.resources:,} resources is top-level "{RAM}"')
    notes = []
    if inside or found.added:
        notes.append(
            f"{inside + found.added} ranges of RAM were added after boot (they lie in another "
            "resource, or a driver's name follows) and are left out"
        )
    if found.alias:
        notes.append(
            f'{found.alias} ranges "{ALIAS}" are other addresses of the same RAM, left out'
        )
    banks += unmapped(found, banks, notes)
    return memory_map("/proc/iomem", banks, "line", overlaps="refuse", notes=notes)


def see(found: Found, number: int, indent: int, low: str, high: str, name: str) -> None:
    """Book one resource; ends are the last byte."""
    start, end = int(low, 16), int(high, 16) + 1
    found.resources += 1
    found.indent = min(found.indent, indent)
    if end == 1:
        found.zeros += 1
        return
    # where the indent is lost, what lies within the last range is still known to be nested
    nested = end <= found.outer_end
    found.outer_end = max(found.outer_end, end)
    if name == ALIAS:
        found.alias += 1
    elif name == RAM or name in found.reserved:
        group = found.ram if name == RAM else found.reserved[name]
        if len(group) == MOST_BANKS:
            raise Unreadable(f'more than {MOST_BANKS:,} ranges "{name}"', line=number)
        group.append((NESTED if nested else indent, Bank(start, end, number)))
        if name == "Reserved" and within(found.ram, start, end):
            found.nested_reserved = True
    elif ADDED.match(name):
        found.added += 1
    elif name.startswith(X86):
        found.x86 = True
    elif name == "Kernel image":
        found.nested_reserved = True


def within(ram: list[tuple[int, Bank]], start: int, end: int) -> bool:
    """Whether the last RAM that was seen holds a range."""
    return bool(ram) and ram[-1][1].start <= start and end <= ram[-1][1].end


def top_level(ranges: list[tuple[int, Bank]], indent: int) -> tuple[list[Bank], int]:
    """The ranges that stand at the outermost indent, and how many do not."""
    top = [bank for depth, bank in ranges if depth == indent]
    return top, len(ranges) - len(top)


def unmapped(found: Found, ram: list[Bank], notes: list[str]) -> list[Bank]:
    """Memory that keeps struct pages though it is not mapped; what is assumed is noted."""
    starts = {bank.start for bank in ram}
    if found.x86 or FIRST_PAGE in starts or (ISA_END in starts and min(starts) < ISA_START):
        return []
    lower, _ = top_level(found.reserved["reserved"], found.indent)
    upper, _ = top_level(found.reserved["Reserved"], found.indent)
    # a bare "Reserved" may as well be of x86
    kept = lower + (upper if found.nested_reserved else [])
    if kept:
        size = sum(bank.end - bank.start for bank in kept)
        notes.append(
            f"{len(kept)} top-level ranges, {size >> 10:,} KiB, are reserved: taken for memory "
            "that is not mapped (NOMAP), which keeps its struct pages"
        )
    elif upper:
        notes.append(
            f'{len(upper)} top-level ranges "Reserved" are left out: on x86 they are no memory of '
            "the kernel; on riscv and loongarch they would be, and nothing tells which this is"
        )
    return [Bank(bank.start, bank.end, bank.place, nomap=True) for bank in kept]
