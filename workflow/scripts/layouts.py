"""Write the resolved sweep and its layouts."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import yaml
from memmap_atlas.integrity.provenance import metadata
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.sweep.design import sweep_from
from memmap_atlas.sweep.layouts import blocks
from memmap_atlas.sweep.tables import LAYOUTS_PER_GROUP, write_layouts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        resolved = staged(snakemake.output.sweep)
        resolved.write_text(yaml.safe_dump(snakemake.params.sweep, sort_keys=False))
        sweep = sweep_from(snakemake.params.sweep)
        layouts = blocks(sweep, LAYOUTS_PER_GROUP)
        write_layouts(
            staged(snakemake.output.layouts),
            layouts,
            metadata(resolved, snakemake.input.library),
        )
        Path(snakemake.log[0]).write_text(f"{sweep.layouts} layouts, {sweep.points} points\n")
