"""Figures show what the table holds: each cell, label, hatch and frame against its row."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from memmap_atlas.figures.data import FigureData
from memmap_atlas.figures.style import FORBIDDEN, INK, NO_WASTE, waste_scale
from memmap_atlas.text.labels import cell_label, size_label

from tests.tools.drawn import SWEEP, Colour, Made, drawn_figures, made_figures, rgb_of, values_of


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Made]:
    """Each heatmap of the sweep."""
    return made_figures(tmp_path_factory.mktemp("figures"), SWEEP)


@pytest.fixture(scope="module")
def figures(made: dict[str, Made]) -> dict[str, tuple[Drawing, FigureData]]:
    """Each figure, with the rows that it draws."""
    return {name: (one.drawing, one.drawn) for name, one in made.items()}


def meshes(drawing: Drawing) -> dict[str, np.ndarray]:
    """The values of each panel, by its title."""
    return {
        axes.get_title().replace(":\n", ": ").split("\n")[0]: values_of(mesh)
        for axes in drawing.axes
        for mesh in axes.images
    }


@pytest.mark.parametrize(
    ("kernel", "varying", "alike"), [("arm64-5.10-64k", 6, 3), ("arm64-5.10-4k", 4, 5)]
)
def test_every_cell_of_a_plane(
    made: dict[str, Made],
    figures: dict[str, tuple[Drawing, FigureData]],
    kernel: str,
    varying: int,
    alike: int,
) -> None:
    drawing, drawn = figures[f"waste-heatmap-{kernel}"]
    table = made[f"waste-heatmap-{kernel}"].table
    table = table[(table["kernel"] == kernel) & table["base_bytes"].notna()]
    panels = meshes(drawing)
    seen = 0
    for (model, section), part in table.groupby(["model", "section_bytes"]):
        assert isinstance(section, int)
        plane = part.pivot(index="ram_bytes", columns="hole_start_bytes", values="wasted_bytes")
        values = plane.to_numpy(dtype=float, na_value=np.nan)
        title = f"{size_label(section)}: {model}"
        if title in panels:
            seen += 1
            assert np.array_equal(panels[title], values, equal_nan=True)
        elif not np.isnan(values).all():
            # one panel for every section size
            assert np.array_equal(panels[str(model)], values)
    assert seen == 2 * varying
    assert len(panels) == seen + alike
    assert len(drawn.rows) == len(panels) * values.size
    titles = {axes.get_title() for axes in drawing.axes}
    assert "discontigmem\nnot selectable" in titles
    # what can be built has a solid frame
    for axes in drawing.axes:
        name = axes.get_title().replace(":\n", ": ").split("\n")[0].split(": ")[-1]
        status = drawn.rows[drawn.rows["model"] == name]["selectable"]
        if len(status):
            solid = axes.spines["left"].get_edgecolor()[:3] == to_rgb(INK)
            assert solid == status.iloc[0]


def test_forbidden_panels_name_the_rule(figures: dict[str, tuple[Drawing, FigureData]]) -> None:
    drawing, _ = figures["waste-heatmap-arm64-5.10-64k"]
    forbidden = [
        axes.get_title().replace(":\n", ": ")
        for axes in drawing.axes
        if any("MAX_ORDER" in text.get_text() for text in axes.texts)
    ]
    models = ["sparsemem", "sparsemem-free", "vmemmap", "vmemmap-base"]
    models += ["vmemmap-populated", "vmemmap-trimmed"]
    assert forbidden == [f"128 MiB: {model}" for model in models]


def test_a_panel_forbidden_in_part_is_hatched_there(tmp_path: Path) -> None:
    """RAM from 4 GiB on is more than 32 bits reach: what lies below has its waste all the same."""
    text = SWEEP.replace("arm64-5.10-64k, arm64-5.10-4k", "i386-6.1").replace(
        "waste-heatmap, kernel-heatmap, layout-heatmap, section-heatmap", "waste-heatmap"
    )
    ((drawing, drawn),) = drawn_figures(tmp_path, text).values()
    found = 0
    for axes in drawing.axes:
        for image in axes.images:
            values = values_of(image)
            assert np.isnan(values).any()
            assert not np.isnan(values).all()
            (hatched,) = [patch for patch in axes.patches if patch.get_hatch()]
            assert hatched.get_zorder() < image.get_zorder()
            found += 1
    # at these positions no model tells 64 from 128 MiB
    assert found == 9
    reasons = {"RAM beyond MAX_PHYSMEM_BITS"}
    assert set(drawn.rows["reason"].dropna()) == reasons


@pytest.mark.parametrize(
    ("name", "index", "panels"),
    [
        ("kernel-heatmap", "kernel", 2),
        ("layout-heatmap-arm64-5.10-4k", "layout", 1),
        ("section-heatmap-arm64-5.10-64k", "layout", 7),
        ("section-heatmap-arm64-5.10-4k", "layout", 4),
    ],
)
def test_every_cell_and_label_of_an_annotated_heatmap(
    figures: dict[str, tuple[Drawing, FigureData]], name: str, index: str, panels: int
) -> None:
    drawing, drawn = figures[name]
    blocks = [axes for axes in drawing.axes if axes.collections]
    assert len(blocks) == panels
    shown = []
    for axes in blocks:
        (mesh,) = axes.collections
        values = values_of(mesh).ravel()
        texts = [text.get_text() for text in axes.texts]
        assert texts == [cell_label(value) for value in values[~np.isnan(values)]]
        hatched = [patch for patch in axes.patches if patch.get_hatch()]
        assert len(hatched) == np.isnan(values).sum()
        assert all(to_rgb(patch.get_facecolor()) == to_rgb(FORBIDDEN) for patch in hatched)
        shown.append(values)
    table = drawn.rows["wasted_bytes"].to_numpy(dtype=float, na_value=np.nan)
    if not name.startswith("section"):
        assert len(np.concatenate(shown)) == len(table)
    assert set(map(str, np.concatenate(shown))) >= set(map(str, table[~np.isnan(table)]))
    labels = {text.get_text() for text in drawing.texts}
    assert set(drawn.rows[index].astype(str)) <= labels


def test_framed_cells_are_selectable(figures: dict[str, tuple[Drawing, FigureData]]) -> None:
    drawing, drawn = figures["kernel-heatmap"]
    frames = [
        patch
        for axes in drawing.axes
        if axes.collections
        for patch in axes.patches
        if isinstance(patch, Rectangle) and not patch.get_fill()
    ]
    assert len(frames) == drawn.rows["selectable"].sum()


def lightness(colour: Colour) -> float:
    """CIELAB L* of a colour."""
    rgb = rgb_of(colour)
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    y = float(linear @ [0.2126, 0.7152, 0.0722])
    return 116 * (y ** (1 / 3) if y > 0.008856 else 7.787 * y + 16 / 116) - 16


def test_darker_means_more() -> None:
    scale = waste_scale(2.0 ** np.arange(10, 40), 1)
    levels = [
        lightness(NO_WASTE),
        *(lightness(scale.colours(i)) for i in range(len(scale.bounds) + 1)),
    ]
    steps = -np.diff(levels)
    assert (steps > 4).all()


@pytest.mark.parametrize(
    ("waste", "top", "bounds"),
    [
        ([0, 0], 1, (4096,)),
        ([0, 4096], 1, (4096,)),
        ([4096, 16 << 20, 24 << 20], 1, tuple(1 << bits for bits in range(17, 25))),
        ([1 << 20, 3 << 20, 5 << 20], 1, (2 << 20, 4 << 20)),
    ],
)
def test_scale(waste: list[int], top: float, bounds: tuple[int, ...]) -> None:
    assert waste_scale(waste, top).bounds == bounds


def test_each_class_holds_what_its_labels_say() -> None:
    scale = waste_scale([4096, 24 << 20], 1)
    classes = scale.norm(np.array([0, 1, (1 << 17) - 1, 1 << 17, 16 << 20, 1 << 40]))
    assert classes.tolist() == [-1, 0, 0, 1, 8, 8]


@pytest.mark.parametrize(
    ("size", "text", "cell"),
    [
        (0, "0", "0"),
        (512, "512 B", "512B"),
        (4096, "4 KiB", "4K"),
        (34.2 * 1024, "34.2 KiB", "34K"),
        (1.5 * (1 << 20), "1.5 MiB", "1.5M"),
        (1020 * (1 << 30), "1020 GiB", "1T"),
        (100 << 20, "100 MiB", "100M"),
        (999 << 10, "999 KiB", "999K"),
        (1000 << 10, "1000 KiB", "1M"),
    ],
)
def test_size_labels(size: float, text: str, cell: str) -> None:
    assert size_label(size) == text
    assert cell_label(size) == cell


def test_rows_of_named_figures_are_named_layouts(
    figures: dict[str, tuple[Drawing, FigureData]],
) -> None:
    for name, (_, drawn) in figures.items():
        if not name.startswith("waste"):
            assert set(drawn.rows["layout"]) == {"thread-3g", "ragged"}
