"""The lab without QEMU: logs are read, machines are made, boots end in every way, and mistakes are
reported.
"""

import gzip
import json
import re
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.errors import InputError
from memmap_atlas.documents.validate import problems
from memmap_atlas.lab import lab_file
from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.boards.arm import arm64_header
from memmap_atlas.lab.boards.base import Board, Machine, Payload, Refused, place
from memmap_atlas.lab.build import Choice, lost_options
from memmap_atlas.lab.initramfs import INIT, initramfs
from memmap_atlas.lab.memblock_log import BEGIN, END, NoMemmap, observe
from memmap_atlas.lab.observations import observation
from memmap_atlas.lab.plan import Lab, Random, random_maps
from memmap_atlas.lab.report import agreement_table, failures, faults
from memmap_atlas.lab.residuals import agreements, is_within, residuals
from memmap_atlas.lab.run import boot, machine_of, missing, write

from tests.tools.paths import ROOT

KERNELS = load_kernels(ROOT / "config/kernels.yaml", ROOT / "config/lab-kernels.yaml")
MIB, GIB = 1 << 20, 1 << 30
THREAD_3G = ((0, 0x60000000), (0x80000000, 0xE0000000))


def log(*events: str, ram: str = "0x0000000040000000-0x000000007fffffff") -> str:
    """A boot log with some lines of memblock before and after the zones."""
    before = [event for event in events if not event.startswith("late ")]
    late = [event.removeprefix("late ") for event in events if event.startswith("late ")]
    zones = ["Zone ranges:", "Early memory node ranges", f"  node   0: [mem {ram}]"]
    lines = [*before, *zones, *late, "Memory: 900000K/1048576K available (10K kernel code)"]
    return "\n".join(f"[    0.000000] {line}" for line in lines) + "\n"


def asked(size: int, caller: str, kind: str = "memblock_alloc_try_nid") -> str:
    return f"{kind}: {size} bytes align=0x40 nid=0 from=0x0 max_addr=0x0 {caller}+0x28/0x3c"


def granted(start: int, size: int, name: str = "memblock_reserve") -> str:
    return f"{name}: [{start:#018x}-{start + size - 1:#018x}] memblock_alloc_range_nid+0xe8/0x17c"


def freed(start: int, size: int, name: str = "memblock_free") -> str:
    return f"{name}: [{start:#018x}-{start + size - 1:#018x}] some_function+0x10/0x20"


METADATA = [
    asked(65536, "sparse_init"),
    granted(0x70000000, 65536),
    asked(4096, "sparse_index_alloc"),
    granted(0x6FFFF000, 4096),
    asked(448, "sparse_init_nid"),
    granted(0x6FFFE000, 448),
]
EXACT = "memblock_alloc_exact_nid_raw"


def test_section_buffer_its_surplus_and_tables() -> None:
    seen = observe(
        log(
            *METADATA,
            asked(64 * MIB, "memmap_alloc", EXACT),
            granted(0x60000000, 64 * MIB),
            asked(4096, "__earlyonly_bootmem_alloc", "memblock_alloc_try_nid_raw"),
            granted(0x6FFF0000, 4096),
            freed(0x61000000, 48 * MIB, "memblock_phys_free"),
            # what is freed elsewhere is no memmap
            freed(0x50000000, 4096),
        ),
        4096,
    )
    assert seen.regions == ((0x40000000, 0x80000000),)
    assert (seen.root_array, seen.root_pages, seen.usage) == (65536, 4096, 448)
    assert (seen.memmap, seen.page_table, seen.freed) == (16 * MIB, 4096, 0)
    assert (seen.boot_request, seen.refused) == (64 * MIB, False)


def test_a_refused_buffer_is_a_request_and_no_grant() -> None:
    page = 65536
    alone = asked(page, "__earlyonly_bootmem_alloc.constprop.0", "memblock_alloc_try_nid_raw")
    steps = [line for at in range(3) for line in (alone, granted(0x60000000 + at * page, page))]
    seen = observe(log(*METADATA, asked(GIB, "sparse_init_nid", EXACT), *steps), page)
    assert (seen.boot_request, seen.refused) == (GIB, True)
    # base pages and tables are the same size here: their sum is all that the log shows
    assert (seen.memmap, seen.page_table, seen.memmap_and_tables) == (None, None, 3 * page)


def test_leaves_one_by_one_are_larger_than_tables() -> None:
    leaf = asked(2 * MIB, "memmap_alloc", "memblock_alloc_try_nid_raw")
    table = asked(4096, "memmap_alloc", "memblock_alloc_try_nid_raw")
    name = "__memblock_reserve"
    seen = observe(
        log(
            asked(1 << 20, "__memblock_alloc_or_panic"),
            granted(0x70000000, 1 << 20, name),
            *METADATA[2:],
            *(table, granted(0x6FF00000, 4096, name)),
            *(leaf, granted(0x60000000, 2 * MIB, name), leaf, granted(0x60200000, 2 * MIB, name)),
        ),
        4096,
    )
    assert (seen.root_array, seen.memmap, seen.page_table) == (1 << 20, 4 * MIB, 4096)
    assert (seen.boot_request, seen.refused) == (2 * MIB, False)


def test_flatmem_frees_after_the_zones() -> None:
    seen = observe(
        log(
            "late " + asked(8 * MIB, "alloc_node_mem_map"),
            "late " + granted(0x60000040, 8 * MIB),
            "late " + freed(0x60001000, 3 * MIB),
        ),
        4096,
    )
    assert (seen.memmap, seen.freed, seen.usage) == (5 * MIB, 3 * MIB, 0)
    assert seen.boot_request == 8 * MIB


TOLD = f"""{BEGIN}
==> /proc/vmstat <==
nr_free_pages 1
nr_memmap_boot_pages 12288
==> /proc/pagetypeinfo <==
Page block order: 9
Pages per block:  512
==> /sys/devices/system/memory/block_size_bytes <==
8000000
==> /sys/kernel/debug/kernel_page_tables <==
---[ vmemmap start ]---
0xfffffffeffe00000-0xffffffff00000000           2M PMD
0xffffffff00000000-0xffffffff02000000          32M PMD       RW NX SHD AF    BLK UXN MEM/NORMAL
[    1.000000] a line of the kernel's between
0xffffffff02000000-0xffffffff02010000          64K PTE       RW NX SHD AF        UXN MEM/NORMAL
---[ vmemmap end ]---
==> vmcoreinfo <==
PAGESIZE=4096
SIZE(page)=64
SIZE(mem_section)=16
NUMBER(SECTION_SIZE_BITS)=27
NUMBER(MAX_PHYSMEM_BITS)=52
LENGTH(zone.free_area)=11
NUMBER(TCR_EL1_T1SZ)=0xc
SYMBOL(mem_section)=ffff0000df9e3380
{END}
"""


def test_what_the_kernel_tells_of_itself() -> None:
    buffer = asked(MIB, "memmap_alloc", EXACT)
    seen = observe(log(buffer, granted(0x60000000, MIB)) + TOLD, 4096)
    assert seen.parameters == {
        "page_size": 4096,
        "section_size": 128 * MIB,
        "struct_page_size": 64,
        "mem_section_size": 16,
        "max_physmem_bits": 52,
        "max_order_pages": 1024,
        "pageblock_pages": 512,
        "va_bits": 52,
    }
    assert (seen.boot_pages, seen.block, seen.mapped) == (12288, 128 * MIB, 32 * MIB + 65536)


def test_a_log_that_ends_early_says_nothing_of_what_is_freed() -> None:
    text = log(asked(MIB, "memmap_alloc", EXACT), granted(0x60000000, MIB))
    seen = observe(text[: text.index("[    0.000000] Memory: ")], 4096)
    assert (seen.memmap, seen.freed, seen.memmap_and_tables) == (None, None, None)
    assert seen.boot_request == MIB


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "memory map"), ("no kernel's log\n" * 9, "memory map"), (log(), "memblock=debug")],
)
def test_a_log_without_memmap(text: str, message: str) -> None:
    with pytest.raises(NoMemmap, match=message):
        observe(text, 4096)


# Machines


def test_a_map_below_a_board_moves_up_as_a_whole() -> None:
    board = BOARDS["arm64"]
    moved = ((GIB, GIB + 0x60000000), (GIB + 0x80000000, GIB + 0xE0000000))
    assert board.fitted(THREAD_3G) == moved
    assert board.fitted(moved) == moved


def test_what_a_board_refuses() -> None:
    with pytest.raises(Refused, match=r"would end at 0x20000000000.* RAM up to 0x10000000000"):
        BOARDS["arm64"].fitted(((GIB, 1 << 41),))
    payload = Payload(Path("image"), 300 * MIB, 0, Path("initrd"), MIB)
    small = ((GIB, GIB + 256 * MIB), (4 * GIB, 4 * GIB + 64 * MIB))
    with pytest.raises(Refused, match="no region has room for the kernel"):
        BOARDS["arm64"].make(BOARDS["arm64"], small, payload, "max")


def test_place_takes_the_first_region_with_room() -> None:
    regions = ((0, 3 * MIB), (10 * MIB + 1, 40 * MIB))
    assert place(regions, [5 * MIB, MIB], 2 * MIB) == [12 * MIB, 18 * MIB]
    assert place(regions, [MIB], 2 * MIB, 2 * MIB) == [2 * MIB]


ARM64_IMAGE = struct.pack("<IIQQ", 0, 0, 0, 8 * MIB) + bytes(32) + b"ARM\x64" + bytes(8)


def arm64_machine(folder: Path, regions: Any = THREAD_3G) -> tuple[Board, Machine]:
    board = BOARDS["arm64"]
    image, initrd = folder / "Image", folder / "initrd"
    image.write_bytes(ARM64_IMAGE)
    initrd.write_bytes(bytes(100))
    told = board.fitted(regions)
    return board, machine_of(board, told, "", image, initrd, folder)


def test_the_device_tree_has_just_the_regions(tmp_path: Path) -> None:
    _, machine = arm64_machine(tmp_path)
    tree = str(machine.files["machine.dts"])
    assert re.findall(r"memory@(\w+) .*?reg = <(.*?)>;", tree, re.DOTALL) == [
        ("40000000", "0x0 0x40000000 0x0 0x60000000"),
        ("c0000000", "0x0 0xc0000000 0x0 0x60000000"),
    ]
    assert "memblock=debug" in tree
    # the stub ends with the addresses of the tree and of the image
    loads = dict(re.findall(r"file=([^,]+),addr=(0x\w+)", " ".join(machine.command)))
    stub = bytes(machine.files["start.bin"])  # type: ignore[arg-type]
    assert struct.unpack("<2Q", stub[-16:]) == (
        int(loads["machine.dtb"], 16),
        int(loads["Image"], 16),
    )
    assert f"linux,initrd-start = <0x0 {loads['initrd']}>" in tree


def test_a_boot_can_be_repeated_by_hand(tmp_path: Path) -> None:
    _, machine = arm64_machine(tmp_path)
    write(machine, tmp_path)
    script = (tmp_path / "boot.sh").read_text()
    assert script.splitlines()[-1].startswith("qemu-system-aarch64 -machine virt")
    assert str(tmp_path) not in script
    assert (tmp_path / "machine.dts").is_file()
    if shutil.which("dtc"):
        for command in machine.prepare:
            subprocess.run(command, cwd=tmp_path, check=True)
        assert (tmp_path / "machine.dtb").read_bytes()[:4] == b"\xd0\x0d\xfe\xed"


def test_an_image_that_is_no_kernel(tmp_path: Path) -> None:
    image = tmp_path / "picture.png"
    image.write_bytes(b"\x89PNG" + bytes(100))
    initrd = tmp_path / "initrd"
    initrd.write_bytes(b"")
    for board in BOARDS.values():
        with pytest.raises(Refused, match=r"picture\.png is no kernel image"):
            machine_of(board, ((GIB, 2 * GIB),), "", image, initrd, tmp_path)
    assert arm64_header(b"") is None


def test_missing_programs_are_named_with_their_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    assert missing(BOARDS["arm64"]) == [
        "qemu-system-aarch64 (Debian package qemu-system-arm)",
        "dtc (Debian package device-tree-compiler)",
    ]


# Boots, with a program in QEMU's place


def fake(code: str) -> Machine:
    return Machine((sys.executable, "-c", code), {})


@pytest.mark.parametrize(
    ("code", "outcome", "reason"),
    [
        (f"print({END!r})", "complete", ""),
        ("print('Linux'); print('Kernel panic - not syncing: VFS')", "panicked", "syncing: VFS"),
        (
            "print('Linux', flush=True); import time; time.sleep(60)",
            "hung",
            "not done after 5 s.*Li",
        ),
        ("import time; time.sleep(60)", "hung", "the log is empty: is it a kernel"),
        ("print('Linux version')", "stopped", "before its init was done.*Linux version"),
    ],
)
def test_how_a_boot_ends(tmp_path: Path, code: str, outcome: str, reason: str) -> None:
    ending = boot(fake(code), tmp_path, 5 if outcome == "hung" else 60)
    assert ending.outcome == outcome
    assert re.search(reason, ending.reason)


def test_a_log_without_end_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("memmap_atlas.lab.run.MOST_LOG", 1 << 16)
    ending = boot(fake("while True: print('x' * 1000)"), tmp_path, 60)
    assert ending.outcome == "hung"
    assert "no end of log" in ending.reason
    assert len(ending.log) < 1 << 20


def test_what_qemu_refuses_is_told(tmp_path: Path) -> None:
    ending = boot(fake("import sys; sys.exit('cannot set up guest memory')"), tmp_path, 30)
    assert ending.outcome == "refused"
    assert "QEMU: cannot set up guest memory" in ending.reason


def test_initramfs_is_a_cpio_archive(tmp_path: Path) -> None:
    busybox = tmp_path / "busybox"
    busybox.write_bytes(b"\x7fELF" + bytes(1001))
    data = initramfs(busybox)
    found, at = {}, 0
    while True:
        assert data[at : at + 6] == b"070701"
        fields = [int(data[at + 6 + 8 * n : at + 14 + 8 * n], 16) for n in range(13)]
        size, length = fields[6], fields[11]
        name = data[at + 110 : at + 109 + length].decode()
        body = at + (110 + length + 3) // 4 * 4
        if name == "TRAILER!!!":
            break
        found[name] = (fields[1], data[body : body + size])
        at = body + (size + 3) // 4 * 4
    assert found["init"] == (0o100755, INIT.encode())
    assert found["bin/busybox"] == (0o100755, busybox.read_bytes())
    assert {"dev/console", "proc", "sys"} < found.keys()


# Plans


def test_random_maps_are_the_same_every_time() -> None:
    plan = Random(count=40, seed=7, regions=6, start=GIB, end=9 * GIB, edge=4096)
    maps = random_maps(plan)
    assert maps == random_maps(plan)
    assert len({len(regions) for regions in maps}) > 3
    for regions in maps:
        edges = [edge for region in regions for edge in region]
        assert edges == sorted(set(edges))
        assert edges[0] >= GIB
        assert edges[-1] <= 9 * GIB
        assert regions[0][1] - regions[0][0] >= 256 * MIB
    ragged = [edge for regions in maps for region in regions for edge in region]
    assert any(edge % (2 * MIB) for edge in ragged)
    assert any(edge % (128 * MIB) == 0 for edge in ragged)


GOOD: dict[str, Any] = {
    "kernels": {"debian-6.1-cloud-arm64": {"package": "linux-image-cloud-arm64", "suite": "sid"}},
    "maps": {
        "some": {
            "regions": {"thread-3g": [["0x0", "0x60000000"]]},
            "machines": ["juno"],
            "sweep": "hole-position",
            "sample": 3,
            "random": {
                "count": 2,
                "seed": 1,
                "regions": 2,
                "from": 0,
                "to": "4GiB",
                "edge": "4KiB",
            },
        }
    },
    "boots": [{"kernels": "all", "maps": ["some"]}],
}


def written(tmp_path: Path, **changes: Any) -> Path:
    path = tmp_path / "lab.yaml"
    good = json.loads(json.dumps(GOOD))
    good["maps"]["some"]["regions"] = {"thread-3g": [[0, 0x60000000]]}
    path.write_text(yaml.safe_dump(good | changes))
    return path


def load(path: Path) -> Lab:
    return lab_file.load_lab(path, "lab.yaml", lab_file.Names(ROOT, path.parent))


def test_a_lab_file_lists_its_boots(tmp_path: Path) -> None:
    lab = load(written(tmp_path))
    assert len(lab.boots) == len(set(lab.boots)) == 1 + 1 + 3 + 2
    assert lab.maps["juno"][0] == (0x80000000, 0xFF000000)
    assert sum(name.startswith("hole-position/") for name in lab.maps) == 3
    assert lab.time_limit == 120


SOME = GOOD["maps"]["some"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kernels": {"debian-6.1-cloud-arm": {"image": "x"}}}, "no kernel 'debian-6.1-cloud-arm'"),
        ({"kernels": {"debian-6.1-arm64": {"package": "x"}}}, "suite"),
        ({"kernels": {"debian-6.1-arm64": {"package": "a", "image": "b"}}}, "one of package"),
        ({"kernels": {"alpha-5.10": {"image": "x"}}}, "no machine for architecture alpha"),
        ({"maps": {"some": {"machines": ["junno"]}}}, "no map 'junno' .did you mean 'juno'"),
        (
            {"maps": {"some": {"sweep": "hole-positio"}}},
            "no sweep .hole-positio.*mean .hole-position",
        ),
        ({"maps": {"some": {"sweep": "thread-2016", "layouts": ["thread-5g"]}}}, "'thread-4g'"),
        ({"maps": {"some": {"regions": {"a": [[0, 2], [1, 3]]}}}}, "maps.some.regions.a.*overlap"),
        ({"maps": {"some": {"sample": 3}}}, "sweep"),
        ({"maps": {"some": {}}}, "maps.some: .*one or more of regions"),
        ({"boots": [{"kernels": "all", "maps": ["sume"]}]}, "boots.0.maps.0: .*mean 'some'"),
        ({"boots": [{"kernels": ["x"], "maps": ["some"]}]}, "boots.0.kernels.0: no kernel 'x'"),
        ({"boots": []}, "a list of boots"),
        ({"time_limit": 0}, "less than 1: seconds"),
        ({"kernel": 1}, "unknown key .did you mean 'kernels'"),
    ],
)
def test_bad_lab_files(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError) as error:
        load(written(tmp_path, **changes))
    assert re.search(message, str(error.value)), error.value
    assert "lab.yaml" in str(error.value) or "hole-positio" in str(error.value)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"lab": "fulll"}, "no lab 'fulll' .did you mean 'full'"),
        ({"kernel": "debian-6.1-cloud-arm64"}, "config: map: a boot needs a kernel and a map"),
        ({"kernel": "nope", "map": "juno"}, "no kernel 'nope' in the lab"),
        ({"kernel": "debian-6.1-cloud-arm64", "map": "hikei"}, "no map 'hikei'.*'hikey'"),
        ({"kernel": "arm64-6.12-4k", "map": "juno", "image": "no/Image"}, "no file no/Image"),
        ({"kernel": "debian-6.1-cloud-arm64", "map": [[5, 5]]}, "config: map.*is empty"),
    ],
)
def test_bad_boots(config: dict[str, Any], message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        lab_file.the_lab(config, ROOT, tmp_path)
    assert re.search(message, str(error.value)), error.value


def test_one_boot_of_an_image_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_file, "missing", lambda board: [])
    (tmp_path / "Image").write_bytes(ARM64_IMAGE)
    config = {"kernel": "arm64-6.12-4k", "image": "Image", "map": "thread-2016/thread-3g"}
    lab = lab_file.the_lab(config, ROOT, tmp_path)
    assert lab.boots == (("arm64-6.12-4k", "thread-2016/thread-3g"),)
    assert lab.maps["thread-2016/thread-3g"] == THREAD_3G
    assert lab.kernels["arm64-6.12-4k"].origin.image == "Image"


def test_every_kernel_can_be_named(tmp_path: Path) -> None:
    names = [name for name, kernel in KERNELS.items() if kernel.arch in BOARDS]
    assert "x86_64-6.12" in names
    kernels = {name: {"image": "Image"} for name in names}
    lab = load(written(tmp_path, kernels=kernels, boots=[{"kernels": names, "maps": ["some"]}]))
    assert {kernel for kernel, _ in lab.boots} == set(names)
    for name in names:
        config = {"sweeps": ["thread-2016"], "max_points": 1, "kernel": name}
        assert problems(config, "config", "config") == []


def test_labs_that_ship_can_be_read() -> None:
    names = lab_file.Names(ROOT, ROOT)
    for path in sorted((ROOT / "config/labs").glob("*.yaml")):
        assert lab_file.load_lab(path, path.name, names).boots


def test_options_of_a_build() -> None:
    assert Choice("arm64", "sparsemem-free", 4096, 128 * MIB).options == [
        "CONFIG_SPARSEMEM_MANUAL=y",
        "# CONFIG_SPARSEMEM_VMEMMAP is not set",
        "CONFIG_ARM64_4K_PAGES=y",
    ]
    wanted = [
        "# why",
        "CONFIG_A=y",
        "# CONFIG_B is not set",
        "# CONFIG_C is not set",
        "CONFIG_D=20",
    ]
    assert lost_options(wanted, ["CONFIG_A=y", "# CONFIG_B is not set", "CONFIG_D=20"]) == []
    assert lost_options(wanted, ["CONFIG_A=m", "CONFIG_C=y"]) == [
        "CONFIG_A=y",
        "# CONFIG_C is not set",
        "CONFIG_D=20",
    ]


# Residuals


def booted(tmp_path: Path, text: str, kernel: str, outcome: str = "complete") -> dict[str, Any]:
    about = {
        **dict.fromkeys(("package", "version", "image_sha256", "qemu", "cpu", "reason"), ""),
        "kernel": kernel,
        "map": "some",
        "told": [[0x40000000, 0x80000000]],
        "outcome": outcome,
        "log_sha256": "",
    }
    (tmp_path / "boot.json").write_text(json.dumps(about))
    (tmp_path / "log.gz").write_bytes(gzip.compress(text.encode()))
    return observation(tmp_path, KERNELS[kernel])


ONE_GIB = [
    *METADATA,
    asked(16 * MIB, "memmap_alloc", EXACT),
    granted(0x60000000, 16 * MIB),
    asked(4096, "__earlyonly_bootmem_alloc", "memblock_alloc_try_nid_raw"),
    granted(0x6FFF0000, 4096),
    asked(4096, "__earlyonly_bootmem_alloc", "memblock_alloc_try_nid_raw"),
    granted(0x6FFE0000, 4096),
]
KERNEL = "debian-6.1-cloud-arm64"


def test_a_boot_that_agrees(tmp_path: Path) -> None:
    row = booted(tmp_path, log(*ONE_GIB), KERNEL)
    found = residuals([row], KERNELS)
    assert {residual["quantity"] for residual in found} >= {"memmap_bytes", "page_table_bytes"}
    assert faults(found) == []
    assert all(agreement.exact == 1 for agreement in agreements(found).values())


def test_a_byte_that_is_off_is_told(tmp_path: Path) -> None:
    told = TOLD.replace("SIZE(page)=64", "SIZE(page)=56").replace("SIZE=52", "SIZE=48")
    text = log(*ONE_GIB).replace("448 bytes", "449 bytes") + told
    row = booted(tmp_path, text, KERNEL)
    found = residuals([row], KERNELS)
    lines = faults(found)
    assert f"{KERNEL} on some: booted usage_bytes 449, not 448 (+1)" in lines
    assert f"{KERNEL}: the kernel says struct_page_bytes 56, not 64 as kernels.yaml has it" in lines
    table = agreement_table([row], found)
    assert "0/1 off +1" in table[1]


def test_another_map_than_was_told_is_off(tmp_path: Path) -> None:
    text = log(*ONE_GIB, ram="0x0000000040000000-0x000000007ffeffff")
    found = residuals([booted(tmp_path, text, KERNEL)], KERNELS)
    assert [row["off"] for row in found if row["quantity"] == "ram_bytes"] == [-0x10000]


def test_flatmem_may_free_a_page_more_for_each_hole() -> None:
    row = {"off": 4096, "allowed": 4096}
    assert is_within(row)
    assert is_within({"off": -4096, "allowed": -4096})
    assert not is_within({"off": -1, "allowed": 4096})
    assert not is_within({"off": 4097, "allowed": 4096})
    assert not is_within({"off": 1, "allowed": 0})


def test_a_boot_that_failed_is_listed_and_counts_nothing(tmp_path: Path) -> None:
    row = booted(tmp_path, "", KERNEL, "refused") | {"reason": "no room"}
    assert residuals([row], KERNELS) == []
    assert failures([row]) == [f"{KERNEL} on some: refused: no room"]
    row = booted(tmp_path, "[    0.000000] Linux\n", KERNEL)
    assert row["outcome"] == "stopped"
    assert "memory map" in row["reason"]
