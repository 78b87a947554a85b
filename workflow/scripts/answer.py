"""Write the answer for one memory map: as text, as Markdown, and all rows as CSV."""

from memmap_atlas.job import start_job

start_job()

from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from memmap_atlas.advice.build_options import choice_row, choices
from memmap_atlas.advice.map_changes import change_row, smallest_changes
from memmap_atlas.answer.log_counts import checks
from memmap_atlas.answer.report import sections
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.readers.memory_map import memory_from
from memmap_atlas.sweep.design import load
from memmap_atlas.text.tables import as_markdown, as_text

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        sweep = load(Path(snakemake.input.sweep))
        memory = memory_from(snakemake.params.memory)
        rows = pd.concat(map(pd.read_parquet, snakemake.input.memmap), ignore_index=True)
        name, reason = snakemake.params.kernel, snakemake.params.reason
        compared = checks(memory, name, sweep.kernels)
        built = choices(memory.regions, sweep.kernels, name)
        kernel = sweep.kernels[name]
        moved = smallest_changes(memory.regions, kernel, kernel.default_model)
        answer = sections(memory, sweep, rows, name, reason, compared, built, moved)
        staged(snakemake.output.text).write_text(as_text(answer), encoding="utf-8")
        staged(snakemake.output.markdown).write_text(as_markdown(answer), encoding="utf-8")
        tables = {
            "csv": rows,
            "choices": pd.DataFrame([choice_row(choice) for choice in built]),
            "changes": pd.DataFrame([change_row(change) for change in moved.changes]),
        }
        for output, table in tables.items():
            table.to_csv(staged(snakemake.output[output]), index=False, lineterminator="\n")
        Path(snakemake.log[0]).write_text(f"{len(rows)} points, {len(compared)} counts\n")
