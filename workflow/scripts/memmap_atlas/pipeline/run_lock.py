"""Advisory lock that marks a running workflow, and removal of the locks of a killed one."""

import socket
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import IO

from memmap_atlas.pipeline.paths import path

try:
    import fcntl
except ImportError:  # Windows: Snakemake's own lock is the only one
    fcntl = None  # type: ignore[assignment]


class RunLock:
    """Shared lock of the runs at work in a folder, which the system releases when a process ends.

    Snakemake's own lock names the files that a run makes and refuses another run of them, but
    outlives a killed run: tests/workflow/test_faults.py fails without this one, after kills.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock of ``folder``, which is .snakemake. Raises OSError where it cannot be
        written.
        """
        directory = folder / "memmap-atlas"
        directory.mkdir(parents=True, exist_ok=True)
        # closed by the end of the process, and no sooner
        self._file: IO[str] = (directory / "running").open("a+", encoding="utf-8")
        if fcntl:
            fcntl.flock(self._file, fcntl.LOCK_SH)

    def alone(self) -> bool:
        """Return False where another process holds the lock, as far as this machine can see."""
        if not fcntl:
            return True
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # a failed conversion can release what was held
            fcntl.flock(self._file, fcntl.LOCK_SH)
            return False
        fcntl.flock(self._file, fcntl.LOCK_SH)
        return True

    def last_host(self) -> str:
        """Return the machine of the run before, "" where there was none."""
        self._file.seek(0)
        return self._file.read()

    def sign(self) -> None:
        """Record this machine for the next run."""
        self._file.truncate(0)
        self._file.write(socket.gethostname())
        self._file.flush()


@cache
def lock_of(folder: Path) -> RunLock | None:
    """Return the lock of this process on ``folder``, an absolute path; None where it cannot be
    written. Each module of a workflow asks for it, and no two of them are other runs.
    """
    try:
        return RunLock(folder)
    except OSError:
        return None


def unlock(lock: RunLock, snakemake_locks: Path, ours: Callable[[str], bool]) -> int:
    """Remove Snakemake's locks where the run that took them is certainly dead, and return how many.

    It is where no run is at work now, the run before was of this machine, and each file in the
    locks is one that this workflow makes, as ``ours`` says.
    """
    files = [file for file in snakemake_locks.glob("*.lock") if file.is_file()]
    if not fcntl or not lock.alone() or (files and lock.last_host() != socket.gethostname()):
        return 0
    if not all(ours(name) for file in files for name in outputs_in(file)):
        return 0
    for file in files:
        file.unlink()
    lock.sign()
    return len(files)


def outputs_in(lock: Path) -> list[str]:
    """Return the files under results/ in one of Snakemake's locks; a last line may be cut off."""
    lines = lock.read_text(encoding="utf-8").split("\n")[:-1]
    return [line for line in lines if line.startswith(f"{path('<results>')}/")]
