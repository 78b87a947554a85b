"""Statements of the project about itself: documents, versions, the lock and imports."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pandas as pd
import pytest
import yaml
from memmap_atlas import __version__
from memmap_atlas.documents.validate import SCHEMA, schema_of
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.sweepfile.sweeps import load_sweep

from tests.tools.paths import ROOT

LIBRARY = ROOT / "workflow/scripts/memmap_atlas"
sys.path.insert(0, str(ROOT / "workflow/scripts"))

from closing import LAYOUTS, ROWS, answer  # noqa: E402
from document_keys import DEFINITIONS, README, documented, with_definitions  # noqa: E402


def test_tables_of_keys_are_those_of_the_schemas() -> None:
    """`make docs` writes them."""
    text = README.read_text()
    assert text == documented(text)


@pytest.mark.parametrize("name", DEFINITIONS)
def test_schemas_have_the_names_and_keys_of_the_code(name: str) -> None:
    """`make docs` writes them; editors read them."""
    text = (ROOT / SCHEMA.format(name)).read_text()
    assert text == with_definitions(text, name)
    assert yaml.safe_load(text) == schema_of(name, DEFINITIONS[name])


def test_the_example_of_a_sweep_runs(tmp_path: Path) -> None:
    block = re.findall(r"```yaml\n(.*?)```", README.read_text(), re.DOTALL)[0]
    (tmp_path / "example.yaml").write_text(block)
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    sweep = load_sweep(
        tmp_path / "example.yaml", "example.yaml", entries, {"juno": ((0, 4096),)}, 10**6
    )
    # 2 RAM sizes x 49 positions + 2 named, for 2 kernels of 2 section sizes each
    assert sweep.points == (2 * 49 + 2) * 4 * 9


def test_readme_names_every_model_and_figure() -> None:
    schema = yaml.safe_load((ROOT / "workflow/schemas/sweep.schema.yaml").read_text())
    assert schema["$defs"]["model"]["enum"] == list(MODELS)
    text = README.read_text()
    for name in [*MODELS, *schema["$defs"]["figure"]["enum"]]:
        assert f"| `{name}` |" in text


def test_answer_speaks_of_a_whole_thread_only() -> None:
    rows = [
        {
            "kernel": kernel,
            "section_bytes": section,
            "model": model,
            "layout": layout,
            column: 7_000_000,
        }
        for _, kernel, section, model, column in ROWS
        for layout in LAYOUTS
    ]
    table = pd.DataFrame(rows).groupby(list(rows[0])[:4], as_index=False).first()
    lines = answer(table).splitlines()
    assert len(lines) == 1 + len(ROWS)
    assert all(line.split()[-2:] == ["7,000,000", "7,000,000"] for line in lines[1:])
    # a sweep that was changed has no such answer, and that is no error
    assert answer(table[table["layout"] == "thread-3g"]) == ""


def test_one_version_everywhere() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert project["version"] == citation["version"] == __version__
    assert f"## {__version__}" in (ROOT / "CHANGELOG.md").read_text()


def test_a_machine_without_which_is_told(tmp_path: Path) -> None:
    make = shutil.which("make")
    assert make
    (tmp_path / "requirements.lock").touch()
    run = subprocess.run(
        [make, "--file", str(ROOT / "Makefile"), ".venv/ready"],
        cwd=tmp_path,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode
    assert "Error: which is missing: install debianutils (outside Debian: which)" in run.stderr
    assert not (tmp_path / ".venv").exists()


def test_lock_has_hashes_and_names_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    pins = re.findall(r"^([a-z0-9][a-z0-9._-]*)==(\S+)", lock, re.MULTILINE)
    assert lock.count("--hash=sha256:") >= len(pins) > 20
    environment = yaml.safe_load((ROOT / "workflow/envs/atlas.yaml").read_text())
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["workflow"]]
    asked = {re.split("[><=]", wanted)[0] for wanted in needed}
    given = {pin.split("=")[0].removesuffix("-base") for pin in environment["dependencies"]}
    # what runs the scripts is outside, and the command line
    outside = {"argcomplete", "snakemake", "snakemake-executor-plugin-slurm"}
    assert asked - given == outside
    for pin in environment["dependencies"]:
        name, version = pin.split("=")
        # the lock can pin a newer one too, for a newer Python
        assert name == "python" or (name.removesuffix("-base"), version) in pins


IMPORTS = {
    path.relative_to(LIBRARY).as_posix(): {
        name
        for node in ast.walk(ast.parse(path.read_text()))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module]
            if isinstance(node, ast.ImportFrom) and node.module
            else []
        )
    }
    for path in LIBRARY.rglob("*.py")
}


ARITHMETIC = (
    "regions",
    "kernel",
    "quantities",
    "models",
    "section_tables",
    "feasibility",
    "cost",
)


@pytest.mark.parametrize("module", [f"{name}.py" for name in ARITHMETIC])
def test_arithmetic_knows_no_file_table_or_picture(module: str) -> None:
    known = {"numpy", *(f"memmap_atlas.memmodel.{room}" for room in ARITHMETIC)}
    known |= {"numpy.typing", "collections.abc", "dataclasses", "fractions", "math", "typing"}
    assert IMPORTS[f"memmodel/{module}"] <= known


def test_library_knows_no_snakemake_and_figures_no_model() -> None:
    for module, imported in IMPORTS.items():
        assert not any(name.startswith("snakemake") for name in imported), module
        if module.startswith("figures/"):
            rooms = ("models", "cost", "regions")
            rules = {f"memmap_atlas.memmodel.{room}" for room in rooms}
            assert not imported & rules, module


def test_hooks_of_a_commit_are_checks_and_fetch_nothing() -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    checks = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    assert [repository["repo"] for repository in config["repos"]] == ["local"]
    for hook in config["repos"][0]["hooks"]:
        assert hook["language"] == "system"
        assert f"\t{hook['entry'].removeprefix('env ')}" in checks, hook["id"]


def test_every_package_has_a_floor() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    (floors,) = project["tool"]["importlinter"]["contracts"]
    assert floors["exhaustive"]
    for document in ("CONTRIBUTING.md", "docs/decisions/0005-floors.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        assert all(floor in text for floor in floors["layers"]), document
