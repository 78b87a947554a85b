"""Planes with more points than cells, read piece by piece: a cell is the most of its points."""

import numpy as np
import pandas as pd
import pytest
from memmap_atlas.figures.captions import cell_words
from memmap_atlas.figures.data import COST
from memmap_atlas.figures.draw import draw, rows_of
from memmap_atlas.figures.needs import values_per_cell
from memmap_atlas.figures.plane_heatmap import by_panel, cells, upward

from tests.tools.drawn import Made, made_figures

PLANE = """
name: plane
layouts:
  grid:
    ram_size: {from: 64MiB, to: 1344MiB, step: 64MiB}
    hole_start: {from: 0, to: 1GiB, step: 32MiB}
    hole_size: [96MiB]
  regions: {beside: [[0x0, 0x10000000]]}
custom_kernels: {second: {extends: arm64-5.10-4k, section_size: 64MiB}}
kernels: [arm64-5.10-4k, second]
section_size: [kernel, 256MiB, 2MiB]
models: [flatmem, sparsemem, vmemmap, vmemmap-base]
figures: [waste-heatmap, regret-heatmap]
"""
HOLES = """
name: holes
layouts:
  grid:
    ram_size: [1GiB]
    hole_start: {from: 0, to: 1GiB, step: 32MiB}
    hole_size: {from: 32MiB, to: 416MiB, step: 32MiB}
kernels: [arm64-5.10-4k]
section_size: [64MiB, kernel]
models: [flatmem, vmemmap]
figures: [alignment]
"""
# cells of a figure in all: 12 panels of a waste-heatmap have 66 each
CELLS = 800


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memmap_atlas.figures.needs.MOST_CELLS", CELLS)
        patch.setattr("memmap_atlas.figures.data.PIECE", 500)
        # row groups of a few layouts
        patch.setattr("memmap_atlas.sweep.design.POINTS_PER_GROUP", 200)
        return {
            name: sample
            for text in (PLANE, HOLES)
            for name, sample in made_figures(tmp_path_factory.mktemp("large"), text).items()
        }


def in_cells(table: pd.DataFrame, axes: dict[str, int]) -> pd.DataFrame:
    """Rows with the middle of their cell in place of the value of each axis."""
    for axis, size in axes.items():
        values = np.sort(table[axis].unique())
        groups = [values[first : first + size] for first in range(0, len(values), size)]
        middles = {value: (group[0] + group[-1]) // 2 for group in groups for value in group}
        table = table.assign(**{axis: table[axis].map(middles)})
    return table


@pytest.mark.parametrize("kernel", ["arm64-5.10-4k", "second"])
def test_a_cell_is_the_most_of_its_points(made: dict[str, Made], kernel: str) -> None:
    sample = made[f"waste-heatmap-{kernel}"]
    table = sample.table[sample.table["base_bytes"].notna() & (sample.table["kernel"] == kernel)]
    per_cell = values_of(sample)
    assert min(per_cell.values()) > 1
    keys = ["model", "section_bytes", *per_cell]
    cells = in_cells(table, per_cell).groupby(keys)["wasted_bytes"]
    expected = cells.max().to_dict()
    rows = sample.drawn.rows
    sizes = rows["section_bytes"].fillna(table["section_bytes"].iloc[0])
    found = rows.assign(section_bytes=sizes)
    models = set()
    for row in found.to_dict("records"):
        value = expected[tuple(row[key] for key in keys)]
        assert row["wasted_bytes"] == value or (pd.isna(value) and pd.isna(row["wasted_bytes"]))
        models.add(row["model"])
    assert models == set(table["model"])
    assert len(found) == len(found.drop_duplicates(keys)) < CELLS
    assert sample.drawn.points == int(rows["points"].sum())
    per_panel = rows.groupby(["model", "section_bytes"], dropna=False)["points"].sum()
    assert set(per_panel) == {21 * 33}


def values_of(sample: Made) -> dict[str, int]:
    """Number of values of each column that a cell covers."""
    found = values_per_cell_of(sample)
    names = {"ram_size": "ram_bytes"}
    return {names.get(axis, f"{axis}_bytes"): size for axis, size in found.items()}


def values_per_cell_of(sample: Made) -> dict[str, int]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memmap_atlas.figures.needs.MOST_CELLS", CELLS)
        return values_per_cell(
            sample.source.sweep, single_panel=sample.source.figure.spec.single_panel
        )


def test_regret_is_that_of_each_layout(made: dict[str, Made]) -> None:
    sample = made["regret-heatmap-second"]
    table = sample.table[sample.table["base_bytes"].notna() & (sample.table["kernel"] == "second")]
    table = table[table["selectable"]]
    cost = table[COST].sum(axis=1, skipna=False)
    regret = cost - cost.groupby(table["layout"]).transform("min")
    per_cell = values_of(sample)
    cells = in_cells(table.assign(regret=regret), per_cell)
    expected = cells.groupby(["model", "section_bytes", *per_cell])["regret"].max()
    rows = sample.drawn.rows
    assert rows["regret_bytes"].max() > 0
    for row in rows[rows["section_bytes"].notna()].to_dict("records"):
        value = expected[tuple(row[key] for key in ("model", "section_bytes", *per_cell))]
        assert row["regret_bytes"] == value or (pd.isna(value) and pd.isna(row["regret_bytes"]))


def test_holes_are_counted_all(made: dict[str, Made]) -> None:
    sample = made["alignment-arm64-5.10-4k"]
    assert values_per_cell_of(sample) == {"hole_start": 1, "hole_size": 1}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("memmap_atlas.figures.needs.MOST_CELLS", 60)
        drawn = rows_of(sample.source)
        picture = draw(sample.source, drawn)
        words = cell_words(sample.source.figure, sample.source.sweep)
        per_cell = values_per_cell(sample.source.sweep, single_panel=True)
    assert words.endswith(f"a cell is the most of {np.prod(list(per_cell.values()))} neighbours.")
    exact = sample.drawn.rows
    keys = ["aligned_edges", "wasted_bytes"]
    expected = exact.groupby(keys).size()
    found = drawn.rows.groupby(keys)["points"].sum()
    assert found.to_dict() == expected.to_dict()
    assert drawn.points == sample.drawn.points == 33 * 13
    counts = [int(text.get_text().replace(",", "")) for axes in picture.axes for text in axes.texts]
    assert sorted(counts) == sorted(expected.tolist())


def test_small_planes_have_all_their_points(made: dict[str, Made]) -> None:
    sample = made["alignment-arm64-5.10-4k"]
    assert "points" not in sample.drawn.rows
    assert cell_words(sample.source.figure, sample.source.sweep) == ""


def test_section_sizes_that_differ_below_the_most_are_panels_of_their_own(
    made: dict[str, Made], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("memmap_atlas.figures.needs.MOST_CELLS", CELLS)
    sample = made["waste-heatmap-second"]
    table = sample.table[sample.table["base_bytes"].notna() & (sample.table["kernel"] == "second")]
    table = table[table["model"] == "flatmem"]
    assert (
        len(by_panel(as_cells(sample, table), "wasted_bytes")) == len(as_cells(sample, table)) // 3
    )
    # less at one layout of a cell in which another has the most
    first = table["section_bytes"] == table["section_bytes"].min()
    least = table[first & table["feasible"]]["wasted_bytes"].idxmin()
    table.loc[least, "wasted_bytes"] -= 1
    cells_of = as_cells(sample, table)
    assert len(by_panel(cells_of, "wasted_bytes")) == len(cells_of)


def as_cells(sample: Made, table: pd.DataFrame) -> pd.DataFrame:
    return cells(sample.source, [table], ["model", "section_bytes"], "wasted_bytes")


def test_an_axis_goes_up_not_the_ram_that_it_changes() -> None:
    rows = pd.DataFrame({"ram_bytes": [1, 2], "base_bytes": [0, 0], "hole_size_bytes": [4, 3]})
    assert upward(rows) == "hole_size_bytes"
    assert upward(rows.drop(columns="hole_size_bytes")) == "ram_bytes"
