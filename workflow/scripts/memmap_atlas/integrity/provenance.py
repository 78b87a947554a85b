"""Provenance of tables and figures: digests and versions, never a time or a machine."""

import hashlib
from collections.abc import Iterable
from importlib.metadata import version
from pathlib import Path
from platform import python_version

from memmap_atlas.integrity.dependencies import code_version


def digest(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def code_metadata(library: Iterable[str]) -> dict[str, str]:
    """Return the metadata of every table: the version of the code in ``library`` that made it, and
    its units.
    """
    return {
        "memmap_atlas.code_version": code_version(library),
        "memmap_atlas.units": "columns ending in _bytes are int64 bytes",
    }


def metadata(resolved: Path, library: Iterable[str]) -> dict[str, str]:
    """Return the metadata of a sweep's tables: the digests of the sweep and of the code."""
    return {"memmap_atlas.sweep_sha256": digest(resolved), **code_metadata(library)}


def software() -> dict[str, str]:
    """Return the versions of Python and of the libraries that draw figures."""
    names = ("matplotlib", "numpy", "pandas", "pyarrow", "seaborn", "snakemake")
    return {"python": python_version(), **{name: version(name) for name in names}}
