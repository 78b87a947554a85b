"""Compare every quantity that the lab observed with the computed one."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

from memmap_atlas.integrity.provenance import code_metadata
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.lab.report import agreement_table
from memmap_atlas.lab.residuals import residuals
from memmap_atlas.lab.tables import RESIDUALS, read_rows, write_rows
from memmap_atlas.memmodel.kernel import kernel_from

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        kernels = {name: kernel_from(values) for name, values in snakemake.params.kernels.items()}
        observed = read_rows(Path(snakemake.input.observations))
        rows = residuals(observed, kernels)
        write_rows(
            staged(snakemake.output.residuals),
            rows,
            RESIDUALS,
            code_metadata(snakemake.input.library),
        )
        staged(snakemake.output.agreement).write_text(
            "\n".join(agreement_table(observed, rows)) + "\n"
        )
        Path(snakemake.log[0]).write_text(f"{len(rows)} residuals of {len(observed)} boots\n")
