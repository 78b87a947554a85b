"""Evaluate one part of a sweep's layouts under every kernel, section size and model."""

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
from memmap_atlas.sweep.evaluate import points
from memmap_atlas.sweep.layouts import blocks
from memmap_atlas.sweep.tables import write_memmap

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        resolved = Path(snakemake.input.sweep)
        sweep = load(resolved)
        size, number = sweep.layouts_per_part, int(snakemake.wildcards.part)
        rows = slice(number * size, (number + 1) * size)
        columns = points(blocks(sweep, sweep.layouts_per_group, rows), sweep)
        write_memmap(
            staged(snakemake.output.table),
            columns,
            sweep,
            metadata(resolved, snakemake.input.library),
        )
        first, last, _ = rows.indices(sweep.layouts)
        Path(snakemake.log[0]).write_text(f"layouts {first} to {last} of {sweep.layouts}\n")
