"""Input of figures: rows of one sweep's tables, as far as a figure draws them."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from memmap_atlas.figures.registry import Figure
from memmap_atlas.figures.style import WasteScale, waste_scale
from memmap_atlas.memmodel.quantities import parts_of, smallest_parts
from memmap_atlas.sweep.axes import AXES
from memmap_atlas.sweep.design import Sweep

POINT = ["layout", "ram_bytes", "kernel", "page_bytes", "section_bytes", "model"]
PLANE = [axis.column for axis in AXES.values()]
STATE = ["selectable", "feasible", "reason"]
# the cost of a map, and its smallest parts by label, in the order of a bar
COST = [quantity.column for quantity in parts_of("total")]
PARTS = {quantity.label: quantity.column for quantity in smallest_parts()}

# rows that are held in memory at once
PIECE = 1 << 17
NO_SCALE = WasteScale((4096,))


@dataclass(frozen=True)
class ColourKey:
    """Meaning of the classes of colour of a figure.

    value: the drawn column
    called: its name in the key
    none: text where all of it is 0
    framed: the column that is true for framed cells
    frame: meaning of a frame
    """

    value: str
    called: str
    none: str
    framed: str
    frame: str


WASTE = ColourKey(
    "wasted_bytes",
    "wasted memmap",
    "none anywhere",
    "selectable",
    "the kernel can be\nbuilt with it",
)
REGRET = ColourKey(
    "regret_bytes", "above the best", "best everywhere", "best", "best choice for all"
)


@dataclass(frozen=True)
class FigureData:
    """Content of one figure, no more and no less.

    rows: a table, which is also the figure's CSV
    scale, key: classes of colour and their meaning, for a figure that has them
    """

    rows: pd.DataFrame
    scale: WasteScale = NO_SCALE
    key: ColourKey = WASTE

    @property
    def points(self) -> int:
        """Number of points of the sweep that it draws: a strip has several rows for one, and a cell
        of a large plane is one row for several.
        """
        if "points" in self.rows:
            return int(self.rows["points"].sum())
        names = ("layout", *PLANE, "kernel", "section_bytes", "model")
        key = [name for name in names if name in self.rows]
        # a row without a model is RAM itself, one without RAM a sum over layouts
        told = [name for name in ("model", "ram_bytes") if name in key]
        return len(self.rows.dropna(subset=told)[key].drop_duplicates())


@dataclass(frozen=True)
class Source:
    """Source of a figure's rows.

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
        """Return the figure's rows of the dataset: see :meth:`pieces`."""
        return pd.concat(list(self.pieces(columns, own_section=own_section)), ignore_index=True)

    def pieces(
        self, columns: Sequence[str], *, own_section: bool = False
    ) -> Iterator[pd.DataFrame]:
        """Yield the figure's rows, in pieces that have all points of each of their layouts: of its
        kernels, and of its layout where it has one, else of the grid or of the named layouts; with
        ``own_section`` at the section sizes that ship only.

        Raises ValueError where there is no row: the dataset is not that of the sweep.
        """
        gridded = self.figure.spec.gridded
        on_grid = pc.field("base_bytes").is_valid()
        wanted = pc.field("kernel").isin(list(self.figure.kernels))
        wanted &= on_grid if gridded else ~on_grid
        if self.figure.layout:
            wanted &= pc.field("layout") == self.figure.layout
        if own_section:
            wanted &= reduce(
                or_,
                (
                    (pc.field("kernel") == name) & (pc.field("section_bytes") == size)
                    for name in self.figure.kernels
                    for size in [self.sweep.kernels[name].section_size]
                ),
            )
        asked = ["base_bytes", "kernel", "section_bytes", *["layout"] * bool(self.figure.layout)]
        read = dict.fromkeys([*columns, *asked])
        count = 0
        tables: list[pa.Table] = []
        for group in self.row_groups(list(read), gridded):
            tables.append(group.filter(wanted).select(list(columns)))
            if sum(map(len, tables)) >= PIECE:
                count += sum(map(len, tables))
                yield as_frame(tables)
                tables = []
        count += sum(map(len, tables))
        if not count:
            raise ValueError(
                f"{self.parts[0].parent} has no row for the figure {self.figure.name}: delete that "
                "folder, and it is made again"
            )
        if tables:
            yield as_frame(tables)

    def row_groups(self, columns: Sequence[str], gridded: bool | None = None) -> Iterator[pa.Table]:
        """Yield columns of the dataset, one row group at a time; where ``gridded`` is given only
        groups that can have layouts of the grid, or named ones, under the figure's kernels.
        """
        for part in self.parts:
            with pq.ParquetFile(part) as file:
                base, kernel = map(file.schema_arrow.get_field_index, ("base_bytes", "kernel"))
                for number in range(file.num_row_groups):
                    group = file.metadata.row_group(number)
                    if not group.num_rows:
                        continue
                    named = group.column(base).statistics.null_count
                    known = group.column(kernel).statistics
                    wanted = any(known.min <= name <= known.max for name in self.figure.kernels)
                    placed = named < group.num_rows if gridded else named > 0
                    if gridded is None or (wanted and placed):
                        yield file.read_row_group(number, columns=list(columns))

    def default_models(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Return the rows of each kernel's default model."""
        default = {name: kernel.default_model for name, kernel in self.sweep.kernels.items()}
        return rows[rows["model"] == rows["kernel"].map(default)].reset_index(drop=True)

    def scale(self, top: float) -> WasteScale:
        """Return classes for the waste of the whole sweep; ``top`` is for ``waste_scale``."""
        counts: Counter[int] = Counter()
        for group in self.row_groups(["wasted_bytes"]):
            distinct = group["wasted_bytes"].drop_null().value_counts()
            values, times = (
                distinct.field("values").to_pylist(),
                distinct.field("counts").to_pylist(),
            )
            counts.update(dict(zip(values, times, strict=True)))
        return waste_scale(list(counts), top, list(counts.values()))

    def stretches(self) -> pd.DataFrame:
        """Return the figure's rows of strips.parquet, a row for each stretch."""
        assert self.strips is not None
        wanted = pc.field("layout") == self.figure.layout
        table = pq.read_table(self.strips, filters=wanted)
        rows = named_as_text(table.to_pandas()).explode("stretches", ignore_index=True)
        rows = rows[rows["stretches"].notna()].reset_index(drop=True)
        edges = pd.DataFrame(list(rows["stretches"]), columns=["start", "end", "part"])
        return rows.drop(columns="stretches").join(edges)


def as_frame(tables: Sequence[pa.Table]) -> pd.DataFrame:
    """Return tables as one frame."""
    return named_as_text(pa.concat_tables(tables).unify_dictionaries().to_pandas())


def named_as_text(rows: pd.DataFrame) -> pd.DataFrame:
    """Return rows with names as text: as categories they would bring all names of the dataset."""
    names = rows.select_dtypes("category").columns
    return rows.astype(dict.fromkeys(names, object))


def same_at_all_sizes(of_model: pd.DataFrame, index: Sequence[str], value: str) -> bool:
    """Return True where several section sizes of a model are feasible and ``value`` is the same at
    all of them; ``index`` names the columns that identify a layout.
    """
    feasible = of_model[of_model["feasible"]]
    if feasible["section_bytes"].nunique() < min(of_model["section_bytes"].nunique(), 2):
        return False
    return bool(feasible.groupby(list(index))[value].nunique().max() == 1)
