"""Draw the lab's residuals: computed against booted."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import pandas as pd
from memmap_atlas.figures.booted import computed_against_booted
from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.publish import Origin, publish
from memmap_atlas.integrity.dependencies import code_version
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.lab.report import SHOWN, TOLD, caption, summary
from memmap_atlas.lab.tables import read_rows

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        tables = [Path(snakemake.input[name]) for name in ("observations", "residuals")]
        observed, residuals = map(read_rows, tables)
        agreement = {
            kernel: {{**SHOWN, TOLD: TOLD}[quantity]: counts for quantity, counts in row.items()}
            for kernel, row in summary(residuals).items()
        }
        memmap = pd.DataFrame([row for row in residuals if row["quantity"] == "memmap_bytes"])
        kernels = {row["kernel"]: row["arch"] for row in observed}
        heads = Titles(
            f"Computed against booted: {len(observed)} boots of {len(kernels)} kernels, "
            f"{len(set(kernels.values()))} architectures",
            "left: each boot's memmap; right: how many boots of a kernel agree, by quantity",
        )
        stem = Path(snakemake.output[0]).with_suffix("")
        origin = Origin(
            name=stem.name,
            command=snakemake.params.command,
            sweep="",
            tables=tables,
            citation=Path(snakemake.input.citation),
            code=code_version(snakemake.input.library),
        )
        figure = computed_against_booted(memmap, agreement, [*SHOWN.values(), TOLD], heads)
        text = caption(observed, residuals, origin.words)
        publish(figure, staged(stem), heads.title, text, pd.DataFrame(residuals), origin)
        Path(snakemake.log[0]).write_text(f"{len(memmap)} boots drawn\n")
