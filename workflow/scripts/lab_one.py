"""Print what one boot shows, beside the computed values."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from typing import TYPE_CHECKING

from memmap_atlas.lab.observations import observation
from memmap_atlas.lab.report import boot_report
from memmap_atlas.lab.residuals import is_within, residuals
from memmap_atlas.memmodel.kernel import kernel_from

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    folder = Path(snakemake.input[0])
    kernels = {name: kernel_from(values) for name, values in snakemake.params.kernels.items()}
    (kernel,) = kernels.values()
    row = observation(folder, kernel)
    rows = residuals([row], kernels)
    print("\n".join(boot_report(row, rows, folder)))
    if row["outcome"] != "complete" or not all(map(is_within, rows)):
        sys.exit("lab: the boot failed, or is off")
