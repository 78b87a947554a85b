"""One table of figure kinds: nothing else tests a kind by its name; no drawing code is loaded."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
from memmap_atlas.figures.registry import FIGURES

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
    """Kinds that a Python file compares with, or has as keys."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Compare | ast.Dict | ast.Match):
            parts = node.keys if isinstance(node, ast.Dict) else [node]
            names = {
                part.value
                for key in parts
                if key is not None
                for part in ast.walk(key)
                if isinstance(part, ast.Constant)
            }
            found += [kind for kind in FIGURES if kind in names]
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
