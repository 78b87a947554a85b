"""Kill runs of the workflow at moments spread over their length; a plain run then ends right.

python -m tests.tools.faults --kills 50 --seed 1
"""

import argparse
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.tools.paths import results_path
from tests.tools.runs import workflow

SWEEP = """
name: small
description: One map.
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
kernels: [arm64-4.6-4k]
models: [flatmem, vmemmap, vmemmap-populated]
figures: [section-strip]
"""


@dataclass(frozen=True)
class Kill:
    """One kill and what came of it.

    moment: seconds after the start
    state: what the run was at
    done: files of results/ that were complete
    lock, marks: whether Snakemake's lock stood, and how many files it held for incomplete
    wrong: what was not right after the plain runs; "" where all was
    """

    moment: float
    state: str
    done: int
    lock: bool
    marks: int
    wrong: str


def start(folder: Path, *arguments: str, sweep: str = SWEEP) -> subprocess.Popen[str]:
    """A run of a sweep in ``folder``, in a process group of its own."""
    (folder / "small.yaml").write_text(sweep)
    return subprocess.Popen(
        workflow(
            *("--directory", folder, "--cores", "2", "--config", "sweeps=[small.yaml]"),
            *arguments,
        ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(folder: Path, *arguments: str, sweep: str = SWEEP) -> tuple[int, str]:
    """Run a sweep in ``folder`` to its end and return its exit code and output."""
    process = start(folder, *arguments, sweep=sweep)
    said, _ = process.communicate()
    return process.returncode, said


def files(folder: Path) -> dict[str, str]:
    """SHA-256 of what lies in results/ under ``folder``, but for logs."""
    results = folder / results_path("<results>")
    return {
        path.relative_to(results).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(results.rglob("*"))
        if path.is_file() and "logs" not in path.relative_to(results).parts
    }


def kill_at(folder: Path, moment: float) -> tuple[str, bool, int]:
    """Start a run and kill all of its processes after ``moment`` seconds; what it was at, whether
    it left a lock, and how many files are marked as incomplete.
    """
    process = start(folder)
    try:
        process.wait(moment)
        state = "ended"
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        state = ""
    said, _ = process.communicate()
    # the table of points is shown before the first job
    state = state or ("jobs" if "evidence, index" in said else "planning")
    locks = any((folder / ".snakemake/locks").glob("*.lock"))
    marks = sum(1 for path in (folder / ".snakemake/incomplete").rglob("*") if path.is_file())
    return state, locks, marks


def compare(found: dict[str, str], expected: dict[str, str]) -> str:
    """Return the differences of results from those of an undisturbed run, "" without any."""
    lines = [f"lacks {name}" for name in expected.keys() - found.keys()]
    lines += [f"has {name}" for name in found.keys() - expected.keys()]
    lines += [
        f"differs: {name}"
        for name in found.keys() & expected.keys()
        if found[name] != expected[name]
    ]
    return "; ".join(sorted(lines))


def try_kills(folder: Path, moments: Sequence[float], expected: dict[str, str]) -> Kill:
    """Kill a run in ``folder`` after each of ``moments``, then run it plainly."""
    folder.mkdir(exist_ok=True)
    for moment in moments:
        state, lock, marks = kill_at(folder, moment)
    done = len(files(folder)) if (folder / results_path("<results>")).exists() else 0
    code, said = finish(folder)
    wrong = "" if code == 0 else f"exit code {code}: {said[-2000:]}"
    wrong = wrong or compare(files(folder), expected)
    if not wrong:
        code, said = finish(folder)
        wrong = "" if "Nothing to be done" in said else f"not at rest: {said[-2000:]}"
    return Kill(moments[-1], state, done, lock, marks, wrong)


def moments_of(kills: int, length: float, draw: random.Random) -> list[float]:
    """Moments spread evenly over a run of ``length`` seconds, each anywhere in its own stretch."""
    return [(number + draw.random()) * length / kills for number in range(kills)]


def main() -> None:
    """Kill, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    draw = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as place:
        quiet = Path(place) / "undisturbed"
        quiet.mkdir()
        begun = time.monotonic()
        code, said = finish(quiet)
        length = time.monotonic() - begun
        if code:
            sys.exit(said)
        expected = files(quiet)
        print(f"undisturbed: {length:.1f} s, {len(expected)} files", flush=True)
        print(f"{'kill':>4}{'second':>8}  {'at':<10}{'files':>6}{'lock':>6}{'marks':>7}  outcome")
        failed = 0
        for number, moment in enumerate(moments_of(asked.kills, length, draw), 1):
            found = try_kills(Path(place) / f"kill-{number}", [moment], expected)
            failed += bool(found.wrong)
            print(
                f"{number:>4}{moment:>8.1f}  {found.state:<10}{found.done:>6}"
                f"{'yes' if found.lock else 'no':>6}{found.marks:>7}  "
                f"{found.wrong or 'same bytes'}",
                flush=True,
            )
    print(f"{asked.kills} kills, {failed} with a wrong outcome")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
