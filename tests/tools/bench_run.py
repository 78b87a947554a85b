"""Benchmark, for a person to run (`make bench`): the default run beside the least that it can take,
and what a change makes again.

The floor is Snakemake with an empty script for each job, with the same dependencies, that imports
what the job has imported when it ends. What runs here is a copy of the project as it is, in a
folder of its own.
"""

import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import median
from time import perf_counter

from tests.tools.paths import ROOT

CORES = "2"
# runs between floors: others share the machine, and what they take changes from minute to minute
RUNS = 5
# Python runs it before a script: the modules that a job has in the end, in a file with the name of
# its rule
TELL = """
import atexit, sys

def tell():
    job = getattr(sys.modules["__main__"], "snakemake", None)
    if job:
        with open(f"{__file__.rpartition('/')[0]}/{job.rule}", "w") as file:
            file.write("\\n".join(sys.modules))

atexit.register(tell)
"""
# the same: a process ends without a look for garbage, as our jobs do
END = """
import atexit, gc

atexit.register(gc.freeze)
"""
# a script that does no more
EMPTY = """
import sys
from contextlib import suppress
from importlib import import_module

sys.path.insert(0, {scripts!r})
for name in {modules!r}:
    with suppress(ImportError):
        import_module(name)
open(snakemake.output[0], "w").close()
"""
# a sweep that is changed, and how
SWEEP = "hole-alignment"
CHANGES = {
    "an axis of one sweep longer": (
        "to: 2GiB, step: 32MiB}\nkernels",
        "to: 3GiB, step: 32MiB}\nkernels",
    ),
    "one sweep described otherwise": ("description: >-\n", "description: >-\n  In other words. "),
}


@dataclass(frozen=True)
class Ran:
    """Jobs of a run, and its seconds: of the clock, and of all processes on the processor."""

    jobs: int
    wall: float
    cpu: float


def snakemake(folder: Path, *arguments: str, **variables: str) -> str:
    """Run Snakemake in ``folder`` and return its output."""
    run = subprocess.run(
        [sys.executable, "-m", "snakemake", "--cores", CORES, *arguments],
        cwd=folder,
        check=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **variables},
    )
    return run.stdout


def timed(folder: Path, **variables: str) -> Ran:
    """A run in ``folder``."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), perf_counter()
    said = snakemake(folder, **variables)
    wall, now = perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    done = re.findall(r"^(\d+) of \d+ steps \(100%\) done", said, re.MULTILINE)
    cpu = now.ru_utime + now.ru_stime - before.ru_utime - before.ru_stime
    # the target is a job that runs nothing
    return Ran(int(done[0]) - 1 if done else 0, wall, cpu)


def copy_of_project(folder: Path) -> Path:
    """The project without what it made."""
    for name in ("config", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    # as after the first run of a checkout
    command = [sys.executable, "-m", "compileall", "-q", "workflow/scripts/memmap_atlas"]
    subprocess.run(command, cwd=folder, check=True)
    return folder


def forget(folder: Path) -> None:
    """Remove what runs in ``folder`` made."""
    for path in folder.iterdir():
        # of the floor it is a folder for each rule
        if path.is_dir() and path.name not in ("config", "workflow"):
            shutil.rmtree(path)


def modules_by_rule(project: Path, folder: Path) -> dict[str, list[str]]:
    """Return the modules that a job of each rule imports, from a run in ``folder``."""
    (folder / "sitecustomize.py").write_text(TELL)
    snakemake(project, PYTHONPATH=str(folder))
    forget(project)
    told = [path for path in folder.iterdir() if path.is_file() and path.suffix != ".py"]
    return {path.name: path.read_text().split("\n") for path in told}


def write_floor(folder: Path, project: Path, modules: Mapping[str, list[str]]) -> None:
    """A workflow with the jobs of ``project`` and their dependencies, whose scripts are empty but
    for imports.
    """
    graph = snakemake(project, "--quiet", "all", "--dag", "dot")
    rule = {job: name for job, name in re.findall(r'(\d+)\[label = "(\w+)', graph)}
    needs: dict[str, list[str]] = {job: [] for job in rule}
    for before, job in re.findall(r"(\d+) -> (\d+)", graph):
        needs[job].append(before)
    scripts = str(project / "workflow/scripts")
    rules = []
    for name in dict.fromkeys(rule.values()):
        jobs = {job: needs[job] for job in rule if rule[job] == name}
        if name == "all":
            (before,) = jobs.values()
            rules.append(f"rule all:\n    input: {[f'{rule[job]}/{job}' for job in before]}\n")
            continue
        (folder / f"{name}.py").write_text(EMPTY.format(scripts=scripts, modules=modules[name]))
        inputs = {job: [f"{rule[one]}/{one}" for one in before] for job, before in jobs.items()}
        rules.append(
            f"rule {name}:\n    input: lambda wildcards: {inputs}[wildcards.job]\n"
            f"    output: '{name}/{{job}}'\n    script: '{name}.py'\n"
        )
    # the target first
    (folder / "Snakefile").write_text(
        "\n".join(sorted(rules, key=lambda text: "rule all" not in text))
    )


def between_floors(floor: Path, project: Path) -> tuple[list[Ran], list[Ran], list[float]]:
    """Runs of both from nothing, a floor before and after each of the project, and what each of
    those took in times of the two floors beside it.
    """
    floors: list[Ran] = []
    runs: list[Ran] = []
    for place, ran in [(floor, floors), *[(project, runs), (floor, floors)] * RUNS]:
        forget(place)
        ran.append(timed(place))
    beside = [(before.wall + after.wall) / 2 for before, after in pairwise(floors)]
    return floors, runs, [run.wall / one for run, one in zip(runs, beside, strict=True)]


def in_the_middle(runs: Sequence[Ran]) -> Ran:
    """The run of an odd number of them that took neither much nor little."""
    return sorted(runs, key=lambda run: run.wall)[len(runs) // 2]


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("project", "floor", "told", "end"):
            (folder / part).mkdir()
        project, floor = copy_of_project(folder / "project"), folder / "floor"
        write_floor(floor, project, modules_by_rule(project, folder / "told"))
        floors, runs, ratios = between_floors(floor, project)
        # the first finds nothing in the caches of files
        usual = in_the_middle(floors[1:])
        (folder / "end/sitecustomize.py").write_text(END)
        forget(floor)
        ended = timed(floor, PYTHONPATH=str(folder / "end"))
        rows = [
            ("the floor: as many empty jobs with the same imports", usual, 1.0),
            ("the same without a look for garbage in the end", ended, ended.wall / usual.wall),
            ("the default run from nothing", in_the_middle(runs), median(ratios)),
        ]
        again = timed(project)
        rows.append(("a rerun with nothing to do", again, again.wall / usual.wall))
        sweep = project / f"config/sweeps/{SWEEP}.yaml"
        for change, (old, new) in CHANGES.items():
            text = sweep.read_text()
            if old not in text:
                raise ValueError(f"{sweep.name} has no {old!r}")
            sweep.write_text(text.replace(old, new, 1))
            again = timed(project)
            rows.append((change, again, again.wall / usual.wall))
    print(f"| {CORES} of {os.cpu_count()} cores | jobs | seconds | CPU seconds | times the floor |")
    print("|---|---:|---:|---:|---:|")
    for what, ran, ratio in rows:
        print(f"| {what} | {ran.jobs} | {ran.wall:.1f} | {ran.cpu:.1f} | {ratio:.2f} |")
    each = " ".join(f"{ratio:.2f}" for ratio in sorted(ratios))
    print(f"The default run in times of the floors before and after it: {each}")


if __name__ == "__main__":
    main()
