"""Read the logs of all boots of the lab into one table."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

from memmap_atlas.integrity.provenance import code_metadata
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.lab.observations import observations
from memmap_atlas.lab.tables import OBSERVATIONS, write_rows
from memmap_atlas.memmodel.kernel import kernel_from

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        kernels = {name: kernel_from(values) for name, values in snakemake.params.kernels.items()}
        chosen = [kernels[kernel] for kernel in snakemake.params.boots]
        rows = observations([Path(folder) for folder in snakemake.input.boots], chosen)
        write_rows(
            staged(snakemake.output[0]),
            rows,
            OBSERVATIONS,
            code_metadata(snakemake.input.library),
        )
        complete = sum(row["outcome"] == "complete" for row in rows)
        Path(snakemake.log[0]).write_text(f"{len(rows)} boots, {complete} complete\n")
