"""Make the initramfs that lab machines of one architecture boot into."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

import re
import tempfile
from typing import TYPE_CHECKING

from memmap_atlas.lab.debian import Archive, Unavailable, extract
from memmap_atlas.lab.initramfs import initramfs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

BUSYBOX = re.compile(r"/bin/busybox$")


def main() -> None:
    """Pack Debian's busybox into an initramfs."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = Archive(
            snakemake.wildcards.suite, snakemake.wildcards.architecture, folder / "apt"
        )
        archive.update()
        package = archive.fetch("busybox-static", folder)
        (busybox,) = extract(package.file, BUSYBOX, folder)
        Path(snakemake.output[0]).write_bytes(initramfs(busybox))


if __name__ == "__main__":
    try:
        main()
    except (Unavailable, OSError) as error:
        sys.exit(f"lab: {error}")
