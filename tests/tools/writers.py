"""Memory maps as the kernel and its tools write them as text: the other direction of the readers.

Regions are [start, end) in bytes; what comes out is a list of lines without their ends.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

Regions = Sequence[tuple[int, int]]
KIB = 1 << 10
BANNER = "Linux version {release} (builder@host) (gcc (GNU) 13.2.0, GNU ld 2.41) #1 SMP"
# lines of a boot that have nothing to do with memory
BEFORE = [
    "Command line: console=ttyS0 root=/dev/vda1",
    "KERNEL supported cpus:",
    "  Intel GenuineIntel",
    "tsc: Detected 2200.000 MHz processor",
    "psci: probing for conduit method from DT.",
]
AFTER = [
    "percpu: Embedded 82 pages/cpu s212992 r8192 d114688 u524288",
    "Kernel command line: console=ttyS0 root=/dev/vda1",
    "Dentry cache hash table entries: 4194304 (order: 13, 33554432 bytes, linear)",
    "Built 1 zonelists, mobility grouping on.  Total pages: 8325206",
    "SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs=8, Nodes=1",
    "rcu: Preemptible hierarchical RCU implementation.",
    "Console: colour VGA+ 80x25",
    "smp: Bringing up secondary CPUs ...",
]


def node_ranges(regions: Regions, nodes: Sequence[int] | None = None) -> list[str]:
    """Node ranges as free_area_init() prints them from 3.5 on."""
    nodes = nodes or [0] * len(regions)
    spans = {
        node: [region for region, owner in zip(regions, nodes, strict=True) if owner == node]
        for node in sorted(set(nodes))
    }
    return [
        "Zone ranges:",
        f"  DMA32    [mem {0:#018x}-{0xFFFFFFFF:#018x}]",
        "  Normal   empty",
        "Movable zone start for each node",
        "Early memory node ranges",
        *(
            f"  node {node:3d}: [mem {start:#018x}-{end - 1:#018x}]"
            for (start, end), node in zip(regions, nodes, strict=True)
        ),
        *(
            f"Initmem setup node {node} [mem {min(own)[0]:#018x}-{max(own)[1] - 1:#018x}]"
            for node, own in spans.items()
        ),
    ]


def frame_ranges(regions: Regions, page: int, *, decimal: bool = False) -> list[str]:
    """Node ranges as printed before 3.5, in pages; ``decimal`` before 2.6.28."""
    heading = f"early_node_map[{len(regions)}] active PFN ranges"
    return [
        "Zone PFN ranges:",
        "  DMA             0 ->     4096",
        "Movable zone start PFN for each node",
        heading if decimal else "Early memory PFN ranges",
        *(
            f"    0: {start // page:8d} -> {end // page:8d}"
            if decimal
            else f"    0: {start // page:#010x} -> {end // page:#010x}"
            for start, end in regions
        ),
    ]


def counted(pages: Sequence[int]) -> list[str]:
    """The counts of pages in holes, from 5.12 on."""
    return [f"On node 0, zone DMA32: {count} pages in unavailable ranges" for count in pages]


def e820(
    regions: Regions,
    reserved: Regions = (),
    *,
    label: str = "BIOS-e820",
    usable: str = "usable",
    old: bool = False,
) -> list[str]:
    """An e820 map; ``old`` as before 3.5."""
    entries = sorted(
        [(*region, usable) for region in regions] + [(*region, "reserved") for region in reserved]
    )
    heading = "user-defined" if label == "user" else "BIOS-provided"
    if old:
        lines = [f" {label}: {low:016x} - {high:016x} ({kind})" for low, high, kind in entries]
    else:
        lines = [
            f"{label}: [mem {low:#018x}-{high - 1:#018x}] {kind}" for low, high, kind in entries
        ]
    return [f"{heading} physical RAM map:", *lines]


def efi(entries: Sequence[tuple[int, int, str, str]], *, x86: bool = False) -> list[str]:
    """An EFI map: start, end, type and one attribute of each range."""
    lines = [] if x86 else ["efi: Processing EFI memory map:"]
    for number, (start, end, kind, attribute) in enumerate(entries):
        flags = "|".join(flag if flag == attribute else "  " for flag in ("WB", "WT", "WC", "UC"))
        shown = f"[{kind:<12}|   |  |  |  |  |  |  |  |  |   |{flags}]"
        if x86:
            lines.append(
                f"efi: mem{number:02d}: {shown} range=[{start:#018x}-{end - 1:#018x}] "
                f"({(end - start) >> 20}MB)"
            )
        else:
            lines.append(f"efi:   {start:#014x}-{end - 1:#014x} {shown}")
    return lines


def memblock_dump(
    regions: Regions,
    nodes: Sequence[int] | None = None,
    nomap: Sequence[bool] | None = None,
    reserved: Regions = (),
) -> list[str]:
    """A dump of memblock, as memblock=debug makes the kernel write it."""
    nomap = nomap or [False] * len(regions)

    def lines(name: str, ranges: Regions, flags: Sequence[int]) -> list[str]:
        return [
            f" {name}.cnt  = {len(ranges):#x}",
            *(
                f" {name}[{number:#x}]\t[{start:#018x}-{end - 1:#018x}], {end - start:#018x} bytes"
                + (f" on node {nodes[number]}" if nodes and name == "memory" else "")
                + f" flags: {flag:#x}"
                for number, ((start, end), flag) in enumerate(zip(ranges, flags, strict=True))
            ),
        ]

    size = sum(end - start for start, end in regions)
    return [
        "MEMBLOCK configuration:",
        f" memory size = {size:#018x} reserved size = {0x10000:#018x}",
        *lines("memory", regions, [4 if flag else 0 for flag in nomap]),
        *lines("reserved", reserved, [0] * len(reserved)),
    ]


def boot(*parts: Sequence[str], release: str = "6.12.0-test") -> list[str]:
    """The messages of a boot around some of its parts."""
    return [
        BANNER.format(release=release),
        *BEFORE,
        *(line for part in parts for line in part),
        *AFTER,
    ]


@dataclass(frozen=True)
class Prefix:
    """Prefix of each message: of printk itself, and of the program that kept the log."""

    name: str

    def of(self, number: int) -> str:
        """Before message ``number`` of the log."""
        time = f"[{number / 997:12.6f}]"
        return {
            "none": "",
            "time": f"{time} ",
            "zero": "[    0.000000] ",
            "caller": f"{time}[    T0] ",
            "android": f"<6>{time}  (0)[0:swapper]",
            "level": f"<5>{time} ",
            "syslog": "Nov 25 10:00:00 host kernel: ",
            "syslog-time": f"Nov  5 10:00:00 host kernel: {time} ",
            "iso": "2026-11-25T10:00:00.123456+00:00 host kernel: ",
            "dmesg-T": "[Wed Nov 25 10:00:00 2026] ",
            "dmesg-x": f"kern  :info  : {time} ",
            "colour": f"\x1b[32m{time} \x1b[0m\x1b[33m",
            "mail": f"> > {time} ",
            "tabs": f"[\t{number / 997:.6f}][\tT0] ",
        }[self.name]


PREFIXES = [
    Prefix("none"),
    Prefix("time"),
    Prefix("zero"),
    Prefix("caller"),
    Prefix("android"),
    Prefix("level"),
    Prefix("syslog"),
    Prefix("syslog-time"),
    Prefix("iso"),
    Prefix("dmesg-T"),
    Prefix("dmesg-x"),
    Prefix("colour"),
    Prefix("mail"),
    Prefix("tabs"),
]


def prefixed(messages: Sequence[str], prefix: Prefix, end: str = "\n") -> bytes:
    """A log file."""
    return "".join(
        f"{prefix.of(number)}{message}{end}" for number, message in enumerate(messages)
    ).encode()


def iomem(
    regions: Regions,
    nomap: Regions = (),
    *,
    reserved: str = "reserved",
    inside: Regions = (),
    others: Sequence[tuple[int, int, str]] = (),
) -> list[str]:
    """/proc/iomem: RAM, top-level reserved ranges, code inside of RAM, and other resources."""
    entries = [
        *((start, end, 0, "System RAM") for start, end in regions),
        *((start, end, 0, reserved) for start, end in nomap),
        *((start, end, 1, "Kernel code") for start, end in inside),
        *((start, end, 0, name) for start, end, name in others),
    ]
    return [
        f"{'  ' * depth}{start:08x}-{end - 1:08x} : {name}"
        for start, end, depth, name in sorted(entries)
    ]


def memblock_file(
    regions: Regions,
    nodes: Sequence[int] | None = None,
    flags: Sequence[str] | None = None,
    *,
    digits: int = 16,
) -> list[str]:
    """memory of memblock's debugfs; with nodes and flags as from 6.5 on."""
    lines = []
    for number, (start, end) in enumerate(regions):
        line = f"{number:4d}: 0x{start:0{digits}x}..0x{end - 1:0{digits}x}"
        if flags:
            line += f" {nodes[number]:4d} " if nodes else f" {'x':>4} "
            line += flags[number]
        lines.append(line)
    return lines


def lsmem(
    blocks: Sequence[tuple[int, int]],
    block_size: int,
    states: Sequence[str] | None = None,
    columns: Sequence[str] = ("range", "size", "state", "removable", "block", "node"),
    *,
    in_bytes: bool = False,
    words: bool = False,
) -> str:
    """lsmem --json of ranges of blocks, each the number of its first and that behind its last.

    ``words``: as before util-linux 2.33, yes and no for booleans, numbers as text
    """
    memory = []
    for number, (first, last) in enumerate(blocks):
        state = states[number] if states else "online"
        size = (last - first) * block_size
        values = {
            "range": f"{first * block_size:#018x}-{last * block_size - 1:#018x}",
            "size": (str(size) if words else size) if in_bytes else f"{size / (1 << 20):.3g}M",
            "state": state,
            "removable": ("yes" if words else True) if state == "online" else None,
            "block": f"{first}-{last - 1}" if last - first > 1 else f"{first}",
            "node": "0" if words else 0,
        }
        memory.append({column: values[column] for column in columns})
    return json.dumps({"memory": memory}, indent=3)
