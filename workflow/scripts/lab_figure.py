"""Draw what the lab found: computed against booted."""

import json
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from memmap_atlas.figures.booted import computed_against_booted
from memmap_atlas.figures.style import save
from memmap_atlas.lab.report import SHOWN, TOLD, caption, summary
from memmap_atlas.lab.tables import read_rows
from memmap_atlas.provenance import code_version, digest, software

if TYPE_CHECKING:
    from snakemake.iocontainers import snakemake

if __name__ == "__main__":
    tables = {name: Path(snakemake.input[name]) for name in ("observations", "residuals")}
    observed, found = (read_rows(path) for path in tables.values())
    agreement = {
        kernel: {{**SHOWN, TOLD: TOLD}[quantity]: counts for quantity, counts in row.items()}
        for kernel, row in summary(found).items()
    }
    memmap = pd.DataFrame([row for row in found if row["quantity"] == "memmap_bytes"])
    heads = [*SHOWN.values(), TOLD]
    kernels = {row["kernel"]: row["arch"] for row in observed}
    title = (
        f"Computed against booted: {len(observed)} boots of {len(kernels)} kernels, "
        f"{len(set(kernels.values()))} architectures"
    )
    subtitle = "left: each boot's memmap; right: how many boots of a kernel agree, by quantity"
    stem = Path(snakemake.output[0]).with_suffix("")
    source = f"memmap-atlas {code_version()}, observations SHA-256 "
    text = caption(observed, found, f"{source}{digest(tables['observations'])[:16]}.")
    figure = computed_against_booted(memmap, agreement, heads, title, subtitle)
    save(figure, stem, title, text)
    provenance = {
        "figure": stem.name,
        "boots": len(observed),
        "kernels": sorted(kernels),
        "tables_sha256": {path.as_posix(): digest(path) for path in tables.values()},
        "code_version": code_version(),
        "software": software(),
    }
    stem.with_name(f"{stem.name}.json").write_text(json.dumps(provenance, indent=2) + "\n")
    stem.with_name(f"{stem.name}.caption.txt").write_text(textwrap.fill(text, 100) + "\n")
    Path(snakemake.log[0]).write_text(f"{len(memmap)} boots drawn\n")
