"""The command line: its output against the library, its errors, pipes and completion."""

import csv
import io
import json
import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import memmap_atlas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.cli.main import main
from memmap_atlas.memmodel.kernel import kernel_values
from memmap_atlas.memmodel.models import MODELS

from tests.tools.fuzzing import checked
from tests.tools.paths import GOLDEN, LIBRARY

LOG = GOLDEN / "maps/booted-arm64.log"
THREAD = [(0, 0xE0000000), (0x100000000, 0x120000000)]
REGIONS = ("0-3584MiB", "0x100000000-0x120000000")
KERNELS = memmap_atlas.kernels()


def run(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """The output of a command that succeeds."""
    code = main(words)
    out, err = capsys.readouterr()
    assert (code, err) == (0, "")
    return out


def refusal(capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """The lines on stderr of a command that is refused."""
    try:
        code = main(words)
    except SystemExit as end:
        code = int(end.code or 0)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    return err.splitlines()


def process(*words: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The command line in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "memmap_atlas", *words],
        env={**os.environ, "PYTHONPATH": str(LIBRARY), **variables},
        capture_output=True,
        text=True,
        check=False,
    )


# --- cost -----------------------------------------------------------------------------------------


def test_cost_as_json_is_what_the_library_has(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--kernel", "arm64-5.10-4k", "--kernel", "arm64-6.12-16k", "--model", "all", "--json")
    values = json.loads(run(capsys, "cost", *words, *REGIONS))
    names = ["arm64-5.10-4k", "arm64-6.12-16k"]
    assert values["memmap_atlas"] == memmap_atlas.__version__
    assert values["regions"] == [list(region) for region in THREAD]
    assert values["rows"] == memmap_atlas.compare(THREAD, names, list(MODELS))
    (row,) = (row for row in values["rows"][:9] if row["model"] == "vmemmap")
    assert row["memmap_bytes"] == 83_886_080


def test_cost_of_every_kernel_under_its_default(capsys: pytest.CaptureFixture[str]) -> None:
    rows = json.loads(run(capsys, "cost", "0-1GiB", "--json"))["rows"]
    assert [(row["kernel"], row["model"]) for row in rows] == [
        (name, kernel.default_model) for name, kernel in KERNELS.items()
    ]


def test_cost_as_csv_has_the_same_rows(capsys: pytest.CaptureFixture[str]) -> None:
    expected = memmap_atlas.compare(THREAD)
    assert not all(row["feasible"] for row in expected)
    rows = list(csv.DictReader(io.StringIO(run(capsys, "cost", *REGIONS, "--csv"))))
    assert rows == [
        {key: "" if value is None else str(value) for key, value in row.items()} for row in expected
    ]


def test_cost_as_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--kernel", "arm64-5.10-4k", "--model", "all")
    head, _, heads, *lines = run(capsys, "cost", *words, *REGIONS).splitlines()
    assert head == "4,294,967,296 bytes (4 GiB) of RAM in 2 regions; bytes"
    assert re.split(r"  +", heads)[:5] == ["kernel", "section", "model", "needed", "memmap"]
    cells = {line.split()[2]: re.split(r"  +", line) for line in lines}
    assert list(cells) == list(MODELS)
    assert cells["vmemmap"][3:7] == ["default", "67,108,864", "83,886,080", "16,777,216"]
    assert cells["flatmem-free"][3] == "can be built"
    assert cells["vmemmap-populated"][3] == "proposal"
    assert cells["flatmem"][3] == "not selectable"


def test_another_section_size(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--kernel", "arm64-5.10-4k", "--section-size", "128MiB", "--json")
    (row,) = json.loads(run(capsys, "cost", *words, *REGIONS))["rows"]
    assert (row["section_bytes"], row["wasted_bytes"]) == (128 << 20, 0)


def test_a_rule_that_forbids_some_rows_is_their_reason(capsys: pytest.CaptureFixture[str]) -> None:
    words = ("--kernel", "debian-6.1-4kc-malta", "--kernel", "arm64-5.10-4k")
    lines = run(capsys, "cost", *words, *REGIONS).splitlines()
    assert "RAM beyond what the kernel can use" in lines[-2]
    assert lines[-2].split()[-1] == "-"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["5-3"], ["REGION: the region [0x5, 0x3) is empty: its end must lie above its start"]),
        (
            ["0-8192", "4096-4MiB"],
            ["REGION: the regions [0x0, 0x2000) and [0x1000, 0x400000) overlap"],
        ),
        (
            ["0-0x1000000000000000"],
            ["REGION: invalid address '0x1000000000000000': expected"],
        ),
        (["0-3.5GiB"], ["REGION: invalid region '0-3.5GiB': expected START-END"]),
        (["0-3GB"], ["REGION: invalid address '3GB': expected 0x240000000, or a size"]),
        (["0-٣"], ["REGION: invalid region '0-٣'"]),
        (
            ["1-2", "--kernel", "arm64-5.10-4k"],
            ["REGION: arm64-5.10-4k (vmemmap) forbids this map"],
        ),
        (
            ["0-512TiB", "--kernel", "arm64-5.10-4k", "--kernel", "arm64-5.10-16k"],
            [
                "REGION: arm64-5.10-4k (vmemmap) forbids this map: RAM beyond MAX_PHYSMEM_BITS: "
                "RAM ends at 0x2000000000000, the kernel uses addresses below 0x1000000000000"
            ],
        ),
        (
            ["0-4GiB", "--kernel", "arm64-5.10-4"],
            ["--kernel: unknown kernel 'arm64-5.10-4' (did you mean 'arm64-5.10-4k'?)"],
        ),
        (
            ["0-4GiB", "--model", "vmemap"],
            ["--model: unknown model 'vmemap' (did you mean 'vmemmap'?); there are flatmem,"],
        ),
        (["0-4GiB", "--model", "VMEMMAP"], ["--model: unknown model 'VMEMMAP' (did you mean 'vm"]),
        (["0-4GiB", "--kernel", "x86"], ["--kernel: unknown kernel 'x86' (did you mean 'x86_64-"]),
        (["0-4GiB", "--kernel", ""], ["--kernel: unknown kernel ''; memmap-atlas kernels lists"]),
        (
            ["0-4GiB", "--section-size", "3MiB", "--kernel", "arm64-5.10-4k"],
            ["--section-size: invalid section size 3MiB: expected a power of two of at least"],
        ),
        (["0-4GiB", "--section-size", "3"], ["--section-size: invalid size '3'"]),
        # all mistakes at once
        (
            ["0-3GB", "x", "--kernel", "nope", "--model", "nope"],
            [
                "REGION: invalid address '3GB'",
                "REGION: invalid region 'x'",
                "--kernel: unknown kernel 'nope'",
                "--model: unknown model 'nope'",
            ],
        ),
    ],
)
def test_mistakes_of_cost_are_one_line_each(
    capsys: pytest.CaptureFixture[str], words: list[str], expected: list[str]
) -> None:
    lines = refusal(capsys, "cost", *words)
    assert len(lines) == len(expected)
    for line, text in zip(lines, expected, strict=True):
        assert line.startswith(f"memmap-atlas cost: {text}")


def test_a_section_size_that_no_kernel_can_have(capsys: pytest.CaptureFixture[str]) -> None:
    # not once for each of all kernels
    lines = refusal(capsys, "cost", "0-4GiB", "--section-size", "3MiB")
    assert len(lines) == len({kernel.page_size for kernel in KERNELS.values()})


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ([], "memmap-atlas: the following arguments are required: COMMAND"),
        (["cots"], "memmap-atlas: argument COMMAND: invalid choice: 'cots'"),
        (["cost"], "memmap-atlas cost: the following arguments are required: REGION"),
        (["cost", "0-1GiB", "--nope"], "memmap-atlas cost: unrecognized arguments: --nope"),
        (
            ["cost", "0-1GiB", "--jsn"],
            "memmap-atlas cost: unrecognized arguments: --jsn (did you mean '--json'?)",
        ),
        (["cost", "0-1GiB", "--json", "--csv"], "memmap-atlas cost: argument --csv: not allowed"),
        (["cost", "0-1GiB", "--kern", "x"], "memmap-atlas cost: unrecognized arguments: --kern x"),
        (["answer"], "memmap-atlas answer: the following arguments are required: FILE"),
        (["check", "x", "--most", "1MiB"], "memmap-atlas check: one of the arguments --kernel"),
        (["hotplug", "--add", "0-1GiB"], "memmap-atlas hotplug: the following arguments are"),
    ],
)
def test_a_wrong_command_line_is_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    (line,) = refusal(capsys, *words)
    assert line.startswith(text)


addresses = st.one_of(
    st.integers(-(1 << 66), 1 << 66).map(str),
    st.integers(0, 1 << 66).map(hex),
    st.builds(
        "{}{}".format, st.integers(0, 1 << 20), st.sampled_from(["B", "KiB", "MiB", "GiB", "TiB"])
    ),
    st.text(max_size=6),
)
regions = st.one_of(
    st.builds("{}-{}".format, addresses, addresses),
    st.text(max_size=12),
)


def test_any_region_is_an_answer_or_one_line_each() -> None:
    codes: Counter[int] = Counter()

    @checked(400)
    @given(
        st.lists(regions, min_size=1, max_size=3),
        st.one_of(st.just("128MiB"), addresses),
        st.sampled_from(["--json", "--csv"]),
    )
    def answered(words: list[str], section: str, form: str) -> None:
        out, err = io.StringIO(), io.StringIO()
        options = ("--kernel", "arm64-6.12-4k", f"--section-size={section}", form)
        with redirect_stdout(out), redirect_stderr(err):
            code = main(["cost", *options, "--", *words])
        codes[code] += 1
        assert bool(out.getvalue()) == (code == 0)
        lines = err.getvalue().splitlines()
        assert bool(lines) == (code == 2)
        assert all(line.startswith("memmap-atlas cost: ") and line.isprintable() for line in lines)

    answered()
    assert codes.keys() == {0, 2}


# --- answer ---------------------------------------------------------------------------------------


def test_an_answer_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(run(capsys, "answer", str(LOG), "--json"))
    memory = memmap_atlas.read_map(LOG)
    assert values["regions"] == [list(region) for region in memory.regions]
    assert values["hints"]["release"] == memory.hints.release
    assert values["kernel"] in KERNELS
    assert len(values["rows"]) == len(KERNELS) * len(MODELS)
    assert {(row["kernel"], row["model"]) for row in values["rows"]} >= {
        (name, model) for name in KERNELS for model in MODELS
    }
    present = values["choices"][0]
    (row,) = (
        row
        for row in values["rows"]
        if (row["kernel"], row["model"]) == (values["kernel"], present["model"])
    )
    assert present["needs"] == "nothing"
    assert present["memmap_bytes"] == row["memmap_bytes"]


def test_the_kernel_of_an_answer(capsys: pytest.CaptureFixture[str]) -> None:
    out = run(capsys, "answer", str(LOG), "--kernel", "arm64-6.12-64k")
    assert "What it takes under arm64-6.12-64k, in bytes" in out
    assert "arm64-6.12-64k: it was asked for." in out


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["nowhere.log"], "nowhere.log: can't be read: No such file or directory"),
        ([str(GOLDEN / "boots.json")], f"{GOLDEN / 'boots.json'}: "),
        ([str(LOG), "--kernel", "arm64-6.2-4k"], "--kernel: unknown kernel 'arm64-6.2-4k' (did"),
        ([str(LOG), str(GOLDEN / "maps/d05-efi.log")], "FILE: 2 maps ("),
    ],
)
def test_mistakes_of_answer_are_one_line(
    capsys: pytest.CaptureFixture[str], words: list[str], text: str
) -> None:
    (line,) = refusal(capsys, "answer", *words)
    assert line.startswith(f"memmap-atlas answer: {text}")


# --- check and hotplug: tests/unit/test_findings.py and test_hotplug.py run them by their scripts


THEIRS = {
    "check": ("check_map", "iomem full --kernel arm64-6.12-4k --most 1KiB --findings 1"),
    "hotplug": (
        "hotplug",
        "--kernel x86_64-6.12 --ram 0-256MiB --add 4GiB-16GiB --free 188MiB --memmap-on-memory",
    ),
}


@pytest.mark.parametrize("command", THEIRS)
def test_check_and_hotplug_are_the_scripts(
    command: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "iomem").write_text("80000000-feffffff : System RAM\n")
    (tmp_path / "full").write_text("80000000-ffffffff : System RAM\n")
    monkeypatch.chdir(tmp_path)
    script, words = THEIRS[command]
    old = subprocess.run(
        [sys.executable, LIBRARY / f"{script}.py", *words.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    code = main([command, *words.split()])
    out, err = capsys.readouterr()
    assert out
    assert (code, out, err) == (old.returncode, old.stdout, old.stderr)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("check nowhere --kernel arm64-6.12-4k --most 1", "--most: invalid size '1'"),
        ("check nowhere --kernel arm64-6.12-4 --most 1B", "--kernel: unknown kernel"),
        ("check nowhere --config nowhere --most 1B", "nowhere: can't be read"),
        ("hotplug --kernel x86_64-6.12 --add 4GiB-5GiB --block 0", "--block: a memory block of 0"),
        ("hotplug --kernel x86_64-6.12 --add 1-4GiB", "--add: x86_64-6.12: range of no whole"),
    ],
)
def test_mistakes_of_check_and_hotplug_are_one_line(
    capsys: pytest.CaptureFixture[str], words: str, text: str
) -> None:
    (line,) = refusal(capsys, *words.split())
    assert line.startswith(f"memmap-atlas {words.split()[0]}: {text}")


def test_a_log_that_can_not_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "full").write_text("80000000-ffffffff : System RAM\n")
    monkeypatch.chdir(tmp_path)
    words = ("check", "full", "--kernel", "arm64-6.12-4k", "--most", "0B", "--sarif")
    assert main([*words, "out.sarif"]) == 0
    assert json.loads(Path("out.sarif").read_text())["version"] == "2.1.0"
    capsys.readouterr()
    assert main([*words, "no/out.sarif"]) == 2
    assert capsys.readouterr().err == (
        "memmap-atlas check: no/out.sarif: can't be written: No such file or directory\n"
    )


# --- kernels --------------------------------------------------------------------------------------


def test_kernels_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    values = json.loads(run(capsys, "kernels", "--json"))
    assert list(values["kernels"]) == list(KERNELS)
    for name, entry in values["kernels"].items():
        assert entry["values"] == kernel_values(KERNELS[name])
        assert entry["constants"] == memmap_atlas.constants(name)
        assert entry["sources"] == memmap_atlas.sources(name)
        assert entry["description"]
    assert run(capsys, "kernels", "--json", "arm64-5.10-4k") == run(
        capsys, "kernels", "arm64-5.10-4k", "arm64-5.10-4k", "--json"
    )


def test_kernels_as_text(capsys: pytest.CaptureFixture[str]) -> None:
    _, *lines = run(capsys, "kernels").splitlines()
    assert [line.split()[0] for line in lines] == list(KERNELS)
    out = run(capsys, "kernels", "arm64-5.10-4k")
    assert re.search(r"^SECTION_SIZE_BITS +30$", out, re.MULTILINE)
    assert re.search(r"^section_size +1GiB +arch/arm64/include/asm/sparsemem.h", out, re.MULTILINE)


def test_unknown_kernels(capsys: pytest.CaptureFixture[str]) -> None:
    lines = refusal(capsys, "kernels", "arm64-5.10-4", "x86-6.12", "--json")
    assert lines == [
        "memmap-atlas kernels: NAME: unknown kernel 'arm64-5.10-4' (did you mean 'arm64-5.10-4k'?);"
        " memmap-atlas kernels lists them",
        "memmap-atlas kernels: NAME: unknown kernel 'x86-6.12' (did you mean 'x86_64-6.12'?);"
        " memmap-atlas kernels lists them",
    ]


# --- the process ----------------------------------------------------------------------------------


def test_a_reader_that_goes_is_no_error() -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "memmap_atlas", "kernels", "--json"],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as run:
        assert run.stdout
        assert run.stderr
        run.stdout.read(1)
        run.stdout.close()
        assert run.stderr.read() == b""
    assert run.returncode == 1


def test_help_and_version_load_no_library(capsys: pytest.CaptureFixture[str]) -> None:
    assert process("--version").stdout == f"memmap-atlas {memmap_atlas.__version__}\n"
    for command in ("cost", "answer", "check", "hotplug", "kernels"):
        with pytest.raises(SystemExit):
            main([command, "--help"])
        assert f"example: memmap-atlas {command} " in " ".join(capsys.readouterr().out.split())
    program = (
        "import sys; sys.argv = ['memmap-atlas', '--help']; import atexit; "
        "atexit.register(lambda: print('numpy' in sys.modules)); "
        "from memmap_atlas.cli.main import command; command()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(LIBRARY)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.splitlines()[-1] == "False", done.stderr


def completions(tmp_path: Path, line: str) -> list[str]:
    """The words that a shell offers at the end of a command line."""
    output = tmp_path / "words"
    process(
        _ARGCOMPLETE="1",
        _ARGCOMPLETE_IFS="\n",
        _ARGCOMPLETE_STDOUT_FILENAME=str(output),
        COMP_LINE=line,
        COMP_POINT=str(len(line)),
    )
    return [word.strip() for word in output.read_text().split("\n")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("memmap-atlas ", {"cost", "answer", "check", "hotplug", "kernels"}),
        ("memmap-atlas cost --", {"--kernel", "--model", "--section-size", "--json", "--csv"}),
        ("memmap-atlas cost --kernel arm64-5.10", {"arm64-5.10-4k", "arm64-5.10-16k"}),
        ("memmap-atlas cost --model flat", {"flatmem", "flatmem-free"}),
        ("memmap-atlas kernels riscv64-6", {"riscv64-6.12"}),
    ],
)
def test_a_shell_completes(tmp_path: Path, line: str, words: set[str]) -> None:
    offered: Any = completions(tmp_path, line)
    assert words <= set(offered)
