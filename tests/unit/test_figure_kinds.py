"""Every kind of figure shows what the table holds, in a style that can be read: each bar, dot, line
and label against its row.
"""

import itertools
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection, PathCollection, PolyCollection, QuadMesh
from matplotlib.patches import Rectangle
from matplotlib.text import Text
from memmap_atlas.catalog.evidence import behind, booted_on
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.figures.boards import WORST, worst_of
from memmap_atlas.figures.captions import caption, ready_to_paste, title
from memmap_atlas.figures.draw import rows_of
from memmap_atlas.figures.pdf_fonts import without_layout_tables
from memmap_atlas.figures.registry import FIGURES, find
from memmap_atlas.figures.render import draw, save
from memmap_atlas.figures.section_strip import NAMES, RAM
from memmap_atlas.figures.style import (
    COLUMN_WIDTH,
    EDGE,
    INK,
    LINES,
    MARGIN,
    NO_WASTE,
    PAGE_WIDTH,
    PART_COLOURS,
    atlas_style,
    heights,
    spread,
    waste_scale,
)
from memmap_atlas.figures.timeline import changed
from memmap_atlas.memmodel.backing import PARTS, strip
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.sweepfile.sweeps import load_sweep
from memmap_atlas.text.escape import latex
from memmap_atlas.text.labels import cell_label, size_label
from PIL import Image

from tests.tools.drawn import (
    BOARDS,
    EVIDENCE,
    OTHERS,
    SWEEP,
    Colour,
    Made,
    extents_of,
    face_of,
    line_of,
    made_figures,
    offsets_of,
    rgb_of,
    tight_box,
    values_of,
)
from tests.tools.paths import ROOT

MIB = 1 << 20
COST = ["memmap_bytes", "section_table_bytes", "usage_bytes", "page_table_bytes"]


@pytest.fixture(scope="module", autouse=True)
def style() -> Iterator[None]:
    """Style for artists that a figure makes when it is drawn, such as ticks."""
    with atlas_style():
        yield


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """Each figure of all sweeps."""
    found: dict[str, Made] = {}
    texts = [SWEEP, *OTHERS]
    # a kind that no sweep lists is drawn from the first that has enough for it
    listed = {kind for text in texts for kind in yaml.safe_load(text)["figures"]}
    for index, text in enumerate(texts):
        drawn = {made.source.figure.kind for made in found.values()}
        further = [kind for kind in FIGURES if kind not in listed | drawn]
        found |= made_figures(tmp_path_factory.mktemp(f"sweep{index}"), text, further)
    return found


def test_every_kind_is_drawn_here(made: dict[str, Made]) -> None:
    assert {sample.source.figure.kind for sample in made.values()} == set(FIGURES)


# style


def texts(sample: Made) -> list[Text]:
    """The texts that can be seen."""
    found = [*sample.drawing.texts]
    for axes in sample.drawing.axes:
        places = (axes.xaxis, sorted(axes.get_xlim())), (axes.yaxis, sorted(axes.get_ylim()))
        for axis, (low, high) in places:
            if not axis.get_visible():
                continue
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            found += [label for place, label in ticks if low <= place <= high]
            found.append(axis.label)
        # a title at the left has no public way to it
        found += [*axes.texts, axes.title, axes._left_title]  # type: ignore[attr-defined]
    for legend in [*sample.drawing.legends, *(axes.get_legend() for axes in sample.drawing.axes)]:
        found += legend.get_texts() if legend else []
    return [text for text in found if text.get_visible() and text.get_text().strip()]


def test_no_text_is_smaller_than_seven_points(made: dict[str, Made]) -> None:
    for name, sample in made.items():
        assert min(float(text.get_fontsize()) for text in texts(sample)) >= 7, name


def test_figures_have_the_width_of_a_page_or_a_column(made: dict[str, Made]) -> None:
    seen = set()
    for sample in made.values():
        width, dpi = sample.drawing.get_size_inches()[0], sample.drawing.dpi
        # a page of whole pixels, the nearest there is
        whole = {round(known * dpi) / dpi: known for known in (PAGE_WIDTH, COLUMN_WIDTH)}
        seen.add(whole[width])
    assert seen == {PAGE_WIDTH, COLUMN_WIDTH}


def test_files_drawn_at_once_are_those_of_matplotlib(made: dict[str, Made], tmp_path: Path) -> None:
    """Identical PDF, and identical SVG with texts within a tenth of a point."""
    number = re.compile(r"-?\d+\.\d+|-?\d+(?=[ )\"])")
    kinds = {sample.source.figure.kind: sample.drawing for sample in made.values()}
    for kind, drawing in kinds.items():
        svg, pdf = tmp_path / f"{kind}.svg", tmp_path / f"{kind}.pdf"
        draw(drawing, (svg, {"Date": None}), (pdf, {"CreationDate": None}))
        found = svg.read_text(), pdf.read_bytes()
        drawing.savefig(svg, metadata={"Date": None}, dpi=drawing.dpi)
        with without_layout_tables():
            drawing.savefig(pdf, metadata={"CreationDate": None}, dpi=drawing.dpi)
        assert found[1] == pdf.read_bytes(), kind
        here, there = found[0], svg.read_text()
        assert number.sub("", here) == number.sub("", there), kind
        places = [np.array(number.findall(text), dtype=float) for text in (here, there)]
        assert np.abs(places[0] - places[1]).max() < 0.1, kind


def test_the_pixels_of_a_plane_are_its_cells(made: dict[str, Made], tmp_path: Path) -> None:
    """In the PNG, which is drawn from the PDF: each cell is as many pixels wide as any other, and
    of the colour of its waste.
    """
    for name in ("waste-heatmap-arm64-5.10-4k", "waste-heatmap-arm64-5.10-64k"):
        sample = made[name]
        save(sample.drawing, tmp_path / name, name, "", {})
        with Image.open(tmp_path / f"{name}.png") as file:
            picture = np.asarray(file.convert("RGB"))
        height, width = picture.shape[:2]
        size = sample.drawing.get_size_inches() * sample.drawing.dpi
        assert size.tolist() == pytest.approx([width, height], abs=1e-6)
        panels = [axes for axes in sample.drawing.axes if axes.images]
        compared = 0
        for axes in panels:
            (image,) = axes.images
            box = axes.bbox
            left, right = round(box.x0), round(box.x1)
            values = values_of(image)
            rows, columns = values.shape
            assert (right - left) % columns == 0, name
            middle = values[rows // 2]
            if np.isnan(values).any() or axes.texts:
                continue
            shown = picture[height - round(box.y0 + box.height * (rows // 2 + 0.5) / rows)]
            colours = np.round(image.to_rgba(middle)[:, :3] * 255)
            expected = np.repeat(colours, (right - left) // columns, axis=0)
            # within the frame
            inner = slice(8, -8)
            assert np.abs(shown[left:right][inner] - expected[inner]).max() <= 1, name
            compared += len(np.unique(middle)) > 1
        assert compared > 2, name


def test_nothing_is_cut_off(made: dict[str, Made]) -> None:
    for name, sample in made.items():
        box = tight_box(sample.drawing)
        width, height = sample.drawing.get_size_inches()
        assert min(box.x0, box.y0) >= 0, name
        assert box.x1 <= width, name
        assert box.y1 <= height, name


def test_no_text_lies_on_another(made: dict[str, Made]) -> None:
    for name, sample in made.items():
        shown = texts(sample)
        boxes = extents_of(sample.drawing, shown)
        edges = np.array([[box.x0, box.y0, box.x1, box.y1] for box in boxes])
        low = np.maximum(edges[:, None, :2], edges[None, :, :2])
        high = np.minimum(edges[:, None, 2:], edges[None, :, 2:])
        # boxes of letters have air around them
        over = (high - low > 0.02 * sample.drawing.dpi).all(axis=2)
        np.fill_diagonal(over, False)
        clash = [(shown[i].get_text(), shown[j].get_text()) for i, j in np.argwhere(over)]
        assert not clash, (name, clash[:4])


# Machado, Oliveira and Fernandes 2009, severity 1.0, on linear RGB
DEFICIENCIES = {
    "none": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
}


def lab(colour: Colour, deficiency: str) -> np.ndarray:
    """CIELAB of a colour as seen with a deficiency."""
    rgb = rgb_of(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    linear = np.clip(DEFICIENCIES[deficiency] @ linear, 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ linear / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
def test_classes_get_darker_and_stay_apart_for_every_eye(deficiency: str) -> None:
    scale = waste_scale(2.0 ** np.arange(10, 40), 1)
    colours: list[Colour] = [NO_WASTE, *(scale.colours(i) for i in range(len(scale.bounds) + 1))]
    seen = [lab(colour, deficiency) for colour in colours]
    assert all(dark[0] < light[0] - 3 for light, dark in itertools.pairwise(seen)), (
        "lightness falls in every step"
    )
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 5
    # a section edge is no class
    assert min(np.linalg.norm(lab(EDGE, deficiency) - colour) for colour in seen) > 8


@pytest.mark.parametrize("deficiency", DEFICIENCIES)
@pytest.mark.parametrize("names", [tuple(PART_COLOURS.values()), LINES[:5]])
def test_parts_and_lines_stay_apart_for_every_eye(deficiency: str, names: tuple[str, ...]) -> None:
    seen = [lab(colour, deficiency) for colour in names]
    assert min(np.linalg.norm(a - b) for a, b in itertools.combinations(seen, 2)) > 15


def test_spread_keeps_order_and_distance() -> None:
    assert spread([1.0, 5.0], 1) == [1.0, 5.0]
    moved = spread([3.0, 3.0, 2.9, 9.0], 1)
    assert np.diff(sorted(moved)).min() > 0.999
    assert np.argsort(moved, kind="stable").tolist() == [2, 0, 1, 3]
    assert moved[3] == 9


# section strip


def bars(axes: Axes, colour: str) -> list[tuple[float, float, float]]:
    """(middle, left, right) of the bars of a colour, in the order in which they were drawn."""
    return [
        (y.mean(), x.min(), x.max())
        for some in axes.collections
        if isinstance(some, PolyCollection) and face_of(some) == colour
        for corners in some.get_paths()
        for x, y in [np.asarray(corners.vertices)[:4].T]
    ]


def test_every_bar_of_a_strip(made: dict[str, Made]) -> None:
    sample = made["section-strip-thread-3g"]
    axes = sample.drawing.axes[0]
    # names stand beside their rows, whose places are inches
    width, height = sample.drawing.get_size_inches()
    top = axes.get_position().y1
    names = [
        (text.get_text().rstrip("*"), (top - text.get_position()[1]) * height)
        for text in sample.drawing.texts
        if np.isclose(text.get_position()[0] * width, MARGIN + NAMES)
    ]
    strips = list(
        sample.drawn.rows.groupby(["kernel", "section_bytes", "model"], sort=False, dropna=False)
    )
    models = [model for (_, _, model), _ in strips]
    assert [name for name, _ in names] == [RAM, *models[1:]]

    def row_of(middle: float) -> int:
        (row,) = np.flatnonzero(np.abs(np.array([y for _, y in names]) - middle) < 0.01)
        return int(row)

    for part, colour in [(RAM, INK), *((part, PART_COLOURS[part]) for part in PARTS)]:
        expected = [
            (row, start, end)
            for row, (_, rows) in enumerate(strips)
            for start, end in rows.loc[rows["part"] == part, ["start", "end"]].to_numpy()
        ]
        drawn = [(row_of(middle), left, right) for middle, left, right in bars(axes, colour)]
        assert drawn == expected, part
    ram = [(0, 0x60000000), (0x80000000, 0xE0000000)]
    rows = sample.drawn.rows[sample.drawn.rows["part"] == RAM]
    assert list(zip(rows["start"], rows["end"], strict=True)) == ram


def test_parts_of_a_strip_sum_to_the_table(made: dict[str, Made]) -> None:
    checked = 0
    for layout in ("thread-3g", "far"):
        sample = made[f"section-strip-{layout}"]
        rows = sample.drawn.rows[sample.drawn.rows["part"] != RAM]
        keys = ["kernel", "section_bytes", "model"]
        table = sample.table[sample.table["layout"] == layout].set_index(keys)
        for key, part in rows.groupby(keys):
            row = table.xs(key)
            if not row["feasible"]:
                assert part["start"].isna().all()
                continue
            pages = (part["end"] - part["start"]) // row["page_bytes"]
            sums = (pages * row["struct_page_bytes"]).groupby(part["part"]).sum()
            for name in PARTS:
                assert sums.get(name, 0) == row[f"{name}_bytes"], (key, name)
                checked += 1
    assert checked >= 60


def test_numbers_beside_a_strip(made: dict[str, Made]) -> None:
    sample = made["section-strip-thread-3g"]
    shown = {text.get_text() for text in sample.drawing.texts}
    rows = sample.drawn.rows[sample.drawn.rows["feasible"].eq(True)]
    for column in ("memmap_bytes", "wasted_bytes"):
        assert {size_label(size) for size in rows[column]} <= shown
    # three kernels with 1 GiB sections were booted on this map, and kept 64 MiB
    booted = rows[(rows["model"] == "vmemmap") & (rows["section_bytes"] == 1 << 30)].iloc[0]
    assert booted["booted_least_bytes"] == booted["booted_most_bytes"] == 67_108_864
    assert booted["memmap_bytes"] == 67_108_864
    assert "64 MiB, 3 kernels" in shown
    assert "arm64-5.10-4k, sections of 1 GiB" in shown
    assert not rows[rows["model"] == "vmemmap-populated"]["booted_kernels"].any()


def test_a_wide_hole_is_cut_short_and_says_so(made: dict[str, Made]) -> None:
    sample = made["section-strip-far"]
    axes = sample.drawing.axes[0]
    assert "30 GiB" in {text.get_text() for text in axes.texts}
    low, high = axes.get_xlim()
    ram = bars(axes, INK)
    assert sum(right - left for _, left, right in ram) > 0.6 * (high - low)
    # bars keep their proportions
    widths = [right - left for _, left, right in ram]
    assert widths == pytest.approx([0x7F000000, 6 << 30])


def test_section_edges_of_a_strip(made: dict[str, Made]) -> None:
    sample = made["section-strip-thread-3g"]
    lines = [
        line for line in sample.drawing.axes[0].collections if isinstance(line, LineCollection)
    ]
    found = {tuple(segment[0][0] for segment in line.get_segments()) for line in lines}
    assert tuple(float(n << 30) for n in range(5)) in found
    assert tuple(float(n << 27) for n in range(33)) in found


def test_strips_of_random_maps_sum_to_the_cost() -> None:
    """On ragged maps too, for the models that keep an address once and in one piece."""
    generator = np.random.default_rng(4)
    kernels = made_kernels()
    # sections so small that leaves lie over their ends: the rest of a leaf is rounding
    kernels["small"] = kernels["arm64-5.10-4k"].with_section(32 * MIB)
    rounded = 0
    for name, kernel in kernels.items():
        edges = np.sort(generator.integers(0, 1 << 21, size=(40, 8)) * kernel.page_size, axis=1)
        maps = [tuple((int(a), int(b)) for a, b in row.reshape(-1, 2) if b > a) for row in edges]
        layouts = Regions.of(maps)
        for model in ("flatmem", "vmemmap", "vmemmap-base", "vmemmap-populated", "flatmem-free"):
            found = strip(layouts, kernel, model)
            size = np.diff(found.edges, axis=0) // kernel.page_size * kernel.struct_page_size
            expected = cost(layouts, kernel, model)
            for place, part in enumerate(PARTS):
                sums = np.where(found.part == place, size, 0).sum(axis=0)
                assert (sums == getattr(expected, part)).all(), (name, model, part)
            rounded += (expected.rounding > 0).sum()
    assert rounded > 20


def made_kernels() -> dict[str, Kernel]:
    kernels = load_kernels(ROOT / "config/kernels.yaml")
    return {name: kernels[name] for name in ("arm64-5.10-4k", "arm64-6.12-64k", "x86_64-6.12")}


def test_boots_of_another_map_or_kernel_are_not_shown(made: dict[str, Made]) -> None:
    sweep = made["section-strip-thread-3g"].source.sweep
    kernel, regions = sweep.kernels["arm64-5.10-4k"], sweep.regions["thread-3g"]
    assert len(booted_on(EVIDENCE, kernel, "vmemmap", regions)) == 3
    other = kernel.with_section(128 * MIB)
    assert set(booted_on(EVIDENCE, other, "vmemmap", regions)) == {"b510-vmemmap-4k-s27"}
    assert not booted_on(EVIDENCE, kernel, "vmemmap", ((0, 0x5FF00000), *regions[1:]))
    assert not booted_on(EVIDENCE, sweep.kernels["arm64-5.10-64k"], "vmemmap", regions)
    # moved by less than a section it is another map
    moved = tuple((start + 0x1000, end + 0x1000) for start, end in regions)
    assert not booted_on(EVIDENCE, kernel, "vmemmap", moved)


# alignment


def test_alignment_has_every_hole_once(made: dict[str, Made]) -> None:
    sample = made["alignment-arm64-5.10-4k"]
    table = sample.table
    mine = table[(table["section_bytes"] == 1 << 30) & (table["model"] == "vmemmap")]
    assert len(sample.drawn.rows) == len(mine) == 9 * 16
    (mesh,) = [image for axes in sample.drawing.axes for image in axes.images]
    plane = mine.pivot(index="hole_size_bytes", columns="hole_start_bytes", values="wasted_bytes")
    assert np.array_equal(values_of(mesh), plane.to_numpy(dtype=float))
    by_size, by_edges = (
        axes
        for axes in sample.drawing.axes
        if any(isinstance(dots, PathCollection) for dots in axes.collections)
    )
    start, size = mine["hole_start_bytes"], mine["hole_size_bytes"]
    edges = (start % (1 << 30) == 0).astype(int) + ((start + size) % (1 << 30) == 0)
    keys = ["hole_start_bytes", "hole_size_bytes"]
    aligned = mine.assign(edges=edges).set_index(keys)["edges"]
    assert sample.drawn.rows.set_index(keys)["aligned_edges"].to_dict() == aligned.to_dict()
    counts = mine.groupby([edges, "wasted_bytes"]).size()
    dots = offsets_of(by_edges.collections[0])
    assert sorted(map(tuple, dots.tolist())) == sorted(counts.index.tolist())
    assert sorted(int(text.get_text()) for text in by_edges.texts) == sorted(counts.tolist())
    pairs = set(zip(size / (1 << 30), mine["wasted_bytes"], strict=True))
    assert set(map(tuple, offsets_of(by_size.collections[0]).tolist())) == pairs


# section curve


def test_every_point_of_a_section_curve(made: dict[str, Made]) -> None:
    sample = made["section-curve-arm64-5.10-4k"]
    axes = sample.drawing.axes[0]
    table = sample.table[
        (sample.table["model"] == "vmemmap") & (sample.table["kernel"] == "arm64-5.10-4k")
    ]
    floor = axes.get_yticks()[0]
    assert axes.get_yticklabels()[0].get_text() == "none"
    solid = [line for line in axes.lines if line.get_marker() == "o"]
    assert len(solid) == 3
    for line, layout in zip(solid, ["thread-3g", "ragged", "juno"], strict=True):
        rows = table[(table["layout"] == layout) & table["feasible"]]
        x, y = line_of(line)
        assert np.array_equal(2**x, rows["section_bytes"])
        assert np.array_equal(y, heights(rows["wasted_bytes"], floor))
    (price,) = [line for line in axes.lines if line.get_linewidth() == 1.3]
    feasible = table[table["feasible"]]
    paid = feasible["section_table_bytes"] + feasible["usage_bytes"]
    most = paid.groupby(feasible["section_bytes"]).max()
    assert np.allclose(2 ** line_of(price)[1], most)
    labels = {text.get_text() for text in axes.texts}
    assert {"thread-3g", "ragged", "juno", "sections themselves", "ships"} <= labels
    # 2 MiB is smaller than a MAX_ORDER block of 4 MiB
    assert "smaller than a MAX_ORDER block" in labels
    hatched = [patch for patch in axes.patches if patch.get_hatch()]
    assert [patch.get_extents().transformed(axes.transData.inverted()).x1 for patch in hatched] == (
        pytest.approx([21.5])
    )


# best choice


def test_every_cell_of_a_best_choice(made: dict[str, Made]) -> None:
    sample = made["best-choice-arm64-5.10-4k"]
    table = sample.table[sample.table["selectable"] & (sample.table["kernel"] == "arm64-5.10-4k")]
    table = table.assign(cost=table[COST].sum(axis=1, skipna=False))
    regret = table["cost"] - table.groupby("layout")["cost"].transform("min")
    expected = table.assign(regret=regret).set_index(["layout", "section_bytes", "model"])["regret"]
    rows = sample.drawn.rows.set_index(["layout", "section_bytes", "model"])["regret_bytes"]
    for key, value in expected.to_dict().items():
        shown = rows.to_dict()[key]
        assert (pd.isna(shown) and pd.isna(value)) or shown == value
    assert expected.min() == 0
    whole = expected.unstack("layout")
    for section, model in whole.index:
        values = whole.xs((section, model))
        total = rows["all of them", section, model]
        worst = rows["worst of them", section, model]
        if values.isna().any():
            assert pd.isna(total)
        else:
            assert (total, worst) == (values.sum(), values.max())
    cells = [
        axes
        for axes in sample.drawing.axes
        if any(isinstance(m, QuadMesh) for m in axes.collections)
    ]
    shown = sorted(text.get_text() for axes in cells for text in axes.texts)
    assert shown == sorted(cell_label(value) for value in rows.dropna())
    frames = [
        (patch.get_xy(), axes)
        for axes in cells
        for patch in axes.patches
        if isinstance(patch, Rectangle) and not patch.get_fill()
    ]
    best = sample.drawn.rows[sample.drawn.rows["best"]]
    assert len(frames) == len(best) > 0
    assert set(best["layout"]) == {"all of them"}
    totals = sample.drawn.rows[sample.drawn.rows["layout"] == "all of them"]["regret_bytes"]
    assert (best["regret_bytes"] == totals.min()).all()


def test_every_panel_of_a_regret_heatmap(made: dict[str, Made]) -> None:
    sample = made["regret-heatmap-arm64-5.10-4k"]
    table = sample.table[sample.table["selectable"]]
    table = table.assign(cost=table[COST].sum(axis=1))
    best = table.groupby("layout")["cost"].transform("min")
    table = table.assign(regret=table["cost"] - best)
    seen = 0
    for axes in sample.drawing.axes:
        for mesh in axes.images:
            section, model = axes.get_title().replace("\n", " ").split(": ")
            mine = table[table["model"] == model]
            mine = mine[mine["section_bytes"].map(size_label) == section]
            plane = mine.pivot(index="hole_size_bytes", columns="hole_start_bytes", values="regret")
            assert np.array_equal(values_of(mesh), plane.to_numpy(float))
            seen += 1
    assert seen == 4


# granules


def test_every_dot_and_bar_of_granules(made: dict[str, Made]) -> None:
    sample = made["granules"]
    dots, shares = sample.drawing.axes
    layouts = ["juno", "hikey", "ax3000-evk"]
    floor = dots.get_xticks()[0]
    scatters = [found for found in dots.collections if isinstance(found, PathCollection)]
    wasted = bars(shares, PART_COLOURS["hole"])
    assert len(wasted) == 9
    colours = [face_of(scatter) for scatter in scatters]
    for place, page in enumerate((4096, 16384, 65536)):
        rows = sample.table[sample.table["page_bytes"] == page].set_index("layout").loc[layouts]
        offsets = offsets_of(scatters[place])
        assert np.allclose(offsets[:, 0], heights(rows["wasted_bytes"], floor))
        assert (np.floor(offsets[:, 1]) == [0, 1, 2]).all()
        needed, whole = (
            rows[names].sum(axis=1) / rows["ram_bytes"] * 100
            for names in (["needed_bytes"], ["needed_bytes", "wasted_bytes"])
        )
        # a bar lies in its row beside the dot
        y = offsets[:, 1]
        shown = [*bars(shares, colours[place]), *wasted[3 * place : 3 * place + 3]]
        expected = [*zip(y, (0, 0, 0), needed, strict=True), *zip(y, needed, whole, strict=True)]
        assert shown == [pytest.approx(bar) for bar in expected]
    legend = [text.get_text() for text in sample.drawing.legends[0].get_texts()]
    assert legend[0] == "arm64-6.12-4k, sections of 128 MiB"
    assert legend[2] == "arm64-6.12-64k, sections of 512 MiB"


# timeline


def test_releases_stand_in_order_with_what_changed(made: dict[str, Made]) -> None:
    sample = made["timeline-ax3000-evk"]
    rows = sample.drawn.rows
    assert list(rows["release"]) == ["4.6", "5.10", "6.12"]
    table = sample.table.set_index("kernel").loc[rows["kernel"]]
    total = table[COST].sum(axis=1)
    assert list(rows["cost_bytes"]) == total.tolist()
    axes = sample.drawing.axes[0]
    tops = [0.0, 0.0, 0.0]
    for bar in axes.patches:
        assert isinstance(bar, Rectangle)
        column = int(bar.get_x())
        tops[column] += bar.get_height() * MIB
    assert tops == pytest.approx(total.tolist())
    assert [text.get_text() for text in axes.texts] == [size_label(size) for size in total]
    words = " ".join(text.get_text() for text in sample.drawing.texts)
    assert f"\N{MINUS SIGN}{size_label(total.iloc[1] - total.iloc[2])}" in words
    assert "section: 1 GiB to" in words
    kernels = sample.source.sweep.kernels
    assert changed(kernels["arm64-5.10-4k"], kernels["arm64-5.10-4k"]) == ""
    assert "free_unused_memmap" not in " ".join(rows["changed"])


# breakdown


def test_every_part_of_a_breakdown(made: dict[str, Made]) -> None:
    sample = made["breakdown-arm64-5.10-4k"]
    whole, beside = sample.drawing.axes
    rows = sample.drawn.rows
    columns = dict(
        zip(
            PART_COLOURS,
            ["needed_bytes", "hole_bytes", "edge_bytes", "rounding_bytes", *COST[1:]],
            strict=True,
        )
    )
    table = sample.table[
        (sample.table["model"] == "vmemmap") & (sample.table["section_bytes"] == 1 << 30)
    ]
    table = table[table["kernel"] == "arm64-5.10-4k"].set_index("layout").loc[rows["layout"]]
    parts = table[list(columns.values())]
    assert parts.sum(axis=1).tolist() == table[COST].sum(axis=1).tolist()
    rest = parts.drop(columns="needed_bytes").sum(axis=1)
    for axes, stacked, of in (
        (whole, list(columns), table["ram_bytes"]),
        (beside, list(columns)[1:], rest),
    ):
        share = parts[[columns[part] for part in stacked]].div(of, axis=0) * 100
        end = share.cumsum(axis=1)
        for part in stacked:
            # nothing is drawn for nothing
            some = share[columns[part]] > 0
            right = end[columns[part]][some]
            left = right - share[columns[part]][some]
            expected = zip(np.flatnonzero(some) + 0.5, left, right, strict=True)
            shown = bars(axes, PART_COLOURS[part])
            assert shown == [pytest.approx(bar) for bar in expected], part
    assert not bars(beside, PART_COLOURS["needed"])
    written = {text.get_text() for text in sample.drawing.texts}
    assert {size_label(size) for size in rest} <= written
    of_needed = rest / table["needed_bytes"]
    assert (of_needed.diff().dropna() <= 0).all()


# boards


def test_boards_are_the_census(made: dict[str, Made]) -> None:
    sample = made["boards"]
    axes, dots = sample.drawing.axes
    boards = [name for name, board in BOARDS.items() if board.arch in ("mips", "arm64")]
    assert set(sample.drawn.rows["layout"]) == set(boards)
    floor = axes.get_xticks()[0]
    for line, (_, rows) in zip(axes.lines, sample.table.groupby("kernel", sort=False), strict=True):
        waste = np.sort(rows["wasted_bytes"].dropna().to_numpy(dtype=float))
        x, y = line_of(line)
        for bytes_ in (0, MIB, 16 * MIB):
            share = (waste <= bytes_).mean() * 100
            at = floor if bytes_ == 0 else np.log2(bytes_)
            assert y[np.searchsorted(x, at, side="right") - 1] == pytest.approx(share)
    kernels = ["arm64-5.10-4k", "arm64-5.12-4k"]
    table = sample.table.pivot(index="layout", columns="kernel", values="wasted_bytes")[kernels]
    worst = worst_of(sample.drawn.rows)
    most = table.loc[worst].max(axis=1)
    assert (most.diff().dropna() <= 0).all()
    # none that wastes more is missing, but for those that waste the same as one that is there
    shown = set(map(tuple, table.loc[worst].to_numpy()))
    assert len(shown) == len(worst) == WORST
    assert set(map(tuple, table[table.max(axis=1) > most.iloc[-1]].to_numpy())) <= shown
    written = [text.get_text().removesuffix("…") for text in sample.drawing.texts]
    assert all(any(text and name.startswith(text) for text in written) for name in worst)
    scatters = [found for found in dots.collections if isinstance(found, PathCollection)]
    for found, kernel in zip(scatters, kernels, strict=True):
        expected = heights(table.loc[worst, kernel], floor)
        assert offsets_of(found)[:, 0].tolist() == pytest.approx(expected.tolist())


def test_arm64_boards_agree_with_the_published_census() -> None:
    """The waste of 659 boards at each section size, sections alone, with pages of 4 KiB: counted
    once by hand over the same device trees.
    """
    kernel = made_kernels()["arm64-5.10-4k"]
    layouts = Regions.of([board.regions for board in BOARDS.values() if board.arch == "arm64"])
    expected = {
        1 << 30: (200, 172, 1046.6),
        512 * MIB: (158, 124, 374.6),
        256 * MIB: (143, 109, 234.6),
        128 * MIB: (49, 10, 26.6),
        64 * MIB: (48, 7, 19.6),
    }
    for section, (some, large, total) in expected.items():
        waste = cost(layouts, kernel.with_section(section), "sparsemem").wasted
        assert ((waste > 0).sum(), (waste > MIB).sum()) == (some, large), section
        assert waste.sum() / MIB == pytest.approx(total, abs=0.05)


# what stands around figures


def test_a_caption_says_all_that_a_reader_needs(made: dict[str, Made]) -> None:
    for name, sample in made.items():
        figure, sweep = sample.source.figure, sample.source.sweep
        models = sample.drawn.rows["model"].dropna().unique()
        booted = {model: behind(EVIDENCE, model) for model in models}
        text = caption(figure, sweep, sample.drawn.points, booted, "SOURCE.")
        for kernel in figure.kernels:
            assert f"{kernel} (" in text, name
        assert f"{sample.drawn.points:,} points." in text
        assert text.endswith("SOURCE.")
        assert "  " not in text
        assert "MiB" in text or "bytes" in text
        if "vmemmap" in models:
            assert "vmemmap to 368 boots of 25 kernels" in text
        if "vmemmap-populated" in models:
            assert re.search(r"No kernel was booted with .*vmemmap-populated", text)


def test_points_are_those_of_the_sweep(made: dict[str, Made]) -> None:
    # 2 kernels, of 2 section sizes and 3 models each
    assert made["section-strip-thread-3g"].drawn.points == 12
    assert made["granules"].drawn.points == 9
    assert made["timeline-ax3000-evk"].drawn.points == 3
    assert made["alignment-arm64-5.10-4k"].drawn.points == 144
    # 3 maps, 6 section sizes, 3 models to choose from: the sums over maps are no points
    assert made["best-choice-arm64-5.10-4k"].drawn.points == 54


def test_captions_are_safe_to_paste() -> None:
    hostile = r"50% of $x_1 & {y} \input{a} <script> *b* `c` #1 ~ ^ | _d_: [e](f)"
    made = ready_to_paste("name", "label", hostile, hostile)
    tex = made[".caption.tex"]
    for word in (r"50\% of \$x\_1 \& \{y\} \textbackslash{}input\{a\}", r"\#1 \textasciitilde{}"):
        assert word in tex
    assert tex.count("{") - tex.count(r"\{") == tex.count("}") - tex.count(r"\}")
    assert re.search(r"\\includegraphics\[width=\\linewidth,.*keepaspectratio\]\{name.pdf\}", tex)
    assert r"\label{fig:label}" in tex
    assert r"\<script\>" in made[".caption.md"]
    assert r"\*b\* \`c\`" in made[".caption.rst"]
    assert latex("a~b") == r"a\textasciitilde{}b"


def test_a_sweep_without_what_a_figure_needs_says_so(made: dict[str, Made]) -> None:
    wanted = {
        "waste-heatmap": "needs layouts.grid in which hole_start and one more axis",
        "alignment": "needs layouts.grid in which hole_start and hole_size have several values",
        "section-curve": "needs three section sizes or more, here are 1",
        "best-choice": "needs two section sizes or models that a kernel can be built with",
        "regret-heatmap": "needs two section sizes or models that a kernel can be built with",
        "timeline": "needs kernels of one architecture and page size",
        "boards": "needs twenty named layouts or more, here are 3",
        "section-heatmap": "needs two section sizes or more",
        "kernel-heatmap": "has a panel for each named layout, two at most; here are 3",
    }
    sweep = made["granules"].source.sweep
    for kind, words in wanted.items():
        with pytest.raises(ValueError, match=re.escape(words)):
            find(sweep, kind)
    with pytest.raises(ValueError, match=r"there are breakdown-arm64-6\.12-64k, breakdown"):
        find(sweep, "breakdown-nothing")
    with pytest.raises(ValueError, match="no figure 'nothing'"):
        find(sweep, "nothing")
    assert find(sweep, "breakdown-arm64-6.12-4k").kernels == ("arm64-6.12-4k",)
    other = made["timeline-ax3000-evk"].source.sweep
    with pytest.raises(ValueError, match="each with a page size of its own; here are pages of 4 K"):
        find(other, "granules")
    with pytest.raises(ValueError, match="has room for 24 strips"):
        find(made["kernel-heatmap"].source.sweep, "section-strip-ragged")


def test_titles_name_what_is_drawn(made: dict[str, Made]) -> None:
    for name, sample in made.items():
        text = title(sample.source.figure, sample.source.sweep)
        assert text == sample.drawing.texts[0].get_text(), name


# what is extreme is drawn all the same

EXTREME = {
    "nothing is wasted": """
name: extreme
layouts:
  grid: {ram_size: [1GiB, 2GiB], hole_start: [1GiB, 2GiB], hole_size: [1GiB]}
  regions: {a: [[0x0, 0x40000000]], b: [[0x40000000, 0x80000000]]}
kernels: [arm64-6.12-4k]
section_size: [kernel, 256MiB, 512MiB]
models: [vmemmap, vmemmap-populated]
""",
    "all is infeasible": """
name: extreme
layouts:
  grid: {ram_size: [1GiB, 2GiB], hole_start: [1GiB, 2GiB], hole_size: [1GiB]}
  regions: {a: [[0x0, 0x40000000]], b: [[0x40000000, 0x80000000]]}
custom_kernels:
  never: {extends: arm64-5.10-64k, max_order_pages: 1048576}
kernels: [never]
section_size: [kernel, 128MiB, 256MiB]
models: [vmemmap, sparsemem-free]
""",
    "one cell": """
name: extreme
layouts:
  regions: {a: [[0x0, 0x48000000]]}
kernels: [arm64-6.12-4k]
models: [vmemmap]
""",
    "no whole page": """
name: extreme
layouts:
  regions: {a: [[0x10, 0x20]], b: [[0x0, 0x48001000]]}
kernels: [arm64-6.12-4k]
section_size: [kernel, 256MiB, 512MiB]
models: [vmemmap, flatmem]
""",
}


@pytest.mark.parametrize("what", EXTREME)
def test_what_is_extreme_is_drawn_all_the_same(tmp_path: Path, what: str) -> None:
    """Whatever kind a sweep has enough for shows its numbers, or the rule that leaves none."""
    (tmp_path / "plain").mkdir()
    path = tmp_path / "plain/sweep.yaml"
    path.write_text(EXTREME[what])
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    sweep = load_sweep(path, "sweep.yaml", entries, {}, 10**6)
    kinds = [kind for kind, plan in FIGURES.items() if not plan.lacks(sweep)]
    assert {"section-strip", "layout-heatmap", "breakdown"} <= set(kinds)
    made = made_figures(tmp_path, EXTREME[what] + f"figures: [{', '.join(kinds)}]\n")
    reasons = set(sweep_rows(made)["reason"].dropna())
    for name, sample in made.items():
        box = tight_box(sample.drawing)
        width, height = sample.drawing.get_size_inches()
        assert min(box.x0, box.y0) >= 0, name
        assert (box.x1, box.y1) <= (width, height), name
        words = " ".join(" ".join(text.get_text().split()) for text in texts(sample))
        hatched = any(patch.get_hatch() for patch in sample.drawing.findobj(Rectangle))
        if what == "all is infeasible" and name not in ("kernel-heatmap",):
            assert hatched or "infeasible" in words or any(reason in words for reason in reasons), (
                name
            )
        if what == "nothing is wasted" and name.startswith("waste"):
            assert "none anywhere" in words
        if what == "one cell" and name.startswith(("layout", "kernel")):
            # the last section has 896 MiB without RAM: 14 MiB of struct pages less what RAM takes
            assert cell_label(sample.table["wasted_bytes"].iloc[0]) in words


def sweep_rows(made: dict[str, Made]) -> pd.DataFrame:
    return next(iter(made.values())).table


def test_a_plane_of_a_million_points_is_drawn(tmp_path: Path) -> None:
    text = """
name: large
layouts:
  grid:
    ram_size: {from: 8MiB, to: 8GiB, step: 8MiB}
    hole_start: {from: 0, to: 8184MiB, step: 8MiB}
    hole_size: [512MiB]
kernels: [arm64-6.12-4k]
models: [vmemmap]
figures: [waste-heatmap]
"""
    ((name, sample),) = made_figures(tmp_path, text).items()
    (mesh,) = [image for axes in sample.drawing.axes for image in axes.images]
    assert len(sample.table) == sample.drawn.points == 1024 * 1024
    assert values_of(mesh).size == len(sample.drawn.rows) == 512 * 512
    path = tmp_path / f"{name}.svg"
    sample.drawing.savefig(path, dpi=sample.drawing.dpi)
    assert path.stat().st_size < 3 << 20


def test_an_empty_table_is_told(made: dict[str, Made], tmp_path: Path) -> None:
    sample = made["granules"]
    table = pq.read_table(sample.source.parts[0])
    pq.write_table(table.slice(0, 0), tmp_path / "part.parquet")
    empty = replace(sample.source, parts=[tmp_path / "part.parquet"])
    with pytest.raises(ValueError, match="has no row for the figure granules: delete that folder"):
        rows_of(empty)
