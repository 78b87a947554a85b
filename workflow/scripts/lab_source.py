"""Unpack the source of Linux that kernels of the lab are built from."""

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from memmap_atlas.lab.build import unpack_source
from memmap_atlas.lab.debian import Archive, Unavailable

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    folder = Path(snakemake.output.source)
    folder.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as state:
        archive = Archive(snakemake.wildcards.suite, "amd64", Path(state))
        try:
            version = unpack_source(archive, snakemake.wildcards.package, folder)
        except Unavailable as error:
            sys.exit(f"lab: {error}")
    Path(snakemake.output.version).write_text(version + "\n")
