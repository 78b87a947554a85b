"""Print the result of the lab; exit with an error where a boot failed or a value is off."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from memmap_atlas.lab.report import failures, faults, thread_lines
from memmap_atlas.lab.tables import read_rows
from memmap_atlas.pipeline.paths import path

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    observed = read_rows(Path(snakemake.input.observations))
    residuals = read_rows(Path(snakemake.input.residuals))
    failed, off = failures(observed), faults(residuals)
    blocks = {
        "Booted against computed: exact/boots": Path(snakemake.input.agreement).read_text(),
        "The vmemmap part of kernel_page_tables": "\n".join(thread_lines(observed)),
        f"Boots that failed (remove their folder under {path('<lab_boots>')} to boot them again)": (
            "\n".join(failed)
        ),
        "Off": "\n".join(off),
    }
    for title, text in blocks.items():
        if text.strip():
            print(f"\n{title}\n\n{text.rstrip()}")
    maps = len({(row["kernel"], row["map"]) for row in observed})
    kernels = len({row["kernel"] for row in observed})
    print(f"\n{maps} boots of {kernels} kernels, {len(residuals)} quantities: ", end="")
    print("nothing is off" if not off else f"{len(off)} things are off", flush=True)
    if failed or off:
        sys.exit("lab: see above what failed or is off")
