"""Write the explorer of a sweep: one HTML file with all of its points."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

import json
from typing import TYPE_CHECKING

from memmap_atlas.explorer.page import Frame, Tables, explorer
from memmap_atlas.integrity.dependencies import code_version
from memmap_atlas.integrity.staging import staged_outputs

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        tables = Tables(
            sweep=Path(snakemake.input.sweep),
            memmap=[Path(part) for part in snakemake.input.memmap],
            layouts=Path(snakemake.input.layouts),
            strips=Path(snakemake.input.strips),
        )
        frame = Frame(
            resources=Path(snakemake.input.resources[0]).parent,
            vega=Path(snakemake.input.vega),
            description=json.loads(snakemake.params.description),
            code=code_version(snakemake.input.library),
        )
        try:
            page = explorer(tables, frame)
        except ValueError as error:
            sys.exit(f"Error in the explorer of {snakemake.wildcards.sweep}: {error}")
        staged(snakemake.output.page).write_text(page, encoding="utf-8", newline="\n")
        Path(snakemake.log[0]).write_text(f"{len(page):,} characters\n")
