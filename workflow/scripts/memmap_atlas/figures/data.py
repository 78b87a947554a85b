"""What figures read: the rows of one sweep's tables, as far as a figure draws them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from memmap_atlas.figure_plan import FIGURES, Figure
from memmap_atlas.figures.style import WasteScale, waste_scale
from memmap_atlas.sweep import Sweep

POINT = ["layout", "ram_bytes", "kernel", "page_bytes", "section_bytes", "model"]
PLANE = ["base_bytes", "ram_bytes", "hole_start_bytes", "hole_size_bytes"]
STATE = ["selectable", "feasible", "reason"]
EXTRA = ["section_table_bytes", "usage_bytes", "page_table_bytes"]
COST = ["memmap_bytes", *EXTRA]
PARTS = ["needed_bytes", "hole_bytes", "edge_bytes", "rounding_bytes", *EXTRA]

NO_SCALE = WasteScale((4096,))


@dataclass(frozen=True)
class Reading:
    """How classes of colour are read: the column that they show and what it is called, what is said
    where all of it is 0, the column that says what is framed, and what a frame means.
    """

    value: str
    called: str
    none: str
    framed: str
    frame: str


WASTE = Reading(
    "wasted_bytes",
    "wasted memmap",
    "none anywhere",
    "selectable",
    "the kernel can be\nbuilt with it",
)
REGRET = Reading("regret_bytes", "above the best", "best everywhere", "best", "best choice for all")


@dataclass(frozen=True)
class Drawn:
    """What one figure draws, no more and no less: its rows, and for one that has classes of colour
    their scale and how they are read.
    """

    rows: pd.DataFrame
    scale: WasteScale = NO_SCALE
    reading: Reading = WASTE

    @property
    def points(self) -> int:
        """Points of the sweep that it draws: a strip has several rows for one."""
        names = ("layout", *PLANE, "kernel", "section_bytes", "model")
        key = [name for name in names if name in self.rows]
        # a row without a model is RAM itself, one without RAM a sum over layouts
        told = [name for name in ("model", "ram_bytes") if name in key]
        return len(self.rows.dropna(subset=told)[key].drop_duplicates())


@dataclass(frozen=True)
class Source:
    """Where a figure's rows come from.

    parts: files of the sweep's memmap dataset
    strips: strips.parquet, for a figure that draws them
    evidence: rows of the observations of booted kernels
    """

    figure: Figure
    sweep: Sweep
    parts: Sequence[Path]
    strips: Path | None = None
    evidence: Sequence[dict[str, Any]] = field(default=(), repr=False)

    def rows(self, columns: Sequence[str], *, own_section: bool = False) -> pd.DataFrame:
        """The figure's rows of the dataset: of its kernels, of its layout where it has one, else of
        the grid or of the named layouts; with ``own_section`` those of the sizes that ship.

        Raises ValueError where there is none: the dataset is not that of the sweep.
        """
        on_grid = ds.field("base_bytes").is_valid()
        wanted = ds.field("kernel").isin(list(self.figure.kernels))
        wanted &= on_grid if FIGURES[self.figure.kind].gridded else ~on_grid
        if self.figure.layout:
            wanted &= ds.field("layout") == self.figure.layout
        if own_section:
            own = [
                (ds.field("kernel") == name) & (ds.field("section_bytes") == kernel.section_size)
                for name, kernel in self.sweep.kernels.items()
                if name in self.figure.kernels
            ]
            some = own[0]
            for other in own[1:]:
                some |= other
            wanted &= some
        table = self.dataset.to_table(columns=list(columns), filter=wanted)
        if not table.num_rows:
            raise ValueError(
                f"{self.parts[0].parent} has no row for the figure {self.figure.name}: delete that "
                "folder, and it is made again"
            )
        return named_as_text(table.to_pandas())

    def default_models(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of each kernel's default model."""
        default = {name: kernel.default_model for name, kernel in self.sweep.kernels.items()}
        return rows[rows["model"] == rows["kernel"].map(default)].reset_index(drop=True)

    def scale(self, top: float) -> WasteScale:
        """Classes for the waste of the whole sweep; ``top`` is for ``waste_scale``."""
        waste = self.dataset.to_table(columns=["wasted_bytes"])["wasted_bytes"]
        return waste_scale(waste.drop_null().to_numpy(), top)

    def stretches(self) -> pd.DataFrame:
        """The figure's rows of strips.parquet, a row for each stretch."""
        assert self.strips is not None
        wanted = ds.field("layout") == self.figure.layout
        table = pq.read_table(self.strips, filters=wanted)
        rows = named_as_text(table.to_pandas()).explode("stretches", ignore_index=True)
        rows = rows[rows["stretches"].notna()].reset_index(drop=True)
        found = pd.DataFrame(list(rows["stretches"]), columns=["start", "end", "part"])
        return rows.drop(columns="stretches").join(found)

    @property
    def dataset(self) -> ds.Dataset:
        """The memmap dataset."""
        return ds.dataset([str(part) for part in self.parts], format="parquet")


def named_as_text(rows: pd.DataFrame) -> pd.DataFrame:
    """Names as plain text: as categories they would bring all that the dataset has."""
    names = rows.select_dtypes("category").columns
    return rows.astype(dict.fromkeys(names, object))


def same_at_all_sizes(of_model: pd.DataFrame, index: Sequence[str], value: str) -> bool:
    """Whether ``value`` of a model is the same at every section size that is feasible, and several
    are; ``index`` names the columns that tell a layout.
    """
    feasible = of_model[of_model["feasible"]]
    if feasible["section_bytes"].nunique() < min(of_model["section_bytes"].nunique(), 2):
        return False
    return bool(feasible.groupby(list(index))[value].nunique().max() == 1)
