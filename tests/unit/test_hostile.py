"""Thousands of mutated configurations: each is refused in lines that say why, or it is a sweep that
could run; nothing else may come of them, and nothing is written. What is huge is refused before it
takes memory.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import yaml
from memmap_atlas.answer.question import question_of
from memmap_atlas.documents.errors import InputError
from memmap_atlas.lab.lab_file import Names, load_lab, the_lab
from memmap_atlas.lab.plan import Lab
from memmap_atlas.pipeline.paths import figures, summary, tables
from memmap_atlas.sweep.design import LOADER, resolved, sweep_from
from memmap_atlas.sweepfile.sweeps import load_sweeps

from tests.tools import fuzzing
from tests.tools.hostile import (
    BOARDS,
    BOMB,
    CONFIG,
    LAB,
    MACHINES,
    SWEEPS,
    WHOLE_CONFIG,
    small_root,
    text_mutated,
    value_mutated,
    written,
)
from tests.tools.paths import ROOT, results_path
from tests.tools.runs import workflow

# mutations in all: of the text and of the values of each of these
MUTATIONS = max(2000, fuzzing.fuzz_examples())
FILES = {
    "grid.yaml": SWEEPS["grid.yaml"],
    "named.yaml": SWEEPS["named.yaml"],
    "config/kernels.yaml": "",
    "config/machines.yaml": MACHINES,
    "config/boards.tsv": BOARDS,
    "lab.yaml": LAB,
}
SECONDS = 60


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("root")
    small_root(folder)
    return folder


@contextmanager
def within_seconds(seconds: int) -> Iterator[None]:
    """A hang is a failure."""

    def ring(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def tried(load: Callable[[], object], folder: Path) -> str:
    """Return a line on how the answer to a configuration is wrong, "" where it is right."""
    before = sorted(folder.rglob("*"))
    try:
        with within_seconds(SECONDS):
            load()
    except InputError as error:
        lines = list(map(str, error.problems))
        if str(error) != "\n".join(lines) or not 1 <= len(lines) <= 51:
            return f"{len(lines)} lines: {lines[:3]}"
        return next((line for line in lines if not told(line)), "")
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return "" if sorted(folder.rglob("*")) == before else "something was written"


def told(line: str) -> bool:
    """Return true for a message of one line with a location and the mistake there."""
    return (
        line.isprintable() and 12 < len(line) <= 4000 and (": " in line or line.startswith("and"))
    )


def sweeps_of(config: dict[str, Any], folder: Path) -> None:
    """Load sweeps as a run does before its first job, and read what their first job reads."""
    sweeps = load_sweeps(config, folder, folder)
    summary(sweeps)
    for sweep in sweeps:
        assert sweep.points <= config["max_points"]
        for path in (*tables(sweep), *figures(sweep)):
            assert (
                (folder / path)
                .resolve()
                .is_relative_to(folder / results_path("<sweep>", sweep=sweep.name))
            )
            assert path.isprintable()
        text = written(resolved(sweep)).decode()
        assert sweep_from(yaml.load(text, Loader=LOADER)) == sweep


def lab_of(folder: Path) -> None:
    """Load a lab as a run does before its first boot."""
    stays_inside(load_lab(folder / "lab.yaml", "lab.yaml", Names(folder, folder)), folder)


def stays_inside(lab: Lab, folder: Path) -> None:
    """Every boot has a folder of its own under results/lab/."""
    for kernel, name in lab.boots:
        boots = folder / results_path("<lab_boots>")
        assert (boots / kernel / name).resolve().is_relative_to(boots / kernel)


@pytest.mark.parametrize("file", FILES)
def test_fuzz_files(root: Path, file: str) -> None:
    good = FILES[file] or (root / file).read_text()
    values = None if file.endswith(".tsv") else yaml.load(good, Loader=LOADER)
    load = partial(lab_of, root) if file == "lab.yaml" else partial(sweeps_of, CONFIG, root)
    load()
    wrong = {}
    try:
        for number in range(MUTATIONS // (len(FILES) + 1)):
            if number % 2 and values:
                data = written(value_mutated(values, number))
            else:
                data = text_mutated(good, number)
            (root / file).write_bytes(data)
            if text := tried(load, root):
                wrong[number] = text
    finally:
        (root / file).write_text(good)
    assert not wrong


@pytest.mark.parametrize("target", ["sweeps", "answer", "lab"])
def test_fuzz_configuration(root: Path, target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Values as they come of a command line or a file that Snakemake reads."""
    # what this machine has installed is no part of it
    monkeypatch.setattr("memmap_atlas.lab.lab_file.missing", lambda board: [])
    wrong = {}
    for number in range(MUTATIONS // (len(FILES) + 1)):
        config = value_mutated(CONFIG if target == "sweeps" else WHOLE_CONFIG, number)
        loads = {"sweeps": sweeps_of, "answer": question_in, "lab": lab_in}
        if text := tried(partial(loads[target], config, root), root):
            wrong[number] = text
    assert not wrong


def question_in(config: dict[str, Any], folder: Path) -> None:
    """The question of a configuration that has one."""
    if isinstance(config, dict) and "file" in config:
        question_of(config, folder, folder)


def lab_in(config: dict[str, Any], folder: Path) -> None:
    """The lab of a configuration, as the Snakefile gets there."""
    load_sweeps(config, folder, folder)
    stays_inside(the_lab(config, folder, folder), folder)


# What is huge

GRID = """
name: huge
layouts: {{grid: {grid}}}
kernels: {kernels}
section_size: {sections}
models: all
"""
FULL = "{from: 0, to: 128TiB, step: 4KiB}"
WIDE = "{from: 4KiB, to: 128TiB, step: 4KiB}"


def grid(axes: str, kernels: str = "all", sections: str = "[kernel]") -> str:
    """A sweep with that grid."""
    return GRID.format(grid=axes, kernels=kernels, sections=sections)


def chain(count: int) -> str:
    """A sweep whose kernels each extend the one before."""
    entries = [f"  k{n}: {{extends: {f'k{n - 1}' if n else 'arm-5.10'}}}\n" for n in range(count)]
    return f"{grid('{ram_size: [1GiB]}')}custom_kernels:\n{''.join(entries)}"


def many(count: int) -> str:
    """A sweep of very many kernels, each with every section size."""
    entries = [f"  k{n}: {{extends: arm-5.10}}\n" for n in range(count)]
    sections = "{from: 4KiB, to: 128TiB, factor: 2}"
    text = grid("{ram_size: [1GiB]}", sections=sections)
    return f"{text}custom_kernels:\n{''.join(entries)}"


REGIONS = ", ".join(f"[{2 * n}, {2 * n + 1}]" for n in range(1000))
HUGE = {
    "a bomb of aliases": (f"{BOMB}name: *a39", "has more than 200,000 values, those of an alias"),
    "a bomb of mappings": (
        "".join(
            f"a{n}: &a{n} {{{', '.join(f'k{m}: *a{n - 1}' for m in range(9)) if n else 'k: x'}}}\n"
            for n in range(40)
        ),
        "has more than 200,000 values, those of an alias",
    ),
    "a thing within itself": ("name: &a [*a]", "huge.yaml:1:11: the alias *a stands within what"),
    "a range of every byte": (
        grid("{ram_size: {from: 1B, to: 90000TiB, step: 1B}}"),
        "1B is no whole number of pages of 4KiB",
    ),
    "10^10 values": (grid(f"{{ram_size: {WIDE}}}"), "points (34,359,738,368 layouts x"),
    "10^42 points": (
        grid(f"{{base: {FULL}, ram_size: {WIDE}, hole_start: {FULL}, hole_size: {WIDE}}}"),
        "",
    ),
    "10^31 points": (
        grid(f"{{ram_size: {WIDE}, hole_start: {FULL}, hole_size: {WIDE}}}"),
        "points (40,564,819,208,",
    ),
    "a million values": (
        grid(f"{{ram_size: [{', '.join(str(4096 * n) for n in range(1, 1_000_001))}]}}"),
        "has more than 200,000 values",
    ),
    "a list of all sorts": (
        grid(f"{{ram_size: ['4MiB', {', '.join(map(str, range(1, 100_000)))}]}}"),
        "more problems",
    ),
    "names that are none": (
        grid("{ram_size: [1GiB]}", kernels=str([f"nothing-{n}" for n in range(50_000)])),
        "and 49,950 more problems",
    ),
    "boards that are none": (
        f"name: a\nkernels: all\nmodels: all\n"
        f"layouts: {{boards: {[f'b{n}' for n in range(9999)]}}}",
        "and 9,949 more problems",
    ),
    "keys that are none": ("".join(f"key-{n}: 1\n" for n in range(50_000)), "key-0: unknown key"),
    "a key of a megabyte": (f"? {'k' * 1_000_000}\n: x\n", "kkk...: unknown key"),
    "a name of a megabyte": (f"name: {'n' * 1_000_000}\n", "nnn... is not right: the folder"),
    "a number of a megabyte": (
        f"name: {'9' * 1_000_000}\n",
        "a number of 1,000,000 letters is none",
    ),
    "a number in hex": (f"name: 0x{'f' * 9000}\n", "a number of 9,002 letters is none"),
    "hours without end": (f"name: {'1:' * 200_000}1\n", "a number of 400,001 letters is none"),
    "17 megabytes": (f"# {'x' * (17 << 20)}\n", "is larger than 16 MiB"),
    "a chain of kernels": (chain(3000), "extends 32 kernels one after the other"),
    "kernels times sections": (many(5000), "combinations of kernel, section size and model are mo"),
    "layouts of a thousand regions": (
        "name: a\nkernels: all\nmodels: all\nlayouts:\n  regions:\n"
        + "".join(f"    r{n}: &r{n} [{REGIONS}]\n" for n in range(1))
        + "".join(f"    s{n}: *r0\n" for n in range(100)),
        "has more than 200,000 values, those of an alias",
    ),
}
LIMITED = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))
resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
sys.path.insert(0, {library!r})
from pathlib import Path
from memmap_atlas.sweepfile.sweeps import load_sweeps
from memmap_atlas.documents.errors import InputError
root = Path({root!r})
try:
    load_sweeps({{"sweeps": ["huge.yaml"], "max_points": 10**9}}, root, root)
except InputError as error:
    print(error)
"""


@pytest.mark.parametrize("what", HUGE)
def test_what_is_huge_is_refused_before_it_takes_memory(root: Path, what: str) -> None:
    """Within a GiB of addresses and a minute of computing, libraries and all."""
    text, message = HUGE[what]
    (root / "huge.yaml").write_text(text)
    code = LIMITED.format(library=str(ROOT / "workflow/scripts"), root=str(root))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert message in done.stdout
    assert len(done.stdout) < 100_000


DEEP: list[Any] = []
for _ in range(100):
    DEEP = [DEEP]
WIDE_VALUE: list[Any] = ["x"]
for _ in range(30):
    WIDE_VALUE = [WIDE_VALUE] * 9
ROUND: list[Any] = []
ROUND.append(ROUND)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            "a\x1b[31mb",
            "config: trees: 'a\\x1b[31mb' has characters that can't be printed, such as U+001B",
        ),
        ("a\ud800", "has characters that can't be printed, such as U+D800"),
        ("a\0", "has characters that can't be printed, such as U+0000"),
        ("a\r", "has characters that can't be printed, such as U+000D"),
        ("\u202eb", "has characters that turn the order of letters about, such as U+202E"),
        ({1: 2}, "config: trees: the key 1 is no text: put it in quotes"),
        ({"\x07": 2}, "config: trees: the key '\\x07' has characters that can't be printed"),
        (1 << 9999, "config: trees: is a number of 10,000 bits"),
        (DEEP, "config: is nested too deeply: 64 levels at most"),
        (ROUND, "config: is nested too deeply: 64 levels at most"),
        (WIDE_VALUE, "config: has more than 200,000 values"),
    ],
)
def test_values_that_no_document_has(root: Path, value: Any, message: str) -> None:
    """A command line, or a file that Snakemake reads, can have them."""
    with pytest.raises(InputError) as error:
        load_sweeps(CONFIG | {"trees": value}, root, root)
    assert str(error.value).startswith(message) or message in str(error.value)


@pytest.mark.parametrize(
    ("random", "message"),
    [
        (
            "from: 1GiB, to: 2GiB, edge: 4KiB, room: 3GiB",
            "of 1,000 draws none has room for 3GiB in",
        ),
        ("from: 2GiB, to: 1GiB, edge: 4KiB", "to must lie above from, by one edge or more, and an"),
        ("from: 1GiB, to: 1GiB, edge: 4KiB", "to must lie above from, by one edge or more, and an"),
        (
            "from: 1GiB, to: 2GiB, edge: 0",
            "to must lie above from, by one edge or more, and an edge",
        ),
        (
            "from: 0, to: 1TiB, edge: 90000TiB",
            "to must lie above from, by one edge or more, and an",
        ),
        ("from: 0, to: 90000TiB, edge: 80000TiB, room: 0", ""),
    ],
)
def test_random_maps_that_there_are_none_of(root: Path, random: str, message: str) -> None:
    ragged = "from: 1GiB, to: 6GiB, edge: 4KiB"
    assert ragged in LAB
    (root / "none.yaml").write_text(LAB.replace(ragged, random))
    load = partial(load_lab, root / "none.yaml", "none.yaml", Names(root, root))
    if message:
        with pytest.raises(InputError) as error, within_seconds(SECONDS):
            load()
        assert f"none.yaml: maps.ragged.random: {message}" in str(error.value)
    else:
        load()


# Snakemake itself

BOOT = ("kernel=arm64-6.12-4k", "image=Image", "map=juno", "lab=lab.yaml")
LONG = "x" * 5000
ASKED: tuple[tuple[str, ...], ...] = (
    ("sweeps=[grid.yaml",),
    ("sweeps=[1.5, grid.yaml]",),
    ("sweeps=[/dev/zero.yaml]",),
    ("sweeps=[pipe.yaml]",),
    (f"sweeps=[{LONG}.yaml]",),
    ("sweeps=!!python/object/apply:os.system ['touch hit']",),
    (f"max_points=0x{'f' * 9000}",),
    ("max_points=.inf",),
    ("file=/dev/zero", "answer"),
    ("file={a: b}", "answer"),
    (f"file={LONG}", "answer"),
    ("file='{x}.dtb'", "answer"),
    (f"trees={LONG}", "census"),
    ("trees='{x}'", "census"),
    ("trees=$(touch hit)", "census"),
    (*BOOT, "lab=../../nothing.yaml", "boot"),
    (*BOOT, f"image={LONG}", "boot"),
    (*BOOT, "image='{x}'", "boot"),
    (*BOOT, "map=grid.yaml/../../x", "boot"),
    (*BOOT, "cpu=max,file=$(touch hit)", "boot"),
    (*BOOT, "kernel=../x", "boot"),
)
# mutations of a sweep's file, by their numbers
NUMBERS = range(8)


def refused_by_snakemake(folder: Path, *words: str) -> str:
    """Return the output of a dry run that is refused, else ""; check that nothing is written."""
    targets = [word for word in words if "=" not in word]
    asked = {word.partition("=")[0]: word for word in words if "=" in word}
    command = workflow("--dry-run")
    command += ["--cores", "1", "--quiet", "host", "--config", *asked.values(), "--", *targets]
    before = sorted(folder.rglob("*"))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=10 * SECONDS)
    assert "Traceback" not in done.stdout + done.stderr
    after = [path for path in folder.rglob("*") if ".snakemake" not in path.parts]
    assert sorted(after) == before
    return done.stdout + done.stderr if done.returncode else ""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where a user of what ships works."""
    (tmp_path / "logs").mkdir()
    for name, text in {**SWEEPS, "lab.yaml": LAB, "Image": ""}.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "logs/one.iomem").write_text("80000000-bfffffff : System RAM\n")
    os.mkfifo(tmp_path / "pipe.yaml")
    return tmp_path


@pytest.mark.parametrize("words", ASKED, ids=lambda words: " ".join(words)[:40])
def test_snakemake_is_asked_for_what_is_not(folder: Path, words: tuple[str, ...]) -> None:
    assert refused_by_snakemake(folder, *words)


@pytest.mark.parametrize("number", NUMBERS)
def test_snakemake_reads_a_mutated_sweep(folder: Path, number: int) -> None:
    good = SWEEPS["grid.yaml"]
    if number % 2:
        data = written(value_mutated(yaml.load(good, Loader=LOADER), number))
    else:
        data = text_mutated(good, number)
    (folder / "grid.yaml").write_bytes(data)
    told = refused_by_snakemake(folder, "sweeps=[grid.yaml]")
    assert not told or "grid.yaml: " in told or "grid.yaml:" in told
