"""Faults of the machine: kills, damage, full disks, clocks that jump, two runs at once.

Afterwards a plain run ends with the bytes of a run that nothing happened to, or says in a line why
it can't. `python -m tests.tools.faults` kills far more.
"""

import base64
import errno
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from memmap_atlas.integrity.checksums import Check, checks_in, read_check, recorded, write_check
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.pipeline.paths import FIGURE_SUFFIXES
from memmap_atlas.pipeline.run_lock import RunLock, unlock
from memmap_atlas.pipeline.verify import StaleResults, remove_scratch, set_clocks, stale_results

from tests.tools.faults import SWEEP, files, finish, moments_of, start, try_kills
from tests.tools.paths import LIBRARY, ROOT, in_results, of_sweep, results_path
from tests.tools.runs import workflow

TABLE = of_sweep("<table>", part="000")
TABLE_CHECK = of_sweep("<table_check>", part="000")
LAYOUTS, LAYOUTS_CHECK = of_sweep("<layouts>"), of_sweep("<checks>/layouts.sha256")
STRIPS, EXPLORER = of_sweep("<strips>"), of_sweep("<explorer>")
STRIP = of_sweep("<figures>/section-strip-thread-3g")
RESULTS = results_path("<results>")
SMALL = results_path("<sweep>", sweep="small")
LATER = 365 * 86400
# a target that rests on no sweep
EVIDENCE = ("--", results_path("<evidence_figure>.svg"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    code, said = finish(folder)
    assert code == 0, said
    return folder


@pytest.fixture
def made(undisturbed: Path, tmp_path: Path) -> Path:
    """A folder that a run ended in."""
    folder = tmp_path / "made"
    shutil.copytree(undisturbed, folder)
    return folder


@pytest.fixture
def job(tmp_path: Path) -> Path:
    """The folder of a sweep in which one job made a table from layouts, which another one made."""
    folder = tmp_path / results_path("<sweep>", sweep="some")
    with staged_outputs([str(folder / LAYOUTS), str(folder / LAYOUTS_CHECK)]) as place:
        place(LAYOUTS).write_bytes(b"layouts")
    write_table(folder, b"table")
    return folder


def write_table(folder: Path, content: bytes) -> None:
    outputs = [str(folder / TABLE), str(folder / TABLE_CHECK)]
    with staged_outputs(outputs, [str(folder / LAYOUTS), "elsewhere.py"]) as place:
        place(outputs[0]).write_bytes(content)


def test_checks_are_those_of_sha256sum(job: Path) -> None:
    check = job / TABLE_CHECK
    assert recorded(job / TABLE) == digest(job / TABLE)
    assert read_check(check).made_from == {job / LAYOUTS: digest(job / LAYOUTS)}
    told = subprocess.run(
        ["sha256sum", "-c", TABLE_CHECK],
        cwd=job,
        capture_output=True,
        text=True,
    )
    assert told.stdout == f"{TABLE}: OK\n"
    # a table that is read by its record alone is not read
    (job / TABLE).write_bytes(b"other")
    assert recorded(job / TABLE) != digest(job / TABLE)


def test_what_other_jobs_take_away_is_no_fault(job: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = job / "checks/gone.sha256"
    monkeypatch.setattr("memmap_atlas.integrity.checksums.checks_in", lambda folder: [gone])
    assert recorded(job / TABLE) == digest(job / TABLE)
    write_table(job, b"table")
    (job / TABLE).unlink()
    found = stale_results([gone, *checks_in(job)])
    assert found.words == ()
    assert found.again == {str(job / TABLE), str(job / TABLE_CHECK)}


def test_outputs_appear_whole_or_not_at_all(job: Path) -> None:
    before = files(job.parents[1])
    with pytest.raises(RuntimeError, match="half"):
        write_half(job)
    # what stands is the table of before, without a word that it is right
    assert files(job.parents[1]) == {
        name: value for name, value in before.items() if "part-000.sha256" not in name
    }


def write_half(folder: Path) -> None:
    with staged_outputs([str(folder / TABLE), str(folder / TABLE_CHECK)]) as place:
        place(TABLE).write_bytes(b"ta")
        assert (folder / TABLE).read_bytes() == b"table"
        raise RuntimeError("half")


@pytest.mark.parametrize(("job", "said"), [(False, "looked for\n"), (True, "")])
def test_a_job_ends_without_a_look_for_garbage(job: bool, said: str, tmp_path: Path) -> None:
    output = str(tmp_path / "made")
    made = f"with staged_outputs([{output!r}]) as place: place('made').write_text('all')"
    code = f"""
import sys
sys.path.insert(0, {str(ROOT / "workflow/scripts")!r})
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.job import start_job

class Left:
    def __del__(self):
        print("looked for")

{"start_job()" if job else ""}
{made if job else ""}
left = Left()
left.itself = left
"""
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout == said
    assert (tmp_path / "made").exists() == job


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "a/b"), "a/b: No space.*free some space"),
        (
            OSError("Error writing bytes. Detail: [errno 28] No space"),
            "some: Error.*free some space",
        ),
        (OSError(errno.EROFS, "Read-only file system", "a/b"), "a/b: Read-only.*make it writable"),
        (OSError(errno.EIO, "Input/output error", "a/b"), "a/b: Input/output error: run again"),
    ],
)
def test_faults_of_the_disk_are_one_line(job: Path, error: OSError, words: str) -> None:
    with pytest.raises(SystemExit, match=f"^Error: .*{words}.*$"), staged_outputs(outputs_of(job)):
        raise error
    assert not list(job.glob(".making-*"))


def test_a_table_that_cannot_be_read_is_one_line(job: Path) -> None:
    told = pytest.raises(SystemExit, match=r"^Error: a table that .* can't be read: .*$")
    with told, staged_outputs(outputs_of(job)):
        pq.read_table(job / TABLE)


def outputs_of(folder: Path) -> list[str]:
    return [str(folder / TABLE), str(folder / TABLE_CHECK)]


def test_every_flipped_bit_and_every_cut_is_noticed(job: Path) -> None:
    assert stale_results(checks_in(job)).again == set()
    check = str(job / TABLE_CHECK)
    for path in (job / TABLE, Path(check)):
        right = path.read_bytes()
        wrongs = [right[:end] for end in range(len(right))]
        for place in range(len(right) * 8):
            flipped = bytearray(right)
            flipped[place // 8] ^= 1 << place % 8
            wrongs.append(bytes(flipped))
        for wrong in wrongs:
            path.write_bytes(wrong)
            found = stale_results(checks_in(job))
            assert check in found.again or str(path) in found.again, wrong
        path.write_bytes(right)
    assert stale_results(checks_in(job)).again == set()


def test_what_was_made_from_another_file_is_noticed(job: Path) -> None:
    table = job / TABLE_CHECK
    with staged_outputs([str(job / LAYOUTS), str(job / LAYOUTS_CHECK)]) as place:
        place(LAYOUTS).write_bytes(b"other layouts")
    found = stale_results(checks_in(job))
    assert found.again == {str(table)}
    assert found.words == (f"{table} is out of date: {job / 'layouts.parquet'} is another one now",)
    write_table(job, b"table")
    assert stale_results(checks_in(job)).again == set()


def test_what_was_made_with_other_code_is_noticed_whatever_its_time(
    job: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("memmap_atlas.integrity.checksums.PROJECT", tmp_path / "project")
    code = tmp_path / "project/code.py"
    code.parent.mkdir()
    code.write_text("1")
    with staged_outputs(outputs_of(job), [str(code)]) as place:
        place(TABLE).write_bytes(b"table")
    assert stale_results(checks_in(job)) == StaleResults(frozenset(), ())
    code.write_text("2")
    os.utime(code, (LATER, LATER))
    check = str(job / TABLE_CHECK)
    assert stale_results(checks_in(job)) == StaleResults(frozenset([check]), ())


def test_a_check_has_no_more_and_no_less_than_it_needs(tmp_path: Path) -> None:
    path = tmp_path / "checks/one.sha256"
    path.parent.mkdir()
    value = "0" * 64
    code = ROOT / "workflow/scripts/evaluate.py"
    check = Check({tmp_path / "a b": value}, {tmp_path / "c": value}, {code: value})
    write_check(path, check, tmp_path)
    assert read_check(path) == check
    for text in ("", "\n", f"{value}  a\n{value}  b", f"# made from {value}  a\n", f"{value} a\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match=re.escape(str(path))):
            read_check(path)


def test_files_from_the_future_are_from_now(job: Path) -> None:
    now = time.time()
    os.utime(job / TABLE, (now + LATER, now + LATER))
    os.utime(job / LAYOUTS, (now - LATER, now - LATER))
    assert set_clocks([job]) == 1
    assert now - 1 < (job / TABLE).stat().st_mtime < now + 60
    assert (job / LAYOUTS).stat().st_mtime == pytest.approx(now - LATER)
    assert set_clocks([job]) == 0


def test_what_a_dead_job_was_writing_goes(job: Path) -> None:
    before = files(job)
    (job / ".making-abc").mkdir()
    (job / ".making-abc/part-000.parquet").write_bytes(b"half")
    remove_scratch([job])
    assert files(job) == before
    assert not (job / ".making-abc").exists()


def at_work(folder: Path) -> subprocess.Popen[str]:
    """A process that is seen at ``folder`` until it is killed."""
    code = (
        "import sys, time, pathlib; from memmap_atlas.pipeline.run_lock import RunLock;"
        "run = RunLock(pathlib.Path(sys.argv[1])); run.alone() and run.sign();"
        "print('ready', flush=True); time.sleep(600)"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, folder],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT / "workflow/scripts")},
    )
    assert process.stdout
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_lock_is_removed_where_its_run_is_dead_and_ours(tmp_path: Path) -> None:
    locks = tmp_path / "locks"
    locks.mkdir()

    def lock(text: str = f"{RESULTS}/a\n{RESULTS}/b\n") -> None:
        (locks / "0.output.lock").write_text(text)

    def ours(path: str) -> bool:
        return path in (f"{RESULTS}/a", f"{RESULTS}/b")

    lock()
    run = RunLock(tmp_path)
    # of whom it is nobody says
    assert unlock(run, locks, ours) == 0
    (locks / "0.output.lock").unlink()
    assert unlock(run, locks, ours) == 0
    other = at_work(tmp_path)
    try:
        lock()
        assert not run.alone()
        assert unlock(run, locks, ours) == 0
    finally:
        other.kill()
        other.wait()
    assert run.alone()
    lock(f"{RESULTS}/a\n{RESULTS}/of another workflow\n")
    assert unlock(run, locks, ours) == 0
    lock(f"{RESULTS}/a\n{RESULTS}/b\n{RESULTS}/c")
    assert unlock(run, locks, ours) == 1
    assert not list(locks.iterdir())
    lock()
    (tmp_path / "memmap-atlas/running").write_text("another machine")
    assert unlock(run, locks, ours) == 0


def test_what_another_run_is_writing_stays(made: Path) -> None:
    """Two runs of different files are at work at once: neither cleans up after the other."""
    staging = made / SMALL / ".making-by-another-run"
    staging.mkdir()
    (made / SMALL / EXPLORER).unlink()
    other = at_work(made / ".snakemake")
    try:
        code, said = finish(made)
        assert code == 0, said
        assert staging.is_dir()
    finally:
        other.kill()
        other.wait()
    (made / SMALL / EXPLORER).unlink()
    code, said = finish(made)
    assert code == 0, said
    assert not staging.exists()


def test_kills_end_with_the_same_bytes(undisturbed: Path, tmp_path: Path) -> None:
    """Some in one run after the other, so that what one left is there for the next."""
    expected = files(undisturbed)
    moments = moments_of(7, 14, random.Random(6))
    assert try_kills(tmp_path / "killed", moments, expected).wrong == ""


def test_damage_is_noticed_before_anything_is_drawn_and_made_again(made: Path) -> None:
    expected = files(made)
    sweep = made / SMALL
    changes: dict[str, Callable[[bytes], bytes]] = {
        TABLE: lambda data: data[: len(data) // 2],
        LAYOUTS: lambda data: data[:100] + bytes([data[100] ^ 1]) + data[101:],
        STRIPS: lambda data: data[:-4] + b"PAR2",
        EXPLORER: lambda data: data.replace(b"small", b"smell"),
        TABLE_CHECK: lambda data: data[:-10],
    }
    for name, change in changes.items():
        (sweep / name).write_bytes(change((sweep / name).read_bytes()))
    code, planned = finish(made, "-n")
    assert code == 0
    for name in (LAYOUTS, STRIPS, EXPLORER):
        assert f"{SMALL}/{name} is damaged: it is not what was written; a run" in planned
    assert f"{SMALL}/{TABLE_CHECK} is cut off; a run has it made" in planned
    for message in ("layouts", "every kernel", "section-strip-thread-3g", "the explorer"):
        assert f"small: {message}" in planned
    code, said = finish(made)
    assert code == 0, said
    assert f"{SMALL}/{STRIPS} is damaged: it is not what was written; it is made" in said
    assert files(made) == expected


# Snakemake, as if it had no set of files to be made again, and no limit that can be lifted
OTHER_SNAKEMAKE = f"""
import sys
sys.path.insert(0, {str(LIBRARY)!r})
from memmap_atlas.pipeline import snakemake_internals
snakemake_internals.forced_files = lambda workflow: None
snakemake_internals.lift_start_limit = lambda workflow: None
from snakemake.cli import main
main(sys.argv[1:])
"""


def test_damage_is_noticed_under_a_snakemake_without_these_internals(made: Path) -> None:
    expected = files(made)
    for name in (TABLE, STRIPS, f"{STRIP}.pdf"):
        content = (made / SMALL / name).read_bytes()
        (made / SMALL / name).write_bytes(content[:-4] + b"DAMA")
    arguments = workflow("--directory", made, "--cores", "2", "--config", "sweeps=[small.yaml]")
    options = arguments[arguments.index("--snakefile") :]
    command = [sys.executable, "-c", OTHER_SNAKEMAKE, *options]
    dry = subprocess.run([*command, "-n"], capture_output=True, text=True)
    assert dry.returncode == 0, dry.stderr
    assert f"{SMALL}/{TABLE} is damaged: it is not what was written; a run" in dry.stderr
    assert (made / SMALL / TABLE).exists()
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert files(made) == expected


def test_what_is_missing_is_made_again(made: Path) -> None:
    expected = files(made)
    sweep = made / SMALL
    (sweep / "logs/layouts.log").unlink()
    (sweep / f"{STRIP}.pdf").unlink()
    code, planned = finish(made, "-n")
    assert "small: section-strip-thread-3g" in planned
    assert "small: every kernel" not in planned
    for name in (
        LAYOUTS,
        of_sweep("<resolved>"),
        STRIPS,
        LAYOUTS_CHECK,
    ):
        shutil.copy2(sweep / name, made / "kept")
        (sweep / name).unlink()
        code, planned = finish(made, "-n")
        assert "small: " + ("where" if name.startswith("strips") else "layouts") in planned, name
        shutil.copy2(made / "kept", sweep / name)
    (sweep / LAYOUTS).unlink()
    leave_behind(made)
    code, said = finish(made)
    assert code == 0, said
    assert "The run before was killed: its lock is removed." in said
    assert files(made) == expected
    assert not list(sweep.glob(".making-*"))


def leave_behind(folder: Path) -> None:
    """Leave the remains of a run that was killed just when a job ended: Snakemake's lock, its mark
    of an incomplete file, and the scratch files of another job.
    """
    table = f"{SMALL}/{TABLE}"
    (folder / ".snakemake/locks/0.output.lock").write_text(f"{table}\n")
    mark = base64.urlsafe_b64encode(table.encode()).decode()
    (folder / ".snakemake/incomplete" / mark).write_text('{"external_jobid": null}')
    (folder / SMALL / ".making-some").mkdir()
    (folder / SMALL / ".making-some/explorer.html").write_text("half")


def test_two_runs_at_once_do_no_harm(made: Path) -> None:
    expected = files(made)
    for path in (made / SMALL).rglob("*"):
        if path.is_file():
            path.unlink()
    runs = [start(made), start(made)]
    said = [run.communicate()[0] for run in runs]
    assert sorted(run.returncode for run in runs) == [0, 1], said
    refused = next(text for run, text in zip(runs, said, strict=True) if run.returncode)
    assert "Directory cannot be locked" in refused
    assert "Traceback" not in refused
    assert files(made) == expected


def test_nothing_stale_is_kept_whatever_the_clocks_say(made: Path) -> None:
    """A sweep changes, its run is killed behind the layouts, and what is there is of next year."""
    sweep = made / SMALL
    now = time.time()
    changed = SWEEP.replace("0xe0000000", "0xd0000000")
    code, said = finish(made, "--", f"{SMALL}/{LAYOUTS}", sweep=changed)
    assert code == 0, said
    for path in [made / results_path("<index>"), *sweep.rglob("*")]:
        if path.is_file() and path not in (sweep / LAYOUTS, sweep / of_sweep("<resolved>")):
            os.utime(path, (now + LATER, now + LATER))
    code, said = finish(made, sweep=changed)
    assert code == 0, said
    resolved = digest(sweep / of_sweep("<resolved>"))
    for name in (LAYOUTS, TABLE, STRIPS):
        found = pq.read_schema(sweep / name).metadata[b"memmap_atlas.sweep_sha256"]
        assert found.decode() == resolved, name
    assert resolved in (sweep / f"{STRIP}.json").read_text()
    assert all(path.stat().st_mtime < time.time() + 2 for path in sweep.rglob("*"))


def test_a_target_without_a_sweep_gets_over_a_kill(tmp_path: Path) -> None:
    process = start(tmp_path, *EVIDENCE)
    marks = tmp_path / ".snakemake/incomplete"
    while not any(path.is_file() for path in marks.rglob("*")):
        assert process.poll() is None
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (tmp_path / results_path("<evidence>/.making-of-a-dead-job")).mkdir(parents=True, exist_ok=True)
    code, said = finish(tmp_path, *EVIDENCE)
    assert code == 0, said
    assert "its lock is removed" in said
    assert len(files(tmp_path)) == 4 + len(FIGURE_SUFFIXES)
    assert not list((tmp_path / results_path("<evidence>")).glob(".making-*"))
    code, said = finish(tmp_path, *EVIDENCE)
    assert (code, "Nothing to be done" in said) == (0, True)


@pytest.fixture
def small_disk(made: Path) -> Iterator[Path]:
    """The folder of a run whose results/ is a disk of its own, with nothing on it yet; what was
    there lies in ``aside``.
    """
    results = made / RESULTS
    results.rename(made / "aside")
    results.mkdir()
    if os.getuid() or subprocess.run(["mount", "-t", "tmpfs", "none", results]).returncode:
        pytest.skip("needs root, and a mount of tmpfs")
    try:
        yield made
    finally:
        subprocess.run(["umount", results], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", folder / RESULTS], check=True)


def refused(folder: Path, words: str, *arguments: str) -> None:
    """A run ends with these words, and no traceback."""
    code, said = finish(folder, *arguments)
    assert code == 1
    assert re.search(words, said, re.MULTILINE), said
    assert "Traceback" not in said


def used(folder: Path) -> int:
    """Bytes of a tmpfs that files below ``folder`` take."""
    return sum(path.stat().st_size // 4096 + 1 for path in folder.rglob("*")) * 4096


def test_a_full_or_read_only_disk_is_told_and_got_over(small_disk: Path) -> None:
    results = small_disk / RESULTS
    remount(small_disk, "ro")
    refused(small_disk, f"^Error: {results} can't be written: make it writable and run again")
    remount(small_disk, "rw")
    shutil.copytree(small_disk / "aside", results, dirs_exist_ok=True)
    expected = files(small_disk)
    (small_disk / SMALL / EXPLORER).unlink()
    remount(small_disk, "ro")
    # of files that are there Snakemake says it
    refused(small_disk, "^Write-protected output files for rule ")
    remount(small_disk, f"rw,size={used(results) + 200_000}")
    refused(small_disk, f"^Error: {SMALL}.*: No space left on device: free some space")
    # also what rests on no sweep
    shutil.rmtree(results / in_results("<evidence>"))
    remount(small_disk, f"size={used(results) + 20_000}")
    refused(
        small_disk,
        f"^Error: {results_path('<evidence>')}.*: No space left on device: free some space",
        *EVIDENCE,
    )
    assert not list(small_disk.glob(f"{results_path('<evidence_figure>')}*"))
    remount(small_disk, "size=64m")
    code, said = finish(small_disk)
    assert code == 0, said
    assert files(small_disk) == expected
