"""What figures read: the rows of one sweep's dataset, and the waste that its scale must hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow.dataset as ds

from memmap_atlas.figures.style import WasteScale, waste_scale

COLUMNS = [
    "layout",
    "base_bytes",
    "ram_bytes",
    "hole_start_bytes",
    "hole_size_bytes",
    "kernel",
    "section_bytes",
    "model",
    "selectable",
    "feasible",
    "reason",
    "wasted_bytes",
]


@dataclass(frozen=True)
class Drawn:
    """Rows of some kernels, and the scale that all figures of their sweep share."""

    rows: pd.DataFrame
    scale: WasteScale


def read(
    parts: Sequence[Path],
    kernels: Sequence[str],
    top: float,
    gridded: bool,
    sections: Mapping[str, int] | None,
) -> Drawn:
    """Rows of ``kernels`` from the files of a dataset, of grid layouts or of named ones.

    ``top`` is for ``waste_scale``; with ``sections`` (bytes by kernel) only the rows of that
    section size are drawn.
    """
    dataset = ds.dataset([str(part) for part in parts], format="parquet")
    waste = dataset.to_table(columns=["wasted_bytes"])["wasted_bytes"]
    on_grid = ds.field("base_bytes").is_valid()
    wanted = ds.field("kernel").isin(list(kernels)) & (on_grid if gridded else ~on_grid)
    rows = dataset.to_table(columns=COLUMNS, filter=wanted).to_pandas()
    if sections is not None:
        rows = rows[rows["section_bytes"] == rows["kernel"].astype(object).map(sections)]
    return Drawn(rows, waste_scale(waste.drop_null().to_numpy(), top))


def same_at_all_sizes(of_model: pd.DataFrame) -> bool:
    """Whether a model wastes the same at every section size that is feasible, and several are."""
    feasible = of_model[of_model["feasible"]]
    if feasible["section_bytes"].nunique() < min(of_model["section_bytes"].nunique(), 2):
        return False
    return bool(feasible.groupby("layout", observed=True)["wasted_bytes"].nunique().max() == 1)
