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
    "needed_bytes",
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
    sections: Mapping[str, int] | None = None,
) -> Drawn:
    """Rows of ``kernels`` from the files of a dataset; ``top`` is for ``waste_scale``.

    With ``sections`` (bytes by kernel) only the rows of that section size.
    """
    dataset = ds.dataset([str(part) for part in parts], format="parquet")
    waste = dataset.to_table(columns=["wasted_bytes"])["wasted_bytes"]
    wanted = ds.field("kernel").isin(list(kernels))
    rows = dataset.to_table(columns=COLUMNS, filter=wanted).to_pandas()
    if sections is not None:
        rows = rows[rows["section_bytes"] == rows["kernel"].astype(object).map(sections)]
    return Drawn(rows, waste_scale(waste.drop_null().to_numpy(), top))
