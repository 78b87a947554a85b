"""Boot logs of any architecture: the memory map, the kernel, and the kernel's own counts.

Lines may have printk's time and caller, a level, what syslog, journald or a mail puts before them,
carriage returns, colours and noise: what counts is looked for anywhere in a line. A log may hold
many boots, and a console that comes late writes again what an early one wrote.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Literal

from memmap_atlas.memmodel.regions import Layout, merged
from memmap_atlas.memmodel.release import Release
from memmap_atlas.readers.memory_map import (
    MOST_BANKS,
    Bank,
    KernelHints,
    Line,
    MemoryMap,
    Unreadable,
    memory_map,
)
from memmap_atlas.readers.page_table_dump import MARKER, PageTableDump

# lines of a boot that are looked at closely, while it has shown no memory that is in use
EARLY = 5000
BANNER = re.compile(r"(?<![\w/-])Linux version (\d[\w.+~-]*)( \(.*)")
STAMP = re.compile(r"\[\s*(\d+\.\d{6})\]")
# the same, or as dmesg -T has it
STAMPED = re.compile(r"\[\s*\d+\.\d{6}\]|\[\w{3} \w{3} +\d+ \d\d:\d\d:\d\d \d{4}\]")
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# no longer than 64 bits: of what is longer the line is damaged
HEX = r"0x([0-9a-f]{1,16})"
SPAN = rf"\[mem {HEX}-{HEX}\]"

# mm/mm_init.c (mm/page_alloc.c before 6.4): free_area_init(), ends are the last byte; before 3.5
# page frame numbers, ends are the next page
NODES = re.compile(r"Early memory (?:node|PFN) ranges|early_node_map\[\d+\] active PFN ranges")
NODE = re.compile(rf"node +(\d+): {SPAN}")
NODE_BEGUN = re.compile(r"node +\d+: \[mem")
FRAMES = re.compile(
    r"(?:^|[\s\]])(\d+): +(0x[0-9a-f]{1,16}|\d{1,18}) -> +(0x[0-9a-f]{1,16}|\d{1,18})$"
)
# init_unavailable_range() (5.12), zero_resv_unavail() and init_unavailable_mem() (4.18 to 5.11)
UNAVAILABLE = re.compile(
    r"On node \d+, zone \w+: (\d+) pages in unavailable ranges"
    r"|Zeroed struct page in unavailable ranges: (\d+) pages"
)
TOTAL = re.compile(r"On node (\d+) totalpages: (\d+)$")
# lines between the ranges and the last count
COUNTING = (
    "Initmem setup node",
    "On node ",
    " zone: ",
    "nitializing node ",
    "uninitialized by the platform",
    "Could not find start_pfn",
    "free_area_init_node",
    "emblock",
    "MEMBLOCK",
    " memory size = ",
    "memory.cnt",
    "memory[",
    "reserved.cnt",
    "reserved[",
    "Movable zone start",
    "  Node ",
    "mminit::",
    "struct page",
)
# marks of an excerpt
GAP = re.compile(r"^[\s>\[(<]*(?:\.{2,}|\u2026|-{2,}|snip\b.*|cut\b.*)[\s\])>]*$", re.IGNORECASE)
# lines that follow soon, in logs without times
AFTER = re.compile(
    r"Kernel command line:|Built \d+ zonelists|percpu: Embedded|PERCPU: |Memory: \d+[kK]/\d+[kK] |"
    r"Dentry cache hash|ACPI: |psci: |SLUB: |rcu: |cma: |available for PCI devices|smpboot: "
)
# words of the lines that matter here: a log without any other was filtered
FILTERED = re.compile(r"mem|node|zone|page|range|e820|unavail", re.IGNORECASE)
# other lines on each side that show that a log was not filtered
PLAIN = 3

# mm/memblock.c: memblock_dump(), with memblock=debug; flags from 3.15 on, 4 is MEMBLOCK_NOMAP
DUMP = "MEMBLOCK configuration:"
DUMPED = re.compile(
    rf"\bmemory\[(?:0x)?[0-9a-f]+\]\s+\[{HEX}-{HEX}\](?:, {HEX} bytes)?"
    rf"(?: on node (\d+))?(?: flags: {HEX})?"
)
NOMAP = 4
# drivers/of/of_reserved_mem.c: fdt_init_reserved_mem_node(), newer kernels only
NOMAP_NODE = re.compile(rf"OF: reserved mem: {HEX}\.\.{HEX} \(\d+ KiB\) nomap ")

# arch/x86/kernel/e820.c: e820__print_table(); before 3.5 without "mem", ends are the next byte; RAM
# is "usable", and "System RAM" from 7.0 on
RAM = ("usable", "System RAM")
E820 = re.compile(rf"\b(BIOS-\w+|Xen|user|modified): {SPAN} +(\w.*)$")
E820_OLD = re.compile(
    r"\b(BIOS-\w+|Xen|user|modified): ([0-9a-f]{16}) - ([0-9a-f]{16}) \((\w[^)]*)\)"
)
E820_BEGUN = re.compile(r"\b(?:BIOS-\w+|Xen|user|modified): (?:\[mem |[0-9a-f]{16} - )")
# __e820__range_update() and e820__range_remove()
E820_CUT = re.compile(rf"e820: (?:update|remove) {SPAN} (?:usable|System RAM)(?: ==> (\w.*))?$")
E820_CUT_OLD = re.compile(
    r"e820 (?:update|remove) range: ([0-9a-f]{16}) - ([0-9a-f]{16}) \(usable\)"
    r"(?: ==> \((\w[^)]*)\))?"
)
X86_PAGE = 4096
# arch/x86/kernel/setup.c: trim_bios_range()
TRIMMED = ((0, X86_PAGE), (640 << 10, 1 << 20))

# drivers/firmware/efi/efi.c: efi_md_typeattr_format(), as efi-init.c: reserve_regions() of arm64,
# riscv, loongarch and arm writes it, and as arch/x86/platform/efi/efi.c: efi_print_memmap()
EFI = re.compile(rf"(?:^|\s){HEX}-{HEX} \[([^|\]]{{1,40}})\|([^\]]{{0,80}})\]")
EFI_X86 = re.compile(rf"\bmem\d+: \[([^|\]]{{1,40}})\|([^\]]{{0,80}})\] range=\[{HEX}-{HEX}([\])])")
USABLE = ("Loader ", "Boot ", "Conventional")
USABLE_ELSEWHERE = (*USABLE, "ACPI Reclaim", "Persistent")
CACHED = ("WB", "WT", "WC")
EFI_BEGUN = re.compile(r"\befi: +0x[0-9a-f]+-0x|\bmem\d+: \[")
# where a range has an attribute that the kernel does not know, all of them come as one number;
# include/linux/efi.h: EFI_MEMORY_WC, _WT, _WB, _SP
EFI_NUMBER = re.compile(rf"attr={HEX}")
EFI_BITS = {"WC": 1 << 1, "WT": 1 << 2, "WB": 1 << 3, "SP": 1 << 18}

BOOT_PAGES = re.compile(r"\bnr_memmap_boot_pages (\d{1,18})$")
SUFFIX_PAGE = re.compile(r"[-_.+](4|16|64)[kK](?![a-zA-Z0-9])")
CONFIG_PAGE = re.compile(r"\bCONFIG_(?:ARM64|PAGE_SIZE|PPC)_(4|8|16|64|256)KB?(?:_PAGES)?=y")
NOTED_PAGE = re.compile(r"\bPAGESIZE=(\d{4,7})$")
# arch/powerpc/mm/book3s64/hash_utils.c: htab_init_page_sizes()
HASH_PAGE = re.compile(r"Page orders: linear mapping = \d+, virtual = (\d\d)\b")
PAGES = tuple(1 << order for order in range(12, 19))
# of the architectures that have one
ONLY_PAGE = {arch: 4096 for arch in ("x86_64", "i386", "arm", "riscv64", "s390x")} | {"alpha": 8192}

# Words of a release or a compiler's name, and the architecture in config/kernels.yaml
ARCHES = (
    (r"amd64|x86[_-]64", "x86_64"),
    (r"arm64|aarch64|v8|2712", "arm64"),
    (r"armmp|armv[5-8]\w*|armhf|armel|arm|v7l?|rpi-v[67]l?", "arm"),
    (r"[3-6]86|i[3-6]86", "i386"),
    (r"riscv64", "riscv64"),
    (r"loongarch64|loong64", "loongarch64"),
    (r"ppc64le|powerpc64le|ppc64el", "powerpc64le"),
    (r"s390x?", "s390x"),
    (r"mips64el|loongson-3|octeon|5kc-malta", "mips64el"),
    (r"mipsel|4kc-malta", "mipsel"),
    (r"alpha", "alpha"),
    (r"m68k", "m68k"),
)
IN_RELEASE = [(re.compile(rf"[-_.+](?:{words})(?=$|[-_.+])"), arch) for words, arch in ARCHES]
IN_COMPILER = [
    (re.compile(rf"[( /](?:{words})(?:-\w+){{0,3}}-(?:gcc|clang|ld|cc)\b"), arch)
    for words, arch in ARCHES
]
# words that one architecture alone writes
ONLY_OF = (
    ("AArch64 Processor", "arm64"),
    ("CPU: ARMv", "arm"),
    ("SBI specification v", "riscv64"),
    ("64-bit Loongson Processor", "loongarch64"),
    ("setup: Linux is running ", "s390x"),
)
# the line before the banner, on newer arm64 with the MIDR; 32-bit arm writes it without
ARM64_CPU = re.compile(r"Booting Linux on physical CPU 0x[0-9a-f]+ \[0x[0-9a-f]{8}\]")
ONLY_OF_X86 = ("e820", "x86/", "LAPIC", "IOAPIC")
# Kernels whose pfn_valid() asks for the section alone, so that no line means no page: arm64's asked
# memblock until 5.14 (arch/arm64/mm/init.c), arm's does, FLATMEM's of mips did.
COUNTS = {
    arch: Release(5, 12) for arch in ("x86_64", "i386", "riscv64", "powerpc64le", "s390x")
} | {"arm64": Release(5, 14), "loongarch64": Release(5, 19)}
HOW = (
    "give all of `dmesg` or `journalctl -k -b`, taken soon after boot: the kernel's buffer keeps "
    "the newest lines only (`dmesg | head -200` shows whether the first ones are still there)"
)
# X86's E820_MAX_ENTRIES is 128 and three for each of 1,024 nodes; the changes come on top.
MOST_E820 = 4096
Stage = Literal["before", "ranges", "counting", "past"]
Source = Literal["nodes", "memblock", "e820", "efi"]


@dataclass
class Boot:
    """State of one boot while its lines are read.

    stage: before the ranges of the nodes, in their list, between it and the last line that may
        count pages in holes, or past that
    seen: lines of it that were looked at
    first_time: its first line that has a time other than 0
    copies: how often each line comes, where two consoles share a log
    stamped: its lines have printk's times
    frames: the ranges of the nodes are in pages
    e820: (adds, start, end, line), in the order of the log
    proved: a line came after all counts, without a gap in the log before it
    plain: lines before and after the ranges that have nothing to do with memory
    damaged: the first line of each source that can't be read
    """

    line: int
    banner: str = ""
    release: str | None = None
    arch: str | None = None
    stage: Stage = "before"
    seen: int = 0
    first_time: str | None = None
    copies: int = 1
    stamped: bool = False
    frames: bool = False
    nodes: list[Bank] = field(default_factory=list)
    dumped: list[Bank] = field(default_factory=list)
    e820: list[tuple[bool, int, int, int]] = field(default_factory=list)
    e820_label: str = ""
    efi: list[Bank] = field(default_factory=list)
    nomap: list[Bank] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    totals: dict[int, int] = field(default_factory=dict)
    gap: bool = False
    proved: bool = False
    plain: list[int] = field(default_factory=lambda: [0, 0])
    x86: bool = False
    dma32: bool = False
    highmem: bool = False
    page_size: int | None = None
    damaged: dict[Source, int] = field(default_factory=dict)

    @property
    def source(self) -> Source | None:
        """Best source of the memory map that has any range, None where none has."""
        by_rank: tuple[tuple[Source, object], ...] = (
            ("nodes", self.nodes),
            ("memblock", self.dumped),
            ("e820", self.e820),
            ("efi", self.efi),
        )
        return next((source for source, ranges in by_rank if ranges), None)

    @property
    def rank(self) -> int:
        """Rank among boots: 4 with the ranges of the nodes and all counts, 0 without a map."""
        if not self.nodes:
            return 1 if self.source else 0
        return 4 if self.proved else 3 if self.stage in ("counting", "past") else 2


@dataclass
class Log:
    """State of a log while it is read.

    boot, before, best: the boot that goes on, the one before it, and the best so far
    arm64: the last line on which an arm64 kernel began
    boots: boots that showed a memory map
    """

    boot: Boot
    before: Boot | None = None
    best: Boot | None = None
    arm64: int = -10
    boots: int = 0
    boot_pages: int | None = None
    noted_page: int | None = None
    page_tables: PageTableDump = field(default_factory=PageTableDump)


def is_kind(_: bytes) -> bool:
    """Return True: any text may come before a boot, so that the log is the last format tried."""
    return True


def read(lines: Iterator[Line]) -> MemoryMap:
    """Return the memory map of the last boot that shows a whole one.

    RAM is, in this order, what the zones were made of (Early memory node ranges), memblock's last
    dump before that (memblock=debug), the e820 map (that of the user where there is one, with what
    the kernel changed), or the EFI map. Raises Unreadable where there is none of them.
    """
    log = Log(Boot(1))
    number = 0
    for number, text in lines:
        boot = log.boot
        if (boot.seen < EARLY and boot.stage != "past") or (
            "Linux version " in text
            or "Early memory " in text
            or "active PFN" in text
            or "-e820: " in text
            or "Booting Linux on" in text
        ):
            take_line(log, number, text)
        if log.page_tables.inside or MARKER in text:
            log.page_tables.add(text)
        elif "nr_memmap_boot_pages " in text and (match := BOOT_PAGES.search(text)):
            log.boot_pages = int(match[1])
        elif "PAGESIZE=" in text and (match := NOTED_PAGE.search(text)):
            log.noted_page = int(match[1])
    close_boot(log)
    if log.best is None:
        raise Unreadable(
            f'none of {number:,} lines says where RAM is: looked for "Early memory node ranges", '
            f'"{DUMP}" (memblock=debug), "BIOS-e820:" and "efi: mem00:" (efi=debug); {HOW}'
        )
    return map_of(log, log.best)


def take_line(log: Log, number: int, text: str) -> None:
    """Take in one line that may matter."""
    if "\x1b" in text or "\0" in text:
        text = COLOUR.sub("", text.replace("\0", ""))
    if "physical CPU" in text and ARM64_CPU.search(text):
        log.arm64 = number
    if "Linux version " in text and (match := BANNER.search(text)):
        start_boot(log, number, match)
    boot = log.boot
    # memblock=debug can write any number of lines
    boot.seen += boot.stage != "ranges" and "emblock" not in text
    if boot.first_time is None and (stamp := STAMP.search(text)) and float(stamp[1]):
        boot.first_time = text
    if ("Early memory " in text or "active PFN" in text) and NODES.search(text):
        start_ranges(log, number, text)
        return
    if "-e820: " in text and (boot.stage == "past" or boot.seen > EARLY):
        boot = next_boot(log, number)
    take_range(boot, number, text)
    take_clues(boot, text)
    if boot.stage == "counting":
        take_counting_line(boot, text)
    elif boot.stage == "before" and text and not FILTERED.search(text):
        boot.plain[0] += 1


def start_boot(log: Log, number: int, banner: re.Match[str]) -> None:
    """Start a boot, unless a second console repeats the banner of the current one."""
    if log.boot.banner == banner[0] and log.boot.seen < 4:
        return
    boot = next_boot(log, number)
    boot.banner, boot.release = banner[0], banner[1].rstrip(".-")
    boot.arch = next((arch for rule, arch in IN_RELEASE if rule.search(banner[1])), None)
    if boot.arch is None:
        boot.arch = next((arch for rule, arch in IN_COMPILER if rule.search(banner[2])), None)
    if boot.arch is None and number - log.arm64 < 4:
        boot.arch = "arm64"


def start_ranges(log: Log, number: int, text: str) -> None:
    """Start the list of the nodes' ranges: of this boot, of one without a banner, or, where two
    consoles share the log, a second time.
    """
    boot = log.boot
    if boot.stage == "ranges" and not boot.nodes:
        boot.copies += 1
        return
    if boot.stage != "before":
        boot = next_boot(log, number)
    boot.stage, boot.seen = "ranges", 1
    boot.stamped, boot.frames = bool(STAMPED.search(text)), "PFN" in text


def next_boot(log: Log, number: int) -> Boot:
    """Close the current boot and return the next."""
    close_boot(log)
    log.boot = Boot(number)
    return log.boot


def close_boot(log: Log) -> None:
    """Close a boot, and keep it if none before it ranks higher.

    A console that comes late repeats the banner and all times; another boot has its own times. A
    banner alone may be /proc/version.
    """
    boot, before = log.boot, log.before
    if not boot.source:
        return
    repeated = (
        before is not None
        and boot.first_time is not None
        and (before.banner, before.first_time) == (boot.banner, boot.first_time)
    )
    log.boots += not repeated
    log.before = boot
    if log.best is None or boot.rank >= log.best.rank:
        log.best = boot


def take_range(boot: Boot, number: int, text: str) -> None:
    """Take in a line with a range of RAM, from whatever source."""
    if "[mem " in text or (boot.frames and " -> " in text):
        node = node_range(boot, number, text)
        if node is not None:
            add_bank(boot.nodes, node)
            return
    if boot.stage == "ranges" and boot.nodes:
        boot.stage = "counting"
    if "memory[" in text:
        take_dump_line(boot, number, text)
    elif DUMP in text:
        boot.dumped = []
    elif "0x" in text and ("|" in text or "efi: " in text):
        take_efi_line(boot, number, text)
    elif ") nomap " in text and (match := NOMAP_NODE.search(text)):
        add_bank(boot.nomap, bank_of(match[1], match[2], number, nomap=True))
    elif "[mem " in text or "e820" in text or " - " in text:
        take_e820_line(boot, number, text)


def add_bank(banks: list[Bank], bank: Bank) -> None:
    """Add a bank, unless a second console repeats it. Raises Unreadable beyond MOST_BANKS."""
    if any((b.start, b.end) == (bank.start, bank.end) for b in banks[-4:]):
        return
    if len(banks) == MOST_BANKS:
        raise Unreadable(f"more than {MOST_BANKS:,} ranges of memory", line=bank.place)
    banks.append(bank)


def bank_of(
    first: str, last: str, number: int, *, node: int | None = None, nomap: bool = False
) -> Bank:
    """Return a bank by its first and last byte in hex."""
    return Bank(int(first, 16), int(last, 16) + 1, number, node=node, nomap=nomap)


def node_range(boot: Boot, number: int, text: str) -> Bank | None:
    """Return a range of the nodes, in bytes, or in pages where ``boot.frames``."""
    if match := NODE.search(text):
        return bank_of(match[2], match[3], number, node=int(match[1][:9]))
    if NODE_BEGUN.search(text):
        boot.damaged.setdefault("nodes", number)
    elif boot.frames and (match := FRAMES.search(text)):
        low, high = (int(end, 16 if end.startswith("0x") else 10) for end in match.group(2, 3))
        return Bank(low, high, number, node=int(match[1][:9]))
    return None


def take_dump_line(boot: Boot, number: int, text: str) -> None:
    """Take in a range of memblock.memory."""
    match = DUMPED.search(text)
    if not match:
        if "] [0x" in text.replace("\t", " "):
            boot.damaged.setdefault("memblock", number)
        return
    first, last, size, node, flags = match.groups()
    start, end = int(first, 16), int(last, 16) + 1
    if size is not None and int(size, 16) != end - start:
        # an empty list is dumped as the range from 0 to the highest address, of no bytes
        if int(size, 16):
            boot.damaged.setdefault("memblock", number)
        return
    nomap = bool(flags and int(flags, 16) & NOMAP)
    add_bank(
        boot.dumped,
        Bank(start, end, number, node=int(node[:9]) if node is not None else None, nomap=nomap),
    )


def take_e820_line(boot: Boot, number: int, text: str) -> None:
    """Take in a line of an e820 map, or a change of the map."""
    old = False
    match = E820.search(text)
    if not match:
        match, old = E820_OLD.search(text), True
    if match:
        label, low, high, kind = match.groups()
        label = "BIOS" if label.startswith("BIOS") else label
        if label != boot.e820_label:
            # a map of the user, or one that was changed, stands for the one before
            boot.e820, boot.e820_label = [], label
        if kind in RAM:
            change(boot, True, low, high, number, old)
        elif any(kind.startswith(word) or word.startswith(kind) for word in RAM):
            # cut, or with something behind it
            boot.damaged.setdefault("e820", number)
        return
    cut = E820_CUT.search(text)
    if not cut:
        cut, old = E820_CUT_OLD.search(text), True
    if cut:
        if cut[3] not in RAM:
            change(boot, False, cut[1], cut[2], number, old)
    elif E820_BEGUN.search(text):
        boot.damaged.setdefault("e820", number)


def change(boot: Boot, adds: bool, low: str, high: str, number: int, old: bool) -> None:
    """Note that a range is usable from here on, or no longer."""
    entry = (adds, int(low, 16), int(high, 16) + (0 if old else 1), number)
    if any(entry[:3] == seen[:3] for seen in boot.e820[-4:]):
        return
    if len(boot.e820) == MOST_E820:
        raise Unreadable(f"more than {MOST_E820:,} entries of an e820 map", line=number)
    boot.e820.append(entry)


def take_efi_line(boot: Boot, number: int, text: str) -> None:
    """Take in a range of the EFI map.

    drivers/firmware/efi/efi-init.c: reserve_regions() adds what can be cached, and marks NOMAP what
    is_usable_memory() does not count; whatever memblock had before is dropped. On x86
    do_add_efi_memmap() takes what is usable and cached for RAM, and the rest for none.
    """
    if match := EFI.search(text):
        first, last, kind, attributes = match.groups()
        flags = efi_flags(attributes)
        if not boot.efi:
            boot.dumped = []
        usable = kind.startswith(USABLE_ELSEWHERE) and "WB" in flags and "SP" not in flags
        if flags.intersection(CACHED):
            add_bank(boot.efi, bank_of(first, last, number, nomap=not usable))
    elif match := EFI_X86.search(text):
        kind, attributes, first, last, closed = match.groups()
        flags = efi_flags(attributes)
        if kind.startswith(USABLE) and "WB" in flags and "SP" not in flags:
            add_bank(boot.efi, Bank(int(first, 16), int(last, 16) + (closed == "]"), number))
    elif EFI_BEGUN.search(text):
        boot.damaged.setdefault("efi", number)


def efi_flags(attributes: str) -> set[str]:
    """Return the attributes of a range of the EFI map, written as names or as one number."""
    if match := EFI_NUMBER.search(attributes):
        return {name for name, bit in EFI_BITS.items() if int(match[1], 16) & bit}
    return {flag.strip() for flag in attributes.split("|")}


def take_clues(boot: Boot, text: str) -> None:
    """Take in clues to architecture and page size, and counts of pages."""
    if "unavailable ranges" in text and (match := UNAVAILABLE.search(text)):
        if len(boot.counts) < MOST_BANKS:
            boot.counts.append(int((match[1] or match[2])[:15]))
    elif "totalpages" in text and (match := TOTAL.search(text)):
        boot.totals[int(match[1][:9])] = int(match[2][:18])
    if "DMA32" in text:
        boot.dma32 = True
    elif "HighMem" in text or "HIGHMEM" in text:
        boot.highmem = True
    if boot.arch is None:
        boot.arch = next((arch for words, arch in ONLY_OF if words in text), None)
        boot.x86 = boot.x86 or any(words in text for words in ONLY_OF_X86)
    if "CONFIG_" in text and (match := CONFIG_PAGE.search(text)):
        boot.page_size = int(match[1]) << 10
    elif "Page orders: " in text and (match := HASH_PAGE.search(text)):
        boot.page_size = 1 << int(match[1])


def take_counting_line(boot: Boot, text: str) -> None:
    """Decide by a line after the ranges of the nodes if all counts have been written.

    They come in one go with the zones (mm/mm_init.c: free_area_init()), so that any later line of
    the kernel proves it; but not where somebody left something out.
    """
    if any(words in text for words in COUNTING) or not text.strip():
        return
    if GAP.match(text):
        boot.gap = True
    elif STAMPED.search(text) if boot.stamped else AFTER.search(text) or "kernel: " in text:
        boot.proved = boot.proved or not boot.gap
        boot.plain[1] += not FILTERED.search(text)
        if boot.plain[1] >= PLAIN:
            boot.stage = "past"


def map_of(log: Log, boot: Boot) -> MemoryMap:
    """Return the memory map of one boot, with hints and notes."""
    source = boot.source
    assert source is not None
    if source in boot.damaged:
        raise Unreadable(
            "a range of memory is damaged here: the line is cut, or another one stands in it "
            "(a mail in quoted-printable has to be decoded first)",
            line=boot.damaged[source],
        )
    arch = architecture(boot)
    notes = []
    if log.boots > 1:
        notes.append(
            f"{log.boots} boots in this log say where RAM is: the one from line {boot.line:,} on "
            "is read, the last that is whole"
        )
    page = page_size(log, boot)
    banks: list[Bank]
    if source == "nodes":
        kind, banks = "early memory node ranges", in_bytes(boot, page or ONLY_PAGE.get(arch or ""))
        if boot.stage == "ranges":
            notes.append("the log ends in the list of ranges: there may be more RAM")
        unmapped = (bank for bank in (*boot.dumped, *boot.efi, *boot.nomap) if bank.nomap)
        banks = cut_nomap(banks, merged((bank.start, bank.end) for bank in unmapped))
    elif source == "memblock":
        kind, banks = "memblock=debug", boot.dumped
        notes.append("memblock's list, before the kernel made nodes and zones of it")
    elif source == "e820":
        kind = "e820 map of the user" if boot.e820_label == "user" else "e820 map"
        banks = usable(boot)
        notes.append(
            "usable memory of e820 in whole pages, without the first page and 640 KiB to 1 MiB "
            "(trim_bios_range()); memory that the kernel takes away later is not known"
        )
    else:
        kind, banks = "EFI map", boot.efi
        notes.append("memory of EFI that can be cached; what is not usable keeps its struct pages")
    pages, clipped = unavailable(boot, arch)
    return memory_map(
        f"boot log ({kind})",
        banks,
        "line",
        overlaps="merge" if source in ("e820", "efi") else "refuse",
        hints=KernelHints(
            arch=arch,
            release=boot.release,
            page_size=page,
            unavailable_pages=pages,
            clipped=clipped,
            boot_pages=log.boot_pages,
            # a dump that the end of the log cuts is not whole
            mapped=None if log.page_tables.inside else log.page_tables.mapped,
        ),
        notes=notes,
    )


def architecture(boot: Boot) -> str | None:
    """Return the architecture by its name in config/kernels.yaml.

    Only 64-bit x86 has a zone DMA32, only 32-bit x86 HighMem; a compiler for the former can build
    the latter.
    """
    if boot.arch in (None, "x86_64") and (boot.x86 or boot.arch):
        if boot.highmem:
            return "i386"
        return "x86_64" if boot.dma32 else boot.arch
    return boot.arch


def page_size(log: Log, boot: Boot) -> int | None:
    """Return the page size in bytes, None where neither the release nor a setting, vmcoreinfo or
    the pages of each node give it.
    """
    if boot.release and (match := SUFFIX_PAGE.search(boot.release)):
        return int(match[1]) << 10
    noted = boot.page_size or log.noted_page
    if noted is None and boot.totals and not boot.frames:
        size = sum(end - start for start, end in merged((b.start, b.end) for b in boot.nodes))
        pages = sum(boot.totals.values())
        if {bank.node for bank in boot.nodes} == set(boot.totals) and pages:
            noted = size // pages if size % pages == 0 else None
    return noted if noted in PAGES else None


def in_bytes(boot: Boot, page: int | None) -> list[Bank]:
    """Return the ranges of the nodes in bytes. Raises Unreadable where the page size is unknown."""
    if not boot.frames:
        return boot.nodes
    if page is None:
        raise Unreadable(
            "ranges are in pages (a kernel before 3.5), and the log does not say how large a page "
            "is: give the addresses as regions, or another file of this machine",
            line=boot.nodes[0].place,
        )
    return [Bank(b.start * page, b.end * page, b.place, node=b.node) for b in boot.nodes]


def cut_nomap(banks: Sequence[Bank], nomap: Layout) -> list[Bank]:
    """Cut banks at the edges of NOMAP ranges, and mark the parts inside."""
    parts = []
    for bank in banks:
        at = bank.start
        first = bisect_right(nomap, bank.start, key=lambda range_: range_[1])
        for start, end in nomap[first:]:
            if start >= bank.end:
                break
            low, high = max(start, at), min(end, bank.end)
            if low < high:
                if at < low:
                    parts.append(Bank(at, low, bank.place, bank.node, bank.nomap))
                parts.append(Bank(low, high, bank.place, bank.node, nomap=True))
                at = high
        if at < bank.end or bank.end <= bank.start:
            parts.append(Bank(at, bank.end, bank.place, bank.node, bank.nomap))
    return parts


def usable(boot: Boot) -> list[Bank]:
    """Return the RAM of e820 in whole pages, after all changes (e820__memblock_setup())."""
    banks: list[Bank] = []
    for adds, start, end, number in boot.e820:
        if adds:
            banks.append(Bank(start, end, number))
        else:
            banks = without(banks, start, end)
    for start, end in TRIMMED:
        banks = without(banks, start, end)
    whole = [
        Bank(-(-bank.start // X86_PAGE) * X86_PAGE, bank.end // X86_PAGE * X86_PAGE, bank.place)
        for bank in banks
    ]
    return [bank for bank in whole if bank.start < bank.end]


def without(banks: Sequence[Bank], start: int, end: int) -> list[Bank]:
    """Take [start, end) out of banks."""
    left = []
    for bank in banks:
        if bank.end <= start or end <= bank.start:
            left.append(bank)
            continue
        if bank.start < start:
            left.append(Bank(bank.start, start, bank.place))
        if end < bank.end:
            left.append(Bank(end, bank.end, bank.place))
    return left


def unavailable(boot: Boot, arch: str | None) -> tuple[int | None, bool]:
    """Return the struct pages without RAM that the kernel counted, and if lines may be missing.

    No line means no page, and 0, where the release counts, its pfn_valid() knows sections only, and
    the log was neither cut nor filtered around the place.
    """
    if boot.counts:
        pages = 0
        for value, lines in groupby(boot.counts):
            pages += value * -(-len(list(lines)) // boot.copies)
        return pages, not boot.proved
    release = Release.parse(boot.release)
    counts = COUNTS.get(arch or "")
    if (
        boot.nodes
        and boot.proved
        and min(boot.plain) >= PLAIN
        and release
        and counts
        and release >= counts
    ):
        return 0, False
    return None, False
