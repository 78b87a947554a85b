"""Flattened device trees (.dtb, /sys/firmware/fdt): the banks of RAM that they tell the kernel of.

A reader of its own, of the format's versions 16 and 17 (Devicetree specification v0.4, chapter 5):
pylibfdt has to be compiled by whoever installs it, the pure Python readers recurse and know no
offsets. What is memory, the kernel decides (drivers/of/fdt.c, as in 5.18 to 7.0).
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from struct import Struct
from typing import NoReturn

from memmap_atlas.memmodel.regions import Layout, merged
from memmap_atlas.readers.memory_map import (
    MOST_BANKS,
    Bank,
    MemoryMap,
    Unreadable,
    memory_map,
)
from memmap_atlas.text.escape import printable

KIND = "device tree"
MAGIC = b"\xd0\x0d\xfe\xed"
HEADER = Struct(">10I")
# of the version before the structure block's size joined it
SHORT_HEADER = 36
VERSIONS = (16, 17)
WORD = Struct(">I")
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
# as deep as Linux follows a tree (drivers/of/fdt.c: FDT_MAX_DEPTH)
DEEPEST = 64
# of nodes and properties: the largest trees of boards have some ten thousand
MOST_TOKENS = 1 << 20
LONGEST_NAME = 255
# that is taken of a string, such as the boot arguments (COMMAND_LINE_SIZE is at most that)
LONGEST_TEXT = 4096
# include/linux/of.h: OF_ROOT_NODE_ADDR_CELLS_DEFAULT, OF_ROOT_NODE_SIZE_CELLS_DEFAULT
DEFAULT_CELLS = 1
# include/linux/numa.h: MAX_NUMNODES with the largest NODES_SHIFT
MOST_NODES = 1024
# drivers/of/fdt.c: MAX_USABLE_RANGES
USABLE_RANGES = 2
# that are told of one tree, which can have a hundred thousand nodes
MOST_NOTES = 16
ADDRESSES = 1 << 64
ELSEWHERE = "read /sys/firmware/fdt of the running machine, or its boot log"

Span = tuple[int, int]


@dataclass(slots=True)
class Node:
    """A node: its name, the offset of its first token, and where its properties' values stand.

    children: those of the root and of its children; deeper ones are not kept
    """

    name: str
    offset: int
    properties: dict[bytes, Span] = field(default_factory=dict)
    children: list["Node"] = field(default_factory=list)


@dataclass(frozen=True)
class Tree:
    """A tree's root, the file's bytes, and the first offset of a memory node below the root's
    children, None where there is none.
    """

    data: bytes
    root: Node
    buried: int | None

    def value(self, node: Node, name: str) -> bytes | None:
        """Return the bytes of a property, None where the node lacks it."""
        span = node.properties.get(name.encode())
        return None if span is None else self.data[span[0] : span[1]]

    def text(self, node: Node, name: str) -> str | None:
        """The first string of a property."""
        value = self.value(node, name)
        return None if value is None else shown(value.split(b"\0", 1)[0])

    def number(self, node: Node, name: str) -> int | None:
        """A property of one cell; raises Unreadable where it has another size."""
        span = node.properties.get(name.encode())
        if span is None:
            return None
        if span[1] - span[0] != 4:
            size = span[1] - span[0]
            raise Unreadable(f"{name} has {size} bytes: it is one cell of 4", offset=span[0])
        return int.from_bytes(self.data[span[0] : span[1]])

    def child(self, node: Node, name: str) -> Node | None:
        """The first child of that name, with or without an address behind it (as libfdt does)."""
        return next((n for n in node.children if n.name.split("@", 1)[0] == name), None)


def is_kind(head: bytes) -> bool:
    """Detect a flattened device tree by its magic number."""
    return head.startswith(MAGIC)


def read(data: bytes) -> MemoryMap:
    """Return the memory of a flattened device tree; a bank's place is the offset of its entry.

    The root's children whose device_type is memory count, but for disabled ones, by
    linux,usable-memory or else reg, in the root's cells (drivers/of/fdt.c:
    early_init_dt_scan_memory()); /chosen's linux,usable-memory-range caps them. Raises Unreadable.
    """
    tree = tree_of(data)
    notes: list[str] = []
    if len(data) > total_size(data):
        tell(notes, f"{len(data) - total_size(data):,} bytes follow the tree: they are not read")
    banks = list(banks_of(tree, notes))
    if not any(bank.end > bank.start for bank in banks):
        refuse_empty(tree, banks, notes)
    found = memory_map(KIND, usable(tree, banks, notes), "offset", overlaps="merge")
    unmapped = within(found.regions, merged(nomap_of(tree, notes)))
    if unmapped:
        size = sum(end - start for start, end in unmapped)
        tell(
            notes,
            f"{size:,} bytes of it are no-map: they keep their struct pages; Linux before 5.12 "
            "(86588296acbf) makes a hole of them",
        )
    boot_notes(tree, notes)
    return replace(found, nomap=unmapped, notes=(*found.notes, *notes))


# the format


def total_size(data: bytes) -> int:
    """Bytes that a tree says it has."""
    size: int = WORD.unpack_from(data, 4)[0]
    return size


def tree_of(data: bytes) -> Tree:
    """The tree of a file; raises Unreadable where the file is damaged."""
    structure, strings = blocks(data)
    root: Node | None = None
    path: list[Node] = []
    names: dict[int, bytes] = {}
    buried = None
    at, end = structure
    for _ in range(MOST_TOKENS):
        start = at
        if at + 4 > end:
            raise Unreadable("the structure block ends within the tree", offset=at)
        token = WORD.unpack_from(data, at)[0]
        at += 4
        if token == BEGIN_NODE:
            stop = data.find(0, at, min(end, at + LONGEST_NAME + 1))
            if stop < 0:
                text = f"the name of a node does not end within {LONGEST_NAME} bytes"
                raise Unreadable(text, offset=at)
            node = Node(shown(data[at:stop]), start)
            at += aligned(stop + 1 - at)
            if path:
                if len(path) < 3:
                    path[-1].children.append(node)
                if len(path) == DEEPEST:
                    text = f"nodes within nodes, deeper than the {DEEPEST} that Linux follows"
                    raise Unreadable(text, offset=start)
            elif root is not None:
                raise Unreadable("a second root", offset=start)
            else:
                root = node
            path.append(node)
        elif token == END_NODE:
            if not path:
                raise Unreadable("a node ends that never began", offset=start)
            path.pop()
        elif token == PROPERTY:
            if not path:
                raise Unreadable("a property outside of all nodes", offset=start)
            if at + 8 > end:
                raise Unreadable("the structure block ends within a property", offset=start)
            size, name_at = WORD.unpack_from(data, at)[0], WORD.unpack_from(data, at + 4)[0]
            at += 8
            if size > end - at:
                text = f"a property of {size:,} bytes, where {end - at:,} are left"
                raise Unreadable(text, offset=start)
            if name_at not in names:
                names[name_at] = name_of(data, strings, name_at, start)
            name = names[name_at]
            # the first of that name counts (libfdt: fdt_get_property_namelen_())
            if len(path) <= 3:
                path[-1].properties.setdefault(name, (at, at + size))
            if len(path) > 2 and buried is None and name == b"device_type":
                buried = path[-1].offset if data[at : at + size] == b"memory\0" else None
            at += aligned(size)
        elif token == END:
            if path or root is None:
                raise Unreadable("the tree ends before its root does", offset=start)
            return Tree(data, root, buried)
        elif token != NOP:
            text = f"{token:#x} where a node or property should begin or end"
            raise Unreadable(text, offset=start)
    raise Unreadable(f"more than {MOST_TOKENS:,} nodes and properties", offset=at)


def blocks(data: bytes) -> tuple[Span, Span]:
    """Return the spans of the structure and the strings of a tree. Raises Unreadable."""
    if len(data) < HEADER.size:
        raise Unreadable(f"{len(data)} bytes are no device tree: its header has {HEADER.size}")
    _, total, structure, strings, reserved, version, compatible, _, names, size = HEADER.unpack(
        data[: HEADER.size]
    )
    if version < VERSIONS[0] or compatible > VERSIONS[1]:
        raise Unreadable(
            f"a device tree of version {version}, readable as {compatible}: versions "
            f"{VERSIONS[0]} and {VERSIONS[1]} are read; `dtc -I dtb -O dtb` writes the latter",
            offset=20,
        )
    if total > len(data):
        raise Unreadable(
            f"the tree has {total:,} bytes, the file {len(data):,}: it is cut off", offset=4
        )
    header = SHORT_HEADER if version == VERSIONS[0] else HEADER.size
    if structure % 4:
        raise Unreadable(f"the structure block at {structure:#x}, no multiple of 4", offset=8)
    if version == VERSIONS[0]:
        size = max(min(end for end in (strings, total) if end > structure or end == total), 0)
        size -= structure
    for name, start, length, at in (
        ("structure block", structure, size, 8),
        ("strings block", strings, names, 12),
        ("memory reservations", reserved, 0, 16),
    ):
        if start < header or length < 0 or start + length > total:
            raise Unreadable(
                f"the {name} at [{start:#x}, {start + length:#x}), outside of the tree's "
                f"[{header:#x}, {total:#x})",
                offset=at,
            )
    if structure < strings + names and strings < structure + size:
        raise Unreadable(
            f"the strings at [{strings:#x}, {strings + names:#x}) overlap the structure at "
            f"[{structure:#x}, {structure + size:#x})",
            offset=12,
        )
    return (structure, structure + size), (strings, strings + names)


def name_of(data: bytes, strings: Span, name_at: int, offset: int) -> bytes:
    """Return a property's name, ``name_at`` bytes into the strings. Raises Unreadable."""
    start = strings[0] + name_at
    if start >= strings[1]:
        text = f"a property's name at {name_at:#x} of strings of {strings[1] - strings[0]:#x} bytes"
        raise Unreadable(text, offset=offset)
    stop = data.find(0, start, min(strings[1], start + LONGEST_NAME + 1))
    if stop < 0:
        text = f"the name of a property does not end within {LONGEST_NAME} bytes"
        raise Unreadable(text, offset=start)
    return data[start:stop]


def aligned(size: int) -> int:
    """Round up to whole tokens of 4 bytes."""
    return (size + 3) & ~3


def shown(name: bytes) -> str:
    """Decode and shorten bytes of a file for a message, with "?" for what can't be printed."""
    return printable(name[:LONGEST_TEXT].decode("utf-8", errors="replace"), "?")


# what is memory


def memory_nodes(tree: Tree) -> list[Node]:
    """Return the nodes that Linux takes for memory."""
    return [
        node
        for node in tree.root.children
        if tree.text(node, "device_type") == "memory" and available(tree, node)
    ]


def available(tree: Tree, node: Node) -> bool:
    """Return True for an enabled node (drivers/of/fdt.c: of_fdt_device_is_available())."""
    return tree.text(node, "status") in (None, "ok", "okay")


def cells_of(tree: Tree) -> tuple[int, int]:
    """Return the cells of an address and of a size (early_init_dt_scan_root())."""
    found = []
    for name in ("#address-cells", "#size-cells"):
        cells = tree.number(tree.root, name)
        if cells is None:
            cells = DEFAULT_CELLS
        elif cells not in (1, 2):
            text = f"{name} of the root is {cells}: memory is told in 1 or 2 cells"
            raise Unreadable(text, offset=tree.root.properties[name.encode()][0])
        found.append(cells)
    return found[0], found[1]


def entries(tree: Tree, span: Span) -> Iterator[tuple[int, int, int]]:
    """Yield a property's whole entries in the root's cells, as (start, size, offset). Raises
    Unreadable beyond MOST_BANKS.
    """
    addresses, sizes = (4 * cells for cells in cells_of(tree))
    entry = addresses + sizes
    for count, at in enumerate(range(span[0], span[1] - entry + 1, entry)):
        if count == MOST_BANKS:
            raise Unreadable(f"more than {MOST_BANKS:,} ranges of memory", offset=at)
        start = int.from_bytes(tree.data[at : at + addresses])
        yield start, int.from_bytes(tree.data[at + addresses : at + entry]), at


def banks_of(tree: Tree, notes: list[str]) -> Iterator[Bank]:
    """Yield the banks of the memory nodes; ``notes`` names what Linux passes over in them."""
    for node in memory_nodes(tree):
        usable_memory = node.properties.get(b"linux,usable-memory")
        span = usable_memory or node.properties.get(b"reg")
        if span is None:
            continue
        if usable_memory:
            tell(notes, f"{node.name} counts by its linux,usable-memory, not by its reg")
        numa = numa_node(tree, node, notes)
        for start, size, at in entries(tree, span):
            if start + size > ADDRESSES:
                text = f"{size:#x} bytes of memory from {start:#x} on, beyond 64 bits of address"
                raise Unreadable(text, offset=at)
            yield Bank(start, start + size, at, numa)
        entry = 4 * sum(cells_of(tree))
        if rest := (span[1] - span[0]) % entry:
            tell(
                notes,
                f"{node.name} has {rest} bytes after its last whole entry of {entry}: left out, "
                "as Linux does it",
            )


def numa_node(tree: Tree, node: Node, notes: list[str]) -> int | None:
    """the NUMA node of a memory node (drivers/of/of_numa.c: of_numa_parse_memory_nodes())."""
    numa = tree.number(node, "numa-node-id")
    if numa is not None and numa >= MOST_NODES:
        tell(notes, f"{node.name} is of node {numa}: no kernel has that many, taken as none")
        return None
    return numa


def usable(tree: Tree, banks: list[Bank], notes: list[str]) -> list[Bank]:
    """Cut banks to /chosen's linux,usable-memory-range, as a crash kernel gets it: memory is cut
    to the first range, the second is added (early_init_dt_check_for_usable_mem_range()).
    """
    chosen = tree.child(tree.root, "chosen")
    span = chosen and chosen.properties.get(b"linux,usable-memory-range")
    if not span:
        return banks
    if (span[1] - span[0]) % (4 * sum(cells_of(tree))):
        text = f"linux,usable-memory-range of {span[1] - span[0]} bytes, no whole entries"
        raise Unreadable(text, offset=span[0])
    ranges = [
        Bank(start, start + size, at) for start, size, at in list(entries(tree, span)) if size
    ][:USABLE_RANGES]
    for bank in ranges:
        if bank.end > ADDRESSES:
            raise Unreadable(
                f"a usable range of {bank.end - bank.start:#x} bytes from {bank.start:#x} on, "
                "beyond 64 bits of address",
                offset=bank.place,
            )
    if not ranges:
        return banks
    first = ranges[0]
    tell(
        notes,
        f"memory is cut to [{first.start:#x}, {first.end:#x}) by /chosen's "
        "linux,usable-memory-range",
    )
    kept = [
        replace(bank, start=max(bank.start, first.start), end=min(bank.end, first.end))
        for bank in banks
        if bank.start < first.end and first.start < bank.end
    ]
    if not any(bank.end > bank.start for bank in (*kept, *ranges[1:])):
        raise Unreadable("linux,usable-memory-range leaves no part of memory", offset=first.place)
    return kept + ranges[1:]


def nomap_of(tree: Tree, notes: list[str]) -> Iterator[Span]:
    """Yield the no-map ranges of /reserved-memory (fdt_scan_reserved_mem())."""
    reserved = tree.child(tree.root, "reserved-memory")
    if reserved is None:
        return
    unmapped = [
        node for node in reserved.children if b"no-map" in node.properties and available(tree, node)
    ]
    cells = tree.number(reserved, "#address-cells"), tree.number(reserved, "#size-cells")
    if unmapped and (cells != cells_of(tree) or b"ranges" not in reserved.properties):
        tell(
            notes,
            "/reserved-memory is passed over, as Linux does it: it lacks ranges, or its cells are "
            "not the root's",
        )
        return
    for node in unmapped:
        span = node.properties.get(b"reg")
        if span is None:
            tell(notes, f"where {node.name}, which is no-map, lies is decided at boot")
        elif not (span[1] - span[0]) % (4 * sum(cells_of(tree))):
            for start, size, _ in entries(tree, span):
                yield start, start + size


def within(regions: Layout, ranges: Layout) -> Layout:
    """The parts of ``ranges`` that lie in ``regions``; both sorted and disjoint."""
    found = []
    at = 0
    for start, end in ranges:
        while at < len(regions) and regions[at][1] <= start:
            at += 1
        inside = at
        while inside < len(regions) and regions[inside][0] < end:
            found.append((max(start, regions[inside][0]), min(end, regions[inside][1])))
            inside += 1
    return tuple(found)


def tell(notes: list[str], text: str) -> None:
    """A note more, within bounds."""
    if len(notes) < MOST_NOTES:
        notes.append(text)
    elif len(notes) == MOST_NOTES:
        notes.append("and more of this kind")


def boot_notes(tree: Tree, notes: list[str]) -> list[str]:
    """``notes`` with what else can change the memory of a machine that boots with this tree."""
    for node in tree.root.children:
        if tree.text(node, "device_type") == "memory" and not available(tree, node):
            status = tree.text(node, "status")
            tell(notes, f"{node.name} is {status}: left out (Linux before 5.18 takes it)")
        # by its name alone
        if node.name.split("@", 1)[0] == "memory" and b"device_type" not in node.properties:
            tell(notes, f"{node.name} has no device_type: left out, as Linux does it")
    if tree.buried is not None:
        tell(
            notes,
            f"a memory node at offset {tree.buried:#x} is no child of the root: left out (Linux "
            "before 5.17 takes it)",
        )
    if tree.child(tree.root, "ibm,dynamic-reconfiguration-memory"):
        tell(notes, "memory of ibm,dynamic-reconfiguration-memory is not read")
    chosen = tree.child(tree.root, "chosen")
    if chosen is None:
        return notes
    if any(name.startswith(b"linux,uefi-") for name in chosen.properties):
        tell(notes, "booted by UEFI: its own memory map counts, and stands in the boot log")
    arguments = (tree.text(chosen, "bootargs") or "").split()
    limits = [word for word in arguments if word.startswith(("mem=", "memmap="))]
    if limits:
        tell(notes, f"the boot arguments change memory, not applied: {' '.join(limits)}")
    return notes


def refuse_empty(tree: Tree, banks: list[Bank], notes: list[str]) -> NoReturn:
    """Say why a tree has no memory; ``notes`` has what was passed over in it."""
    if banks:
        raise Unreadable(
            f"its memory has no size, for firmware fills it in at boot: {ELSEWHERE}",
            offset=banks[0].place,
        )
    if any(tree.child(node, "__overlay__") for node in tree.root.children):
        raise Unreadable("is an overlay, and has no memory: give the tree that it is laid over")
    why = "; ".join(boot_notes(tree, notes))
    text = f" ({why})" if why else ""
    raise Unreadable(f"has no memory node with a reg{text}: firmware adds it at boot, {ELSEWHERE}")
