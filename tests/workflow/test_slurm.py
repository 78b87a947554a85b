"""The workflow on a real Slurm, by its profile: the same bytes as locally, in the jobs planned.

Needs root and Debian's munge, slurmctld, slurmd and slurm-client; without, what asks a Slurm is
skipped. `make slurm` runs the default sweeps so.
"""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from memmap_atlas.pipeline.paths import SHARED_JOBS, jobs
from memmap_atlas.sweepfile.sweeps import load_sweeps

from tests.tools.paths import ROOT, of_sweep, results_path
from tests.workflow.test_workflow import PLANE, files, snakemake

SCRIPT = ROOT / "tests/tools/slurm.sh"
PROFILE = ROOT / "workflow/profiles/slurm"
# no accounts in a Slurm for tests; asked as often as can be
ON_SLURM = (
    *("--workflow-profile", PROFILE, "--slurm-status-command", "squeue", "--slurm-no-account"),
    *("--slurm-init-seconds-before-status-checks", "1"),
)
LOCAL = ("--cores", "2", "--quiet", "all")
# rules that fetch, build and boot; no cluster was tried for them
NOT_FOR_CLUSTERS = ("lab", "boot", "debian_trees")


def running() -> set[str]:
    """The names of all processes but those that ended and wait for their parent to ask."""
    found = set()
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if "zombie" not in lines["State"]:
                found.add(lines["Name"].strip())
    return found


@pytest.fixture(scope="module")
def slurm() -> Iterator[None]:
    """A Slurm, which ends with a pipe: even tests that are killed leave none."""
    missing = subprocess.run([SCRIPT, "check"], capture_output=True, text=True)
    if missing.returncode:
        pytest.skip(missing.stderr.strip())
    with subprocess.Popen([SCRIPT, "run", "cat"], stdin=-1, stdout=-1, text=True) as held:
        assert held.stdin is not None
        assert held.stdout is not None
        held.stdin.write("up\n")
        held.stdin.flush()
        assert held.stdout.readline() == "up\n", "the Slurm for tests did not start"
        yield
        held.stdin.close()
    assert held.returncode == 0
    assert not running() & {"slurmctld", "slurmd", "slurmstepd"}
    assert not Path("/etc/slurm/slurm.conf").exists()
    assert not Path("/run/slurm-of-tests").exists()


def made(folder: Path) -> dict[str, str]:
    """Digests of all that a run made, but for its logs."""
    found = files(folder / results_path("<results>"))
    return {name: found[name] for name in found if "logs/" not in name}


def told(result: subprocess.CompletedProcess[str], column: str) -> list[str]:
    """Return a column of Slurm's accounts for each job of a run."""
    run = re.findall(r"^SLURM run ID: (\S+)$", result.stdout + result.stderr, re.MULTILINE)
    command = ["squeue", "--states=all", "--noheader", "--array", f"--format={column}"]
    return subprocess.check_output([*command, "--name", run[0]], text=True).split()


def planned(sweeps: list[str], folder: Path) -> int:
    """Jobs that Slurm gets for a run of ``sweeps``: all but the index."""
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text()) | {"sweeps": sweeps}
    return sum(map(jobs, load_sweeps(config, ROOT, folder))) + SHARED_JOBS - 1


SWEEPS = ["thread-2016", "plane.yaml"]
# what it says is put together by the shell: it does not stand in the command that Snakemake shows
FAILING = """
rule wrong:
    output: "never"
    shell: "printf 'no %s %s' such board >&2; exit 1"
"""
TABLES = [results_path("<table>", sweep=sweep, part="000") for sweep in ("thread-2016", "plane")]


def asking(folder: Path) -> list[str]:
    """Return the options for a sweep that ships and one by its path in a new folder."""
    folder.mkdir()
    (folder / "plane.yaml").write_text(PLANE)
    return ["--config", f"sweeps=[{', '.join(SWEEPS)}]"]


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a local run."""
    folder = tmp_path_factory.mktemp("local") / "here"
    result = snakemake(folder, *LOCAL, *asking(folder))
    assert result.returncode == 0, result.stderr
    return folder


def test_same_bytes_on_slurm(slurm: None, local: Path, tmp_path: Path) -> None:
    folder = tmp_path / "on a cluster"
    result = snakemake(folder, *ON_SLURM, *asking(folder))
    assert result.returncode == 0, result.stdout + result.stderr
    assert told(result, "%T") == ["COMPLETED"] * planned(SWEEPS, folder)
    assert made(folder) == made(local)
    # what the rules ask for came through: minutes, MiB
    assert set(told(result, "%l")) == {"10:00", "30:00", "1:00:00", "2:00:00"}
    assert set(told(result, "%m")) == {"1000M", "2000M", "4000M"}


def test_parts_as_one_array_of_the_partition_that_is_asked_for(
    slurm: None, local: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "array"
    arguments = asking(folder)
    for name in ("thread-2016", "plane"):
        sweep = results_path("<sweep>", sweep=name)
        dataset = shutil.ignore_patterns(of_sweep("<memmap>"))
        shutil.copytree(local / sweep, folder / sweep, ignore=dataset)
    shutil.copytree(local / ".snakemake/metadata", folder / ".snakemake/metadata")
    array = ["--slurm-array-jobs", "evaluate", "--default-resources", "slurm_partition=short"]
    longer = ["--set-resources", "evaluate:runtime=240"]
    result = snakemake(folder, *ON_SLURM, *array, *longer, *arguments, "--", *TABLES)
    assert result.returncode == 0, result.stdout + result.stderr
    # the plugin adds a MiB for the array
    tasks = {f"COMPLETED|short|2001M|4:00:00|{task}" for task in (1, 2)}
    assert set(told(result, "%T|%P|%m|%l|%K")) == tasks
    assert len(set(told(result, "%F"))) == 1
    assert [(folder / table).read_bytes() for table in TABLES] == [
        (local / table).read_bytes() for table in TABLES
    ]


def test_what_a_failed_job_said_is_shown(slurm: None, tmp_path: Path) -> None:
    """Where a rule has no log of its own; else at least the place of Slurm's log is."""
    rules = tmp_path / "Snakefile"
    rules.write_text(FAILING)
    result = snakemake(tmp_path, *ON_SLURM, "--snakefile", rules)
    said = result.stdout + result.stderr
    assert result.returncode != 0
    assert told(result, "%T") == ["FAILED"]
    log = re.search(rf"log: .*({re.escape(str(tmp_path))}/\S+/rule_wrong/\d+\.log)", said)
    assert log
    assert "no such board" in Path(log[1]).read_text()
    assert "no such board" in said


def test_another_slurm_is_left_alone(tmp_path: Path) -> None:
    configuration = tmp_path / "slurm.conf"
    configuration.write_text("ClusterName=theirs\n")
    script = tmp_path / "slurm.sh"
    script.write_text(SCRIPT.read_text().replace("/etc/slurm/slurm.conf", str(configuration)))
    for what in ("check", "start", "run", "stop"):
        refused = subprocess.run(
            ["bash", script, what, "true"], capture_output=True, text=True, stdin=subprocess.DEVNULL
        )
        if what != "stop":
            assert refused.returncode == 1
            assert refused.stderr.startswith("Error: ")
    assert configuration.read_text() == "ClusterName=theirs\n"


def test_every_rule_has_memory_and_time() -> None:
    """Rules set memory and time: values of a profile would be replaced by a user's own profile."""
    profile = yaml.safe_load((PROFILE / "profile.yaml").read_text())
    assert not {"default-resources", "set-resources"} & set(profile)
    text = "".join(path.read_text() for path in sorted((ROOT / "workflow/rules").glob("*.smk")))
    rules = re.split(r"^(?= *rule\b)", text, flags=re.MULTILINE)[1:]
    assert len(rules) > 15
    bare = [
        rule.split(":")[0].split()[-1]
        for rule in rules
        if "localrule: True" not in rule and not re.search(r"mem_mb=.*\s+runtime=", rule)
    ]
    assert [name for name in bare if not name.startswith(NOT_FOR_CLUSTERS)] == []


@pytest.mark.skipif("ATLAS_SLURM" not in os.environ, reason="half an hour; make slurm runs it")
def test_default_sweeps_on_slurm(slurm: None, tmp_path: Path) -> None:
    seconds = {}
    results = {}
    for where, arguments in (("locally", LOCAL), ("on Slurm", ON_SLURM)):
        folder = tmp_path / where
        folder.mkdir()
        before = time.monotonic()
        results[where] = snakemake(folder, *arguments)
        seconds[where] = time.monotonic() - before
        assert results[where].returncode == 0, results[where].stderr
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    states = told(results["on Slurm"], "%T")
    assert states == ["COMPLETED"] * planned(config["sweeps"], ROOT)
    same = made(tmp_path / "on Slurm")
    assert same == made(tmp_path / "locally")
    size = sum(
        (tmp_path / "on Slurm" / results_path("<results>") / name).stat().st_size for name in same
    )
    slurm_version = subprocess.check_output(["sinfo", "--version"], text=True).strip()
    plugin = "snakemake-executor-plugin-slurm"
    print(
        f"\n{len(states)} jobs, {len(same)} files, {size:,} bytes, the same as locally; "
        f"{seconds['on Slurm']:.0f} s, locally {seconds['locally']:.0f} s; {slurm_version}, "
        f"snakemake {version('snakemake')}, {plugin} {version(plugin)}"
    )
