"""Where a table or a figure comes from: digests and versions, never a time or a machine."""

import hashlib
from importlib.metadata import version
from pathlib import Path
from platform import python_version


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def code_metadata(code: str) -> dict[str, str]:
    """What every table carries: which version of the code made it, and its units."""
    return {
        "memmap_atlas.code_version": code,
        "memmap_atlas.units": "columns ending in _bytes are int64 bytes",
    }


def metadata(resolved: Path, code: str) -> dict[str, str]:
    """What the tables of a sweep carry: its digest and that of the code that made them."""
    return {"memmap_atlas.sweep_sha256": digest(resolved), **code_metadata(code)}


def software() -> dict[str, str]:
    """Versions of what figures are made with."""
    names = ("matplotlib", "numpy", "pandas", "pyarrow", "seaborn", "snakemake")
    return {"python": python_version(), **{name: version(name) for name in names}}
