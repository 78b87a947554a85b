"""Write where struct pages stay: every layout under every kernel, section size and model."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

from memmap_atlas.integrity.provenance import metadata
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.sweep.design import load
from memmap_atlas.sweep.evaluate import strips
from memmap_atlas.sweep.layouts import layouts_of
from memmap_atlas.sweep.tables import write_strips

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        resolved = Path(snakemake.input.sweep)
        sweep = load(resolved)
        layouts = layouts_of(sweep)
        path = staged(snakemake.output.table)
        write_strips(
            path,
            strips(layouts, sweep),
            layouts.names,
            metadata(resolved, snakemake.input.library),
        )
        Path(snakemake.log[0]).write_text(f"{sweep.points} strips\n")
