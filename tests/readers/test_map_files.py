"""Layouts and kernels of a sweep that are read from files: their names, where they come from, and
what is said of files that can't be read.
"""

from pathlib import Path

import pytest
import yaml
from memmap_atlas.catalog.kernels import read_entries
from memmap_atlas.documents.errors import InputError
from memmap_atlas.figures.captions import caption
from memmap_atlas.figures.registry import find
from memmap_atlas.sweep.design import Sweep, resolved, sweep_from
from memmap_atlas.sweepfile.machine_files import layout_name
from memmap_atlas.sweepfile.sweeps import load_sweep

from tests.tools.paths import ROOT

ENTRIES, _ = read_entries(ROOT / "config/kernels.yaml")
IOMEM = """\
00001000-0009ffff : System RAM
  00010000-0001ffff : Kernel code
000a0000-000fffff : Reserved
00100000-7fffffff : System RAM
fee00000-fee00fff : Local APIC
"""
MEMBLOCK = """\
   0: 0x0000000040000000..0x000000007fffffff    0 NONE
   1: 0x0000000100000000..0x000000017fffffff    0 NONE
"""
CONFIG = """\
#
# Automatically generated file; DO NOT EDIT.
# Linux/arm64 6.12.1 Kernel Configuration
#
CONFIG_ARM64=y
CONFIG_64BIT=y
CONFIG_ARM64_16K_PAGES=y
CONFIG_SPARSEMEM=y
CONFIG_SPARSEMEM_VMEMMAP=y
"""


def written(folder: Path, sweep: dict[str, object]) -> Path:
    """A folder with files of machines, and a sweep over them."""
    (folder / "logs").mkdir()
    (folder / "logs/My PC.txt").write_text(IOMEM)
    (folder / "logs/board").write_text(MEMBLOCK)
    (folder / "kernel.config").write_text(CONFIG)
    (folder / "broken.dtb").write_bytes(b"\xd0\x0d\xfe\xed" + bytes(60))
    path = folder / "mine.yaml"
    good = {"name": "mine", "kernels": ["arm64-6.12-4k"], "models": ["vmemmap"]}
    path.write_text(yaml.safe_dump({**good, **sweep}))
    return path


def load(path: Path) -> Sweep:
    return load_sweep(path, path.name, ENTRIES, {"juno": ((0, 1 << 30),)}, 1000)


def test_layouts_of_files(tmp_path: Path) -> None:
    sweep = load(written(tmp_path, {"layouts": {"files": ["logs/*"], "machines": ["juno"]}}))
    assert sweep.regions == {
        "juno": ((0, 1 << 30),),
        "my-pc": ((0x1000, 0xA0000), (0x100000, 0x80000000)),
        "board": ((0x40000000, 0x80000000), (0x100000000, 0x180000000)),
    }
    sources = {source.name: source for source in sweep.sources}
    assert set(sources) == {"my-pc", "board"}
    assert sources["board"].file == "logs/board"
    assert len(sources["board"].sha256) == 64
    assert "reserved" in " ".join(sources["board"].notes)
    values = resolved(sweep)
    assert sweep_from(yaml.safe_load(yaml.safe_dump(values))) == sweep


def test_a_kernel_of_a_configuration(tmp_path: Path) -> None:
    kernels = {"mine": {"config": "kernel.config", "section_size": "256MiB"}}
    sweep = load(
        written(
            tmp_path,
            {
                "layouts": {"files": ["logs/board"]},
                "custom_kernels": kernels,
                "kernels": ["mine", "arm64-6.12-4k"],
            },
        )
    )
    assert sweep.kernels["mine"].page_size == 16384
    assert sweep.kernels["mine"].section_size == 256 << 20
    assert [source.name for source in sweep.sources] == ["mine", "board"]


def test_a_caption_names_the_file(tmp_path: Path) -> None:
    sweep = load(written(tmp_path, {"layouts": {"files": ["logs/*"]}}))
    strip = find(sweep, "section-strip-board")
    text = caption(strip, sweep, 1, {}, "SOURCE.")
    sha256 = next(one.sha256 for one in sweep.sources if one.name == "board")
    assert "Read from logs/board (memblock" in text
    assert sha256[:16] in text
    assert "2 of the maps were read from files" in caption(
        find(sweep, "layout-heatmap-arm64-6.12-4k"), sweep, 1, {}, "SOURCE."
    )


@pytest.mark.parametrize(
    ("sweep", "message"),
    [
        ({"layouts": {"files": ["none/*.dtb"]}}, "layouts.files.0: no file 'none/*.dtb'"),
        ({"layouts": {"files": []}}, "layouts.files: [] is not right"),
        ({"layouts": {"files": ["broken.dtb"]}}, "broken.dtb: offset 0x"),
        ({"layouts": {"files": ["kernel.config"]}}, "as in mine: {config: kernel.config}"),
        (
            {"layouts": {"files": ["logs/board"], "regions": {"board": [[0, 4096]]}}},
            "logs/board and another layout of the sweep would both be called 'board'",
        ),
        (
            {"layouts": {"files": ["logs/board", "./logs/board"]}},
            "./logs/board and logs/board would both be called 'board'",
        ),
        (
            {"layouts": {"machines": ["juno"]}, "custom_kernels": {"k": {"config": "logs/board"}}},
            "logs/board: is no kernel's configuration",
        ),
        (
            {"layouts": {"machines": ["juno"]}, "custom_kernels": {"k": {"config": "no.config"}}},
            "no.config: can't be read: No such file",
        ),
        (
            {
                "layouts": {"machines": ["juno"]},
                "custom_kernels": {"k": {"config": "kernel.config", "page_sise": 1}},
            },
            "did you mean 'page_size'?",
        ),
    ],
)
def test_bad_files(tmp_path: Path, sweep: dict[str, object], message: str) -> None:
    with pytest.raises(InputError) as caught:
        load(written(tmp_path, sweep))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("trees/HiKey_960.dtb", "hikey-960"),
        ("/proc/iomem", "iomem"),
        (".config", "config"),
        ("a/---.dtb", "map"),
        ("x" * 300 + ".dtb", "x" * 80),
        ("<script>.log", "script"),
    ],
)
def test_names(file: str, name: str) -> None:
    assert layout_name(file) == name
