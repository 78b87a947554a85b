"""Boot one kernel on one memory map, and keep its log and everything needed to repeat the boot."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

import gzip
import hashlib
import json
from typing import TYPE_CHECKING

from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.boards.base import Refused
from memmap_atlas.lab.debian import Unavailable, run
from memmap_atlas.lab.run import Ending, boot, machine_of, missing, write

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake


def main() -> None:
    """Boot, or record why the board refuses the map or the image."""
    board = BOARDS[snakemake.params.arch]
    if lacking := missing(board):
        raise Unavailable(f"this machine lacks {', '.join(lacking)}")
    folder = Path(snakemake.output[0])
    folder.mkdir(parents=True)
    told = tuple((start, end) for start, end in snakemake.params.regions)
    cpu = snakemake.params.cpu or board.cpu
    try:
        told = board.fitted(told)
        image, initrd = Path(snakemake.input.image), Path(snakemake.input.initrd)
        machine = machine_of(board, told, cpu, image, initrd, folder)
        write(machine, folder)
        ending = boot(machine, folder, snakemake.params.time_limit)
    except Refused as error:
        ending = Ending("refused", str(error), "")
    log = ending.log.encode()
    (folder / "log.gz").write_bytes(gzip.compress(log, mtime=0))
    about = json.loads(Path(snakemake.input.about).read_text())
    about |= {
        "kernel": snakemake.wildcards.kernel,
        "map": snakemake.wildcards.map,
        "qemu": run([board.emulator, "--version"], board.emulator).splitlines()[0],
        "cpu": cpu,
        "told": told,
        "outcome": ending.outcome,
        "reason": ending.reason,
        "log_sha256": hashlib.sha256(log).hexdigest() if log else "",
    }
    (folder / "boot.json").write_text(json.dumps(about, indent=2) + "\n")


if __name__ == "__main__":
    try:
        main()
    except (Unavailable, OSError) as error:
        sys.exit(f"lab: {snakemake.wildcards.kernel} on {snakemake.wildcards.map}: {error}")
