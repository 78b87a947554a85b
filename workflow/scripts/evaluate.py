"""Evaluate one part of a sweep's layouts under every kernel, section size and model."""

from pathlib import Path
from typing import TYPE_CHECKING

from memmap_atlas.evaluate import rows
from memmap_atlas.provenance import metadata
from memmap_atlas.sweep import load
from memmap_atlas.table import read_layouts, write_memmap

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    resolved = Path(snakemake.input.sweep)
    sweep = load(resolved)
    layouts = read_layouts(Path(snakemake.input.layouts))
    part = layouts.part(int(snakemake.wildcards.part), sweep.layouts_per_part)
    write_memmap(Path(snakemake.output[0]), rows(part, sweep), len(part.names), metadata(resolved))
    Path(snakemake.log[0]).write_text(f"{len(part.names)} layouts of {sweep.layouts}\n")
