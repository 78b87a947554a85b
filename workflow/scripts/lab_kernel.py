"""Make the image of one kernel of the lab: from a Debian package, a build, or a file."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

import gzip
import json
import shutil
import tempfile
from typing import TYPE_CHECKING

from memmap_atlas.lab.build import Choice, build
from memmap_atlas.lab.debian import Archive, Unavailable, sha256

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

GZIP = b"\x1f\x8b"


def main() -> None:
    """Write the image, unpacked where it is compressed as a whole, and its origin."""
    name, origin = snakemake.wildcards.kernel, snakemake.params.origin
    target = Path(snakemake.output.image)
    with tempfile.TemporaryDirectory(dir=target.parent.resolve()) as temporary:
        folder = Path(temporary)
        if origin["package"]:
            archive = Archive(origin["suite"], snakemake.params.architecture, folder / "apt")
            archive.update()
            package, image = archive.fetch_kernel(origin["package"], folder)
            about = {"package": package.name, "version": package.version}
        elif origin["source"]:
            choice = Choice(**snakemake.params.choice)
            source = Path(snakemake.input.source)
            image = build(source, name, choice, folder, snakemake.threads)
            version = Path(snakemake.input.version).read_text().strip()
            about = {"package": origin["source"], "version": version}
        else:
            image = Path(snakemake.input.image)
            about = {"package": image.name, "version": ""}
        with image.open("rb") as stream:
            packed = stream.read(2) == GZIP
        with (gzip.open if packed else open)(image, "rb") as source_file, target.open("wb") as out:
            shutil.copyfileobj(source_file, out)
    about["image_sha256"] = sha256(target)
    Path(snakemake.output.about).write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (Unavailable, OSError) as error:
        sys.exit(f"lab: {snakemake.wildcards.kernel}: {error}")
