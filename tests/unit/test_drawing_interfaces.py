"""Interfaces that matplotlib, fontTools and altair do not support: each has another way, and none
of them, nor the style of figures, is in force outside of the figures.
"""

import re
import subprocess
import sys
from pathlib import Path

import altair as alt
import fontTools
import matplotlib as mpl
import numpy as np
import pytest
from altair.utils import schemapi
from fontTools.subset import Options
from matplotlib.backends import backend_pdf
from matplotlib.figure import Figure
from memmap_atlas.explorer.unvalidated import unvalidated
from memmap_atlas.figures import one_pass
from memmap_atlas.figures.pdf_fonts import LAYOUT_TABLES, without_layout_tables
from memmap_atlas.figures.render import save
from memmap_atlas.figures.style import atlas_style, sheet

from tests.tools.paths import ROOT

SUFFIXES = (".svg", ".pdf", ".png")
NUMBER = re.compile(r"-?\d+\.\d+|-?\d+(?=[ )\"])")


def drawing() -> Figure:
    """Texts, lines, a hatch and an image."""
    with atlas_style():
        page = sheet("Title", "subtitle", 2.0, 3.0)
        axes = page.axes(0.4, 0.5, 2.0, 1.0)
        axes.pcolorfast([0, 1], [0, 1], np.arange(6.0).reshape(2, 3))
        axes.plot([0, 1], [0, 1], label="line")
        axes.axvspan(0.2, 0.4, hatch="//", fill=False)
        axes.legend()
    return page.figure


def files(folder: Path, name: str) -> list[bytes]:
    """SVG, PDF and PNG of the drawing."""
    save(drawing(), folder / name, "The title", "A description", {"code": "1"})
    return [(folder / f"{name}{suffix}").read_bytes() for suffix in SUFFIXES]


def test_another_matplotlib_writes_each_file_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    svg, pdf, png = files(tmp_path, "one-pass")
    monkeypatch.setattr(one_pass, "LAST", one_pass.FIRST)
    other = files(tmp_path, "alone")
    assert other == files(tmp_path, "again")
    assert other[1:] == [pdf, png]
    here, there = svg.decode(), other[0].decode()
    assert NUMBER.sub("", here) == NUMBER.sub("", there)
    places = [np.array(NUMBER.findall(text), dtype=float) for text in (here, there)]
    # texts within a tenth of a point
    assert 0 < np.abs(places[0] - places[1]).max() < 0.1
    for word in ("The title", "A description", '"code"'):
        assert word in there
    assert "<dc:date>" not in there


def test_a_matplotlib_without_the_renderers_writes_nothing_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert one_pass.draw_both(drawing(), (tmp_path / "a.svg", {}), (tmp_path / "a.pdf", {}))
    monkeypatch.delattr(backend_pdf, "RendererPdf")
    paths = tmp_path / "b.svg", tmp_path / "b.pdf"
    assert not one_pass.draw_both(drawing(), (paths[0], {}), (paths[1], {}))
    assert not any(path.exists() for path in paths)


def test_another_fonttools_embeds_whole_fonts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, small, _ = files(tmp_path, "small")
    monkeypatch.setattr(fontTools, "version", "5.0.0")
    _, whole, _ = files(tmp_path, "whole")
    assert len(whole) > len(small)
    assert files(tmp_path, "again")[1] == whole


def test_a_fonttools_without_the_default_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(Options, "_drop_tables_default")
    with without_layout_tables():
        assert not hasattr(Options, "_drop_tables_default")


def test_fonts_are_small_in_figures_only() -> None:
    with without_layout_tables():
        assert {*LAYOUT_TABLES} <= {*Options().drop_tables}
    assert not {*LAYOUT_TABLES} & {*Options().drop_tables}


def test_another_altair_validates(monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong() -> alt.Axis:
        return alt.Axis(labelAngle="steep")  # type: ignore[arg-type]  # wrong on purpose

    with unvalidated():
        wrong()
    monkeypatch.setattr(alt, "__version__", "7.0.0")
    with unvalidated(), pytest.raises(schemapi.SchemaValidationError):
        wrong()
    monkeypatch.undo()
    monkeypatch.delattr(schemapi, "debug_mode")
    with unvalidated(), pytest.raises(schemapi.SchemaValidationError):
        wrong()


def test_a_figure_does_not_depend_on_settings_and_leaves_them(tmp_path: Path) -> None:
    plain = files(tmp_path, "plain")
    with mpl.rc_context(
        {"font.size": 20, "lines.linewidth": 9, "svg.hashsalt": "other", "pdf.fonttype": 3}
    ):
        before = dict(mpl.rcParams)
        assert files(tmp_path, "set") == plain
        assert dict(mpl.rcParams) == before


def test_no_import_has_a_side_effect() -> None:
    code = """
import importlib, pathlib
import altair.utils.schemapi, matplotlib, seaborn
from fontTools.subset import Options
def state():
    mode = altair.utils.schemapi.DEBUG_MODE
    return dict(matplotlib.rcParams), [*Options._drop_tables_default], mode
before = state()
names = [f"memmap_atlas.{package}.{path.stem}" for package in ("figures", "explorer")
         for path in sorted(pathlib.Path("memmap_atlas", package).glob("*.py"))]
for name in names:
    importlib.import_module(name.removesuffix(".__init__"))
print(len(names) > 20, state() == before)
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT / "workflow/scripts",
        capture_output=True,
        text=True,
        check=True,
    )
    assert run.stdout == "True True\n"
