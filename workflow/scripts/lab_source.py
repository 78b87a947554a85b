"""Unpack the source of Linux that kernels of the lab are built from."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

import tempfile
from typing import TYPE_CHECKING

from memmap_atlas.lab.build import unpack_source
from memmap_atlas.lab.debian import Archive, Unavailable

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Write the source tree and its version."""
    folder = Path(snakemake.output.source)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as state:
        archive = Archive(snakemake.wildcards.suite, "amd64", Path(state))
        version = unpack_source(archive, snakemake.wildcards.package, folder)
    Path(snakemake.output.version).write_text(version + "\n")


if __name__ == "__main__":
    try:
        main()
    except (Unavailable, OSError) as error:
        sys.exit(f"lab: {error}")
