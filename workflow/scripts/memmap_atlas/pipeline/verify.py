"""Verification of the results of earlier runs, before the jobs of a run are planned.

Snakemake plans by the existence and the times of files. After kills, on failing disks and under
clocks that jump neither is enough: here the content decides.
"""

import os
import shutil
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.integrity.checksums import Check, read_check
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.integrity.staging import SCRATCH

try:
    import fcntl
except ImportError:  # Windows: Snakemake's own lock is the only one
    fcntl = None  # type: ignore[assignment]


# seconds that clocks of one network may differ by
SKEW = 2.0


@dataclass(frozen=True)
class StaleResults:
    """What does not hold of the files of earlier runs.

    again: files to be made again, at least one of each job that does not hold
    words: a line for each that is damaged, or was made from other files than those that are there;
        none for code that was edited, which is no fault
    """

    again: frozenset[str]
    words: tuple[str, ...]


def stale_results(places: Iterable[Path]) -> StaleResults:
    """What is wrong with the files that the checks at ``places`` tell of, as far as those are
    there. Every byte is read.
    """
    words: list[str] = []
    again: set[Path] = set()
    checks: dict[Path, Check] = {}
    for path in places:
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
        seen = zip(paths, threads.map(digest_of, paths), strict=True)
        found = {path: value for path, value in seen if value}
    for place, check in checks.items():
        wrong = [path for path, value in check.made.items() if found.get(path) != value]
        other = [path for path, value in check.made_from.items() if made.get(path) != value]
        code = [path for path, value in check.made_with.items() if found.get(path) != value]
        # what is missing speaks for itself
        words += [
            f"{path} is damaged: it is not what was written" for path in wrong if path in found
        ]
        words += [
            f"{place} is out of date: {path} is another one now" for path in other if path in found
        ]
        if wrong or other or code:
            again |= {place, *wrong}
    return StaleResults(frozenset(map(str, again)), tuple(words))


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, "" where there is none: another run may make it again just now."""
    try:
        return digest(path)
    except FileNotFoundError:
        return ""


def set_clocks(folders: Iterable[Path]) -> int:
    """Give files of ``folders`` that are from the future the time of now, since what is made from
    them would look older; how many there are. Which of them is stale their checks say.
    """
    now = time.time()
    count = 0
    for path in (
        os.path.join(place, name)
        for folder in folders
        for place, _, names in os.walk(folder)
        for name in names
    ):
        # another run may take one away just now
        with suppress(FileNotFoundError):
            if os.stat(path).st_mtime > now + SKEW:
                os.utime(path, (now, now))
                count += 1
    return count


def remove_scratch(folders: Iterable[Path]) -> None:
    """Remove what jobs were writing when they were killed."""
    for folder in folders:
        for path in folder.glob(f"{SCRATCH}*"):
            shutil.rmtree(path, ignore_errors=True)
