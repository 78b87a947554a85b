"""The closed form against every boot of the full lab, without QEMU; `make evidence` renews it."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex
from matplotlib.figure import Figure as Drawing
from matplotlib.patches import Rectangle
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.figures.booted import EXACT, OFF, WITHIN, computed_against_booted
from memmap_atlas.figures.captions import Titles
from memmap_atlas.figures.style import atlas_style
from memmap_atlas.lab.lab_file import Names, load_lab
from memmap_atlas.lab.report import SHOWN, TOLD, agreement_table, faults, summary
from memmap_atlas.lab.residuals import agreements, is_within, residuals
from memmap_atlas.lab.tables import OBSERVATIONS, read_rows

from tests.tools.drawn import offsets_of, tight_box
from tests.tools.paths import ROOT

KERNELS = load_kernels(ROOT / "config/kernels.yaml", ROOT / "config/lab-kernels.yaml")
EVIDENCE = read_rows(ROOT / "workflow/resources/evidence.parquet")
FOUND = residuals(EVIDENCE, KERNELS)
AGREEMENT = summary(FOUND)
HEADS = [*SHOWN.values(), TOLD]
MEMMAP = pd.DataFrame([row for row in FOUND if row["quantity"] == "memmap_bytes"])
BOOTED = sorted({row["kernel"] for row in EVIDENCE})


@pytest.mark.parametrize("kernel", BOOTED)
def test_nothing_is_off(kernel: str) -> None:
    mine = [row for row in FOUND if row["kernel"] == kernel]
    assert faults(mine) == []
    boots = [row for row in EVIDENCE if row["kernel"] == kernel and row["outcome"] == "complete"]
    assert len({row["map"] for row in mine}) >= len(boots) > 0
    shown = {row["quantity"] for row in mine}
    assert {"ram_bytes", "boot_request_bytes", "usage_bytes"} <= shown
    assert shown & {"memmap_bytes", "memmap_and_table_bytes"}


def test_the_evidence_is_that_of_the_full_lab() -> None:
    lab = load_lab(ROOT / "config/labs/full.yaml", "full", Names(ROOT, ROOT))
    assert [(row["kernel"], row["map"]) for row in EVIDENCE] == list(lab.boots)
    assert set(EVIDENCE[0]) == {name for name, _, _ in OBSERVATIONS}


def test_what_the_evidence_covers() -> None:
    complete = [row for row in EVIDENCE if row["outcome"] == "complete"]
    assert len(complete) >= 400
    assert len({row["kernel"] for row in complete}) >= 12
    assert len({row["arch"] for row in complete}) >= 5
    models = Counter(row["model"] for row in complete)
    assert set(models) == {"vmemmap", "sparsemem", "sparsemem-free", "flatmem", "flatmem-free"}
    # a boot that failed is kept, and says why
    for row in EVIDENCE:
        assert row["outcome"] == "complete" or row["reason"]
        assert row["outcome"] != "complete" or len(row["log_sha256"]) == 64
        assert len(row["image_sha256"]) == 64
        assert row["package"]


def test_no_more_than_a_page_a_hole_is_left_open() -> None:
    loose = [row for row in FOUND if row["off"]]
    assert all(map(is_within, loose))
    assert {row["model"] for row in loose} <= {"flatmem-free"}
    # where the array stands is in the log: from there what is freed is known to the byte
    assert any(row["quantity"] == "freed_in_place_bytes" for row in FOUND)
    assert "freed_in_place_bytes" not in {row["quantity"] for row in loose}


def test_a_changed_byte_is_seen() -> None:
    row = next(row for row in EVIDENCE if row["memmap_bytes"])
    for column in ("memmap_bytes", "usage_bytes", "boot_request_bytes", "struct_page_bytes"):
        changed = row | {column: row[column] + 1}
        assert any(row["kernel"] in line for line in faults(residuals([changed], KERNELS)))
    table = agreement_table(EVIDENCE, FOUND)
    assert len(table) == 1 + len(BOOTED)


def test_page_tables_of_the_thread() -> None:
    """Answer to the thread: the vmemmap part of kernel_page_tables, with 1 GiB sections."""
    mapped = {
        (row["kernel"], row["map"]): row["mapped_bytes"]
        for row in EVIDENCE
        if row["mapped_bytes"] is not None
    }
    assert mapped["b510-vmemmap-4k-s30", "thread-3g"] == 67_108_864
    assert mapped["b510-vmemmap-4k-s30", "thread-4g"] == 83_886_080
    assert mapped["b510-vmemmap-4k-s27", "thread-3g"] == 50_331_648
    assert mapped["b510-vmemmap-4k-s27", "thread-4g"] == 67_108_864


@pytest.fixture(scope="module", autouse=True)
def style() -> Iterator[None]:
    """Style for artists that a figure makes when it is drawn, such as ticks."""
    with atlas_style():
        yield


@pytest.fixture(scope="module")
def drawing() -> Drawing:
    agreement = {
        kernel: {{**SHOWN, TOLD: TOLD}[quantity]: counts for quantity, counts in row.items()}
        for kernel, row in AGREEMENT.items()
    }
    return computed_against_booted(MEMMAP, agreement, HEADS, Titles("title", "subtitle"))


def test_every_boot_is_a_point_of_the_figure(drawing: Drawing) -> None:
    scatter = drawing.axes[0]
    drawn = np.concatenate([offsets_of(points) for points in scatter.collections])
    wanted = MEMMAP.sort_values("model", kind="stable")[["predicted", "observed"]].to_numpy()
    assert np.array_equal(np.asarray(drawn), wanted)
    legend = scatter.get_legend()
    assert legend is not None
    counts = MEMMAP["model"].value_counts()
    texts = [text.get_text() for text in legend.get_texts()]
    assert texts == [f"{model} ({counts[model]})" for model in sorted(counts.index)]


def test_every_cell_of_the_figure(drawing: Drawing) -> None:
    cells = drawing.axes[1]
    wanted = [
        (column, row, str(counts.boots), EXACT if counts.exact == counts.boots else WITHIN)
        for row, found in enumerate(AGREEMENT.values())
        for column, quantity in enumerate([*SHOWN, TOLD])
        if (counts := found.get(quantity))
    ]
    patches = [
        (*patch.get_xy(), to_hex(patch.get_facecolor()))
        for patch in cells.patches
        if isinstance(patch, Rectangle)
    ]
    assert patches == [(column, row, colour) for column, row, _, colour in wanted]
    assert [text.get_text() for text in cells.texts] == [text for _, _, text, _ in wanted]
    names = [text.get_text() for text in drawing.texts]
    assert [name for name in names if name in AGREEMENT] == list(AGREEMENT)


def test_what_is_off_has_a_colour_of_its_own() -> None:
    row = {str(name): value for name, value in MEMMAP.iloc[0].to_dict().items()}
    off = {"some": {"memmap": agreements([row | {"off": 5}])[row["kernel"], "memmap_bytes"]}}
    figure = computed_against_booted(MEMMAP, off, ["memmap"], Titles("title", "subtitle"))
    assert to_hex(figure.axes[1].patches[0].get_facecolor()) == OFF


def test_nothing_is_cut_off(drawing: Drawing) -> None:
    box = tight_box(drawing)
    width, height = drawing.get_size_inches()
    assert min(box.x0, box.y0) >= 0
    assert box.x1 <= width
    assert box.y1 <= height
