"""One table of figure kinds: nothing else tests a kind by its name; no drawing code is loaded."""

import ast
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from memmap_atlas.figures import style
from memmap_atlas.figures.captions import grid_words
from memmap_atlas.figures.registry import FIGURES
from memmap_atlas.memmodel.quantities import Quantity, smallest_parts
from memmap_atlas.sweep.axes import AXES
from memmap_atlas.sweep.design import Sweep

from tests.tools.paths import ROOT

SCRIPTS = ROOT / "workflow/scripts"
SOURCES = [
    path
    for path in [*SCRIPTS.rglob("*.py"), *ROOT.glob("workflow/rules/*.smk")]
    if path != SCRIPTS / "memmap_atlas/figures/registry.py"
]


@pytest.mark.parametrize("kind", FIGURES)
def test_a_kind_names_its_module_and_functions(kind: str) -> None:
    spec = FIGURES[kind]
    assert (SCRIPTS / spec.file).is_file()
    assert callable(spec.function(spec.rows))
    assert callable(spec.function(spec.draw))


def test_nothing_else_tests_a_kind_by_its_name() -> None:
    for path in SOURCES:
        if path.suffix == ".py":
            assert not named_kinds(path), path
        else:
            tests = re.findall(r'(?:[=!]=|\bin\b)[^\n"]*"([^"]+)"', path.read_text())
            assert not {*tests} & {*FIGURES}, path


def named_kinds(path: Path) -> list[str]:
    """Kinds that a Python file compares a kind with, and tables of several kinds; some kinds have
    the name of something else, such as boards.
    """
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare | ast.Match):
            named = {part.value for part in ast.walk(node) if isinstance(part, ast.Constant)}
            about_kinds = "kind" in ast.unparse(node)
            found += [kind for kind in FIGURES if kind in named and (about_kinds or "-" in kind)]
        if isinstance(node, ast.Dict):
            keys = {key.value for key in node.keys if isinstance(key, ast.Constant)}
            kinds = [kind for kind in FIGURES if kind in keys]
            found += kinds if len(kinds) > 1 else []
    return found


def test_the_table_is_read_without_drawing_code() -> None:
    code = (
        "import sys, memmap_atlas.figures.registry;"
        "print([name for name in ('matplotlib', 'seaborn', 'pandas') if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=SCRIPTS, capture_output=True, text=True, check=True
    )
    assert run.stdout == "[]\n"


def test_a_new_quantity_and_axis_need_no_edit_of_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    records = Quantity("records", "leaf records", "", "total")
    monkeypatch.setattr(style, "smallest_parts", lambda: (*smallest_parts(), records))
    colours = style.part_colours()
    assert {**style.PART_COLOURS, "leaf records": colours["leaf records"]} == colours
    assert len(set(colours.values())) == len(colours) == 8
    grid = {**dict.fromkeys(AXES, (1 << 30,)), "tilt": (0, 4096)}
    monkeypatch.setitem(AXES, "tilt", replace(AXES["base"], label="tilt of RAM"))
    sweep = cast(Sweep, SimpleNamespace(grid=grid))
    assert grid_words(sweep).endswith("a hole of 1 GiB at 1 GiB, tilt of RAM 0 to 4 KiB")
