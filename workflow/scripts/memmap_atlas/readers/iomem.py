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
class Resources:
    """State while a file is read.

    ram, reserved: (indent, bank) of what may be RAM
    outer_end: end of the last range at the outermost indent
    """

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
    count: int = 0
    zeros: int = 0


def is_kind(head: bytes) -> bool:
    """Detect /proc/iomem: most lines are resources, and the first of them comes soon."""
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    resources = [at for at, line in enumerate(lines) if RESOURCE.match(line.rstrip())]
    return bool(resources) and resources[0] <= 3 and len(resources) * 3 >= len(lines) * 2


def read(lines: Iterator[Line]) -> MemoryMap:
    """Return the RAM that the kernel booted with: "System RAM" outside of other resources.

    RAM within another resource (persistent memory, a CXL window, a virtio device) was added after
    boot and is left out. Memory that memblock does not map (NOMAP) keeps its struct pages: it is
    top-level "reserved" on arm64 (arch/arm64/kernel/setup.c: request_standard_resources(), 4.8),
    "Reserved" on loongarch (resource_init()) and riscv (init_resources(), 5.12), where what
    memblock reserves outside of RAM has the same name; on x86 both are what the firmware keeps
    (arch/x86/kernel/e820.c) and no memory of the kernel. 32-bit arm does not show it.
    """
    state = Resources()
    count = 0
    for number, text in lines:
        count = number
        if match := RESOURCE.match(text):
            take_resource(state, number, len(match[1].expandtabs()), match[2], match[3], match[4])
        elif text.endswith(f": {RAM}"):
            raise Unreadable(
                f'"{text.strip()[:80]}" is no range of RAM: '
                f'it would be "00100000-3fffffff : {RAM}"',
                line=number,
            )
    if not state.count:
        raise Unreadable(
            f'no line of {count:,} is one of /proc/iomem, as in "00100000-3fffffff : {RAM}"'
        )
    if state.zeros == state.count:
        raise Unreadable("all addresses are zero: read it as root (sudo cat /proc/iomem)")
    banks, inside = top_level(state.ram, state.indent)
    if not banks:
        raise Unreadable(f'none of its {state.count:,} resources is top-level "{RAM}"')
    notes = []
    if inside or state.added:
        notes.append(
            f"{inside + state.added} ranges of RAM were added after boot (they lie in another "
            "resource, or a driver's name follows) and are left out"
        )
    if state.alias:
        notes.append(
            f'{state.alias} ranges "{ALIAS}" are other addresses of the same RAM, left out'
        )
    banks += unmapped(state, banks, notes)
    return memory_map("/proc/iomem", banks, "line", overlaps="refuse", notes=notes)


def take_resource(
    state: Resources, number: int, indent: int, low: str, high: str, name: str
) -> None:
    """Take in one resource; ``high`` is its last byte."""
    start, end = int(low, 16), int(high, 16) + 1
    state.count += 1
    state.indent = min(state.indent, indent)
    if end == 1:
        state.zeros += 1
        return
    # where the indent is lost, what lies within the last range is still known to be nested
    nested = end <= state.outer_end
    state.outer_end = max(state.outer_end, end)
    if name == ALIAS:
        state.alias += 1
    elif name == RAM or name in state.reserved:
        group = state.ram if name == RAM else state.reserved[name]
        if len(group) == MOST_BANKS:
            raise Unreadable(f'more than {MOST_BANKS:,} ranges "{name}"', line=number)
        group.append((NESTED if nested else indent, Bank(start, end, number)))
        if name == "Reserved" and within(state.ram, start, end):
            state.nested_reserved = True
    elif ADDED.match(name):
        state.added += 1
    elif name.startswith(X86):
        state.x86 = True
    elif name == "Kernel image":
        state.nested_reserved = True


def within(ram: list[tuple[int, Bank]], start: int, end: int) -> bool:
    """Return True where the last RAM holds a range."""
    return bool(ram) and ram[-1][1].start <= start and end <= ram[-1][1].end


def top_level(ranges: list[tuple[int, Bank]], indent: int) -> tuple[list[Bank], int]:
    """Return the ranges at the outermost indent, and the number of the others."""
    top = [bank for depth, bank in ranges if depth == indent]
    return top, len(ranges) - len(top)


def unmapped(state: Resources, ram: list[Bank], notes: list[str]) -> list[Bank]:
    """Return memory that keeps struct pages though it is not mapped; notes name assumptions."""
    starts = {bank.start for bank in ram}
    if state.x86 or FIRST_PAGE in starts or (ISA_END in starts and min(starts) < ISA_START):
        return []
    lower, _ = top_level(state.reserved["reserved"], state.indent)
    upper, _ = top_level(state.reserved["Reserved"], state.indent)
    # a bare "Reserved" may as well be of x86
    kept = lower + (upper if state.nested_reserved else [])
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
