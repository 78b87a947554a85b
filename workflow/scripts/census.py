"""Compute the waste of boards in a folder of device trees, beside those of config/boards.tsv."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
from memmap_atlas.catalog.boards import load_boards
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.integrity.provenance import code_metadata
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.reports.census import KERNEL, census, trees_of
from memmap_atlas.text.tables import Section, as_markdown, as_text

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        arch = snakemake.params.arch
        trees = trees_of(Path(snakemake.input.trees), arch, snakemake.threads)
        if not any(tree.regions for tree in trees):
            sys.exit(f"Error: no device tree with memory in {snakemake.input.trees} (.dtb, .dts)")
        boards = load_boards(Path(snakemake.input.boards))
        listed = {name: board.regions for name, board in boards.items() if board.arch == arch}
        kernel = load_kernels(Path(snakemake.input.kernels))[KERNEL]
        table, said = census(trees, listed, kernel)
        source = f"The folder {snakemake.input.trees}."
        if snakemake.input.get("package"):
            source = f"Debian's package {Path(snakemake.input.package).read_text().strip()}."
        said = [
            Section(f"Census of the {arch} boards of {snakemake.wildcards.trees}", [source]),
            *said,
        ]
        staged(snakemake.output.text).write_text(as_text(said), encoding="utf-8")
        staged(snakemake.output.markdown).write_text(as_markdown(said), encoding="utf-8")
        table.to_csv(staged(snakemake.output.csv), index=False, lineterminator="\n")
        rows = pa.Table.from_pandas(table, preserve_index=False)
        pq.write_table(
            rows.replace_schema_metadata(code_metadata(snakemake.input.library)),
            staged(snakemake.output.table),
        )
        Path(snakemake.log[0]).write_text(f"{len(trees)} trees\n")
