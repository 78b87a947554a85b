"""Results appear whole or not at all, and what was written can be told from what lies there later.

A job writes into a folder of its own and its files are moved into place when all of them are
complete, the last of them a check: their digests, and the digests of what they were made from.
``sha256sum -c checks/*.sha256`` in the folder of a sweep reads them too.
"""

import atexit
import errno
import gc
import hashlib
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.provenance import digest

SCRATCH = ".making-"
CHECK = ".sha256"
MADE_FROM, MADE_WITH = "# made from ", "# made with "
PROJECT = Path(__file__).parents[3]
# what helps against faults of the machine
ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "make it writable",
    errno.EACCES: "make it writable",
    errno.EPERM: "make it writable",
}


@dataclass(frozen=True)
class Check:
    """What a job wrote.

    made: SHA-256 of its files in hex, by path
    made_from: the same of files that it read and that have a check themselves
    made_with: the same of files of the project that it read, as its code
    """

    made: Mapping[Path, str]
    made_from: Mapping[Path, str]
    made_with: Mapping[Path, str]


def folder_of(check: Path) -> Path:
    """The folder that the paths in a check start from: the one that ``checks`` is in."""
    return next(parent for parent in check.parents if parent.name == "checks").parent


def checks_in(folder: Path) -> list[Path]:
    """The checks of the jobs that wrote into ``folder``."""
    return sorted((folder / "checks").rglob(f"*{CHECK}"))


def read_check(path: Path) -> Check:
    """A check from its file. Raises ValueError where it is none."""
    folder = folder_of(path)
    made: dict[Path, str] = {}
    made_from: dict[Path, str] = {}
    made_with: dict[Path, str] = {}
    kinds = ((MADE_FROM, folder, made_from), (MADE_WITH, PROJECT, made_with), ("", folder, made))
    *lines, end = path.read_text(encoding="utf-8").split("\n")
    if end or not lines:
        raise ValueError(f"{path} is cut off")
    for line in lines:
        kind, start, sums = next(kind for kind in kinds if line.startswith(kind[0]))
        value, space, name = line.removeprefix(kind).partition("  ")
        if len(value) != hashlib.sha256().digest_size * 2 or not space or not name:
            raise ValueError(f"{path} is damaged: {line!r}")
        sums[start / name] = value
    if not made:
        raise ValueError(f"{path} tells of no file")
    return Check(made, made_from, made_with)


def recorded(path: Path) -> str:
    """The SHA-256 of a table as its job recorded it; of a file without a check, as it is.

    A table of many gigabytes has not to be read for it.
    """
    return known([path]).get(path) or digest(path)


def known(paths: Sequence[Path]) -> dict[Path, str]:
    """What readable checks say of the files in ``paths``, and of others in their folders."""
    folders = {parent for path in paths for parent in path.parents if (parent / "checks").is_dir()}
    made: dict[Path, str] = {}
    for folder in folders:
        for check in checks_in(folder):
            # what is damaged tells nothing; it is found when the next run starts. Another job may
            # take its own away just now
            with suppress(ValueError, FileNotFoundError):
                made |= read_check(check).made
    return made


def write_check(path: Path, check: Check, folder: Path) -> None:
    """The file that :func:`read_check` reads, its paths as from ``folder``."""
    lines = [
        f"{kind}{value}  {name.relative_to(start).as_posix()}"
        for kind, start, sums in (
            (MADE_WITH, PROJECT, check.made_with),
            (MADE_FROM, folder, check.made_from),
            ("", folder, check.made),
        )
        for name, value in sums.items()
    ]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8", newline="\n")


@contextmanager
def whole(
    outputs: Sequence[str], inputs: Sequence[str] = ()
) -> Iterator[Callable[[str | Path], Path]]:
    """Where a job writes its ``outputs``, the last of which is its check where it has one;
    ``inputs`` is what it reads. Gives a function from an output, or its path without suffix, to
    where to write it.

    What was written is moved into place when the block ends. A fault of the machine, or a damaged
    table, ends the process with one line.
    """
    paths = [Path(path) for path in outputs]
    check = paths.pop() if paths[-1].suffix == CHECK else None
    folder = folder_of(check) if check else paths[0].parent
    scratch = None
    # what a job leaves goes with its process: to look through it for cycles takes up to 0.3 s
    atexit.register(gc.freeze)
    try:
        if check:
            # as long as it stands it says that all of its files do, and are the same
            check.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
        yield lambda path: scratch / Path(path).name
        if check:
            made = {path: digest(scratch / path.name) for path in paths}
            read = [path for path in map(Path, inputs) if path.is_relative_to(folder)]
            before = known(read)
            made_from = {path: before[path] for path in read if path in before}
            made_with = {
                path: digest(path) for path in map(Path, inputs) if path.is_relative_to(PROJECT)
            }
            write_check(scratch / check.name, Check(made, made_from, made_with), folder)
        for path in (*paths, *([check] if check else [])):
            path.parent.mkdir(parents=True, exist_ok=True)
            (scratch / path.name).replace(path)
    except OSError as error:
        sys.exit(f"Error: {told(error, folder)}")
    except ValueError as error:
        # Arrow is no import of those that read checks alone
        if not type(error).__module__.startswith("pyarrow"):
            raise
        sys.exit(
            f"Error: a table that {folder} is made from can't be read: {first_line(error)}; run "
            "again: what is damaged is made again"
        )
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def told(error: OSError, folder: Path) -> str:
    """A fault of the machine in one line, with the file and what helps."""
    # Arrow has the number in its words only
    number = next((n for n in ADVICE if f"[errno {n}]" in str(error).lower()), error.errno)
    name = error.filename or folder
    words = error.strerror or first_line(error)
    helps = f"{ADVICE[number]} and run again" if number in ADVICE else "run again"
    return f"{name}: {words}: {helps}; what is complete is kept"


def first_line(error: Exception) -> str:
    """What an exception says, as far as it fits a line."""
    return (str(error).splitlines() or [type(error).__name__])[0]
