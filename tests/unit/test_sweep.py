"""From a sweep to its layouts and rows: what a grid means, and nothing lost on the way."""

import json
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.validate import problems
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import PARAMETERS, kernel_from, kernel_values
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.pipeline.paths import strays, tables
from memmap_atlas.sweep.axes import (
    AXES,
    PLANE_ORDER,
    Grid,
    Range,
    grid_names,
    grid_regions,
)
from memmap_atlas.sweep.design import Sweep, resolved, sweep_from
from memmap_atlas.sweep.evaluate import points
from memmap_atlas.sweep.layouts import Layouts, blocks, layouts_of
from memmap_atlas.sweep.tables import layout_columns, write_layouts, write_memmap
from memmap_atlas.sweepfile.sweeps import SWEEP_DEFINITIONS, load_sweep, load_sweeps

from tests.tools.paths import ROOT, results_path

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
MIB, GIB = 1 << 20, 1 << 30
GOOD = """
name: one
layouts: {machines: [box]}
kernels: [arm64-6.12-4k]
models: [vmemmap]
"""


def shipped_sweeps() -> list[Sweep]:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    return load_sweeps(config, ROOT, ROOT)


def sweep(tmp_path: Path, text: str) -> Sweep:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    return load_sweep(path, path.name, entries, {"box": ((0, GIB),)}, 10**9)


@pytest.mark.parametrize(
    ("base", "ram", "hole_start", "hole_size", "expected"),
    [
        # the two maps of the thread
        (0, 3 * GIB, 3 * GIB // 2, GIB // 2, [(0, 0x60000000), (0x80000000, 0xE0000000)]),
        (0, 4 * GIB, 7 * GIB // 2, GIB // 2, [(0, 0xE0000000), (0x100000000, 0x120000000)]),
        # a hole at or beyond the end of RAM leaves it contiguous
        (0, GIB, GIB, GIB, [(0, GIB)]),
        (0, GIB, 5 * GIB, GIB, [(0, GIB)]),
        # a hole at the base moves all of RAM up
        (GIB, GIB, GIB, MIB, [(GIB + MIB, 2 * GIB + MIB)]),
        # the last page alone above the hole
        (0, GIB, GIB - 4096, MIB, [(0, GIB - 4096), (GIB - 4096 + MIB, GIB + MIB)]),
    ],
)
def test_grid_layout(
    base: int, ram: int, hole_start: int, hole_size: int, expected: list[tuple[int, int]]
) -> None:
    arguments = [np.array([value]) for value in (base, ram, hole_start, hole_size)]
    regions = grid_regions(*arguments)
    pairs = zip(regions.start[:, 0].tolist(), regions.end[:, 0].tolist(), strict=True)
    assert [pair for pair in pairs if pair[0] < pair[1]] == expected
    assert regions.size.tolist() == [ram]
    # padding stands at the end of the last region, where no window can see it
    assert regions.last.tolist() == [expected[-1][1]]
    assert (regions.start[len(expected) :] == regions.last).all()


def test_grid_names_are_unique_and_readable() -> None:
    values = [[0, GIB], [3 * GIB, 3 * GIB + 4096], [0, 1536 * MIB], [512 * MIB, 513 * MIB]]
    product = [axis.ravel() for axis in np.meshgrid(*map(np.array, values), indexing="ij")]
    axes = ("base", "ram_size", "hole_start", "hole_size")
    names = grid_names(dict(zip(axes, product, strict=True))).to_pylist()
    assert len(set(names)) == 16
    assert names[0] == "3GiB-hole-512MiB-at-0B"
    assert names[-1] == "3145732KiB-hole-513MiB-at-1536MiB-from-1GiB"


def test_axes_do_not_share_names_columns_or_places() -> None:
    assert [field.name for field in fields(Grid)] == list(AXES)
    for key in ("name", "column", "label", "prefix", "order"):
        values = [getattr(axis, key) for axis in AXES.values()]
        assert len(set(values)) == len(values), key
    for name, axis in AXES.items():
        assert axis.name == name
        assert axis.column.endswith("_bytes")
        assert {*axis.needs, axis.named_with} - {""} <= AXES.keys()
    assert PLANE_ORDER[0] == "hole_start"


def test_columns_of_axes_follow_the_grid(tmp_path: Path) -> None:
    """RAM is measured on all layouts; other axes are null where a layout comes from no grid."""
    both = sweep(
        tmp_path,
        """
name: x
layouts: {grid: {base: [1GiB], ram_size: [1GiB, 2GiB]}, regions: {here: [[0, 4KiB]]}}
kernels: [arm64-6.12-4k]
models: all
""",
    )
    layouts = layouts_of(both)
    assert {name: values.tolist() for name, values in layouts.axes.items()} == {
        "base": [GIB, GIB, 0],
        "ram_size": [GIB, 2 * GIB, 0],
        "hole_start": [0, 0, 0],
        "hole_size": [0, 0, 0],
    }
    columns = dict(zip(AXES, (array.to_pylist() for array in layout_columns(layouts)), strict=True))
    assert columns == {
        "base": [GIB, GIB, None],
        "ram_size": [GIB, 2 * GIB, 4096],
        "hole_start": [0, 0, None],
        "hole_size": [0, 0, None],
    }


@pytest.mark.parametrize("name", PARAMETERS)
def test_values_of_kernels_have_a_meaning_and_a_default_in_range(name: str) -> None:
    parameter = PARAMETERS[name]
    assert parameter.meaning
    assert parameter.needed or parameter.description.endswith(" where not given")
    if parameter.kind == "number" and parameter.default is not None:
        assert parameter.low <= parameter.default <= parameter.high
    if parameter.kind == "choice":
        assert parameter.default in (None, *parameter.options)


def test_kernels_come_back_from_native_types() -> None:
    for kernel in KERNELS.values():
        assert kernel_from(json.loads(json.dumps(kernel_values(kernel)))) == kernel


def test_the_code_decides_names_not_the_copy_in_the_schema() -> None:
    """Editors read the copy: it can be of an older release."""
    definitions = {**SWEEP_DEFINITIONS, "model": {"enum": ["flatmem", "newest"]}}
    good = {"name": "x", "layouts": {"machines": "all"}, "kernels": "all", "models": ["newest"]}
    assert problems(good, "sweep", "x.yaml", definitions) == []
    (wrong,) = problems(good, "sweep", "x.yaml", SWEEP_DEFINITIONS)
    assert str(wrong).startswith("x.yaml: models.0: 'newest' is none of flatmem, flatmem-free")


def test_combinations_have_names(tmp_path: Path) -> None:
    (first, *_) = sweep(
        tmp_path,
        """
name: x
layouts: {regions: {here: [[0, 4KiB]]}}
kernels: [arm64-6.12-4k]
models: [vmemmap]
""",
    ).combinations
    assert (first.kernel, first.section_size, first.model) == first
    assert first == ("arm64-6.12-4k", 128 * MIB, "vmemmap")


@pytest.mark.parametrize(
    ("axis", "values"),
    [
        (Range(0, 10, step=5), [0, 5, 10]),
        (Range(0, 9, step=5), [0, 5]),
        (Range(4, 4, step=1), [4]),
        (Range(64, 1024, factor=2), [64, 128, 256, 512, 1024]),
        (Range(3, 100, factor=3), [3, 9, 27, 81]),
    ],
)
def test_range(axis: Range, values: list[int]) -> None:
    assert list(axis) == values
    assert len(axis) == len(values)


def test_resolved_sweep_comes_back_the_same_from_yaml() -> None:
    for shipped in shipped_sweeps():
        text = yaml.safe_dump(resolved(shipped), sort_keys=False)
        assert sweep_from(yaml.safe_load(text)) == shipped


def test_default_run_has_a_million_points_and_the_names_of_its_files() -> None:
    sweeps = shipped_sweeps()
    assert sum(sweep.points for sweep in sweeps) > 1_000_000
    for shipped in (ROOT / "config/sweeps").glob("*.yaml"):
        assert yaml.safe_load(shipped.read_text())["name"] == shipped.stem
    thread = next(sweep for sweep in sweeps if sweep.name == "thread-2016")
    assert thread.models == tuple(MODELS)
    assert thread.kernels == KERNELS


def test_the_answer_to_the_thread() -> None:
    """Every model and kernel on the two maps; the figures that were argued about."""
    thread = next(sweep for sweep in shipped_sweeps() if sweep.name == "thread-2016")
    regions = layouts_of(thread).regions
    kernels = [name for name in thread.kernels if name.startswith("arm64-") and "-4k" in name]
    assert len(kernels) == 6
    for name in kernels:
        kernel = thread.kernels[name]
        needed = [50_331_648, 67_108_864]
        wide = kernel.section_size == GIB
        assert wide == (kernel.release in ("4.6", "5.10"))
        taken = [67_108_864, 83_886_080] if wide else needed
        assert cost(regions, kernel, "vmemmap").memmap.tolist() == taken
        assert cost(regions, kernel, "vmemmap").needed.tolist() == needed
        assert cost(regions, kernel, "vmemmap-populated").memmap.tolist() == needed


def test_every_value_of_a_kernel_has_its_source() -> None:
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    for name, entry in entries.items():
        values = entry.keys() - {"arch", "release", "description", "extends", "sources"}
        assert values <= entry["sources"].keys(), name


MIXED = """
name: mixed
layouts:
  grid: {ram_size: [1GiB, 2GiB], hole_start: [512MiB, 4GiB], hole_size: [8MiB, 64MiB]}
  regions: {ragged: [[1, 4097], [4097, 5000], [8192, 0x10001]], one: [[0, 4096]]}
  machines: [box]
kernels: [arm64-6.12-4k]
models: all
"""


@pytest.mark.parametrize("step", [1, 3, 8, 20])
def test_layouts_in_blocks_are_those_of_the_whole(tmp_path: Path, step: int) -> None:
    mixed = sweep(tmp_path, MIXED)
    every = layouts_of(mixed)
    assert len(every) == mixed.layouts == 11
    some = list(blocks(mixed, step, slice(1, 10)))
    assert [len(block) for block in some] == [
        *[step] * (9 // step),
        *([9 % step] if 9 % step else []),
    ]
    names = [name for block in some for name in block.names.to_pylist()]
    assert names == every.names.to_pylist()[1:10]
    edges = [regions for block in some for regions in regions_of(block)]
    assert edges == regions_of(every)[1:10]
    for axis, values in every.axes.items():
        assert (
            np.concatenate([block.axes[axis] for block in some]).tolist() == values[1:10].tolist()
        )
    assert [len(block) for block in blocks(mixed, 4)] == [4, 4, 3]


def regions_of(layouts: Layouts) -> list[list[tuple[int, int]]]:
    """The regions of each layout."""
    start, end = layouts.regions.start.T.tolist(), layouts.regions.end.T.tolist()
    return [
        [(low, high) for low, high in zip(*pair, strict=True) if low < high]
        for pair in zip(start, end, strict=True)
    ]


def test_layouts_as_parquet(tmp_path: Path) -> None:
    mixed = sweep(tmp_path, MIXED)
    path = tmp_path / "layouts.parquet"
    write_layouts(path, blocks(mixed, 4), {})
    stored = pd.read_parquet(path)
    every = layouts_of(mixed)
    assert stored["layout"].tolist() == every.names.to_pylist()
    assert stored["layout"].tolist()[-3:] == ["ragged", "one", "box"]
    edges = [[(one["start"], one["end"]) for one in row] for row in stored["regions"]]
    assert edges == regions_of(every)
    assert edges[-3] == [(1, 4097), (4097, 5000), (8192, 0x10001)]
    assert stored["base_bytes"].isna().tolist() == [False] * 8 + [True] * 3
    assert stored["ram_bytes"].tolist() == [
        sum(end - start for start, end in regions) for regions in edges
    ]
    holes = {
        name: stored[f"{name}_bytes"].dropna().tolist() for name in ("hole_start", "hole_size")
    }
    assert holes == {
        "hole_start": [512 << 20, 512 << 20, 4 << 30, 4 << 30] * 2,
        "hole_size": [8 << 20, 64 << 20] * 4,
    }


def test_rows_are_the_costs_of_their_points(tmp_path: Path) -> None:
    """Each row against a cost computed alone, from the row's own words."""
    small = sweep(
        tmp_path,
        """
        name: small
        layouts:
          grid: {ram_size: [1GiB, 3GiB], hole_start: [512MiB, 96MiB], hole_size: [8MiB, 640MiB]}
          regions: {far: [[0, 4096], [0x1000000000000, 0x1000000001000]]}
        custom_kernels: {mine: {extends: arm64-5.10-64k, section_size: 2GiB}}
        kernels: [arm64-5.10-4k, mine]
        section_size: [kernel, 128MiB, 1GiB]
        models: all
        """,
    )
    layouts = layouts_of(small)
    path = tmp_path / "memmap.parquet"
    write_memmap(path, points(blocks(small, 4), small), small, {"key": "value"})
    table = pd.read_parquet(path)
    # 1 GiB is the first kernel's own section: 2 + 3 sizes
    assert len(table) == small.points == 9 * 9 * (2 + 3)
    assert not table.duplicated(["layout", "kernel", "section_bytes", "model"]).any()
    regions = dict(zip(layouts.names.to_pylist(), regions_of(layouts), strict=True))
    byte_columns = [quantity.column for quantity in QUANTITIES]
    for row in table.to_dict("records"):
        assert row["feasible"] == pd.isna(row["reason"])
        assert row["feasible"] != pd.isna(row["memmap_bytes"])
        kernel = small.kernels[row["kernel"]].with_section(row["section_bytes"])
        assert row["selectable"] == (row["model"] in kernel.models)
        if row["feasible"]:
            alone = cost(Regions.of([regions[row["layout"]]]), kernel, row["model"])
            for column in byte_columns:
                value = getattr(alone, column.removesuffix("_bytes"))
                assert row[column] == value[0], (column, row)
            parts = row["hole_bytes"] + row["edge_bytes"] + row["rounding_bytes"]
            assert row["wasted_bytes"] == row["memmap_bytes"] - row["needed_bytes"] == parts
    assert set(table["reason"].dropna()) == {
        "RAM beyond MAX_PHYSMEM_BITS",
        "no whole page of RAM",
        "section smaller than a MAX_ORDER block",
    }
    proposals = table["model"].isin(["vmemmap-populated", "vmemmap-trimmed"])
    assert not table[proposals]["selectable"].any()


def test_files_of_a_larger_sweep_are_strays(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    one = sweep(tmp_path, GOOD)
    folder = Path(results_path("<memmap>", sweep="one"))
    folder.mkdir(parents=True)
    for name in ("part-000.parquet", "part-001.parquet", "notes.txt"):
        (folder / name).touch()
    assert tables(one) == [results_path("<table>", sweep="one", part="000")]
    assert strays(one) == [folder / "part-001.parquet"]


def test_parts_cover_every_layout_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("memmap_atlas.sweep.design.POINTS_PER_PART", 10)
    monkeypatch.setattr("memmap_atlas.sweep.design.POINTS_PER_GROUP", 5)
    seven = sweep(
        tmp_path,
        """
        name: seven
        layouts: {grid: {ram_size: {from: 1GiB, to: 7GiB, step: 1GiB}}}
        kernels: [arm64-6.12-4k]
        models: [flatmem, vmemmap, sparsemem]
        """,
    )
    assert (seven.layouts_per_group, seven.layouts_per_part, seven.parts) == (1, 4, 2)


@pytest.mark.parametrize(
    ("room", "layouts", "groups"),
    [(84, 24, [12]), (27, 8, [3, 3, 3, 3]), (6, 2, [3, 3, 3, 3]), (1, 1, [3, 3, 3, 3])],
)
def test_kernels_share_a_row_group_where_there_is_room(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int, layouts: int, groups: list[int]
) -> None:
    monkeypatch.setattr("memmap_atlas.sweep.design.POINTS_PER_GROUP", room)
    four = sweep(
        tmp_path,
        """
        name: four
        layouts: {grid: {ram_size: {from: 1GiB, to: 7GiB, step: 1GiB}}}
        kernels: [arm64-6.12-4k, arm64-5.10-4k, arm64-5.10-64k, arm64-6.12-64k]
        models: [flatmem, vmemmap, sparsemem]
        """,
    )
    assert four.layouts_per_group == layouts
    assert [len(group) for group in four.groups] == groups
    assert [one for group in four.groups for one in group] == four.combinations
    path = tmp_path / "memmap.parquet"
    write_memmap(path, points(blocks(four, four.layouts_per_group), four), four, {})
    rows = pd.read_parquet(path)
    assert len(rows) == four.points == 84
    assert not rows.duplicated(["layout", "kernel", "model"]).any()
    metadata = pq.read_metadata(path)
    found = [metadata.row_group(place).num_rows for place in range(metadata.num_row_groups)]
    blocks_of = [min(layouts, 7 - first) for first in range(0, 7, layouts)]
    assert found == [count * size for count in blocks_of for size in groups]
