"""Outputs of a job, staged in a folder of their own and moved into place when all are complete."""

import errno
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from memmap_atlas.integrity.checksums import (
    CHECK,
    Check,
    folder_of,
    known,
    project_digests,
    write_check,
)
from memmap_atlas.integrity.provenance import digest

SCRATCH = ".making-"
# remedies for faults of the machine
ADVICE = {
    errno.ENOSPC: "free some space",
    errno.EDQUOT: "free some space",
    errno.EROFS: "make it writable",
    errno.EACCES: "make it writable",
    errno.EPERM: "make it writable",
}


@contextmanager
def staged_outputs(
    outputs: Sequence[str], inputs: Sequence[str] = ()
) -> Iterator[Callable[[str | Path], Path]]:
    """Stage the ``outputs`` of a job that reads ``inputs``; the last output is its checksum file,
    where it has one. Yields a function from an output, or its path without suffix, to the file to
    write instead.

    The files are moved into place when the block ends. Raises SystemExit, with one line, after a
    fault of the machine or for a damaged table.
    """
    paths = [Path(path) for path in outputs]
    check = paths.pop() if paths[-1].suffix == CHECK else None
    folder = folder_of(check) if check else paths[0].parent
    scratch = None
    try:
        if check:
            # while it exists, all of its files are complete
            check.unlink(missing_ok=True)
        folder.mkdir(parents=True, exist_ok=True)
        scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
        yield lambda path: scratch / Path(path).name
        if check:
            made = {path: digest(scratch / path.name) for path in paths}
            read = [path for path in map(Path, inputs) if path.is_relative_to(folder)]
            before = known(read)
            made_from = {path: before[path] for path in read if path in before}
            made_with = project_digests(inputs)
            write_check(scratch / check.name, Check(made, made_from, made_with), folder)
        for path in (*paths, *([check] if check else [])):
            path.parent.mkdir(parents=True, exist_ok=True)
            (scratch / path.name).replace(path)
    except OSError as error:
        sys.exit(f"Error: {describe_fault(error, folder)}")
    except ValueError as error:
        # by name: jobs that read no table do not import Arrow
        if not type(error).__module__.startswith("pyarrow"):
            raise
        sys.exit(
            f"Error: a table that {folder} is made from can't be read: {first_line(error)}; run "
            "again: what is damaged is made again"
        )
    finally:
        if scratch:
            shutil.rmtree(scratch, ignore_errors=True)


def describe_fault(error: OSError, folder: Path) -> str:
    """Return a fault of the machine in one line, with the file and a remedy."""
    # Arrow gives the number in its text only
    number = next((n for n in ADVICE if f"[errno {n}]" in str(error).lower()), error.errno)
    name = error.filename or folder
    words = error.strerror or first_line(error)
    remedy = f"{ADVICE[number]} and run again" if number in ADVICE else "run again"
    return f"{name}: {words}: {remedy}; what is complete is kept"


def first_line(error: Exception) -> str:
    """Return the first line of an exception's text, or its class."""
    return (str(error).splitlines() or [type(error).__name__])[0]
