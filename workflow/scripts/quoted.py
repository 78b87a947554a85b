"""Write the quoted numbers beside computed ones, and the tables around them."""

from pathlib import Path
from typing import TYPE_CHECKING

from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.integrity.provenance import code_metadata, digest
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.lab.tables import write_rows
from memmap_atlas.memmodel.kernel import kernel_from
from memmap_atlas.reports.quoted import COLUMNS, as_markdown, as_text, load_quotes
from memmap_atlas.reports.quoted_tables import as_csv, tables

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as place:
        source = Path(snakemake.input.quotes)
        kernels = {name: kernel_from(values) for name, values in snakemake.params.kernels.items()}
        quotes = load_quotes(source, kernels)
        rows = [quote.row() for quote in quotes]
        metadata = {
            "memmap_atlas.quotes_sha256": digest(source),
            **code_metadata(snakemake.input.library),
        }
        write_rows(place(snakemake.output.parquet), rows, COLUMNS, metadata)
        place(snakemake.output.csv).write_text(as_csv(rows))
        place(snakemake.output.markdown).write_text(as_markdown(quotes))
        place(snakemake.output.text).write_text(as_text(quotes))
        written = dict(tables(kernels, load_machines(Path(snakemake.input.machines))))
        for path in map(Path, snakemake.output.tables):
            place(path).write_text(as_csv(written[path.stem]))
        Path(snakemake.log[0]).write_text(f"{len(quotes)} quotes, {len(written)} tables\n")
        print(as_text(quotes).split("\n", 1)[0])
