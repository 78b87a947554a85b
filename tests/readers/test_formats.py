"""The table of file formats, and what travels from a file to the job of the answer."""

import json

import pytest
from memmap_atlas.readers import dispatch, kernel_log
from memmap_atlas.readers.memory_map import (
    Bank,
    KernelHints,
    MemoryMap,
    memory_from,
    memory_map,
    memory_values,
)
from memmap_atlas.readers.page_table_dump import PageTableDump, mapped_bytes
from memmap_atlas.text.escape import printable

HINTS = KernelHints("arm64", "6.12.1", 4096, None, 15, clipped=True, mapped=1 << 21)
MEMORY = memory_map(
    "boot log",
    [Bank(0, 1 << 30, 3, node=0), Bank(1 << 31, 3 << 30, 4, node=1, nomap=True)],
    "line",
    overlaps="refuse",
    hints=HINTS,
    notes=["a note"],
)


def test_the_log_is_tried_last() -> None:
    *others, last = dispatch.FORMATS
    assert last.is_kind is kernel_log.is_kind
    for text in (b"noise", b"[    0.000000] Linux version 6.1", b"\x1b[2J\n"):
        assert last.is_kind(text)
        assert not any(known.is_kind(text) for known in others)


def test_messages_name_every_format() -> None:
    assert all(known.words in dispatch.known_formats() for known in dispatch.FORMATS)
    assert len({known.words for known in dispatch.FORMATS}) == len(dispatch.FORMATS)


@pytest.mark.parametrize("memory", [MEMORY, MemoryMap("x", ((0, 4096),), (1,), "offset")])
def test_a_map_travels_in_native_types(memory: MemoryMap) -> None:
    values = memory_values(memory)
    assert json.loads(json.dumps(values)) == values
    assert memory_from(values) == memory


DUMP = [
    "---[ Vmemmap ]---",
    "0xffffea0000000000-0xffffea0000200000           2M     RW         PSE         GLB NX pmd",
    "0xffffea0000200000-0xffffea0040000000        1022M                               pmd",
    "---[ vmemmap end ]---",
    "0xffffffff80000000-0xffffffff80200000           2M     RW         PSE         GLB NX pmd",
]


def test_vmemmap_of_a_dump() -> None:
    assert mapped_bytes(DUMP) == 2 << 20
    assert mapped_bytes([f"[    1.000000] {line}" for line in DUMP]) == 2 << 20
    assert mapped_bytes(DUMP[1:]) is None
    # a second dump replaces the first
    assert mapped_bytes([*DUMP, *DUMP]) == 2 << 20
    dump = PageTableDump()
    for line in DUMP[:2]:
        dump.add(line)
    assert (dump.mapped, dump.inside) == (2 << 20, True)


def test_foreign_text_is_one_printable_line() -> None:
    assert printable("a\nb\x1b[2J\udcff\u2028") == r"a\nb\x1b[2J\udcff\u2028"
    assert printable("1\x7f\x1b é", "?") == "1?? é"
