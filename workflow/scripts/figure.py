"""Draw one figure of a sweep, and write its data, captions and provenance."""

import sys
from pathlib import Path

# the library beside this script comes before one that is installed
sys.path.insert(0, str(Path(__file__).parent))

from memmap_atlas.job import start_job

start_job()

import json
from dataclasses import replace
from typing import TYPE_CHECKING

from memmap_atlas.catalog.evidence import behind
from memmap_atlas.figures.captions import caption, title
from memmap_atlas.figures.data import Source
from memmap_atlas.figures.draw import draw, rows_of
from memmap_atlas.figures.publish import Origin, publish
from memmap_atlas.figures.registry import find
from memmap_atlas.integrity.dependencies import code_version
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.integrity.staging import staged_outputs
from memmap_atlas.lab.tables import read_rows
from memmap_atlas.sweep.design import load

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    with staged_outputs(snakemake.output, snakemake.input) as staged:
        stem = Path(snakemake.output[0]).with_suffix("")
        words = json.loads(snakemake.params.description)
        sweep = replace(load(Path(snakemake.input.sweep)), description=words)
        figure = find(sweep, stem.name)
        parts = [Path(part) for part in snakemake.input.memmap]
        strips = Path(snakemake.input.strips) if snakemake.input.get("strips") else None
        evidence = read_rows(Path(snakemake.input.evidence))
        source = Source(figure, sweep, parts, strips, evidence)
        try:
            drawn = rows_of(source)
        except ValueError as error:
            sys.exit(f"Error: {error}")
        models = {model: behind(evidence, model) for model in drawn.rows["model"].dropna().unique()}
        origin = Origin(
            name=f"{sweep.name}-{figure.name}",
            command=snakemake.params.command,
            sweep=digest(Path(snakemake.input.sweep)),
            tables=[*parts, *([strips] if strips else [])],
            citation=Path(snakemake.input.citation),
            code=code_version(snakemake.input.library),
        )
        text = caption(figure, sweep, drawn.points, models, origin.words)
        publish(draw(source, drawn), staged(stem), title(figure, sweep), text, drawn.rows, origin)
        Path(snakemake.log[0]).write_text(f"{len(drawn.rows)} rows drawn\n")
