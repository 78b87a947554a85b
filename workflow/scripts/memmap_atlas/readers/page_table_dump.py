"""Size of the vmemmap in a dump of the kernel's page tables (/sys/kernel/debug/kernel_page_tables).

mm/ptdump.c and arch/*/mm/ptdump.c (dump_pagetables.c on x86) write one line for each run of equal
entries, and a marker before each part of the address space: ``---[ vmemmap start ]---`` on arm64
and riscv, ``---[ Vmemmap ]---`` on x86, ``---[ vmemmap Area Start ]---`` on s390.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

MARKER = "---["
# an entry without attributes maps nothing
ENTRY = re.compile(r"^0x[0-9a-f]+-0x[0-9a-f]+ +(\d{1,18})([KMGTPE]) +\w+ ")
UNITS = {unit: 1 << (10 * power) for power, unit in enumerate("KMGTPE", start=1)}


@dataclass
class PageTableDump:
    """Running total over the lines of a dump.

    mapped: bytes mapped in the last vmemmap part, None before there is any
    inside: the marker that ends this part has not come yet
    """

    mapped: int | None = None
    inside: bool = False

    def add(self, line: str) -> None:
        """Book one line; a log's time and other text may precede the marker or the entry."""
        if MARKER in line:
            marker = line.lower()
            self.inside = "vmemmap" in marker and " end" not in marker
            if self.inside:
                self.mapped = 0
        elif self.inside and (entry := ENTRY.match(line[max(line.find("0x"), 0) :])):
            self.mapped = (self.mapped or 0) + int(entry[1]) * UNITS[entry[2]]


def mapped_bytes(lines: Iterable[str]) -> int | None:
    """Return the bytes mapped in the vmemmap part of a dump, None where it has no such part."""
    dump = PageTableDump()
    for line in lines:
        dump.add(line)
    return dump.mapped
