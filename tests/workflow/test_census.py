"""The census of device trees: what is counted, and that every difference from the list has its
cause.
"""

import subprocess
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from memmap_atlas.catalog.boards import load_boards
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.lab.debian import TREE
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.regions import Layout, Regions
from memmap_atlas.reports.census import (
    KERNEL,
    MODEL,
    NEW,
    NO_RAM,
    NO_TREE,
    NO_VENDOR,
    OTHER,
    SAME,
    SECTION_SIZES,
    VARIANT,
    Tree,
    board_name,
    census,
)
from memmap_atlas.text.tables import as_text
from memmap_atlas.text.units import size_text

from tests.tools.paths import ROOT, results_path
from tests.tools.runs import workflow
from tests.tools.tree_writers import flattened, memory, root

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
BOARDS = {
    name: board.regions
    for name, board in load_boards(ROOT / "config/boards.tsv").items()
    if board.arch == "arm64"
}
WHOLE: Layout = ((0, 1 << 30),)
HALF: Layout = ((0, 1 << 29),)
LISTED = {
    "arm64-acme-one": WHOLE,
    "arm64-acme-two": HALF,
    "arm64-acme-three": HALF,
    "arm64-acme-four": HALF,
    "arm64-gone-one": HALF,
}
TREES = [
    Tree("arm64-acme-one", "acme/one.dtb", WHOLE, ""),
    Tree("arm64-acme-two", "acme/two.dtb", WHOLE, ""),
    Tree("arm64-acme-four", "acme/four.dtb", (), "memory has no size"),
    Tree("arm64-acme-one-overlay", "acme/one-overlay.dtb", HALF, ""),
    Tree("arm64-acme-new", "acme/new.dtb", HALF, ""),
]


def test_names_are_those_of_the_list() -> None:
    assert board_name("arm64", "allwinner/sun50i-a64-Pine64_Plus.dtb") in (
        "arm64-allwinner-sun50i-a64-pine64-plus",
    )
    assert (
        board_name("arm64", "exynos/google/gs101-oriole.dts") == "arm64-exynos-google-gs101-oriole"
    )


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("./usr/lib/linux-image-6.12.1+deb13-arm64/acme/one.dtb", "acme/one.dtb"),
        ("./usr/lib/modules/7.2.13+deb14-arm64/dtb/acme/google/one.dtb", "acme/google/one.dtb"),
        ("./usr/lib/linux-image-6.12.1/../../etc/one.dtb", None),
        ("./usr/lib/linux-image-6.12.1/acme/../one.dtb", None),
        ("./boot/one.dtb", None),
        ("./usr/lib/linux-image-6.12.1/acme/one.dtbo", None),
    ],
)
def test_trees_of_a_package(path: str, name: str | None) -> None:
    match = TREE.search(path)
    assert (match["name"] if match else None) == name


def test_how_boards_are_found() -> None:
    table, _ = census(TREES, LISTED, KERNELS[KERNEL])
    relations = dict(zip(table["board"], table["relation"], strict=True))
    assert relations == {
        "arm64-acme-one": SAME,
        "arm64-acme-two": OTHER,
        "arm64-acme-three": NO_TREE,
        "arm64-acme-four": NO_RAM,
        "arm64-gone-one": NO_VENDOR,
        "arm64-acme-one-overlay": VARIANT,
        "arm64-acme-new": NEW,
    }
    waste = dict(zip(table["board"], table["wasted_list_1GiB_bytes"], strict=True))
    assert waste["arm64-acme-two"] == 8 << 20
    assert waste["arm64-acme-one"] == 0
    assert pd.isna(waste["arm64-acme-new"])
    assert table.set_index("board").loc["arm64-acme-new", "wasted_trees_1GiB_bytes"] == 8 << 20


def test_a_board_with_several_trees_is_counted_once() -> None:
    sized = Tree("arm64-acme-one", "acme/one.dtb", WHOLE, "")
    lacking = Tree("arm64-acme-one", "acme/one.dts", (), "can't be built")
    again = Tree("arm64-acme-one", "acme-one.dtb", WHOLE, "")
    for trees, counted in (
        ([sized, lacking], sized),
        ([lacking, sized], sized),
        ([sized, again], again),
    ):
        table, said = census(trees, {sized.board: WHOLE}, KERNELS[KERNEL])
        assert table["relation"].tolist() == [SAME]
        assert table["file"].tolist() == [counted.file]
        text = as_text(said)
        assert "2 device trees, 1 with memory of a size. The others:" in text
        assert ("1: of a board that another tree is of" in text) is (again in trees)
    assert "There are no others." in as_text(census([sized], {}, KERNELS[KERNEL])[1])


def test_the_list_is_its_own_census() -> None:
    """All boards of the list as trees: the published numbers, and nothing that differs."""
    trees = [Tree(name, f"{name}.dtb", regions, "") for name, regions in BOARDS.items()]
    table, said = census(trees, BOARDS, KERNELS[KERNEL])
    assert set(table["relation"]) == {SAME}
    text = as_text(said)
    lines = text.splitlines()
    for line in (
        ["1GiB", "200 (30.3 %)", "172", "23.25", "1,046.6"],
        ["512MiB", "158 (24.0 %)", "124", "7.25", "374.6"],
        ["256MiB", "143 (21.7 %)", "109", "3.34", "234.6"],
        ["128MiB", "49 (7.4 %)", "10", "2.38", "26.6"],
        ["64MiB", "48 (7.3 %)", "7", "1.38", "19.6"],
    ):
        assert sum(all(word in found for word in line) for found in lines) == 2, line
    assert "0 boards waste more or less here" in text


def test_every_difference_has_its_cause() -> None:
    """The sums over relations are those of both lists, and each board's waste is its cost."""
    rng = np.random.default_rng(1)
    names = list(BOARDS)
    trees = []
    for name in rng.choice(names, 300, replace=False).tolist():
        regions = (
            BOARDS[names[int(rng.integers(len(names)))]] if rng.random() < 0.3 else BOARDS[name]
        )
        board = f"{name}-variant" if rng.random() < 0.2 else name
        trees.append(Tree(board, f"{board}.dtb", () if rng.random() < 0.1 else regions, "none"))
    trees = [Tree(t.board, t.file, t.regions, "" if t.regions else "no size") for t in trees]
    table, _ = census(trees, BOARDS, KERNELS[KERNEL])
    sized = [tree.regions for tree in trees if tree.regions]
    for of, maps in (("trees", sized), ("list", list(BOARDS.values()))):
        for size in SECTION_SIZES:
            waste = cost(Regions.of(maps), KERNELS[KERNEL].with_section(size), MODEL).wasted
            column = table[f"wasted_{of}_{size_text(size)}_bytes"]
            assert int(column.sum()) == int(waste.sum())
            assert int(column.notna().sum()) == len(maps)
    assert len(set(table["relation"])) >= 5


def test_a_folder_of_trees(tmp_path: Path) -> None:
    for name, regions in {"acme/one": WHOLE, "acme/two": HALF}.items():
        path = tmp_path / f"trees/{name}.dtb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(flattened(root(memory([(s, e - s) for s, e in regions]))))
    (tmp_path / "trees/acme/broken.dtb").write_bytes(b"\xd0\x0d\xfe\xed123")
    command = workflow(
        *("--cores", "1", "--directory", tmp_path, "census", "--config", "trees=trees")
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    table = pd.read_parquet(tmp_path / results_path("<census>/census.parquet", trees="given"))
    found = table.set_index("board")
    assert found.loc["arm64-acme-two", "wasted_trees_1GiB_bytes"] == 8 << 20
    assert "3 device trees, 2 with memory of a size" in done.stdout
    # a folder's own time tells nothing of the folders in it
    (tmp_path / "trees/acme/broken.dtb").unlink()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "2 device trees, 2 with memory of a size" in done.stdout, done.stderr
