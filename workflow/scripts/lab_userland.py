"""Make the initramfs that lab machines of one architecture boot into."""

import re
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from memmap_atlas.lab.debian import Archive, Unavailable, extract
from memmap_atlas.lab.initramfs import initramfs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

BUSYBOX = re.compile(r"/bin/busybox$")

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        archive = Archive(
            snakemake.wildcards.suite, snakemake.wildcards.architecture, folder / "apt"
        )
        try:
            archive.update()
            package = archive.fetch("busybox-static", folder)
            (busybox,) = extract(package.file, BUSYBOX, folder)
        except Unavailable as error:
            sys.exit(f"lab: {error}")
        Path(snakemake.output[0]).write_bytes(initramfs(busybox))
