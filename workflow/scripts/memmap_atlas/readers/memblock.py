"""memblock's list of RAM, as debugfs shows it where the kernel keeps it after boot
(CONFIG_ARCH_KEEP_MEMBLOCK: arm, arm64, riscv, loongarch, powerpc, s390).

mm/memblock.c: memblock_debug_show() writes a line a range, ``number: first..last``, from 6.5 on
with the node and the name of a flag.
"""

import re
from collections.abc import Iterator

from memmap_atlas.readers.memory_map import (
    MOST_BANKS,
    Bank,
    Line,
    MemoryMap,
    Unreadable,
    memory_map,
)

RANGE = re.compile(
    r"^(?P<file>\S*?/?(?:memory|reserved|physmem)(?::\d+)?:)?\s*(?P<number>\d{1,9}): "
    r"0x(?P<first>[0-9a-f]{8,16})\.\.0x(?P<last>[0-9a-f]{8,16})"
    r"(?:\s+(?P<node>\d{1,9}|x)\s+(?P<flags>[A-Z_|]+))?\s*$"
)
# what begins a range, whole or not
BEGUN = re.compile(r"\d: 0x[0-9a-f]+\.\.")
# the file that follows, as tail and head show it, or as a prompt asks for it
SHOWN = re.compile(r"^==> (\S+) <==$|\bcat (\S*memblock/(?:memory|reserved|physmem))$")
FILE = re.compile(r"\b(memory|reserved|physmem)\b")
# memory that a driver added after boot (MEMBLOCK_DRIVER_MANAGED, 5.16), as "System RAM (kmem)"
ADDED = "DRV_MNG"


def is_kind(head: bytes) -> bool:
    """Detect memblock's file of debugfs: half the lines at least are ranges."""
    lines = [line for line in head.decode("utf-8", "replace").splitlines() if line.strip()]
    ranges = [at for at, line in enumerate(lines) if RANGE.match(line.rstrip())]
    return bool(ranges) and ranges[0] <= 3 and len(ranges) * 2 >= len(lines)


def read(lines: Iterator[Line]) -> MemoryMap:
    """Return the ranges of ``memory``; those of ``reserved`` and ``physmem`` are left out.

    Memory that is not mapped (NOMAP) keeps its struct pages; what a driver added after boot
    (DRV_MNG) is left out. The kernel names the lowest flag of a range only, so that a NOMAP range
    that is also HOTPLUG shows as HOTPLUG.
    """
    banks: list[Bank] = []
    shown = named = False
    file = "memory"
    before = -1
    added = others = count = 0
    for number, text in lines:
        count = number
        if ("cat " in text or "==> " in text) and (match := SHOWN.search(text)):
            path = match[1] or match[2]
            name = FILE.search(path.rsplit("/", 1)[-1])
            file, shown, before = name[1] if name else path, True, -1
            continue
        if ".." not in text:
            continue
        match = RANGE.match(text)
        if not match:
            if BEGUN.search(text) and file == "memory":
                raise Unreadable(
                    f'"{text.strip()[:80]}" is no range of memblock: '
                    "it would be 0: 0x0000000040000000..0x00000000bfffffff",
                    line=number,
                )
            continue
        if match["file"]:
            name = FILE.search(match["file"].rsplit("/", 1)[-1])
            file, named = name[1] if name else file, True
        if file != "memory":
            others += 1
            before = -1
            continue
        if not named and int(match["number"]) <= before:
            raise Unreadable(
                f"range {match['number']} comes after range {before}: a second list begins, and "
                'nothing says which of them is "memory"',
                line=number,
            )
        before = int(match["number"])
        flags = (match["flags"] or "NONE").split("|")
        if ADDED in flags:
            added += 1
            continue
        if len(banks) == MOST_BANKS:
            raise Unreadable(f"more than {MOST_BANKS:,} ranges of memory", line=number)
        banks.append(
            Bank(
                start=int(match["first"], 16),
                end=int(match["last"], 16) + 1,
                place=number,
                node=int(match["node"]) if (match["node"] or "x") != "x" else None,
                nomap="NOMAP" in flags,
            )
        )
    if not banks:
        what = f", and {others} of other lists" if others else ""
        raise Unreadable(
            f"has no range of memblock's memory in {count:,} lines{what}: give "
            "/sys/kernel/debug/memblock/memory, read as root"
        )
    notes = []
    if not (shown or named):
        notes.append(
            'a bare list: that it is memblock\'s "memory" and not its "reserved", which looks the '
            "same, is taken from you"
        )
    if added:
        notes.append(f"{added} ranges that a driver added after boot (DRV_MNG) are left out")
    return memory_map("memblock's debugfs", banks, "line", overlaps="refuse", notes=notes)
