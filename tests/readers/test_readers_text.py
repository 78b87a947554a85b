"""Maps in text: boot logs, /proc/iomem, memblock's debugfs and lsmem, each by hand, from machines
that others published, written and read back, and broken in every way.
"""

import bz2
import gzip
import io
import json
import lzma
import os
import random
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.documents.errors import InputError
from memmap_atlas.readers import dispatch, iomem, kernel_log, lsmem, memblock
from memmap_atlas.readers.dispatch import LONGEST_LOG, content_of, lines_of, read_file
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable

from tests.tools import writers
from tests.tools.fuzzing import FUZZ, checked, mutated
from tests.tools.paths import GOLDEN

MAPS = yaml.safe_load((GOLDEN / "maps/maps.yaml").read_text())
LOGS = yaml.safe_load((GOLDEN / "boot-logs.yaml").read_text())
MIB, GIB = 1 << 20, 1 << 30
PAGE = 4096
Range = tuple[int, int]


def lines(data: bytes) -> Iterator[tuple[int, str]]:
    return lines_of(io.BytesIO(data), b"")


def log(data: bytes | str | Sequence[str]) -> MemoryMap:
    if isinstance(data, bytes):
        return kernel_log.read(lines(data))
    return kernel_log.read(lines((data if isinstance(data, str) else "\n".join(data)).encode()))


def proc(text: str | Sequence[str]) -> MemoryMap:
    return iomem.read(lines((text if isinstance(text, str) else "\n".join(text)).encode()))


def debugfs(text: str | Sequence[str]) -> MemoryMap:
    return memblock.read(lines((text if isinstance(text, str) else "\n".join(text)).encode()))


def blocks(document: Any) -> MemoryMap:
    text = document if isinstance(document, str) else json.dumps(document)
    return lsmem.read(text.encode())


def joined(ranges: Sequence[Range]) -> tuple[Range, ...]:
    """Ranges that touch as one; they may not overlap."""
    found: list[Range] = []
    for start, end in sorted(ranges):
        if found and found[-1][1] == start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


@st.composite
def maps(
    draw: st.DrawFn, unit: int = PAGE, most: int = 12, top: int = 1 << 36
) -> tuple[Range, ...]:
    """Disjoint ranges in order, on multiples of ``unit``; some touch."""
    cuts = draw(st.lists(st.integers(0, top // unit), min_size=2, max_size=2 * most, unique=True))
    edges = sorted(cut * unit for cut in cuts[: len(cuts) // 2 * 2])
    if draw(st.booleans()):
        return tuple(pairwise(edges))
    return tuple(zip(edges[::2], edges[1::2], strict=True))


# ------------------------------------------------------------------ what others published


@pytest.mark.parametrize("case", MAPS, ids=[case["file"] for case in MAPS])
def test_published_map(case: dict[str, Any]) -> None:
    path = GOLDEN / "maps" / case["file"]
    if "unreadable" in case:
        with pytest.raises(InputError, match=case["unreadable"]) as error:
            read_file(path, case["file"])
        assert str(error.value).startswith(f"{case['file']}:{case['line']}: ")
        return
    found = read_file(path, case["file"]).content
    assert isinstance(found, MemoryMap)
    assert found.kind == case["kind"]
    assert [list(region) for region in found.regions] == case["regions"]
    assert [list(region) for region in found.nomap] == case.get("nomap", [])
    assert [list(span) for span in found.nodes] == case.get("nodes", [])
    told = found.hints
    assert told.arch == case.get("arch")
    assert told.release == case.get("release")
    assert told.page_size == case.get("page_size")
    assert told.block_size == case.get("block_size")
    assert told.unavailable_pages == case.get("unavailable_pages")
    assert told.clipped == case.get("clipped", False)
    # each region's place is the line that its first bank stands on
    text = path.read_text().splitlines()
    for (start, _), place in zip(found.regions, found.places, strict=True):
        first = start // PAGE if "frames" in case["file"] else start
        # what the kernel takes away of a range has no line of its own
        assert f"{first:x}" in text[place - 1] or "e820" in found.kind or first == 0


def test_three_files_of_one_boot_agree() -> None:
    """An arm64 kernel whose device tree has memory that is not to be mapped."""
    found = [
        read_file(GOLDEN / "maps" / name, name).content
        for name in ("booted-arm64.log", "iomem-booted-arm64", "memblock-booted-arm64")
    ]
    maps = [(one.regions, one.nomap) for one in found if isinstance(one, MemoryMap)]
    assert len(maps) == 3
    assert maps[0] == maps[1] == maps[2]


def test_every_excerpt_is_read() -> None:
    shown = {path.name for path in (GOLDEN / "maps").iterdir()} - {"README.md", "maps.yaml"}
    assert shown == {case["file"] for case in MAPS}


@pytest.mark.parametrize("case", LOGS, ids=[case["name"] for case in LOGS])
def test_published_counts_come_back(case: dict[str, Any]) -> None:
    """The logs of boot-logs.yaml, written out with their counts in two lines or one."""
    pages = case["unavailable_pages"]
    counts = [1, pages - 1] if pages % 2 else [pages]
    messages = writers.boot(
        writers.node_ranges([(start, end) for start, end in case["regions"]]),
        writers.counted(counts),
        release="6.1.47-v8_16k" if case["name"] == "rpi5-8g" else "6.1.0",
    )
    if case.get("clipped"):
        messages = messages[: -len(writers.AFTER)]
    for prefix in writers.PREFIXES:
        found = log(writers.prefixed(messages, prefix))
        assert found.regions == joined([(start, end) for start, end in case["regions"]])
        assert found.hints.unavailable_pages == pages
        assert found.hints.clipped == bool(case.get("clipped"))
        if case["name"] == "rpi5-8g":
            assert (found.hints.arch, found.hints.page_size) == ("arm64", 16384)


# ------------------------------------------------------------------ boot logs, by hand

RAM = [(0x80000000, 0xC0000000), (0x100000000, 0x140000000)]


def test_inclusive_ends_and_places() -> None:
    messages = writers.boot(writers.node_ranges(RAM))
    found = log(messages)
    assert found.regions == tuple(RAM)
    assert found.unit == "line"
    assert [messages[place - 1].strip() for place in found.places] == [
        "node   0: [mem 0x0000000080000000-0x00000000bfffffff]",
        "node   0: [mem 0x0000000100000000-0x000000013fffffff]",
    ]


def test_older_form_and_frames() -> None:
    assert log("Early memory node ranges\n  node   0: [mem 0x00010000-0x0009ffff]\n").regions == (
        (0x10000, 0xA0000),
    )
    frames = writers.frame_ranges(RAM, PAGE)
    assert log(["BIOS-e820: [mem 0x0-0xfff] reserved", "  DMA32 empty", *frames]).regions == tuple(
        RAM
    )
    with pytest.raises(Unreadable, match="how large a page is"):
        log(frames)
    assert log([*writers.boot(writers.frame_ranges(RAM, 65536), release="2.6.32-64k")]).regions == (
        tuple(RAM)
    )


def test_best_source_wins() -> None:
    other = [(0x200000, 0x300000)]
    dump = writers.memblock_dump([(0x400000, 0x500000)])
    messages = writers.boot(writers.e820(other), dump, writers.node_ranges(RAM))
    assert log(messages).regions == tuple(RAM)
    assert log(writers.boot(writers.e820(other), dump)).regions == ((0x400000, 0x500000),)
    found = log(writers.boot(writers.e820(other)))
    assert (found.kind, found.regions) == ("boot log (e820 map)", ((0x200000, 0x300000),))


def test_e820_is_trimmed_as_the_kernel_does_it() -> None:
    ram = [(0x0, 0x9FC00), (0xB0000, 0xC0000), (0x100000, 0x7FFDF123), (0x80000800, 0x80002000)]
    found = log(writers.e820(ram, [(0xF0000, 0x100000)]))
    # page 0 and [640 KiB, 1 MiB) are no RAM, nor are parts of pages
    assert found.regions == ((0x1000, 0x9F000), (0x100000, 0x7FFDF000), (0x80001000, 0x80002000))
    assert any("trim_bios_range" in note for note in found.notes)


@pytest.mark.parametrize("old", [False, True])
def test_e820_changes(old: bool) -> None:
    changes = (
        [
            "e820 update range: 0000000040000000 - 0000000050000000 (usable) ==> (reserved)",
            "e820 update range: 0000000010000000 - 0000000010001000 (usable) ==> (usable)",
            "e820 remove range: 0000000070000000 - 0000000080000000 (usable)",
        ]
        if old
        else [
            "e820: update [mem 0x40000000-0x4fffffff] usable ==> reserved",
            "e820: update [mem 0x10000000-0x10000fff] usable ==> usable",
            "e820: remove [mem 0x70000000-0x7fffffff] usable",
        ]
    )
    found = log([*writers.e820([(0x100000, 0x80000000)], old=old), *changes])
    assert found.regions == ((0x100000, 0x40000000), (0x50000000, 0x70000000))


def test_user_map_overrides_and_setup_data_does_not() -> None:
    firmware = writers.e820([(0x100000, 0x80000000)])
    user = writers.e820([(0x100000, 0x40000000)], label="user")
    extended = [
        "extended physical RAM map:",
        "reserve setup_data: [mem 0x0000000000100000-0x0000000000100fff] usable",
    ]
    assert log([*firmware, *extended, *user]).regions == ((0x100000, 0x40000000),)
    assert log([*firmware, *extended]).regions == ((0x100000, 0x80000000),)


EFI = [
    (0x40000000, 0x48000000, "Conventional", "WB"),
    (0x48000000, 0x48001000, "ACPI Reclaim", "WB"),
    (0x48001000, 0x48002000, "Runtime Data", "WB"),
    (0x48002000, 0x48003000, "Boot Code", "WC"),
    (0x48003000, 0x48004000, "MMIO", "UC"),
    (0x48004000, 0x50000000, "Loader Data", "WB"),
]


def test_efi_map_of_arm64_and_of_x86() -> None:
    found = log(writers.efi(EFI))
    assert found.regions == ((0x40000000, 0x48003000), (0x48004000, 0x50000000))
    # what is cached but not usable is not mapped, and keeps its struct pages
    assert found.nomap == ((0x48001000, 0x48003000),)
    found = log(writers.efi(EFI, x86=True))
    assert found.regions == ((0x40000000, 0x48000000), (0x48004000, 0x50000000))
    assert found.nomap == ()
    old = "EFI: mem00: [Boot Data |WB] range=[0x0000000000100000-0x0000000000200000) (1MB)"
    assert log(old).regions == ((0x100000, 0x200000),)


def test_efi_attributes_as_a_number() -> None:
    # WB, WB and soft-reserved, UC alone; with a bit that this kernel does not know
    entries = [
        (0x40000000, 0x50000000, 0x010000000000000F),
        (0x60000000, 0x70000000, 0x010000000004000F),
        (0x80000000, 0x90000000, 0x0100000000000001),
    ]
    found = log(
        [
            f"efi:   {start:#014x}-{end - 1:#014x} [Conventional Memory|attr={attributes:#018x}]"
            for start, end, attributes in entries
        ]
    )
    assert found.regions == ((0x40000000, 0x50000000), (0x60000000, 0x70000000))
    assert found.nomap == ((0x60000000, 0x70000000),)
    found = log(
        [
            f"efi: mem{at:02d}: [Conventional Memory|attr={attributes:#018x}] "
            f"range=[{start:#018x}-{end - 1:#018x}] (256MB)"
            for at, (start, end, attributes) in enumerate(entries)
        ]
    )
    assert found.regions == ((0x40000000, 0x50000000),)


def test_efi_replaces_what_memblock_had_before() -> None:
    before = writers.memblock_dump([(0x0, 0x80000000)])
    after = writers.memblock_dump([(0x40000000, 0x50000000)])
    assert log([*before, *writers.efi(EFI)]).kind == "boot log (EFI map)"
    assert log([*before, *writers.efi(EFI), *after]).regions == ((0x40000000, 0x50000000),)
    # the last dump of a boot counts
    assert log([*before, *after]).regions == ((0x40000000, 0x50000000),)


def test_memblock_dump_and_nomap() -> None:
    dump = writers.memblock_dump(
        [(0x40000000, 0x48000000), (0x48000000, 0x48010000), (0x60000000, 0x70000000)],
        nodes=[0, 0, 1],
        nomap=[False, True, False],
        reserved=[(0x90000000, 0x90001000)],
    )
    found = log(dump)
    assert found.regions == ((0x40000000, 0x48010000), (0x60000000, 0x70000000))
    assert found.nomap == ((0x48000000, 0x48010000),)
    assert found.nodes == ((0, 0x40000000, 0x48010000), (1, 0x60000000, 0x70000000))
    # the ranges of the nodes hold what is not mapped, without saying so
    spans = writers.node_ranges([(0x40000000, 0x48010000), (0x60000000, 0x70000000)])
    found = log(writers.boot(dump, spans))
    assert found.kind == "boot log (early memory node ranges)"
    assert found.nomap == ((0x48000000, 0x48010000),)


def test_nomap_of_the_device_tree() -> None:
    told = (
        "OF: reserved mem: 0x0000000048000000..0x000000004800ffff (64 KiB) nomap non-reusable fw"
        "@48000000"
    )
    mapped = told.replace(" nomap ", " map ").replace(
        "48000000..0x000000004800", "4a000000..0x4a00"
    )
    found = log(writers.boot([told, mapped], writers.node_ranges([(0x40000000, 0x50000000)])))
    assert found.nomap == ((0x48000000, 0x48010000),)


def test_nodes() -> None:
    messages = writers.boot(
        writers.node_ranges([(0x0, 0x1000), (0x2000, 0x3000), (0x3000, 0x8000)], nodes=[1, 0, 1])
    )
    assert log(messages).nodes == ((0, 0x2000, 0x3000), (1, 0x0, 0x8000))


def test_last_whole_boot_is_read() -> None:
    first = writers.boot(writers.node_ranges([(0x0, 0x1000000)]), release="6.1.1")
    second = writers.boot(writers.node_ranges(RAM), writers.counted([5]), release="6.1.2")
    third = writers.boot(
        writers.e820([(0x100000, 0x2000000)]),
        writers.node_ranges([(0x0, 0x2000000)]),
        release="6.1.3",
    )
    cut = third[: third.index("Early memory node ranges") + 1]
    found = log(writers.prefixed([*first, *second, *cut], writers.Prefix("syslog")))
    assert found.regions == tuple(RAM)
    assert (found.hints.release, found.hints.unavailable_pages) == ("6.1.2", 5)
    line = len(first) + 1
    assert found.notes[0].startswith("3 boots in this log say where RAM is: the one from line ")
    assert f"line {line} on is read" in found.notes[0]
    # the last one has its ranges, but was cut before its counts
    cut = third[: -len(writers.AFTER)]
    found = log(writers.prefixed([*first, *second, *cut], writers.Prefix("syslog")))
    assert found.hints.release == "6.1.2"


def test_boot_without_its_beginning() -> None:
    """The kernel's buffer has lost the banner, and another boot follows."""
    tail = writers.boot(writers.node_ranges([(0x0, 0x1000000)]))[3:]
    assert log(tail).regions == ((0x0, 0x1000000),)
    assert log(tail).hints.release is None
    found = log([*tail, *writers.boot(writers.node_ranges(RAM), release="6.1.2")])
    assert (found.regions, found.hints.release) == (tuple(RAM), "6.1.2")
    assert log([*writers.boot(writers.node_ranges(RAM)), *tail]).regions == ((0x0, 0x1000000),)


COUNTED = writers.boot(writers.node_ranges(RAM), writers.counted([7, 7, 1]), release="6.1.2")


def test_repeated_console_counts_once() -> None:
    """The console that comes late writes all again, with the same times."""
    timed = writers.prefixed(COUNTED, writers.Prefix("time"))
    early = timed[: timed.index(b"Dentry cache")]
    found = log(early + b"\n[    0.030000] printk: console [ttyS0] enabled\n" + timed)
    assert (found.regions, found.hints.unavailable_pages) == (tuple(RAM), 15)
    assert not any("boots" in note for note in found.notes)
    # a boot that is no repetition has other times
    other = timed.replace(b"0.001003", b"0.001004")
    assert any("2 boots" in note for note in log(timed + other).notes)


@pytest.mark.parametrize("name", ["none", "time", "zero", "syslog"])
def test_two_consoles_in_one_log(name: str) -> None:
    prefix = writers.Prefix(name)
    once = writers.prefixed(COUNTED, prefix).splitlines(keepends=True)
    found = log(b"".join(line * 2 for line in once))
    assert (found.regions, found.hints.unavailable_pages) == (tuple(RAM), 15)
    assert not any("boots" in note for note in found.notes)


def test_same_count_twice_counts_twice() -> None:
    lines = ["Early memory node ranges", "  node   0: [mem 0x0-0xfffff]"]
    same = ["[Sat Oct 16 18:15:28 2021] On node 0, zone DMA: 1 pages in unavailable ranges"] * 2
    found = log([*lines, *same, "[Sat Oct 16 18:15:28 2021] ACPI: PM-Timer IO Port: 0x1808"])
    assert (found.hints.unavailable_pages, found.hints.clipped) == (2, False)


@pytest.mark.parametrize("prefix", writers.PREFIXES, ids=lambda prefix: prefix.name)
def test_clipped(prefix: writers.Prefix) -> None:
    whole = [line for line in COUNTED if line not in writers.AFTER]
    found = log(writers.prefixed(whole, prefix))
    assert (found.hints.unavailable_pages, found.hints.clipped) == (15, True)
    found = log(writers.prefixed([*whole, writers.AFTER[0]], prefix))
    assert (found.hints.unavailable_pages, found.hints.clipped) == (15, False)
    # what is no line of the kernel proves nothing
    found = log(writers.prefixed(whole, prefix) + b"```\nAny idea?\nThanks, Jane\n")
    assert found.hints.clipped
    # nor does a line behind a gap, but what came before the gap does
    for gap in ("...", "[...]", "<snip>", "\u2026"):
        text = writers.prefixed(whole, prefix) + f"{gap}\n".encode()
        assert log(text + writers.prefixed(writers.AFTER, prefix)).hints.clipped
        text = writers.prefixed([*whole, writers.AFTER[0]], prefix) + f"{gap}\n".encode()
        assert not log(text + writers.prefixed(writers.AFTER, prefix)).hints.clipped


def test_no_line_is_no_page_where_the_release_counts() -> None:
    def told(release: str, *, drop: Callable[[str], bool] = lambda line: False) -> int | None:
        messages = writers.boot(writers.node_ranges(RAM), release=release)
        return log([line for line in messages if not drop(line)]).hints.unavailable_pages

    assert told("6.12.0-arm64") == 0
    assert told("5.14.0-arm64") == 0
    assert told("6.1.0-riscv64") == 0
    # these count in another way, or it is not known which they are
    assert told("5.13.0-arm64") is None
    assert told("6.1.0-armmp") is None
    assert told("6.1.0-4kc-malta") is None
    assert told("6.1.0") is None
    assert told("5.10.0-amd64") is None
    # a log that was filtered, with what comes after it or without, or was cut
    passed = ("mem", "node", "zone", "Linux version", "percpu")
    assert told("6.12.0-arm64", drop=lambda line: not any(w in line for w in passed)) is None
    words = ("mem", "node", "zone", "Linux version")
    assert told("6.12.0-arm64", drop=lambda line: not any(w in line.lower() for w in words)) is None
    assert told("6.12.0-arm64", drop=lambda line: line in writers.AFTER) is None


def test_zeroed_pages() -> None:
    zeroed = ["Zeroed struct page in unavailable ranges: 23788 pages"]
    assert log(writers.boot(writers.node_ranges(RAM), zeroed)).hints.unavailable_pages == 23788


@pytest.mark.parametrize(
    ("release", "arch", "page"),
    [
        ("6.12.43+deb13-amd64", "x86_64", None),
        ("6.19.10-300.fc44.x86_64", "x86_64", None),
        ("6.1.0-9-686-pae", "i386", None),
        ("6.12.43+deb13-cloud-arm64", "arm64", None),
        ("6.12.43+deb13-arm64-16k", "arm64", 16384),
        ("6.1.47-v8_16k", "arm64", 16384),
        ("6.6.31+rpt-rpi-2712", "arm64", None),
        ("6.6.31+rpt-rpi-v8", "arm64", None),
        ("5.14.0-427.el9.aarch64+64k", "arm64", 65536),
        ("5.15.84-v7l+", "arm", None),
        ("6.1.0-31-armmp-lpae", "arm", None),
        ("6.12.0-powerpc64le", "powerpc64le", None),
        ("5.14.0-427.el9.ppc64le", "powerpc64le", None),
        ("6.12.0-s390x", "s390x", None),
        ("6.12.0-riscv64", "riscv64", None),
        ("6.12.0-loong64", "loongarch64", None),
        ("6.1.0-4kc-malta", "mipsel", None),
        ("6.1.0-5kc-malta", "mips64el", None),
        ("6.1.0-64kvm", None, None),
        ("6.12.0", None, None),
    ],
)
def test_release_tells(release: str, arch: str | None, page: int | None) -> None:
    told = log(writers.boot(writers.node_ranges(RAM), release=release)).hints
    assert (told.release, told.arch, told.page_size) == (release, arch, page)


@pytest.mark.parametrize(
    ("line", "arch"),
    [
        ("Linux version 6.1.0 (a@b) (aarch64-linux-gnu-gcc (GCC) 12.2.0) #1 SMP", "arm64"),
        ("Linux version 6.1.0 (buildd@x-amd64-1) (x86_64-linux-gnu-gcc-12 (x) 12) #1", "x86_64"),
        ("Linux version 6.1.0 (a@b) (arm-openwrt-linux-muslgnueabi-gcc (x) 14.3.0) #0", "arm"),
        ("Linux version 6.1.0 (buildd@x-amd64-1) (gcc (x) 12) #1", None),
    ],
)
def test_compiler_tells(line: str, arch: str | None) -> None:
    assert log([line, *writers.node_ranges(RAM)]).hints.arch == arch


def test_lines_tell_the_architecture() -> None:
    def arch(*messages: str) -> str | None:
        return log([*messages, *writers.node_ranges(RAM)]).hints.arch

    banner = "Linux version 6.12.0 (a@b) (gcc 13) #1 SMP"
    assert arch("Booting Linux on physical CPU 0x0000000000 [0x410fd034]", banner) == "arm64"
    assert arch("Booting Linux on physical CPU 0x0", banner, "CPU: ARMv7 Processor") == "arm"
    assert arch("Booting Linux on physical CPU 0x0", banner) is None
    assert arch(banner, "SBI specification v2.0 detected") == "riscv64"
    assert arch(banner, "64-bit Loongson Processor probed (LA464 Core)") == "loongarch64"
    assert arch(banner, "setup: Linux is running as a z/VM guest operating system") == "s390x"
    # a zone DMA32 (in what the writer writes), and a firmware's map: x86 with 64 bits
    assert arch(banner, "BIOS-e820: [mem 0x0-0xfff] reserved") == "x86_64"
    low = "Early memory node ranges\n  node   0: [mem 0x00001000-0x0009efff]\n"
    high = "BIOS-e820: [mem 0x0-0xfff] reserved\n0MB HIGHMEM available.\n"
    assert log(high + low).hints.arch == "i386"
    assert log("x86/fpu: x87 FPU will use FXSAVE\n" + low).hints.arch is None


def test_page_size_that_a_log_says() -> None:
    ranges = ["Early memory node ranges", "  node   0: [mem 0x0000000000000000-0x00000000ffffffff]"]
    pages = ["On node 0 totalpages: 65536"]
    assert log([*ranges, *pages]).hints.page_size == 65536
    assert log([*ranges, "On node 0 totalpages: 65535"]).hints.page_size is None
    assert log(ranges).hints.page_size is None
    assert log([*ranges, "CONFIG_ARM64_16K_PAGES=y"]).hints.page_size == 16384
    assert log(["CONFIG_ARM64_4K_PAGES is not set", *ranges]).hints.page_size is None
    hash_mmu = "hash-mmu: Page orders: linear mapping = 24, virtual = 16, io = 16, vmemmap = 24"
    assert log([hash_mmu, *ranges]).hints.page_size == 65536
    assert log([*ranges, *["noise"] * 10000, "PAGESIZE=4096"]).hints.page_size == 4096


def test_any_number_of_lines_of_memblock() -> None:
    debug = ["memblock_reserve: [0x0-0xfff] sparse_init+0x10/0x20"] * 6000
    before, after = COUNTED[:-11], COUNTED[-11:]
    assert after[0].startswith("On node")
    told = log([*debug, *before, *debug, *after]).hints
    assert (told.unavailable_pages, told.clipped) == (15, False)


def test_files_behind_the_log() -> None:
    tables = [
        "==> /sys/kernel/debug/kernel_page_tables <==",
        "---[ Linear Mapping start ]---",
        "0xffff000000000000-0xffff000040000000           1G PUD       RW NX SHD AF  UXN MEM/NORMAL",
        "---[ vmemmap start ]---",
        "0xfffffdffc0000000-0xfffffdffc2000000          32M PMD       RW NX SHD AF  BLK MEM/NORMAL",
        "0xfffffdffc2000000-0xfffffdffc2004000          16K PTE       RW NX SHD AF  UXN MEM/NORMAL",
        "---[ vmemmap end ]---",
        "0xffffffffc2000000-0xffffffffc2004000          16K PTE       RW NX SHD AF  UXN MEM/NORMAL",
    ]
    vmstat = ["==> /proc/vmstat <==", "nr_memmap_pages 0", "nr_memmap_boot_pages 32256"]
    version = ["==> /proc/version <==", COUNTED[0]]
    found = log([*COUNTED, *["noise"] * 6000, *version, *vmstat, *tables])
    told = found.hints
    assert (told.boot_pages, told.mapped) == (32256, (32 << 20) + (16 << 10))
    assert (told.unavailable_pages, found.notes) == (15, ())
    assert log([*COUNTED, *tables[:5]]).hints.mapped is None
    assert log(COUNTED).hints.boot_pages is None
    shout = [line.replace("vmemmap start", "Vmemmap") for line in tables]
    assert log([*COUNTED, *shout]).hints.mapped == (32 << 20) + (16 << 10)


def test_noise_does_not_matter() -> None:
    messages = writers.boot(writers.node_ranges(RAM), writers.counted([5]), release="6.1.0-amd64")
    text = writers.prefixed(messages, writers.Prefix("time"), end="\r\n")
    noisy = b"U-Boot 2024\r\n\0\0\xff\xfe garbage \x1b[2J\r\n" * 50 + text.replace(
        b"\r\n", b"\0\r\n\xf0\x9f\r\n\r\n"
    )
    found = log(noisy)
    assert (found.regions, found.hints.unavailable_pages) == (tuple(RAM), 5)
    firmware = writers.prefixed(
        writers.e820([(0x100000, 0x200000)]), writers.Prefix("time"), "\0\n"
    )
    assert log(firmware).regions == ((0x100000, 0x200000),)


def test_what_a_log_without_a_map_is_told() -> None:
    with pytest.raises(Unreadable, match=r"none of 3 lines says where RAM is.*dmesg \| head"):
        log("Linux version 6.1.0\nhello\nworld")


def test_damaged_range_is_no_smaller_map() -> None:
    messages = writers.boot(writers.node_ranges(RAM))
    at = next(n for n, line in enumerate(messages) if "13fffffff" in line and "node   " in line)
    messages[at] = messages[at][:40]
    with pytest.raises(Unreadable, match="damaged") as error:
        log(messages)
    assert error.value.line == at + 1
    wrapped = "BIOS-e820: [mem 0x0000000000100000-0x000000083f37ff=\nff] usable\n"
    with pytest.raises(Unreadable, match="quoted-printable"):
        log("BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable\n" + wrapped)
    whole = "BIOS-e820: [mem 0x0000000000000000-0x000000000009ffff] usable"
    for word in ("usa", "usable</p>", "System", "System RAM."):
        with pytest.raises(Unreadable, match="damaged") as error:
            log([whole, f"BIOS-e820: [mem 0x0000000000100000-0x000000003fffffff] {word}"])
        assert error.value.line == 2
    long = f"BIOS-e820: [mem 0x0000000000100000-0x{'f' * 1000}] usable"
    with pytest.raises(Unreadable, match="damaged"):
        log([whole, long])
    for x86 in (False, True):
        messages = writers.efi(EFI, x86=x86)
        messages[-1] = messages[-1].replace("|", " ") if x86 else messages[-1][:40]
        with pytest.raises(Unreadable, match="damaged") as error:
            log(messages)
        assert error.value.line == len(messages)
    dump = writers.memblock_dump(RAM)
    dump[3] = dump[3].replace("0x0000000040000000 bytes", "0x0000000040001000 bytes")
    with pytest.raises(Unreadable, match="damaged"):
        log(dump)


def test_log_that_ends_in_the_list() -> None:
    messages = writers.node_ranges(RAM)
    found = log(messages[: messages.index("Early memory node ranges") + 2])
    assert found.regions == (RAM[0],)
    assert any("may be more RAM" in note for note in found.notes)


def test_overlapping_nodes_are_refused_and_e820_is_merged() -> None:
    with pytest.raises(Unreadable, match="overlaps"):
        log("node   0: [mem 0x0-0x1fff]\nnode   0: [mem 0x1000-0x2fff]\n")
    found = log(writers.e820([(0x100000, 0x300000), (0x200000, 0x400000)]))
    assert found.regions == ((0x100000, 0x400000),)


# ------------------------------------------------------------------ /proc/iomem, by hand


def test_iomem() -> None:
    found = proc(writers.iomem(RAM, inside=[(0x80080000, 0x81000000)]))
    assert (found.kind, found.regions, found.nomap) == ("/proc/iomem", tuple(RAM), ())


def test_damaged_iomem_is_no_smaller_map() -> None:
    messages = [f"{start:08x}-{end - 1:08x} : System RAM" for start, end in RAM]
    assert proc(["# grep ': System RAM' /proc/iomem", *messages]).regions == tuple(RAM)
    for line in ("140000000-1ffff=ffff : System RAM", "140000000-1FFFFFFFF : System RAM"):
        with pytest.raises(Unreadable, match="is no range of RAM: it would be") as error:
            proc([*messages, line])
        assert error.value.line == len(messages) + 1


def test_iomem_without_root() -> None:
    text = "00000000-00000000 : System RAM\n  00000000-00000000 : Kernel code\n"
    with pytest.raises(Unreadable, match="read it as root"):
        proc(text)


def test_nomap_memory_of_arm64() -> None:
    ram, nomap = [(0x80080000, 0xBE000000), (0xBF000000, 0xC0000000)], [(0x80000000, 0x80080000)]
    found = proc(writers.iomem(ram, nomap, inside=[(0x80080000, 0x81000000)]))
    assert found.regions == ((0x80000000, 0xBE000000), (0xBF000000, 0xC0000000))
    assert found.nomap == ((0x80000000, 0x80080000),)
    assert any("NOMAP" in note for note in found.notes)
    # what memblock has reserved lies within
    nested = "80000000-bfffffff : System RAM\n  bf000000-bfffffff : reserved\n"
    assert proc(nested).nomap == ()
    # the Raspberry Pi's first range ends where x86's does
    pi = writers.iomem([(0x80000, 0x3B400000)], [(0x0, 0x80000)])
    assert proc(pi).regions == ((0x0, 0x3B400000),)


@pytest.mark.parametrize("word", ["reserved", "Reserved"])
def test_reserved_of_x86_is_no_memory(word: str) -> None:
    ram = [(0x1000, 0x9F000), (0x100000, 0x7FFD6000)]
    nomap = [(0x0, 0x1000), (0x9F000, 0xA0000), (0x7FFD6000, 0x80000000)]
    assert proc(writers.iomem(ram, nomap, reserved=word)).regions == tuple(ram)
    above = [(0x1000, 0xA0000), (0x140000, 0x80000000)]
    assert proc(writers.iomem(above, [(0x100000, 0x140000)], reserved=word)).regions == tuple(above)
    mark = [(0xFEE00000, 0xFEE01000, "Local APIC")]
    high = [(0x140000000, 0x180000000)]
    found = proc(writers.iomem(high, [(0x130000000, 0x140000000)], reserved=word, others=mark))
    assert found.regions == tuple(high)


def test_capital_reserved_elsewhere() -> None:
    ram, nomap = [(0x80200000, 0xC0000000)], [(0x80000000, 0x80200000)]
    bare = proc(writers.iomem(ram, nomap, reserved="Reserved"))
    assert bare.regions == tuple(ram)
    assert any("nothing tells which" in note for note in bare.notes)
    text = writers.iomem(ram, nomap, reserved="Reserved")
    riscv = proc([*text, "  80200000-81000000 : Kernel image"])
    assert riscv.nomap == tuple(nomap)
    loongarch = proc([*text, "  90000000-90000fff : Reserved"])
    assert loongarch.nomap == tuple(nomap)


def test_added_memory_is_left_out() -> None:
    text = """
00100000-3fffffff : System RAM
480000000-243fffffff : Persistent Memory
  480000000-57e1fffff : namespace3.0
  580000000-243fffffff : dax3.0
    580000000-243fffffff : System RAM (kmem)
2450000000-245fffffff : CXL Window 0
  2450000000-245fffffff : System RAM
"""
    found = proc(text)
    assert found.regions == ((0x100000, 0x40000000),)
    assert any("2 ranges of RAM were added after boot" in note for note in found.notes)
    # without its indent, what lies within another resource is still nested
    assert proc("\n".join(line.strip() for line in text.splitlines())).regions == found.regions
    # and with one more in front of every line, nothing is
    assert proc("\n".join("    " + line for line in text.splitlines())).regions == found.regions
    grep = "00100000-3fffffff : System RAM\n    580000000-243fffffff : System RAM (kmem)\n"
    assert proc(grep).regions == found.regions


def test_boot_alias_is_no_second_ram() -> None:
    text = "80000000-9fffffff : System RAM (boot alias)\n800000000-81fffffff : System RAM\n"
    found = proc(text)
    assert found.regions == ((0x800000000, 0x820000000),)
    assert any("other addresses of the same RAM" in note for note in found.notes)


def test_iomem_without_ram() -> None:
    with pytest.raises(Unreadable, match="none of its 1 resources"):
        proc("fee00000-fee00fff : Local APIC\n")
    with pytest.raises(Unreadable, match="overlaps"):
        proc("00000000-1fffffff : System RAM\n10000000-2fffffff : System RAM\n")


# ------------------------------------------------------------------ memblock's debugfs, by hand


def test_memblock_file() -> None:
    found = debugfs(writers.memblock_file(RAM))
    assert (found.regions, found.nodes, found.nomap) == (tuple(RAM), (), ())
    assert any("a bare list" in note for note in found.notes)
    found = debugfs(writers.memblock_file(RAM, [0, 1], ["NONE", "HOTPLUG|NOMAP"]))
    assert found.nodes == ((0, *RAM[0]), (1, *RAM[1]))
    assert found.nomap == (RAM[1],)
    assert debugfs(writers.memblock_file(RAM, None, ["NONE", "NONE"])).nodes == ()


def test_memory_beside_reserved() -> None:
    memory, reserved = writers.memblock_file(RAM), writers.memblock_file([(0x0, 0x1000)])
    grep = [f"memblock/memory:{line}" for line in memory]
    grep += [f"memblock/reserved:{line}" for line in reserved]
    grep += [f"/sys/kernel/debug/memblock/physmem:{line}" for line in reserved]
    random.Random(5).shuffle(grep)
    assert debugfs(grep).regions == tuple(RAM)
    tail = ["==> memblock/reserved <==", *reserved, "", "==> memblock/memory <==", *memory]
    assert debugfs(tail).regions == tuple(RAM)
    assert not any("bare" in note for note in debugfs(tail).notes)
    with pytest.raises(Unreadable, match="a second list begins") as error:
        debugfs([*memory, *reserved])
    assert error.value.line == 3
    with pytest.raises(Unreadable, match="and 1 of other lists"):
        debugfs(tail[:2])


def test_damaged_memblock() -> None:
    with pytest.raises(Unreadable, match="is no range of memblock") as error:
        debugfs(["   0: 0x0000000040000000..0x00000000bfffffff", "   1: 0x00000001..0x000"])
    assert error.value.line == 2


# ------------------------------------------------------------------ lsmem, by hand


def test_numbers_of_memblock_have_a_length() -> None:
    whole = "0x0000000040000000..0x00000000bfffffff"
    for line in (f"{'9' * 10}: {whole}", f"   0: {whole} {'9' * 10} NONE"):
        with pytest.raises(Unreadable, match="is no range of memblock"):
            debugfs([f"   0: {whole.replace('4', '1').replace('b', '2')}", line])


def test_lsmem() -> None:
    found = blocks(writers.lsmem([(0, 24), (32, 136)], 128 * MIB))
    assert found.regions == ((0, 24 * 128 * MIB), (32 * 128 * MIB, 136 * 128 * MIB))
    assert found.hints.block_size == 128 * MIB
    assert found.unit == "line"
    assert any("whole memory blocks only" in note for note in found.notes)
    text = writers.lsmem([(0, 24), (32, 136)], 128 * MIB)
    shown = [text.splitlines()[place - 1] for place in found.places]
    assert ["0x0000000000000000-" in shown[0], "0x0000000100000000-" in shown[1]] == [True, True]


@pytest.mark.parametrize("words", [False, True])
@pytest.mark.parametrize("in_bytes", [False, True])
def test_all_forms_of_lsmem(words: bool, in_bytes: bool) -> None:
    text = writers.lsmem([(1, 3)], 256 * MIB, words=words, in_bytes=in_bytes)
    found = blocks(text)
    assert (found.regions, found.nodes) == (
        ((256 * MIB, 768 * MIB),),
        ((0, 256 * MIB, 768 * MIB),),
    )
    assert blocks("\ufeff" + text) == found
    assert blocks(json.dumps(json.loads(text))).regions == found.regions


def test_offline_blocks_count() -> None:
    found = blocks(writers.lsmem([(0, 1), (1, 2)], GIB, ["online", "offline"]))
    assert found.regions == ((0, 2 * GIB),)
    assert any("1 ranges are offline and count" in note for note in found.notes)
    document = json.loads(writers.lsmem([(0, 1), (1, 2)], GIB))
    document["memory"][1]["configured"] = "no"
    found = blocks(document)
    assert found.regions == ((0, GIB),)
    assert any("not configured" in note for note in found.notes)
    found = blocks(writers.lsmem([(0, 1)], GIB, ["on->off"]))
    assert any("neither online nor offline" in note for note in found.notes)
    assert any(
        "STATE" in note for note in blocks(writers.lsmem([(0, 1)], GIB, None, ["range"])).notes
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"memory": []}', "is empty"),
        ("{}", 'no list "memory"'),
        ('{"blockdevices": []}', 'no list "memory"'),
        ('[{"range": "0x0-0xf"}]', 'no list "memory"'),
        ('{"memory": {"range": 1}}', 'no list "memory"'),
        ('{"memory": [1]}', "something else than objects"),
        ('{"memory": [{"size": "1G"}]}', r"lsmem --json -o RANGE,SIZE,STATE"),
        ('{"memory": [{"range": 5}]}', "the range is 5"),
        ('{"memory": [{"range": ["0x0-0x1"]}]}', "the range is"),
        ('{"memory": [{"range": "0x2-0x1"}]}', "ends before it starts"),
        ('{"memory": [{"range": "0x0-0x1"}], "memory": []}', "stands twice"),
        ('{"memory": [{"range": "0x0-0xf", "block": "0-"}]}', "a number or two"),
        ('{"memory": [{"range": "0x0-0xf", "block": "3"}]}', "not that range"),
        ('{"memory": [{"range": "0x0-0xb", "block": "0"}]}', "no power of two"),
        ('{"memory": [{"range": "0x0-0xf", "block": true}]}', "a number or two"),
        ('{"memory": [{"range": "0x0-0xf", "node": "zero"}]}', "the node is"),
        ('{"memory": [{"range": "0x0-0xf", "node": 1e300}]}', "the node is"),
        ('{"memory": [', "is no JSON"),
        ('{"memory": [{"range": "0x0-0xf"}]} trailing', "is no JSON"),
        ('{"memory": ' + "[" * 60000, "nested deeper|is no JSON"),
        ('{"memory": ' + "[" * 60000 + "]" * 60000 + "}", "nested deeper"),
        ('{"memory": ' + "[" * 100000, "more than 65,536 ranges"),
        ('{"memory": [' + "0," * 2000000, "more values"),
        ('{"memory": [{"range": "0x0-0xf", "node": ' + "9" * 5000 + "}]}", "no JSON of lsmem"),
        (
            '{"memory": [{"range": "0x0-0xf", "block": "0"}, {"range": "0x20-0x3f", "block": 1}]}',
            "and before of 16",
        ),
        ('{"memory": [{"range": "0x0-0xf"}, {"range": "0x8-0x1f"}]}', "overlaps"),
    ],
)
def test_bad_lsmem(text: str, message: str) -> None:
    assert lsmem.is_kind(text.encode())
    with pytest.raises(Unreadable, match=message):
        lsmem.read(text.encode())


def test_lsmem_that_is_no_utf8() -> None:
    with pytest.raises(Unreadable) as error:
        lsmem.read(b'{"memory": "\xff"}')
    assert error.value.offset == 12


# ------------------------------------------------------------------ told by content


def test_kinds_are_told_apart(tmp_path: Path) -> None:
    files = {
        "iomem": "\n".join(writers.iomem(RAM)),
        "memblock": "\n".join(writers.memblock_file(RAM)),
        "lsmem": writers.lsmem([(0, 8)], 128 * MIB),
        "log": "\n".join(writers.boot(writers.node_ranges(RAM))),
    }
    kinds = {"iomem": iomem, "memblock": memblock, "lsmem": lsmem}
    for name, text in files.items():
        assert [kind for kind in kinds if kinds[kind].is_kind(text.encode())] == [
            kind for kind in kinds if kind == name
        ]
        path = tmp_path / "anything.txt"
        path.write_text(text)
        found = content_of(path)
        assert isinstance(found, MemoryMap)
    # a prompt may stand before it
    assert iomem.is_kind(b"$ sudo cat /proc/iomem\n" + files["iomem"].encode())
    assert memblock.is_kind(
        b"# cat /sys/kernel/debug/memblock/memory\n" + files["memblock"].encode()
    )


def test_log_with_lines_of_json(tmp_path: Path) -> None:
    path = tmp_path / "log"
    messages = writers.boot(writers.node_ranges(RAM))
    journal = [json.dumps({"PRIORITY": "6", "MESSAGE": message}) for message in messages]
    for text in (['{"a": 1}', *messages], ['["a"]', *messages], journal):
        path.write_text("\n".join(text))
        found = read_file(path, "log").content
        assert isinstance(found, MemoryMap)
        assert found.regions == tuple(RAM)
    # in one line, or in many, lsmem's
    document = json.loads(writers.lsmem([(0, 8)], 128 * MIB))
    for indent in (None, 3):
        assert lsmem.is_kind((json.dumps(document, indent=indent) + "\n").encode())


TEXTS = {
    "iomem": "\n".join(writers.iomem(RAM)),
    "memblock": "\n".join(writers.memblock_file(RAM)),
    "lsmem": writers.lsmem([(0, 8)], 128 * MIB),
    "log": "\n".join(writers.boot(writers.node_ranges(RAM))),
    "config": "# Linux/x86 6.1.0 Kernel Configuration\nCONFIG_X86_64=y\n",
}


@pytest.mark.parametrize("name", TEXTS)
def test_encodings(tmp_path: Path, name: str) -> None:
    plain, marked, wide = (tmp_path / kind for kind in ("plain", "marked", "wide"))
    plain.write_text(TEXTS[name])
    marked.write_text(TEXTS[name], encoding="utf-8-sig")
    assert read_file(marked, "it").content == read_file(plain, "it").content
    wide.write_text(TEXTS[name], encoding="utf-16")
    with pytest.raises(InputError, match=r"^wide: is text in UTF-16: .*iconv"):
        read_file(wide, "wide")


@pytest.mark.parametrize(
    ("pack", "packer"),
    [
        (lambda data: gzip.compress(gzip.compress(data)), r"gzip \(twice\)"),
        (bz2.compress, "bzip2"),
        (lzma.compress, "xz"),
        (lambda data: b"\x28\xb5\x2f\xfd" + data, "zstd"),
    ],
)
def test_packed_otherwise(tmp_path: Path, pack: Callable[[bytes], bytes], packer: str) -> None:
    path = tmp_path / "log"
    path.write_bytes(pack(TEXTS["log"].encode()))
    with pytest.raises(InputError, match=f"^log: is packed with {packer}: unpack it first$"):
        read_file(path, "log")


def test_what_is_no_file_of_text(tmp_path: Path) -> None:
    pipe, sparse, loop = tmp_path / "pipe", tmp_path / "sparse", tmp_path / "loop"
    os.mkfifo(pipe)
    with pytest.raises(InputError, match=r"^it: is a pipe or a device"):
        read_file(pipe, "it")
    with sparse.open("wb") as file:
        file.truncate(LONGEST_LOG + 1)
    with pytest.raises(InputError, match=r"^it: is longer than 4 GiB$"):
        read_file(sparse, "it")
    loop.symlink_to(loop)
    with pytest.raises(InputError, match=r"^it: can't be read: .*symbolic links"):
        read_file(loop, "it")
    with pytest.raises(InputError, match="is no name of a file"):
        read_file(tmp_path / "a\0b", "a\0b")


def test_lines_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dispatch, "MOST_LINES", 1000)
    assert sum(1 for _ in lines(b"\n" * 999)) == 999
    with pytest.raises(Unreadable, match="more than 1,000 lines"):
        log(b"\n" * 100_000)


# ------------------------------------------------------------------ written and read back

prefixes = st.sampled_from(writers.PREFIXES)
noise = st.lists(st.tuples(st.integers(0, 1 << 16), st.binary(max_size=20)), max_size=8)


def with_noise(data: bytes, pieces: Sequence[tuple[int, bytes]]) -> bytes:
    """Lines of noise between the lines."""
    found = data.splitlines(keepends=True)
    for at, piece in pieces:
        found.insert(at % (len(found) + 1), piece.replace(b"\n", b" ") + b"\n")
    return b"".join(found)


@checked(300)
@given(maps(), prefixes, noise, st.lists(st.integers(1, 1 << 20), max_size=4), st.booleans())
def test_boot_log_comes_back(
    ram: tuple[Range, ...],
    prefix: writers.Prefix,
    pieces: list[tuple[int, bytes]],
    counts: list[int],
    carriage: bool,
) -> None:
    nodes = [start >> 34 for start, _ in ram]
    messages = writers.boot(writers.node_ranges(ram, nodes), writers.counted(counts))
    found = log(
        with_noise(writers.prefixed(messages, prefix, "\r\n" if carriage else "\n"), pieces)
    )
    assert found.regions == joined(ram)
    assert found.hints.release == "6.12.0-test"
    assert found.hints.unavailable_pages == (sum(counts) if counts else None)
    assert not found.hints.clipped
    assert found.nodes == tuple(
        (
            node,
            min(start for (start, _), own in zip(ram, nodes, strict=True) if own == node),
            max(end for (_, end), own in zip(ram, nodes, strict=True) if own == node),
        )
        for node in sorted(set(nodes))
    )


@checked(200)
@given(maps(), prefixes, st.booleans(), st.sampled_from(["usable", "System RAM"]))
def test_e820_comes_back(
    ram: tuple[Range, ...], prefix: writers.Prefix, old: bool, word: str
) -> None:
    above = tuple((start + MIB, end + MIB) for start, end in ram)
    messages = writers.boot(writers.e820(above, old=old, usable=word))
    assert log(writers.prefixed(messages, prefix)).regions == joined(above)


@checked(200)
@given(maps(), prefixes, st.data())
def test_memblock_dump_comes_back(
    ram: tuple[Range, ...], prefix: writers.Prefix, data: st.DataObject
) -> None:
    flags = data.draw(st.lists(st.booleans(), min_size=len(ram), max_size=len(ram)))
    found = log(writers.prefixed(writers.boot(writers.memblock_dump(ram, None, flags)), prefix))
    assert found.regions == joined(ram)
    assert found.nomap == joined([one for one, flag in zip(ram, flags, strict=True) if flag])


@checked(200)
@given(maps(unit=65536, top=1 << 47), prefixes, st.data())
def test_efi_comes_back(
    ram: tuple[Range, ...], prefix: writers.Prefix, data: st.DataObject
) -> None:
    kinds = st.sampled_from(["Conventional", "Boot Data", "Runtime Code", "MMIO", "Reserved"])
    drawn = data.draw(st.lists(kinds, min_size=len(ram), max_size=len(ram)))
    entries = [
        (start, end, kind, "UC" if kind == "MMIO" else "WB")
        for (start, end), kind in zip(ram, drawn, strict=True)
    ]
    memory = [(start, end) for start, end, kind, _ in entries if kind != "MMIO"]
    text = writers.prefixed(writers.boot(writers.efi(entries)), prefix)
    if not memory:
        with pytest.raises(Unreadable):
            log(text)
        return
    found = log(text)
    assert found.regions == joined(memory)
    assert found.nomap == joined(
        [(start, end) for start, end, kind, _ in entries if kind in ("Runtime Code", "Reserved")]
    )


@checked(200)
@given(maps(), prefixes, st.booleans())
def test_frames_come_back(ram: tuple[Range, ...], prefix: writers.Prefix, decimal: bool) -> None:
    messages = writers.boot(
        writers.frame_ranges(ram, PAGE, decimal=decimal), release="2.6.31-amd64"
    )
    assert log(writers.prefixed(messages, prefix)).regions == joined(ram)


@checked(300)
@given(maps(), st.data(), noise)
def test_iomem_comes_back(
    ram: tuple[Range, ...], data: st.DataObject, pieces: list[tuple[int, bytes]]
) -> None:
    above = [(start + (1 << 32), end + (1 << 32)) for start, end in ram]
    flags = data.draw(st.lists(st.booleans(), min_size=len(ram), max_size=len(ram)))
    flags[0] = False
    mapped = [one for one, flag in zip(above, flags, strict=True) if not flag]
    nomap = [one for one, flag in zip(above, flags, strict=True) if flag]
    inside = [(start, end) for start, end in mapped if data.draw(st.booleans())]
    others = [(0x9000000, 0x9001000, "pl011@9000000"), (0x8000000, 0x8010000, "GICD")]
    text = "\n".join(writers.iomem(mapped, nomap, inside=inside, others=others)).encode()
    found = iomem.read(lines(with_noise(text + b"\n", pieces)))
    assert found.regions == joined(above)
    assert found.nomap == joined(nomap)


@checked(300)
@given(maps(), st.data())
def test_memblock_file_comes_back(ram: tuple[Range, ...], data: st.DataObject) -> None:
    flags = data.draw(
        st.lists(
            st.sampled_from(["NONE", "NOMAP", "HOTPLUG", "MIRROR|NOMAP"]),
            min_size=len(ram),
            max_size=len(ram),
        )
    )
    plain = data.draw(st.booleans())
    text = writers.memblock_file(ram, None if plain else [0] * len(ram), None if plain else flags)
    found = debugfs(text)
    assert found.regions == joined(ram)
    assert found.nomap == (
        ()
        if plain
        else joined([one for one, flag in zip(ram, flags, strict=True) if "NOMAP" in flag])
    )


@checked(300)
@given(
    maps(unit=1, top=1 << 12),
    st.sampled_from([16 * MIB, 128 * MIB, 2 * GIB]),
    st.booleans(),
    st.booleans(),
    st.permutations(["range", "size", "state", "removable", "block", "node"]),
    st.integers(1, 6),
)
def test_lsmem_comes_back(
    ram: tuple[Range, ...], size: int, words: bool, in_bytes: bool, order: list[str], columns: int
) -> None:
    shown = order[:columns]
    if "range" not in shown:
        with pytest.raises(Unreadable, match="RANGE"):
            blocks(writers.lsmem(ram, size, None, shown, words=words, in_bytes=in_bytes))
        return
    found = blocks(writers.lsmem(ram, size, None, shown, words=words, in_bytes=in_bytes))
    assert found.regions == joined([(first * size, last * size) for first, last in ram])
    assert found.hints.block_size == (size if "block" in shown else None)


# ------------------------------------------------------------------ broken in every way

VALID_LOGS = [
    writers.prefixed(
        writers.boot(
            writers.e820(RAM, [(0x0, 0x1000)]),
            writers.efi(EFI),
            writers.memblock_dump(RAM, [0, 1], [False, True]),
            writers.node_ranges(RAM),
            writers.counted([1, 96, 17408]),
        ),
        prefix,
    )
    for prefix in writers.PREFIXES[:4]
] + [path.read_bytes() for path in sorted((GOLDEN / "maps").glob("*.log"))]
VALID_IOMEM = [path.read_bytes() for path in sorted((GOLDEN / "maps").glob("iomem-*"))] + [
    "\n".join(writers.iomem(RAM, [(0x0, 0x1000)], inside=RAM)).encode()
]
VALID_MEMBLOCK = [path.read_bytes() for path in sorted((GOLDEN / "maps").glob("memblock-*"))]
VALID_LSMEM = [path.read_bytes() for path in sorted((GOLDEN / "maps").glob("lsmem-*.json"))] + [
    writers.lsmem([(0, 2), (4, 8)], 128 * MIB, words=True).encode()
]


def whole_or_unreadable(read: Callable[[bytes], MemoryMap], data: bytes) -> None:
    """Check that any bytes give a valid map or one clear message."""
    lines = data.count(b"\n") + 1
    wrong: Unreadable | None = None
    try:
        found = read(data)
    except Unreadable as error:
        wrong = error
    if wrong:
        assert 0 < len(str(wrong)) < 1000
        assert "\n" not in str(wrong)
        assert wrong.line is None or 1 <= wrong.line <= lines
        assert wrong.offset is None or 0 <= wrong.offset <= len(data)
        return
    assert found.regions
    ends = [0]
    for (start, end), place in zip(found.regions, found.places, strict=True):
        assert ends[-1] <= start < end <= 1 << 57
        ends.append(end)
        assert 1 <= place <= lines


@FUZZ
@given(mutated(VALID_LOGS) | st.binary(max_size=2000))
def test_any_boot_log(data: bytes) -> None:
    whole_or_unreadable(lambda data: kernel_log.read(lines(data)), data)


@FUZZ
@given(mutated(VALID_IOMEM) | st.binary(max_size=2000))
def test_any_iomem(data: bytes) -> None:
    whole_or_unreadable(lambda data: iomem.read(lines(data)), data)


@FUZZ
@given(mutated(VALID_MEMBLOCK) | st.binary(max_size=2000))
def test_any_memblock(data: bytes) -> None:
    whole_or_unreadable(lambda data: memblock.read(lines(data)), data)


@FUZZ
@given(mutated(VALID_LSMEM) | st.binary(max_size=2000))
def test_any_lsmem(data: bytes) -> None:
    whole_or_unreadable(lsmem.read, data)


# ------------------------------------------------------------------ large


def repeated(pieces: Callable[[int], bytes], count: int) -> Iterator[bytes]:
    return (pieces(number) for number in range(count))


class Stream(io.RawIOBase):
    """A file that is made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces, self.rest = pieces, b""

    def read(self, size: int = -1) -> bytes:
        while len(self.rest) < size and (piece := next(self.pieces, None)) is not None:
            self.rest += piece
        found, self.rest = self.rest[:size], self.rest[size:]
        return found


@pytest.mark.parametrize(
    ("read", "piece", "message"),
    [
        (
            kernel_log.read,
            lambda n: (
                f"node 0: [mem {2 * n:#x}-{2 * n:#x}]\n" if n else "Early memory node ranges\n"
            ).encode(),
            "more than 65,536",
        ),
        (
            kernel_log.read,
            lambda n: f"BIOS-e820: [mem {2 * n * PAGE:#x}-{2 * n * PAGE + 1:#x}] usable\n".encode(),
            "more than 4,096",
        ),
        (
            iomem.read,
            lambda n: f"{2 * n * PAGE:08x}-{2 * n * PAGE + 1:08x} : System RAM\n".encode(),
            "more than 65,536",
        ),
        (
            memblock.read,
            lambda n: f"{n:4d}: {2 * n * PAGE:#018x}..{2 * n * PAGE + 1:#018x}\n".encode(),
            "more than 65,536",
        ),
        (kernel_log.read, lambda n: b"[    0.000000] hello world\n", "none of 70,000 lines"),
        (kernel_log.read, lambda n: b"Linux version 6.1.0\n", "none of 70,000 lines"),
        (iomem.read, lambda n: b"100000-1fffff : hello\n", "none of its 70,000"),
        (memblock.read, lambda n: b"1234567890" * 30 + b"\n", "in 70,000 lines"),
    ],
)
def test_many_lines_take_little(
    read: Callable[[Iterator[tuple[int, str]]], MemoryMap],
    piece: Callable[[int], bytes],
    message: str,
) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match=message):
            read(lines_of(Stream(repeated(piece, 70_000)), b""))  # type: ignore[arg-type]
        assert tracemalloc.get_traced_memory()[1] < 100 * MIB
    finally:
        tracemalloc.stop()
