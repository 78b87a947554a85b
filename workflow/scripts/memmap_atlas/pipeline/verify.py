"""Verification of the results of earlier runs, before the jobs of a run are planned.

Snakemake plans by the existence and the times of files, which is not enough after damage by a disk
and under clocks that jump: here the content decides. tests/workflow/test_faults.py shows the need.
"""

import os
import shutil
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.integrity.checksums import Check, read_check
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.integrity.staging import SCRATCH

# seconds that clocks of one network may differ by
SKEW = 2.0


@dataclass(frozen=True)
class StaleResults:
    """Files of earlier runs that differ from their checksums.

    again: files to be made again, at least one of each stale job
    words: a line for each file that is damaged or was made from other files than the present ones;
        none for edited code, which is not a fault
    """

    again: frozenset[str]
    words: tuple[str, ...]


def stale_results(check_files: Iterable[Path]) -> StaleResults:
    """Compare files with the checksum files that list them, as far as those exist. Every byte is
    read.
    """
    words: list[str] = []
    again: set[Path] = set()
    checks: dict[Path, Check] = {}
    for path in check_files:
        try:
            checks[path] = read_check(path)
        except FileNotFoundError:
            continue
        except ValueError as error:
            again.add(path)
            words.append(str(error))
    made = {path: value for check in checks.values() for path, value in check.made.items()}
    sources = {path for check in checks.values() for path in check.made_with}
    paths = [*made, *sources]
    with ThreadPoolExecutor() as threads:
        digests = zip(paths, threads.map(digest_of, paths), strict=True)
        present = {path: value for path, value in digests if value}
    for check_file, check in checks.items():
        wrong = [path for path, value in check.made.items() if present.get(path) != value]
        other = [path for path, value in check.made_from.items() if made.get(path) != value]
        code = [path for path, value in check.made_with.items() if present.get(path) != value]
        # Snakemake reports missing files
        words += [
            f"{path} is damaged: it is not what was written" for path in wrong if path in present
        ]
        words += [
            f"{check_file} is out of date: {path} is another one now"
            for path in other
            if path in present
        ]
        if wrong or other or code:
            again |= {check_file, *wrong}
    return StaleResults(frozenset(map(str, again)), tuple(words))


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, "" where there is none: another run may be replacing it."""
    try:
        return digest(path)
    except FileNotFoundError:
        return ""


def set_clocks(paths: Sequence[Path]) -> int:
    """Set files that are from the future to now, and return how many there were: files, and those
    in folders.

    Files made from them would look older, and Snakemake would refuse them. Checksums say which of
    them are stale.
    """
    now = time.time()
    count = 0
    files = (
        os.path.join(parent, name)
        for path in paths
        for parent, _, names in os.walk(path)
        for name in names
    )
    for path in (*files, *map(str, filter(Path.is_file, paths))):
        # another run may be removing it
        with suppress(FileNotFoundError):
            if os.stat(path).st_mtime > now + SKEW:
                os.utime(path, (now, now))
                count += 1
    return count


def remove_scratch(folders: Iterable[Path]) -> None:
    """Remove the staging folders of jobs that were killed."""
    for folder in folders:
        for path in folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(path, ignore_errors=True)
