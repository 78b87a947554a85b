"""Files of a figure: pictures, rows, captions to paste, provenance."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import yaml
from matplotlib.figure import Figure as Drawing
from pyarrow import csv

from memmap_atlas.figures.captions import bibtex, ready_to_paste
from memmap_atlas.figures.render import save
from memmap_atlas.integrity.checksums import PROJECT, recorded
from memmap_atlas.integrity.provenance import software


@dataclass(frozen=True)
class Origin:
    """Provenance of a figure.

    name: its label in documents
    command: command that draws it again, from the folder that results/ is in
    sweep: SHA-256 of the resolved sweep, "" where there is none
    tables: the files that its rows are from
    citation: CITATION.cff
    code: version of the code that drew it
    """

    name: str
    command: str
    sweep: str
    tables: Sequence[Path]
    citation: Path
    code: str

    @property
    def words(self) -> str:
        """Short form for a caption."""
        what, value = ("sweep", self.sweep) if self.sweep else ("table", recorded(self.tables[0]))
        return f"memmap-atlas {self.code}, {what} SHA-256 {value[:16]}."


def name_of(table: Path) -> str:
    """Return the name of a table on every machine: its path in the project where it is part of
    that.
    """
    return (table.relative_to(PROJECT) if table.is_relative_to(PROJECT) else table).as_posix()


def publish(
    drawing: Drawing, stem: Path, title: str, caption: str, rows: pd.DataFrame, origin: Origin
) -> None:
    """Write all files of a figure at ``stem``, the same bytes on every run."""
    citation = yaml.safe_load(origin.citation.read_text(encoding="utf-8"))
    provenance = {
        "figure": origin.name,
        "title": title,
        "command": origin.command,
        "rows": len(rows),
        **({"sweep_sha256": origin.sweep} if origin.sweep else {}),
        "tables_sha256": {name_of(path): recorded(path) for path in origin.tables},
        "code_version": origin.code,
        "software": software(),
    }
    texts = {
        **ready_to_paste(stem.name, origin.name, title, caption),
        ".bib": bibtex(origin.name, title, citation, origin.words),
        ".json": json.dumps(provenance, indent=2) + "\n",
    }
    save(drawing, stem, title, caption, provenance)
    # bytes with a hole among them came as floats
    whole = {name: "Int64" for name in map(str, rows) if name.endswith("_bytes")}
    table = pa.Table.from_pandas(rows.astype(whole), preserve_index=False)
    plain = csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    csv.write_csv(table, stem.with_name(f"{stem.name}.csv"), plain)
    for suffix, text in texts.items():
        stem.with_name(stem.name + suffix).write_text(text, encoding="utf-8")
