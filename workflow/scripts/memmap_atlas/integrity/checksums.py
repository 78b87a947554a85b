"""Checksum files: SHA-256 of what a job wrote, and of what it read.

``sha256sum -c checks/*.sha256`` in the folder of a sweep reads them too.
"""

import hashlib
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from memmap_atlas.integrity.provenance import digest

# suffix of a checksum file, and the folder that holds those of a sweep
CHECK, CHECKS = ".sha256", "checks"
MADE_FROM, MADE_WITH = "# made from ", "# made with "
PROJECT = Path(__file__).parents[4]


@dataclass(frozen=True)
class Check:
    """SHA-256 in hex, by path, of the files of one job.

    made: files that it wrote
    made_from: files that it read and that have a checksum file themselves
    made_with: files of the project that it read, such as its code
    """

    made: Mapping[Path, str]
    made_from: Mapping[Path, str]
    made_with: Mapping[Path, str]


def folder_of(check: Path) -> Path:
    """Return the folder that holds checks/: paths in a checksum file are relative to it."""
    return next(parent for parent in check.parents if parent.name == CHECKS).parent


def checks_in(folder: Path) -> list[Path]:
    """Return the checksum files of the jobs that wrote into ``folder``."""
    return sorted((folder / CHECKS).rglob(f"*{CHECK}"))


def read_check(path: Path) -> Check:
    """Read a checksum file. Raises ValueError where it is cut off or damaged."""
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
    """Return the SHA-256 of a table as its job recorded it, without reading a table of many
    gigabytes; a file without a record is read.
    """
    return known([path]).get(path) or digest(path)


def known(paths: Sequence[Path]) -> dict[Path, str]:
    """Return the recorded SHA-256 of the files in ``paths``, and of others in their folders."""
    folders = {parent for path in paths for parent in path.parents if (parent / CHECKS).is_dir()}
    made: dict[Path, str] = {}
    for folder in folders:
        for check in checks_in(folder):
            # a damaged one is reported when the next run starts, and another job may be replacing
            # its own
            with suppress(ValueError, FileNotFoundError):
                made |= read_check(check).made
    return made


def project_digests(inputs: Sequence[str]) -> dict[Path, str]:
    """Return the SHA-256 of those ``inputs`` that come with the project, such as its code."""
    return {path: digest(path) for path in map(Path, inputs) if path.is_relative_to(PROJECT)}


def write_check(path: Path, check: Check, folder: Path) -> None:
    """Write a file that :func:`read_check` reads, with paths relative to ``folder``."""
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
