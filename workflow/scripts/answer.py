"""Write the answer for one memory map: as text, as Markdown, and all rows as CSV."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import pandas as pd
import pyarrow.dataset as ds
from memmap_atlas.advice.build_options import choice_row
from memmap_atlas.advice.map_changes import change_row
from memmap_atlas.answer.machine import Machine
from memmap_atlas.answer.report import answer_of, sections
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.readers.memory_map import memory_from
from memmap_atlas.sweep.design import load
from memmap_atlas.text.tables import as_markdown, as_text

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        sweep = load(Path(snakemake.input.sweep))
        ((layout, _),) = sweep.regions.items()
        table = ds.dataset(snakemake.input.memmap).to_table()
        machine = Machine(
            layout,
            snakemake.input.map,
            memory_from(snakemake.params.memory),
            snakemake.params.kernel,
            snakemake.params.reason,
            sweep.kernels,
            sweep.sources,
        )
        answer = answer_of(machine, table.to_pylist())
        text, markdown = as_text(sections(answer)), as_markdown(sections(answer))
        staged(snakemake.output.text).write_text(text, encoding="utf-8")
        staged(snakemake.output.markdown).write_text(markdown, encoding="utf-8")
        tables = {
            "csv": table.to_pandas(),
            "choices": pd.DataFrame([choice_row(choice) for choice in answer.choices]),
            "changes": pd.DataFrame([change_row(change) for change in answer.search.changes]),
        }
        for output, rows in tables.items():
            rows.to_csv(staged(snakemake.output[output]), index=False, lineterminator="\n")
        counts = f"{len(answer.rows)} points, {len(answer.checks)} counts\n"
        Path(snakemake.log[0]).write_text(counts)
