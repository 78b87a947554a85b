"""Draw one figure of a sweep, and write what it shows and where it comes from."""

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from memmap_atlas.figure_plan import figures_of
from memmap_atlas.figures.draw import caption, draw, rows_of, title
from memmap_atlas.figures.style import save
from memmap_atlas.provenance import code_version, digest, software
from memmap_atlas.sweep import load

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    resolved = Path(snakemake.input.sweep)
    sweep = load(resolved)
    figure = {figure.name: figure for figure in figures_of(sweep)}[snakemake.wildcards.figure]
    parts = [Path(part) for part in snakemake.input.memmap]
    drawn = rows_of(figure, sweep, parts)
    source = f"memmap-atlas {code_version()}, sweep {sweep.name}, SHA-256 {digest(resolved)[:16]}."
    text = caption(figure, sweep, drawn, source)
    stem = Path(snakemake.output[0]).with_suffix("")
    save(draw(figure, sweep, drawn), stem, title(figure, sweep), text)
    provenance = {
        "figure": figure.name,
        "kind": figure.kind,
        "kernels": list(figure.kernels),
        "points": len(drawn.rows),
        "sweep": sweep.name,
        "sweep_sha256": digest(resolved),
        "tables_sha256": {part.as_posix(): digest(part) for part in parts},
        "code_version": code_version(),
        "software": software(),
    }
    stem.with_name(f"{stem.name}.json").write_text(json.dumps(provenance, indent=2) + "\n")
    stem.with_name(f"{stem.name}.caption.txt").write_text(textwrap.fill(text, 100) + "\n")
    Path(snakemake.log[0]).write_text(f"{len(drawn.rows)} rows drawn\n")
