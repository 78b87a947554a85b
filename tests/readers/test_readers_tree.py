"""Device trees, flattened and as sources: random machines read back as they were written, traps and
hostile files by hand, and no bytes anything but a memory map or a clear message.
"""

import os
import shutil
import struct
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from memmap_atlas.readers import device_tree, device_tree_source
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable

from tests.tools import tree_writers as tw
from tests.tools.fuzzing import FUZZ, fuzz_examples, mutated
from tests.tools.tree_writers import Machine, Node, flattened, memory, reg, root, text, word

GIB = 1 << 30
RAM = (0x80000000, 0x80000000 + GIB)
HIGH = (4 * GIB, 6 * GIB)
NAMES = [("model", text("Board")), ("compatible", text("maker,board", "maker,soc"))]
PLAIN = root(memory([RAM, HIGH]), more=NAMES)

needs_dtc = pytest.mark.skipif(
    not (shutil.which("cpp") and shutil.which("dtc")),
    reason="no cpp or no dtc (Debian's cpp and device-tree-compiler)",
)


def read(tree: Node) -> MemoryMap:
    return device_tree.read(flattened(tree))


def refusal(data: bytes) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        device_tree.read(data)
    assert str(caught.value).isprintable()
    assert caught.value.offset is None or 0 <= caught.value.offset <= len(data)
    return caught.value


def union(ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return the union of ranges, edge by edge."""
    edges = sorted({edge for pair in ranges for edge in pair})
    covered = [
        (low, high)
        for low, high in pairwise(edges)
        if any(start <= low and high <= end for start, end in ranges)
    ]
    joined: list[tuple[int, int]] = []
    for low, high in covered:
        if joined and joined[-1][1] == low:
            low = joined.pop()[0]
        joined.append((low, high))
    return tuple(joined)


def common(
    ranges: Sequence[tuple[int, int]], others: Sequence[tuple[int, int]]
) -> set[tuple[int, int]]:
    parts = {(max(a, c), min(b, d)) for a, b in ranges for c, d in others}
    return {(low, high) for low, high in parts if low < high}


# what is memory


@pytest.mark.parametrize(("addresses", "sizes"), [(2, 2), (2, 1), (1, 1), (1, 2)])
def test_cells_of_the_root(addresses: int, sizes: int) -> None:
    banks = [RAM, HIGH if addresses == 2 else (0xC8000000, 0xD0000000)]
    found = read(root(memory(banks, addresses, sizes), addresses=addresses, sizes=sizes))
    assert found.regions == tuple(banks)
    assert found.unit == "offset"
    assert found.notes == ()


def test_no_cells_are_one_and_one() -> None:
    assert read(Node("", (), (memory([RAM], 1, 1),))).regions == (RAM,)


def test_places_are_those_of_the_entries() -> None:
    data = flattened(PLAIN)
    found = device_tree.read(data)
    for place, (start, end) in zip(found.places, found.regions, strict=True):
        assert data[place : place + 16] == reg([(start, end)])


def test_several_nodes_unsorted() -> None:
    tree = root(memory([HIGH], name="memory@100000000"), memory([RAM], name="memory@80000000"))
    assert read(tree).regions == (RAM, HIGH)


def test_zero_sizes_are_left_out() -> None:
    assert read(root(memory([(0, 0), RAM, (5, 5)]))).regions == (RAM,)


def test_overlaps_are_merged() -> None:
    found = read(root(memory([RAM, (RAM[0] + GIB // 2, RAM[1] + GIB)])))
    assert found.regions == ((RAM[0], RAM[1] + GIB),)
    assert "overlaps" in found.notes[0]
    assert "memblock" in found.notes[0]


def test_numa() -> None:
    node = ("numa-node-id", word(1))
    tree = root(memory([RAM, HIGH], 2, 2, node), memory([(32 * GIB, 33 * GIB)], name="memory@8"))
    assert read(tree).nodes == ((1, RAM[0], HIGH[1]),)


def test_numa_node_that_no_kernel_has() -> None:
    found = read(root(memory([RAM], 2, 2, ("numa-node-id", word(4096)))))
    assert found.nodes == ()
    assert "4096" in found.notes[0]


def test_usable_memory_counts_before_reg() -> None:
    found = read(root(memory([RAM], 2, 2, ("linux,usable-memory", reg([HIGH])))))
    assert found.regions == (HIGH,)
    assert "linux,usable-memory" in found.notes[0]


@pytest.mark.parametrize(
    ("status", "counts"), [("ok", True), ("okay", True), ("disabled", False), ("fail", False)]
)
def test_status(status: str, counts: bool) -> None:
    tree = root(memory([RAM]), memory([HIGH], 2, 2, ("status", text(status)), name="memory@1"))
    found = read(tree)
    assert found.regions == ((RAM, HIGH) if counts else (RAM,))
    assert counts or f"memory@1 is {status}: left out" in found.notes[0]


def test_no_device_type() -> None:
    tree = root(memory([RAM]), Node("memory@9", (("reg", reg([HIGH])),)))
    found = read(tree)
    assert found.regions == (RAM,)
    assert "memory@9 has no device_type" in found.notes[0]


@pytest.mark.parametrize("depth", [1, 2, 3])
def test_memory_below_the_roots_children(depth: int) -> None:
    inner = memory([HIGH])
    for _ in range(depth):
        inner = Node("soc", (), (inner,))
    found = read(root(memory([RAM]), inner))
    assert found.regions == (RAM,)
    assert "no child of the root" in found.notes[0]


def test_rest_of_reg() -> None:
    found = read(root(Node("memory", (("device_type", text("memory")),
                                      ("reg", reg([RAM]) + word(7))))))  # fmt: skip
    assert found.regions == (RAM,)
    assert "4 bytes after its last whole entry of 16" in found.notes[0]


def test_first_property_of_a_name_counts() -> None:
    assert read(root(memory([RAM], 2, 2, ("reg", reg([HIGH]))))).regions == (RAM,)


def reserved(*children: Node, cells: int = 2, ranges: bool = True) -> Node:
    own = (("#address-cells", word(cells)), ("#size-cells", word(cells)))
    return Node("reserved-memory", (*own, *((("ranges", b""),) if ranges else ())), children)


KEPT = Node("kept@0", (("reg", reg([(RAM[1] - 4096, HIGH[0] + 4096)])), ("no-map", b"")))


def test_nomap_is_an_overlay_of_memory() -> None:
    shared = Node("shared", (("reg", reg([RAM])),))
    found = read(root(memory([RAM, HIGH]), reserved(KEPT, shared)))
    assert found.regions == (RAM, HIGH)
    assert found.nomap == ((RAM[1] - 4096, RAM[1]), (HIGH[0], HIGH[0] + 4096))
    assert found.notes[0].startswith("8,192 bytes of it are no-map: they keep their struct pages")


def test_nomap_of_a_disabled_node() -> None:
    off = Node("off", (*KEPT.properties, ("status", text("disabled"))))
    assert read(root(memory([RAM]), reserved(off))).nomap == ()


@pytest.mark.parametrize(("cells", "ranges"), [(1, True), (2, False)])
def test_reserved_memory_that_linux_passes_over(cells: int, ranges: bool) -> None:
    found = read(root(memory([RAM]), reserved(KEPT, cells=cells, ranges=ranges)))
    assert found.nomap == ()
    assert "passed over" in found.notes[0]


def test_nomap_whose_place_is_decided_at_boot() -> None:
    pool = Node("pool", (("size", word(0) + word(4096)), ("no-map", b"")))
    found = read(root(memory([RAM]), reserved(pool)))
    assert found.nomap == ()
    assert "pool" in found.notes[0]


def chosen(*properties: tuple[str, bytes]) -> Node:
    return Node("chosen", properties)


@pytest.mark.parametrize("name", ["chosen", "chosen@0"])
def test_usable_memory_range(name: str) -> None:
    first, second = (RAM[0] + 4096, RAM[0] + 8192), (GIB, GIB + 4096)
    limit = ("linux,usable-memory-range", reg([first, second, HIGH]))
    found = read(root(memory([RAM, HIGH]), Node(name, (limit,))))
    # the second is added, whatever memory there is, and a third one not
    assert found.regions == (second, first)
    assert "linux,usable-memory-range" in found.notes[0]


@pytest.mark.parametrize("value", [b"", reg([(5, 5)])])
def test_usable_memory_range_of_nothing(value: bytes) -> None:
    tree = root(memory([RAM]), chosen(("linux,usable-memory-range", value)))
    assert read(tree).regions == (RAM,)


def test_boot_arguments_are_told() -> None:
    arguments = ("bootargs", text("a=" + 1000 * "b" + " mem=512M memmap=1M$2M x_mem=3"))
    found = read(root(memory([RAM]), chosen(arguments)))
    assert found.regions == (RAM,)
    assert "not applied: mem=512M memmap=1M$2M" in found.notes[0]


def test_notes_are_few() -> None:
    off = [memory([HIGH], 2, 2, ("status", text("off")), name=f"memory@{at}") for at in range(100)]
    found = read(root(memory([RAM]), *off))
    assert len(found.notes) == device_tree.MOST_NOTES + 1
    assert found.notes[-1] == "and more of this kind"


def test_uefi_is_told() -> None:
    found = read(root(memory([RAM]), chosen(("linux,uefi-mmap-start", word(0) * 2))))
    assert "UEFI" in found.notes[0]


def test_reservations_take_nothing_away() -> None:
    assert device_tree.read(flattened(PLAIN, reserved=[RAM])).regions == (RAM, HIGH)


# a file's form


@pytest.mark.parametrize("version", [16, 17])
@pytest.mark.parametrize("nops", [False, True])
@pytest.mark.parametrize("strings_first", [False, True])
def test_forms(version: int, nops: bool, strings_first: bool) -> None:
    data = flattened(PLAIN, version=version, nops=nops, strings_first=strings_first)
    assert device_tree.is_kind(data)
    assert device_tree.read(data).regions == (RAM, HIGH)


def test_bytes_after_the_tree() -> None:
    found = device_tree.read(flattened(PLAIN, after=flattened(PLAIN)))
    assert found.regions == (RAM, HIGH)
    assert "bytes follow the tree" in found.notes[0]


@pytest.mark.parametrize("version", [1, 2, 3, 15])
def test_old_versions(version: int) -> None:
    data = bytearray(flattened(PLAIN))
    data[20:24] = word(version)
    assert f"version {version}," in str(refusal(bytes(data)))


def test_newer_version_that_is_compatible() -> None:
    data = bytearray(flattened(PLAIN))
    data[20:24] = word(18)
    assert device_tree.read(bytes(data)).regions == (RAM, HIGH)
    data[24:28] = word(18)
    assert "version 18, readable as 18" in str(refusal(bytes(data)))


def tokens(*parts: bytes) -> bytes:
    """The tokens of a root that holds some."""
    return word(tw.BEGIN_NODE) + bytes(4) + b"".join(parts)


CLOSED = word(tw.END_NODE) + word(tw.END)


@pytest.mark.parametrize(
    ("structure", "words"),
    [
        (b"", "ends within the tree"),
        (tokens(), "ends within the tree"),
        (tokens(word(tw.END)), "before its root does"),
        (word(tw.END), "before its root does"),
        (word(tw.END_NODE), "never began"),
        (tokens(CLOSED[:4], tokens(CLOSED)), "a second root"),
        (word(tw.PROPERTY) * 3, "outside of all nodes"),
        (tokens(word(tw.PROPERTY), word(0)), "ends within a property"),
        (tokens(word(tw.PROPERTY), word(0xFFFFFFFF), word(0), CLOSED), "4,294,967,295 bytes"),
        (tokens(word(tw.PROPERTY), word(0), word(100), CLOSED), "at 0x64 of strings of 0x4 bytes"),
        (tokens(word(tw.PROPERTY), word(9), word(0), CLOSED), "of 9 bytes, where 8 are left"),
        (tokens(word(tw.PROPERTY), word(0), word(4), CLOSED), "at 0x4 of strings of 0x4 bytes"),
        (tokens(word(5), CLOSED), "0x5 where"),
        (tokens(word(0xFFFFFFFF), CLOSED), "0xffffffff where"),
        (word(tw.BEGIN_NODE) + b"a" * 4096, "name of a node does not end"),
        (tokens(word(tw.NOP) * (1 << 20), CLOSED), "more than 1,048,576"),
        (tokens(tokens() * 63, word(tw.END_NODE) * 63, CLOSED), "has no memory node"),
        (tokens(tokens() * 64, word(tw.END_NODE) * 64, CLOSED), "deeper than the 64"),
        (tokens(tokens() * 1_000_000, word(tw.END_NODE) * 1_000_000, CLOSED), "deeper than"),
    ],
)
def test_damaged_structure(structure: bytes, words: str) -> None:
    assert words in str(refusal(flattened(structure, strings=b"reg\0")))


def test_names_that_do_not_end() -> None:
    structure = tokens(word(tw.PROPERTY), word(0), word(0), CLOSED)
    assert "name of a property does not end" in str(
        refusal(flattened(structure, strings=b"a" * 100_000))
    )
    # each name anew, all without an end within reach
    many = b"".join(word(tw.PROPERTY) + word(0) + word(at) for at in range(400_000))
    assert "does not end" in str(
        refusal(flattened(tokens(many, CLOSED), strings=b"a" * 400_000 + bytes(1)))
    )


HEADER = ["magic", "totalsize", "off_dt_struct", "off_dt_strings", "off_mem_rsvmap", "version",
          "last_comp_version", "boot_cpuid_phys", "size_dt_strings", "size_dt_struct"]  # fmt: skip


@pytest.mark.parametrize("value", [0, 1, 39, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF])
@pytest.mark.parametrize("field", range(1, 10))
def test_header_out_of_bounds(field: int, value: int) -> None:
    data = bytearray(flattened(PLAIN))
    data[4 * field : 4 * field + 4] = word(value)
    fine = {"boot_cpuid_phys": True, "version": value > 17, "last_comp_version": value <= 17}
    if fine.get(HEADER[field]):
        assert device_tree.read(bytes(data)).regions == (RAM, HIGH)
    else:
        refusal(bytes(data))


@pytest.mark.parametrize(
    ("field", "more", "words"),
    [(2, 2, "no multiple of 4"), (9, 1000, "the structure block at"), (8, 1, "the strings block")],
)
def test_header_just_out_of_bounds(field: int, more: int, words: str) -> None:
    data = bytearray(flattened(PLAIN))
    data[4 * field : 4 * field + 4] = word(struct.unpack_from(">I", data, 4 * field)[0] + more)
    assert words in str(refusal(bytes(data)))


@pytest.mark.parametrize("version", [16, 17])
def test_what_begins_where_the_short_header_ends(version: int) -> None:
    data = bytearray(flattened(PLAIN, version=version))
    data[16:20] = word(36)
    if version == 16:
        assert device_tree.read(bytes(data)).regions == (RAM, HIGH)
    else:
        assert "memory reservations at [0x24" in str(refusal(bytes(data)))


def test_blocks_that_overlap() -> None:
    data = bytearray(flattened(PLAIN))
    structure = struct.unpack_from(">I", data, 8)[0]
    data[12:16] = word(structure + 8)
    assert "overlap" in str(refusal(bytes(data)))


@pytest.mark.parametrize("length", [4, 8, 39, 40, 56, 100, 200])
def test_truncated(length: int) -> None:
    data = flattened(PLAIN)
    assert len(data) > length
    refusal(data[:length])


# values that can't be


@pytest.mark.parametrize("cells", [0, 3, 100, 0xFFFFFFFF])
@pytest.mark.parametrize("name", ["#address-cells", "#size-cells"])
def test_cells_that_can_not_be(name: str, cells: int) -> None:
    other = {"#address-cells": "#size-cells", "#size-cells": "#address-cells"}[name]
    tree = Node("", ((name, word(cells)), (other, word(2))), (memory([RAM, HIGH]),))
    assert f"{name} of the root is {cells}: memory is told in 1 or 2 cells" in str(
        refusal(flattened(tree))
    )


def test_cells_of_another_size() -> None:
    tree = Node("", (("#address-cells", b"\0\2"), ("#size-cells", word(2))), (memory([RAM]),))
    assert "#address-cells has 2 bytes" in str(refusal(flattened(tree)))


def test_wrap() -> None:
    value = struct.pack(">QQ", 0xFFFFFFFFFFFFF000, 0x2000)
    tree = root(Node("memory", (("device_type", text("memory")), ("reg", value))))
    data = flattened(tree)
    error = refusal(data)
    assert "beyond 64 bits" in str(error)
    assert error.offset == data.index(value)
    limit = ("linux,usable-memory-range", value)
    assert "beyond 64 bits" in str(refusal(flattened(root(memory([RAM]), chosen(limit)))))


def test_usable_memory_range_of_no_whole_entries() -> None:
    limit = ("linux,usable-memory-range", word(1) * 5)
    assert "no whole entries" in str(refusal(flattened(root(memory([RAM]), chosen(limit)))))


def test_a_million_entries() -> None:
    banks = [(2 * at << 12, (2 * at + 1) << 12) for at in range(1_000_000)]
    assert "more than 65,536 ranges" in str(refusal(flattened(root(memory(banks)))))
    parts = [memory(banks[at : at + 1000], name=f"memory@{at}") for at in range(0, 70_000, 1000)]
    assert "more than 65,536 ranges" in str(refusal(flattened(root(*parts))))
    kept = Node("kept", (("reg", reg(banks)), ("no-map", b"")))
    tree = root(memory([RAM]), reserved(kept))
    assert "more than 65,536 ranges" in str(refusal(flattened(tree)))


@pytest.mark.parametrize(
    ("tree", "words"),
    [
        (root(memory([(0, 0)])), "no size, for firmware fills it in at boot: read /sys/firmware"),
        (root(), "has no memory node with a reg: firmware adds it at boot"),
        (root(memory([])), "has no memory node with a reg"),
        (root(Node("memory@0", (("reg", reg([RAM])),))), "(memory@0 has no device_type"),
        # in two cells each, and written in one
        (
            root(
                Node("memory@0", (("device_type", text("memory")), ("reg", word(0) + word(4096))))
            ),
            "(memory@0 has 8 bytes after its last whole entry of 16",
        ),
        (root(memory([RAM], 2, 2, ("status", text("no")))), "(memory is no: left out"),
        (root(Node("fragment@0", (), (Node("__overlay__"),))), "is an overlay"),
        (
            root(memory([RAM]), chosen(("linux,usable-memory-range", reg([HIGH])))),
            "leaves no part of memory",
        ),
    ],
)
def test_no_memory(tree: Node, words: str) -> None:
    assert words in str(refusal(flattened(tree)))


@pytest.mark.parametrize("head", [b"", b"\xd0\x0d\xfe", b"/dts-v1/;", b"\xed\xfe\x0d\xd0", b"{}"])
def test_not_a_flattened_tree(head: bytes) -> None:
    assert not device_tree.is_kind(head)


# random machines


@settings(max_examples=300, deadline=None, derandomize=True, database=None)
@given(
    machine=tw.machines(),
    version=st.sampled_from([16, 17]),
    nops=st.booleans(),
    strings_first=st.booleans(),
)
def test_read_back(machine: Machine, version: int, nops: bool, strings_first: bool) -> None:
    data = flattened(machine.tree, version=version, nops=nops, strings_first=strings_first)
    assert_found(device_tree.read(data), machine)


def assert_found(found: MemoryMap, machine: Machine) -> None:
    assert found.regions == union(machine.banks)
    assert len(found.places) == len(found.regions)
    assert set(found.nomap) == common(union(machine.nomap), found.regions)
    spans = {numa: [bank for of, bank in machine.nodes if of == numa] for numa, _ in machine.nodes}
    assert found.nodes == tuple(
        (numa, min(bank[0] for bank in banks), max(bank[1] for bank in banks))
        for numa, banks in sorted(spans.items())
    )


# sources


@needs_dtc
@settings(max_examples=15, deadline=None, derandomize=True, database=None)
@given(machine=tw.machines())
def test_source_read_back(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("dts") / "board.dts"
    path.write_text(tw.source_of(machine.tree))
    assert device_tree_source.is_kind(path.read_bytes())
    found = device_tree_source.read(path)
    assert_found(found, machine)
    assert found.unit == "line"
    lines = path.read_text().splitlines()
    assert all(lines[place - 1].strip().startswith("reg = ") for place in found.places)


BOARD = """/dts-v1/;
#include "soc.dtsi"
#ifdef __DTS__
#define HALF 0x20000000
#endif
/* / { is no node here */
&ram {
\treg = <0x0 0x80000000 0x0 HALF>,
\t      <0x0 0xc0000000 0x0 HALF>;
};
"""
SOC = """/ {
\t#address-cells = <2>;
\t#size-cells = <2>;
\tram: memory@80000000 { device_type = "memory"; };
\tmemory@100000000 {
\t\tdevice_type = "memory";
\t\treg = <0x1 0x0 0x0 0x40000000>;
\t};
};
"""


def sources(folder: Path, **texts: str) -> Path:
    """Files of a folder by name, "_" for "."; the path of the first."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / name.replace("_", ".") for name in texts]
    for path, content in zip(paths, texts.values(), strict=True):
        path.write_text(content)
    return paths[0]


def source_refusal(path: Path) -> Unreadable:
    with pytest.raises(Unreadable) as caught:
        device_tree_source.read(path)
    assert str(caught.value).isprintable()
    return caught.value


@needs_dtc
def test_lines_of_a_source(tmp_path: Path) -> None:
    found = device_tree_source.read(sources(tmp_path, board_dts=BOARD, soc_dtsi=SOC))
    assert found.kind == "device tree source"
    assert found.regions == (
        (0x80000000, 0xA0000000),
        (0xC0000000, 0xE0000000),
        (0x100000000, 0x140000000),
    )
    assert found.unit == "line"
    assert found.places == (8, 8, 1)
    assert found.notes == ("memory@100000000 stands in soc.dtsi:7",)


@needs_dtc
@pytest.mark.parametrize("tree", ["linux", "u-boot"])
def test_include_folders_of_the_tree_around(tmp_path: Path, tree: str) -> None:
    """As in arch/arm64/boot/dts/vendor/ of Linux, and in src/arm64/vendor/ of U-Boot's copy."""
    dts = tmp_path / ("arch/arm64/boot/dts" if tree == "linux" else "src/arm64")
    sources(tmp_path / "include/dt-bindings", size_h="#define HALF 0x20000000\n")
    sources(dts / "common", soc_dtsi=SOC)
    board = BOARD.replace("#define HALF 0x20000000", "#include <dt-bindings/size.h>")
    soc = "common/soc.dtsi" if tree == "linux" else "arm64/common/soc.dtsi"
    board = board.replace('"soc.dtsi"', f"<{soc}>")
    found = device_tree_source.read(sources(dts / "vendor", board_dts=board))
    assert found.places == (8, 8, 1)
    assert found.notes == ("memory@100000000 stands in ../common/soc.dtsi:7",)


@needs_dtc
def test_includes_of_dtc(tmp_path: Path) -> None:
    text = BOARD.replace("#include", "/include/").replace("/dts-v1/;\n", "", 1)
    path = sources(tmp_path, board_dts=text, soc_dtsi="/dts-v1/;\n" + SOC)
    assert len(device_tree_source.read(path).regions) == 3


@needs_dtc
@pytest.mark.parametrize(
    ("board", "line", "words"),
    [
        (BOARD.replace("HALF>;", "HALF>"), 10, "dtc: syntax error"),
        (BOARD.replace("&ram", "&rom"), 7, "dtc: Label or path rom not found"),
        (BOARD.replace("soc.dtsi", "gone.dtsi"), 2, "cpp: gone.dtsi: No such file or directory; "),
        (BOARD + "#error stop here\n", 11, "cpp: #error stop here"),
        (BOARD.replace("/dts-v1/;", ""), None, "has no /dts-v1/"),
        (SOC, None, "has no /dts-v1/"),
        ("/dts-v1/;\n/ { };\n", None, "has no memory node with a reg"),
        ("/dts-v1/;\n/ { a = <&b>; };\n", 2, "dtc: (phandle_references): /: Reference to non-"),
    ],
)
def test_refused_sources(tmp_path: Path, board: str, line: int | None, words: str) -> None:
    error = source_refusal(sources(tmp_path, board_dts=board, soc_dtsi=SOC))
    assert words in str(error)
    assert error.line == line


@needs_dtc
def test_error_in_an_included_file(tmp_path: Path) -> None:
    soc = SOC.replace("#size-cells = <2>;", "#size-cells = 2;")
    error = source_refusal(sources(tmp_path, board_dts=BOARD, soc_dtsi=soc))
    assert str(error) == "soc.dtsi:3: dtc: syntax error"
    assert error.line is None


@needs_dtc
@pytest.mark.parametrize(
    ("board", "words"),
    [
        # includes itself twice at each of two hundred levels
        ('/dts-v1/;\n#include "board.dts"\n#include "board.dts"\n', "nested depth"),
        ('/dts-v1/;\n/include/ "board.dts"\n', "Includes nested too deeply"),
        ('/dts-v1/;\n/ { a = /incbin/("/dev/zero"); };\n', "does not get through it"),
        ('/dts-v1/;\n/ { a = /incbin/("large"); };\n', "does not get through it"),
        (
            "/dts-v1/;\n#define A(x) x x x x x x x x\n#define B(x) A(A(A(x)))\n"
            "/ { a = <B(B(B(1)))>; };\n",
            "does not get through it",
        ),
        ("/dts-v1/;\n" + "/ { a {" * 200_000, "dtc"),
        ("/dts-v1/;\n/ { " + "a { " * 5_000 + "}; " * 5_000 + "};\n", "dtc"),
        ("/dts-v1/;\n/ { a = <" + "(" * 100_000 + "1" + ")" * 100_000 + ">; };\n", "dtc"),
    ],
)
def test_hostile_sources(tmp_path: Path, board: str, words: str) -> None:
    path = sources(tmp_path, board_dts=board)
    with (tmp_path / "large").open("wb") as file:
        file.truncate(8 << 30)
    assert words in str(source_refusal(path))


def test_limits_of_programs(tmp_path: Path) -> None:
    """Time, memory in KiB, output in blocks of 512 bytes, and nothing of the environment."""
    ended = device_tree_source.run(
        ["sh", "-c", "ulimit -t; ulimit -v; ulimit -f; env | cut -d= -f1 | sort"], tmp_path
    )
    assert ended.code == 0
    assert ended.words.split()[:3] == ["60", "524288", "65536"]
    assert set(ended.words.split()[3:]) <= {"LC_ALL", "PATH", "PWD", "_", "OLDPWD", "SHLVL"}


@needs_dtc
def test_time_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A source that includes a pipe which nobody writes waits for ever."""
    monkeypatch.setattr(device_tree_source, "SECONDS", 1)
    os.mkfifo(tmp_path / "pipe")
    path = sources(tmp_path, board_dts='/dts-v1/;\n/ { a = /incbin/("pipe"); };\n')
    assert "does not get through it" in str(source_refusal(path))


def test_missing_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = sources(tmp_path, board_dts=BOARD)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "needs cpp to be read: install it (Debian's package cpp)" in str(source_refusal(path))
    (tmp_path / "cpp").touch(mode=0o755)
    assert "package device-tree-compiler" in str(source_refusal(path))


def test_packed_source(tmp_path: Path) -> None:
    path = tmp_path / "board.dts.gz"
    path.write_bytes(b"\x1f\x8b" + bytes(20))
    if shutil.which("cpp"):
        assert "unpack it" in str(source_refusal(path))


@pytest.mark.parametrize(
    ("head", "kind"),
    [
        (BOARD.encode(), True),
        (SOC.encode(), True),
        (b"// SPDX\n/*\n * text\n */\n\n/dts-v1/ ;\n", True),
        (b"/plugin/;\n", True),
        (b"&uart0 {\n", True),
        (b'#include "soc.dtsi"\n', True),
        (b"", False),
        (b"\n" * 65536, False),
        (b" " * 65536, False),
        (b"/*" * 32768, False),
        (b"#include <stdio.h>\nint main() {\n", False),
        (b"[    0.000000] Booting Linux /dts-v1/;\n", False),
        (b"80000000-bfffffff : System RAM\n", False),
        (flattened(PLAIN), False),
    ],
)
def test_is_source(head: bytes, kind: bool) -> None:
    assert device_tree_source.is_kind(head) is kind


# any bytes

VALID = [
    flattened(PLAIN),
    flattened(PLAIN, version=16, nops=True, strings_first=True),
    flattened(
        root(
            memory([RAM, (0, 0)], 2, 2, ("numa-node-id", word(0))),
            memory([HIGH], 2, 2, ("numa-node-id", word(1)), ("linux,usable-memory", reg([HIGH])),
                   name="memory@100000000"),
            memory([HIGH], 2, 2, ("status", text("disabled")), name="memory@1"),
            reserved(KEPT, Node("pool", (("size", word(9)), ("no-map", b"")))),
            chosen(("bootargs", text("mem=1G")), ("linux,usable-memory-range", reg([RAM, HIGH]))),
            Node("soc", (), (Node("bus", (), (memory([HIGH]),)),)),
        ),
        reserved=[RAM],
    ),
    flattened(root(memory([RAM, (3 * GIB, 7 * GIB // 2)], 1, 1), addresses=1, sizes=1)),
]  # fmt: skip


def assert_readable_or_told(data: bytes) -> None:
    for call in (device_tree.read, device_tree.tree_of):
        try:
            found = call(data)
        except Unreadable as error:
            told, offset = str(error), error.offset
        else:
            told, offset = "", None
            assert not isinstance(found, MemoryMap) or found.regions
        assert (told or "none").isprintable()
        assert offset is None or 0 <= offset <= len(data)


@FUZZ
@given(
    data=st.one_of(mutated(VALID), st.binary(max_size=200).map(lambda more: VALID[0][:40] + more))
)
def test_fuzz(data: bytes) -> None:
    """Whatever the bytes: a memory map, or a clear message that names a place within the file."""
    device_tree.is_kind(data)
    device_tree_source.is_kind(data)
    assert_readable_or_told(data)


# each starts three programs
SOME = settings(FUZZ, max_examples=min(fuzz_examples() // 20 + 1, 2000))


@needs_dtc
@SOME
@given(data=mutated([BOARD.replace('#include "soc.dtsi"', SOC).encode(), SOC.encode()]))
def test_fuzz_sources(data: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.dts"
    path.write_bytes(data)
    try:
        told = device_tree_source.read(path).kind
    except Unreadable as error:
        told = str(error)
    assert told.isprintable()
