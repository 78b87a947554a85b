"""Advisory lock that marks a running workflow, and removal of the locks of a killed one."""

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

try:
    import fcntl
except ImportError:  # Windows: Snakemake's own lock is the only one
    fcntl = None  # type: ignore[assignment]


MOST_WAIT = 60.0


class RunLock:
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


def unlock(presence: RunLock, locks: Path, ours: Callable[[str], bool]) -> int:
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
