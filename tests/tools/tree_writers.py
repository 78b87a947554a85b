"""Device trees as bytes and as text, for tests of those who read them: a writer of its own of the
flattened format (Devicetree specification v0.4, chapter 5), and random machines in it.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

from hypothesis import strategies as st

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9
Range = tuple[int, int]


@dataclass(frozen=True)
class Node:
    """A node of a tree: properties hold what they hold in bytes."""

    name: str
    properties: tuple[tuple[str, bytes], ...] = ()
    children: tuple["Node", ...] = ()


def word(number: int) -> bytes:
    return struct.pack(">I", number)


def text(*strings: str) -> bytes:
    return b"".join(string.encode() + b"\0" for string in strings)


def number(value: int, cells: int) -> bytes:
    return value.to_bytes(4 * cells, "big")


def reg(banks: Sequence[Range], addresses: int = 2, sizes: int = 2) -> bytes:
    """A reg property of banks, as [start, end), in some cells."""
    return b"".join(number(start, addresses) + number(end - start, sizes) for start, end in banks)


def memory(banks: Sequence[Range], addresses: int = 2, sizes: int = 2, *more: tuple[str, bytes],
           name: str = "memory") -> Node:  # fmt: skip
    """A memory node."""
    return Node(
        name,
        (("device_type", text("memory")), ("reg", reg(banks, addresses, sizes)), *more),
    )


def root(*children: Node, addresses: int = 2, sizes: int = 2,
         more: Sequence[tuple[str, bytes]] = ()) -> Node:  # fmt: skip
    """A root with the cells that its children's reg are in."""
    cells = (("#address-cells", word(addresses)), ("#size-cells", word(sizes)))
    return Node("", (*cells, *more), children)


def padded(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)


def structure_of(node: Node, strings: dict[str, int], nops: bool = False) -> bytes:
    """A node's tokens; ``strings`` gets the names of its properties."""
    nop = word(NOP) if nops else b""
    parts = [nop, word(BEGIN_NODE), padded(text(node.name))]
    for name, value in node.properties:
        if name not in strings:
            strings[name] = sum(len(known) + 1 for known in strings)
        parts += [nop, word(PROPERTY), word(len(value)), word(strings[name]), padded(value)]
    parts += [structure_of(child, strings, nops) for child in node.children]
    return b"".join([*parts, nop, word(END_NODE)])


def flattened(
    tree: Node | bytes,
    *,
    version: int = 17,
    nops: bool = False,
    strings_first: bool = False,
    reserved: Sequence[Range] = (),
    strings: bytes = b"",
    after: bytes = b"",
) -> bytes:
    """A tree, or the tokens of one, as a file; the other arguments vary its form."""
    names: dict[str, int] = {}
    if isinstance(tree, Node):
        structure = structure_of(tree, names, nops) + word(END)
        strings = text(*names)
    else:
        structure = tree
    header = 40 if version >= 17 else 36
    rsvmap = b"".join(struct.pack(">QQ", start, end - start) for start, end in reserved)
    at = header + -header % 8
    blocks = [("rsvmap", rsvmap + bytes(16)), ("structure", structure), ("strings", strings)]
    if strings_first:
        blocks[1:] = [("strings", padded(strings)), ("structure", structure)]
    offsets, body = {}, bytes(at - header)
    for name, block in blocks:
        offsets[name] = header + len(body)
        body += block
    words = [MAGIC, header + len(body), offsets["structure"], offsets["strings"],
             offsets["rsvmap"], version, 16, 0, len(strings)]  # fmt: skip
    if version >= 17:
        words.append(len(structure))
    return struct.pack(f">{len(words)}I", *words) + body + after


def source_of(node: Node, depth: int = 0) -> str:
    """A tree as a source for dtc."""
    indent = "\t" * depth
    lines = [f"{indent}{node.name or '/'} {{"]
    for name, value in node.properties:
        body = " ".join(f"{byte:02x}" for byte in value)
        lines.append(f"{indent}\t{name} = [{body}];" if value else f"{indent}\t{name};")
    lines += [source_of(child, depth + 1) for child in node.children]
    lines.append(f"{indent}}};")
    return "\n".join(["/dts-v1/;\n", *lines] if depth == 0 else lines)


@dataclass(frozen=True)
class Machine:
    """A random machine: its tree, and the memory that it tells of."""

    tree: Node
    banks: tuple[Range, ...]
    nomap: tuple[Range, ...]
    nodes: tuple[tuple[int, Range], ...]


OTHERS = (
    Node("cpus", (("#address-cells", word(1)),), (Node("cpu@0", (("reg", word(0)),)),)),
    Node("soc", (("ranges", b""), ("reg", word(0x80000000) * 4)),
         (Node("memory-controller@0", (("reg", word(1) * 4),)),)),
    Node("memory-off", (("device_type", text("memory")), ("status", text("disabled")),
                        ("reg", word(1) * 4))),
    Node("chosen", (("bootargs", text("console=ttyS0 quiet")),)),
    Node("aliases", (("serial0", text("/soc/serial")), ("#address-cells", word(7)))),
)  # fmt: skip


@st.composite
def machines(draw: st.DrawFn) -> Machine:
    """Machines of any cells, with banks over any memory nodes, in any order, that may overlap."""
    addresses, sizes = draw(st.sampled_from([(1, 1), (2, 1), (2, 2), (1, 2)]))
    start = st.integers(0, (1 << 32 * addresses) - 1 if addresses == 1 else (1 << 56) - 1)
    size = st.one_of(
        st.integers(0, 1 << 20).map(lambda pages: pages << 12 if sizes == 2 else pages),
        st.integers(0, (1 << 32) - 1),
    )
    bank = st.builds(lambda first, length: (first, first + length), start, size)
    groups = draw(st.lists(st.lists(bank, min_size=1, max_size=4), min_size=1, max_size=4))
    if all(first == end for group in groups for first, end in group):
        groups[0].append((0, 1 << 20))
    children = list(draw(st.sets(st.sampled_from(range(len(OTHERS))))))
    nodes: list[tuple[int, Range]] = []
    found = [OTHERS[index] for index in children]
    for index, group in enumerate(groups):
        more = []
        if (numa := draw(st.one_of(st.none(), st.integers(0, 3)))) is not None:
            more = [("numa-node-id", word(numa))]
            nodes += [(numa, bank) for bank in group if bank[1] > bank[0]]
        if draw(st.booleans()):
            more.append(("status", text(draw(st.sampled_from(["ok", "okay"])))))
        name = f"memory@{index:x}"
        found.append(memory(group, addresses, sizes, *more, name=name))
    ranges = draw(st.lists(bank, max_size=3))
    if ranges:
        cells = (("#address-cells", word(addresses)), ("#size-cells", word(sizes)), ("ranges", b""))
        kept = tuple(
            Node(f"kept@{index}", (("reg", reg([part], addresses, sizes)), ("no-map", b"")))
            for index, part in enumerate(ranges)
        )
        mapped = Node("mapped", (("reg", reg([groups[0][0]], addresses, sizes)),))
        found.append(Node("reserved-memory", cells, (*kept, mapped)))
    return Machine(
        tree=root(*draw(st.permutations(found)), addresses=addresses, sizes=sizes),
        banks=tuple(bank for group in groups for bank in group),
        nomap=tuple(ranges),
        nodes=tuple(nodes),
    )
