"""Write what a sweep is, and its layouts."""

from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from memmap_atlas.layouts import layouts_of
from memmap_atlas.provenance import metadata
from memmap_atlas.sweep import sweep_from
from memmap_atlas.table import write_layouts

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    resolved = Path(snakemake.output.sweep)
    resolved.write_text(yaml.safe_dump(snakemake.params.sweep, sort_keys=False))
    sweep = sweep_from(snakemake.params.sweep)
    write_layouts(Path(snakemake.output.layouts), layouts_of(sweep), metadata(resolved))
    Path(snakemake.log[0]).write_text(f"{sweep.layouts} layouts, {sweep.points} points\n")
