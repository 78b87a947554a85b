"""Fetch the device trees that Debian's arm64 kernel of a suite comes with."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

import tempfile
from typing import TYPE_CHECKING

from memmap_atlas.lab.debian import Archive, Unavailable, sha256

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Unpack them, and record the package that they are from."""
    trees = Path(snakemake.output.trees)
    trees.mkdir(parents=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = Archive(snakemake.wildcards.suite, "arm64", folder / "apt")
        archive.update()
        package = archive.fetch_trees("linux-image-arm64", folder, trees)
        about = f"{package.name} {package.version}, SHA-256 {sha256(package.file)}\n"
    Path(snakemake.output.package).write_text(about)


if __name__ == "__main__":
    try:
        main()
    except (Unavailable, OSError) as error:
        sys.exit(f"census: {error}")
