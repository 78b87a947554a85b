"""What earlier runs left, looked at before the jobs of a run are planned.

Snakemake plans by which files exist, and by their times. After kills, on failing disks and under
clocks that jump neither tells enough: here what a file is decides.
"""

import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from memmap_atlas.provenance import digest
from memmap_atlas.whole import SCRATCH, Check, read_check

try:
    import fcntl
except ImportError:  # Windows: Snakemake's own lock is the only one
    fcntl = None  # type: ignore[assignment]

# seconds that clocks of one network may differ by
SKEW = 2.0
MOST_WAIT = 60.0


@dataclass(frozen=True)
class Findings:
    """What does not hold of the files of earlier runs.

    again: files to be made again, at least one of each job that does not hold
    words: a line for each that is damaged, or was made from other files than those that are there;
        none for code that was edited, which is no fault
    """

    again: frozenset[str]
    words: tuple[str, ...]


def findings(places: Iterable[Path]) -> Findings:
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
    return Findings(frozenset(map(str, again)), tuple(words))


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


class Presence:
    """That a run is at work in a folder, for other runs on this machine to see; it ends with the
    process, however that ends.

    Snakemake's lock says which files a run makes, but outlives a run that was killed.
    """

    def __init__(self, folder: Path) -> None:
        """Be seen at ``folder``, which is .snakemake. Raises OSError where it can't be written."""
        place = folder / "memmap-atlas"
        place.mkdir(parents=True, exist_ok=True)
        # closed by the end of the process, and no sooner
        self._running: IO[str] = (place / "running").open("a+", encoding="utf-8")
        self._planning: IO[str] = (place / "planning").open("a+", encoding="utf-8")
        if fcntl:
            fcntl.flock(self._running, fcntl.LOCK_SH)

    def plan(self) -> bool:
        """Wait until no other run plans its jobs, so that one sees the other's lock; whether there
        was none that still does within a minute.
        """
        if not fcntl:
            return True
        until = time.monotonic() + MOST_WAIT
        while True:
            try:
                fcntl.flock(self._planning, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return True
            except BlockingIOError:
                if time.monotonic() > until:
                    return False
                time.sleep(0.05)

    def planned(self) -> None:
        """Let others plan."""
        if fcntl:
            fcntl.flock(self._planning, fcntl.LOCK_UN)

    def alone(self) -> bool:
        """Whether no other run is at work in the folder, as far as this machine can see."""
        if not fcntl:
            return True
        try:
            fcntl.flock(self._running, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # trying for more can cost what was held
            fcntl.flock(self._running, fcntl.LOCK_SH)
            return False
        fcntl.flock(self._running, fcntl.LOCK_SH)
        return True

    def last_host(self) -> str:
        """The machine of the run before, "" where there was none."""
        self._running.seek(0)
        return self._running.read()

    def sign(self) -> None:
        """Be the run before for the next one."""
        self._running.truncate(0)
        self._running.write(socket.gethostname())
        self._running.flush()


def unlock(presence: Presence, locks: Path, ours: Callable[[str], bool]) -> int:
    """Remove Snakemake's ``locks`` where the run that made them is certainly dead: it was of this
    machine and workflow (``ours`` tells what that makes), and none is at work now; how many.
    """
    files = [path for path in locks.glob("*.lock") if path.is_file()]
    if (
        not fcntl
        or not presence.alone()
        or (files and presence.last_host() != socket.gethostname())
    ):
        return 0
    if not all(ours(name) for path in files for name in outputs_in(path)):
        return 0
    for path in files:
        path.unlink()
    presence.sign()
    return len(files)


def outputs_in(lock: Path) -> list[str]:
    """The files under results/ in one of Snakemake's locks; a last line may be cut off."""
    lines = lock.read_text(encoding="utf-8").split("\n")[:-1]
    return [line for line in lines if line.startswith("results/")]
