"""The answer for one file: the kernel that matches the machine's own, its log's counts beside the
computed ones, and the whole command run for real.
"""

import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import yaml
from memmap_atlas.advice.build_options import choices
from memmap_atlas.advice.map_changes import smallest_changes
from memmap_atlas.answer.kernel_match import ASSUMED, match_kernel
from memmap_atlas.answer.log_counts import checks
from memmap_atlas.answer.question import question_of
from memmap_atlas.answer.report import EXTRA, PARTS, of_changes, of_choices, of_kernel, unsafe
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.cli.main import main
from memmap_atlas.documents.errors import InputError
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.cost import cost, counted_pages
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Layout, Regions
from memmap_atlas.readers.memory_map import Bank, KernelHints, MemoryMap, memory_map
from memmap_atlas.text.tables import Section, Table, as_markdown, as_text

from tests.tools.paths import ROOT, results_path
from tests.tools.runs import workflow

LOGS = load_yaml(ROOT / "tests/golden/boot-logs.yaml")
KERNELS = load_kernels(ROOT / "config/kernels.yaml")
PUBLISHED = [log for log in LOGS if "control" not in log]
CONTROLS = [log for log in LOGS if "control" in log]
CONFIG = {"sweeps": ["thread-2016"], "max_points": 1000}

DESKTOP = """\
[    0.000000] Linux version 6.12.5 (me@box) (x86_64-linux-gnu-gcc-14 (Debian 14.2.0) 14.2.0) #1 SMP
[    0.010000] Zone ranges:
[    0.010001]   DMA      [mem 0x0000000000001000-0x0000000000ffffff]
[    0.010010] Movable zone start for each node
[    0.010011] Early memory node ranges
[    0.010012]   node   0: [mem 0x0000000000001000-0x000000000009efff]
[    0.010013]   node   0: [mem 0x0000000000100000-0x00000000bffdffff]
[    0.010014]   node   0: [mem 0x0000000100000000-0x00000002bfffffff]
[    0.010015] Initmem setup node 0 [mem 0x0000000000001000-0x00000002bfffffff]
[    0.010016] On node 0, zone DMA: 1 pages in unavailable ranges
[    0.010017] On node 0, zone DMA: 97 pages in unavailable ranges
[    0.010018] On node 0, zone Normal: 32 pages in unavailable ranges
[    0.010030] Memory: 11000000K/11534324K available
"""
DESKTOP_RAM = ((0x1000, 0x9F000), (0x100000, 0xBFFE0000), (0x100000000, 0x2C0000000))


def map_of(log: dict[str, Any], **told: Any) -> MemoryMap:
    """A published log as a reader gives it."""
    banks = [Bank(start, end, line) for line, (start, end) in enumerate(log["regions"], 1)]
    kernel = KERNELS[log["kernel"]]
    found = KernelHints(
        kernel.arch, kernel.release, kernel.page_size, None, log["unavailable_pages"]
    )
    return memory_map("boot log", banks, "line", overlaps="refuse", hints=replace(found, **told))


# which kernel stands for another


@pytest.mark.parametrize(
    ("told", "name"),
    [
        (KernelHints(), ASSUMED),
        (KernelHints("arm64", "6.1.120"), "arm64-6.1-4k"),
        (KernelHints("arm64", "6.1.47-v8_16k", 16384), "arm64-6.1-16k"),
        (KernelHints("arm64", "6.12.0", 65536), "arm64-6.12-64k"),
        (KernelHints("arm64", "5.4.0"), "arm64-4.6-4k"),
        (KernelHints("arm64", "3.10.0"), "arm64-4.6-4k"),
        (KernelHints("arm64", "6.1.0-13-arm64"), "debian-6.1-arm64"),
        (KernelHints("arm64", "6.1.0-13-cloud-arm64"), "debian-6.1-cloud-arm64"),
        (KernelHints("x86_64", "6.17.3"), "x86_64-6.12"),
        (KernelHints("x86_64", "6.1.0-41-amd64"), "debian-6.1-amd64"),
        (KernelHints("arm64"), "arm64-6.12-4k"),
        (KernelHints("riscv64", "6.12.1"), "riscv64-6.12"),
        (KernelHints("loongarch64", "6.12.1"), "loongarch-6.12-16k"),
        (KernelHints("vax", "6.1"), ASSUMED),
    ],
)
def test_the_kernel_that_stands_for_it(told: KernelHints, name: str) -> None:
    found, reason = match_kernel(told, KERNELS)
    assert found == name
    assert reason


# the kernel's own counts


@pytest.mark.parametrize("log", PUBLISHED, ids=lambda log: log["name"])
def test_published_logs_agree(log: dict[str, Any]) -> None:
    found = map_of(log, clipped=bool(log.get("clipped")))
    (check,) = checks(found, log["kernel"], KERNELS)
    if log.get("clipped"):
        assert "the end of the last section: the file ends before it" in check.verdict
    else:
        assert check.agrees
        assert check.verdict == "agrees"


@pytest.mark.parametrize("log", CONTROLS, ids=lambda log: log["name"])
def test_controls_are_not_checked(log: dict[str, Any]) -> None:
    (check,) = checks(map_of(log), log["kernel"], KERNELS)
    assert check.verdict.startswith("can't be checked: ")
    assert not check.agrees


def test_what_differs_is_said() -> None:
    log = next(log for log in PUBLISHED if not log.get("clipped"))
    (check,) = checks(map_of(log, unavailable_pages=7), log["kernel"], KERNELS)
    assert check.computed is not None
    assert check.verdict.startswith(f"differs by {7 - check.computed:+,} pages")
    (old,) = checks(map_of(log, release="4.4.1"), log["kernel"], KERNELS)
    assert "4.18 was the first" in old.verdict
    (none,) = checks(map_of(log, unavailable_pages=None), log["kernel"], KERNELS)
    assert none.verdict == "can't be checked: the file has no such line"


def test_another_page_size_is_seen_by_the_count() -> None:
    log = next(log for log in LOGS if KERNELS[log["kernel"]].page_size == 16384)
    (check,) = checks(map_of(log, page_size=None), "arm64-6.1-4k", KERNELS)
    assert "it is what arm64-6.1-16k has: is it the kernel of this log?" in check.verdict


def test_other_counts() -> None:
    ram = ((0x40000000, 0xA0000000), (0xC0000000, 0x120000000))
    kernel = KERNELS["arm64-6.12-4k"]
    regions = Regions.of([ram])
    pages = int(counted_pages(regions, kernel, "vmemmap")[0])
    mapped = int(cost(regions, kernel, "vmemmap").memmap[0])
    told = KernelHints("arm64", "6.12", 4096, None, 0, boot_pages=pages, mapped=mapped + 4096)
    banks = [Bank(start, end, 1) for start, end in ram]
    found = memory_map("log", banks, "line", overlaps="refuse", hints=told)
    counts = {check.quantity: check for check in checks(found, "arm64-6.12-4k", KERNELS)}
    assert counts["nr_memmap_boot_pages"].agrees
    assert counts["the vmemmap part of kernel_page_tables"].verdict == "differs by +4,096 bytes"


# what would be better

THREAD_4G = ((0x0, 0xE0000000), (0x100000000, 0x120000000))


def advice(ram: Layout, name: str) -> str:
    """The advice for a map, as text."""
    built = choices(ram, KERNELS, name)
    regions = Regions.of([ram])
    bad = [choice for choice in built if unsafe(regions, KERNELS, choice)]
    model = KERNELS[name].default_model
    moved = smallest_changes(ram, KERNELS[name], model)
    sections = [of_choices(built, bad), of_changes(moved, name, model, built[0].reason)]
    return " ".join(as_text(sections).split())


def test_the_advice_for_the_thread() -> None:
    text = advice(THREAD_4G, "arm64-5.10-4k")
    assert "by its configuration: arm64-5.10-4k with flatmem-free and sections of 1 GiB;" in text
    vmemmap = cost(Regions.of([THREAD_4G]), KERNELS["arm64-5.10-4k"], "vmemmap").wasted
    assert int(vmemmap[0]) == 16_777_216
    assert "Move all RAM from 0x100000000 on down by 512 MiB, to start at 0xe0000000" in text
    assert "saves 16,777,216 bytes (16 MiB)" in text


def test_no_change_is_an_answer() -> None:
    text = advice(((0, 1 << 32),), "arm64-6.12-64k")
    assert "no change of the map saves anything" in text
    assert "with an edit of SECTION_SIZE_BITS: as it is" not in text
    text = advice(((0, 1 << 32),), "debian-6.1-4kc-malta")
    assert "can't have this map: RAM beyond" in text


def test_nobody_is_told_to_write_past_an_array() -> None:
    """arm64's FLATMEM of 5.10, where RAM starts off a multiple of 1 GiB."""
    for start, told in ((0x40000000, True), (0x48000000, False)):
        text = advice(((start, start + (3 << 29)),), "arm64-5.10-4k")
        assert ("by its configuration: arm64-5.10-4k with flatmem-free" in text) is told
        assert ("Left out of the best is FLATMEM" in text) is not told


def test_classic_sections_can_make_struct_pages_larger() -> None:
    said = "LAST_CPUPID may find no room there"
    assert said in advice(THREAD_4G, "x86_64-6.12")
    # no classic build, or nothing else
    assert said not in advice(THREAD_4G, "arm64-6.12-4k")
    assert said not in advice(THREAD_4G, "i386-6.1-sparsemem")


@pytest.mark.parametrize("needed", [None, 1 << 26])
def test_what_is_needed_is_said_where_it_is_known(needed: int | None) -> None:
    names = ("ram", "memmap", "wasted", *(part.name for part in (*PARTS, *EXTRA)))
    sizes = {f"{name}_bytes": 1 for name in names}
    told = {"kernel": "k", "model": "vmemmap", "selectable": True, "reason": "a rule"}
    row = {**sizes, **told, "feasible": needed is not None, "needed_bytes": needed}
    text = of_kernel([row], "k", KERNELS[ASSUMED], "it was asked for").parts[0]
    end = "64 bytes; needed for RAM alone: 67,108,864 bytes (64 MiB)." if needed else "64 bytes."
    assert str(text).endswith(end)


# how it is written


def test_sheets() -> None:
    table = Table(("name", "bytes"), [("a|b", "1"), ("longer", "22")])
    sections = [Section("Title", ["one\ntwo", table])]
    assert as_text(sections) == (
        "Title\n-----\n\none\ntwo\n\nname    bytes\na|b         1\nlonger     22\n"
    )
    assert as_markdown(sections) == (
        "## Title\n\none  \ntwo\n\n"
        "| name | bytes |\n| --- | ---: |\n| a\\|b | 1 |\n| longer | 22 |\n"
    )


def test_names_are_no_markup() -> None:
    for name in ("a&lt;b", "$x$", "~~x~~", "[a](b)", "a_b_c", "<b>"):
        said = as_markdown([Section("Title", [name])]).splitlines()[2]
        # Markdown reads a backslash before punctuation as the punctuation
        assert said.replace("\\", "") == name
        assert not re.search(r"(?<!\\)[&$~\[\]_<>]", said), said


# what is asked


def test_a_question(tmp_path: Path) -> None:
    (tmp_path / "My desktop.log").write_text(DESKTOP)
    question = question_of({**CONFIG, "file": "My desktop.log"}, ROOT, tmp_path)
    assert question.layout == "my-desktop"
    assert question.kernel == "x86_64-6.12"
    assert question.every.regions == {"my-desktop": DESKTOP_RAM}
    assert list(question.every.kernels) == list(KERNELS)
    assert list(question.alone.kernels) == ["x86_64-6.12"]
    assert question.every.name == "answer-my-desktop"
    (source,) = question.every.sources
    assert (source.name, source.file) == ("my-desktop", "My desktop.log")
    assert len(source.sha256) == 64
    asked = {**CONFIG, "file": "My desktop.log", "kernel": "arm64-6.12-16k"}
    assert question_of(asked, ROOT, tmp_path).kernel == "arm64-6.12-16k"


def test_what_asks_a_question_again(tmp_path: Path) -> None:
    for name in ("plain.log", "with, comma.log", "a: b.log", "7", "a: b: c"):
        (tmp_path / name).write_text(DESKTOP)
        question = question_of({**CONFIG, "file": name}, ROOT, tmp_path)
        (asked,) = question.asked
        read = yaml.safe_load(asked.removeprefix("file="))
        assert question_of({**CONFIG, "file": read}, ROOT, tmp_path) == question


def test_no_two_maps_share_a_folder(tmp_path: Path) -> None:
    long = "x" * 60
    names = set()
    for name in (f"{long}-1.log", f"{long}-2.log", "x.log", "x-kernel.log"):
        (tmp_path / name).write_text(DESKTOP)
        question = question_of({**CONFIG, "file": name}, ROOT, tmp_path)
        names |= {sweep.name for sweep in question.sweeps}
    assert len(names) == 8


def test_a_question_with_a_configuration(tmp_path: Path) -> None:
    (tmp_path / "desktop.log").write_text(DESKTOP)
    lines = ["# Linux/arm64 6.12.1 Kernel Configuration", "CONFIG_ARM64=y", "CONFIG_64BIT=y"]
    lines += ["CONFIG_ARM64_16K_PAGES=y", "CONFIG_SPARSEMEM_VMEMMAP=y", "CONFIG_SPARSEMEM=y"]
    (tmp_path / ".config").write_text("\n".join(["#", *lines, ""]))
    question = question_of({**CONFIG, "file": ["desktop.log", ".config"]}, ROOT, tmp_path)
    assert question.kernel == "given"
    assert question.alone.kernels["given"].page_size == 16384
    assert [source.file for source in question.alone.sources] == ["desktop.log", ".config"]
    assert question.asked == ('file=["desktop.log", ".config"]',)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"file": "nothing.log"}, "config: file.0: no file 'nothing.log'"),
        ({"file": ["a.log", "b.log"]}, "2 maps (a.log, b.log) and 0 configurations: give one"),
        ({"file": "a.log", "kernel": "arm64-6.21-4k"}, "did you mean 'arm64-6.1-4k'?"),
        ({"file": "empty"}, "empty: is empty: give a device tree"),
        ({"file": "folder"}, "folder: is a folder: give the files in it"),
        ({"file": 3}, "config: file: 3 is"),
        ({"file": "<b>.log"}, "config: file: '<b>.log' has one of { } < >"),
        ({"file": ["a.log", "{x}.log"]}, "config: file: '{x}.log' has one of { } < >"),
        (
            {"file": "line\n.log"},
            "config: file: 'line\\n.log' has characters that can't be printed",
        ),
        ({"file": "bad\udcff.log"}, "'bad\\udcff.log' has characters that can't be printed"),
        ({"file": "binary"}, "binary: is binary, and no device tree"),
    ],
)
def test_bad_questions(tmp_path: Path, config: dict[str, Any], message: str) -> None:
    (tmp_path / "a.log").write_text(DESKTOP)
    for name in ("b.log", "<b>.log", "{x}.log", "line\n.log", "bad\udcff.log"):
        (tmp_path / name).write_text(DESKTOP)
    (tmp_path / "empty").touch()
    (tmp_path / "binary").write_bytes(bytes(4096))
    (tmp_path / "folder").mkdir()
    with pytest.raises(InputError) as caught:
        question_of({**CONFIG, **config}, ROOT, tmp_path)
    assert message in str(caught.value)


# for real


def snakemake(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Snakemake, run in ``folder``."""
    return subprocess.run(
        workflow("--directory", folder, "--cores", "2", *words),
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "desktop.log").write_text(DESKTOP)
    monkeypatch.chdir(tmp_path)
    assert main(["answer", "desktop.log"]) == 0
    printed = capsys.readouterr().out
    done = snakemake(tmp_path, "answer", "--config", "file=desktop.log")
    assert done.returncode == 0, done.stderr
    folder = tmp_path / results_path("<sweep>", sweep="answer-desktop")
    text = (folder / "answer.txt").read_text()
    assert text in done.stdout
    # without Snakemake the same
    assert text == printed
    assert "pages in unavailable ranges  agrees" in text
    kernel = KERNELS["x86_64-6.12"]
    expected = cost(Regions.of([DESKTOP_RAM]), kernel, "vmemmap")
    line = next(line for line in text.splitlines() if line.startswith("vmemmap  "))
    assert f"{int(expected.memmap[0]):,}" in line
    assert f"{int(expected.wasted[0]):,}" in line
    rows = pd.read_csv(folder / "answer.csv")
    assert len(rows) == len(KERNELS) * len(MODELS)
    for name, one in KERNELS.items():
        mine = rows[(rows["kernel"] == name) & (rows["model"] == one.default_model)]
        if mine["feasible"].item():
            wasted = cost(Regions.of([DESKTOP_RAM]), one, one.default_model).wasted
            assert mine["wasted_bytes"].item() == int(wasted[0])
    markdown = (folder / "answer.md").read_text()
    assert markdown.count("| --- ") >= 4
    strip = tmp_path / results_path(
        "<figures>/section-strip-desktop", sweep="answer-desktop--kernel"
    )
    assert strip.with_suffix(".png").stat().st_size > 10_000
    caption = " ".join(strip.with_suffix(".caption.txt").read_text().split())
    assert "Read from desktop.log (" in caption


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["answer"], "the answer is for a file: snakemake --cores 1 answer --config file="),
        (["answer", "--config", "file=none.log"], "config: file.0: no file 'none.log'"),
        (["census", "--config", "trees=none"], "trees: no folder 'none'"),
        (["census", "--config", "trees=a{x}"], "config: trees: 'a{x}' has one of { } < >"),
    ],
)
def test_bad_commands_are_one_clear_line(tmp_path: Path, words: list[str], message: str) -> None:
    (tmp_path / "a{x}").mkdir()
    done = snakemake(tmp_path, *words)
    assert done.returncode != 0
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob(results_path("<sweep>", sweep="answer*")))
