"""The workflow run for real, twice, in two folders with different core counts: the same bytes."""

import hashlib
import json
import re
import shlex
import subprocess
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from memmap_atlas.figures.registry import FIGURES as KINDS
from memmap_atlas.integrity.dependencies import SCRIPTS, code_version, modules_of
from memmap_atlas.integrity.provenance import digest
from memmap_atlas.pipeline.paths import FIGURE_SUFFIXES, SHARED_JOBS, jobs
from memmap_atlas.sweepfile.sweeps import load_sweeps

from tests.tools.paths import ROOT, in_results, of_sweep, results_path
from tests.tools.runs import workflow

CONTRACT = [
    "layout",
    "base_bytes",
    "ram_bytes",
    "hole_start_bytes",
    "hole_size_bytes",
    "kernel",
    "page_bytes",
    "section_bytes",
    "struct_page_bytes",
    "model",
    "selectable",
    "feasible",
    "reason",
    "needed_bytes",
    "memmap_bytes",
    "freed_bytes",
    "wasted_bytes",
    "hole_bytes",
    "edge_bytes",
    "rounding_bytes",
    "section_table_bytes",
    "usage_bytes",
    "page_table_bytes",
    "boot_request_bytes",
]

TABLE = of_sweep("<table>", part="000")

PLANE = """
name: plane
description: A small plane.
layouts:
  grid:
    ram_size: [1GiB, 2GiB, 4GiB]
    hole_start: {from: 0, to: 1GiB, step: 256MiB}
    hole_size: [512MiB]
  regions: {apart: [[0x0, 0x10000]]}
kernels: [arm64-5.10-64k]
section_size: [kernel, 128MiB]
models: all
figures: [waste-heatmap]
"""

NAMED = """
name: named
description: Two maps.
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
  machines: [hikey]
custom_kernels:
  small-sections: {extends: arm64-6.12-4k, section_size: 64MiB}
kernels: [arm64-4.6-4k, small-sections]
section_size: [kernel, 512MiB]
models: [flatmem, flatmem-free, sparsemem, vmemmap, vmemmap-populated]
figures: [kernel-heatmap, layout-heatmap, section-heatmap, section-strip, best-choice, breakdown]
"""
FIGURES = {
    "plane": ["waste-heatmap-arm64-5.10-64k"],
    "named": [
        "kernel-heatmap",
        "layout-heatmap-arm64-4.6-4k",
        "layout-heatmap-small-sections",
        "section-heatmap-arm64-4.6-4k",
        "section-heatmap-small-sections",
        "section-strip-thread-3g",
        "section-strip-hikey",
        "best-choice-arm64-4.6-4k",
        "best-choice-small-sections",
        "breakdown-arm64-4.6-4k",
        "breakdown-small-sections",
    ],
}


def snakemake(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the workflow in ``folder``."""
    return subprocess.run(
        workflow("--directory", folder, *arguments), capture_output=True, text=True
    )


def run(folder: Path, cores: int) -> Path:
    folder.mkdir()
    (folder / "plane.yaml").write_text(PLANE)
    (folder / "named.yml").write_text(NAMED)
    (folder / "mine.yaml").write_text("sweeps: [plane.yaml, named.yml]")
    result = snakemake(folder, "--cores", str(cores), "--configfile", folder / "mine.yaml")
    assert result.returncode == 0, result.stderr
    assert re.search(r"plane +16 +288 +5\n", result.stdout)
    return folder / results_path("<results>")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("workflow")
    return [run(folder / "one core", 1), run(folder / "two cores", 2)]


def files(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_same_bytes_on_any_core_count(results: list[Path]) -> None:
    one, two = map(files, results)
    assert one == two
    expected = {
        in_results(name, sweep=sweep, part="000")
        for sweep, figures in FIGURES.items()
        for name in [
            *("<resolved>", "<layouts>", "<table>", "<strips>", "<explorer>", "<table_check>"),
            *(f"<checks>/{job}.sha256" for job in ("layouts", "strips", "explorer")),
            *(f"<checks>/figures/{figure}.sha256" for figure in figures),
            *(f"<figures>/{figure}{suffix}" for figure in figures for suffix in FIGURE_SUFFIXES),
        ]
    }
    expected |= {in_results(f"<evidence_figure>{suffix}") for suffix in FIGURE_SUFFIXES}
    expected |= {
        in_results(f"<evidence>/{name}") for name in ("residuals.parquet", "agreement.txt")
    }
    expected |= {in_results(f"<evidence_checks>/{name}.sha256") for name in ("residuals", "figure")}
    expected |= {in_results(f"<run_checks>/{name}.sha256") for name in ("index", "vega")}
    expected |= {in_results(name) for name in ("<index>", "<introduction>", "<vega>")}
    assert {name for name in one if "logs/" not in name} == expected


def made_by(*files: str) -> str:
    """The version of the code that scripts are made of."""
    return code_version(modules_of(*(SCRIPTS / file for file in files)))


def test_table_holds_the_contract(results: list[Path]) -> None:
    folder = results[0] / "named"
    table = pd.read_parquet(folder / of_sweep("<memmap>"))
    assert list(table.columns) == CONTRACT
    # 4.6 has 2 section sizes and the custom kernel 2: for 2 layouts and 5 models
    assert len(table) == 2 * 5 * 4
    rows = table.set_index(["kernel", "section_bytes", "model", "layout"])
    old = rows.xs(("arm64-4.6-4k", 1 << 30, "vmemmap", "thread-3g"))
    assert (old["memmap_bytes"], old["needed_bytes"]) == (67_108_864, 50_331_648)
    new = rows.xs(("small-sections", 64 << 20, "vmemmap", "thread-3g"))
    assert new["memmap_bytes"] == 50_331_648
    schema = pq.read_schema(folder / TABLE)
    for field in schema:
        assert field.metadata[b"description"]
        assert (field.metadata.get(b"unit") == b"bytes") == field.name.endswith("_bytes")
    resolved = digest(folder / of_sweep("<resolved>"))
    assert schema.metadata[b"memmap_atlas.sweep_sha256"].decode() == resolved
    assert schema.metadata[b"memmap_atlas.code_version"].decode() == made_by("evaluate.py")
    query = f"select sum(wasted_bytes) from '{folder}/{of_sweep('<table>', part='*')}'"
    assert duckdb.execute(query).fetchall() == [(int(table["wasted_bytes"].sum()),)]


def test_infeasible_points_have_no_bytes(results: list[Path]) -> None:
    table = pd.read_parquet(results[0] / in_results("<memmap>", sweep="plane"))
    forbidden = table[~table["feasible"]]
    assert set(forbidden["reason"]) == {"section smaller than a MAX_ORDER block"}
    assert set(forbidden["section_bytes"]) == {128 << 20}
    assert forbidden.loc[:, "needed_bytes":].isna().all(axis=None)
    assert table[table["feasible"]].loc[:, "needed_bytes":].notna().all(axis=None)


def test_figures_say_where_they_come_from(results: list[Path]) -> None:
    for sweep, figures in FIGURES.items():
        for figure in figures:
            folder = results[0] / in_results("<figures>", sweep=sweep)
            provenance = json.loads((folder / f"{figure}.json").read_text())
            table = results[0] / sweep / TABLE
            key = results_path("<table>", sweep=sweep, part="000")
            assert provenance["tables_sha256"][key] == digest(table)
            resolved = digest(results[0] / sweep / of_sweep("<resolved>"))
            assert provenance["sweep_sha256"] == resolved
            kind = max((kind for kind in KINDS if figure.startswith(kind)), key=len)
            assert provenance["code_version"] == made_by("figure.py", KINDS[kind].file)
            caption = " ".join((folder / f"{figure}.caption.txt").read_text().split())
            assert resolved[:16] in caption
            assert caption.startswith({"plane": "A small plane.", "named": "Two maps."}[sweep])
            assert re.search(r" [0-9,]+ points\.", caption)
            svg = " ".join((folder / f"{figure}.svg").read_text().split())
            assert caption[:60] in svg
            assert resolved in svg
            assert resolved.encode() in (folder / f"{figure}.png").read_bytes()
            for suffix in ("tex", "md"):
                words = (folder / f"{figure}.caption.{suffix}").read_text()
                assert f"{figure}.{'pdf' if suffix == 'tex' else 'png'}" in words
            bib = (folder / f"{figure}.bib").read_text()
            assert bib.startswith(f"@misc{{{sweep}-{figure},")
            assert resolved[:16] in bib


def test_no_figure_names_a_folder_of_the_machine(results: list[Path]) -> None:
    places = [str(ROOT).encode(), str(results[0].parent).encode()]
    figures = [*results[0].glob(in_results("<figures>/*", sweep="*"))]
    for path in figures:
        content = path.read_bytes()
        assert not any(place in content for place in places), path
    (told,) = results[0].glob(in_results("<evidence_figure>.json"))
    tables = json.loads(told.read_text())["tables_sha256"]
    assert set(tables) == {
        "workflow/resources/evidence.parquet",
        results_path("<evidence>/residuals.parquet"),
    }


def test_the_csv_is_just_what_is_drawn(results: list[Path]) -> None:
    folder = results[0] / "named"
    drawn = pd.read_csv(folder / of_sweep("<figures>/layout-heatmap-arm64-4.6-4k.csv"))
    table = pd.read_parquet(folder / of_sweep("<memmap>"))
    mine = table[(table["kernel"] == "arm64-4.6-4k") & (table["section_bytes"] == 1 << 30)]
    assert list(drawn["wasted_bytes"]) == list(mine["wasted_bytes"])
    for path in results[0].glob(in_results("<figures>/*.csv", sweep="*")):
        assert not re.search(r"[0-9]\.0(,|$)", path.read_text(), re.MULTILINE), path
    strip = pd.read_csv(folder / of_sweep("<figures>/section-strip-hikey.csv"))
    assert set(strip["part"].dropna()) == {"RAM", "needed", "hole", "edge"}


def test_the_command_makes_the_figure_again(results: list[Path]) -> None:
    stem = results[1] / in_results("<figures>/layout-heatmap-small-sections", sweep="named")
    provenance = json.loads(stem.with_name(f"{stem.name}.json").read_text())
    command = shlex.split(provenance["command"])
    assert command[0] == "snakemake"
    before = files(stem.parent)
    for path in stem.parent.glob(f"{stem.name}.*"):
        path.unlink()
    again = snakemake(results[1].parent, *command[1:])
    assert again.returncode == 0, again.stderr
    assert files(stem.parent) == before


def test_pdfs_have_their_fonts_in_them(results: list[Path]) -> None:
    for path in results[0].glob(in_results("<figures>/*.pdf", sweep="*")):
        content = path.read_bytes()
        assert b"/FontFile2" in content
        assert b"DejaVuSans" in content


@pytest.mark.parametrize(
    ("sweep", "name", "words"),
    [
        ("plane", "timeline-apart.svg", "timeline needs two kernels or more, each of"),
        ("plane", "granules.svg", "granules needs two kernels or more, each with a"),
        ("plane", "waste-heatmap-mine.png", "there are waste-heatmap-arm64-5.10-64k"),
        ("nothing", "waste-heatmap-mine.png", "no sweep 'nothing' in this run; there"),
    ],
)
def test_a_figure_that_cannot_be_is_one_clear_line(
    results: list[Path], sweep: str, name: str, words: str
) -> None:
    folder = results[0].parent
    target = results_path(f"<figures>/{name}", sweep=sweep)
    told = snakemake(folder, "--cores", "1", "--configfile", folder / "mine.yaml", "--", target)
    assert told.returncode != 0
    assert words in told.stderr
    assert "Traceback" not in told.stderr + told.stdout


def test_nothing_is_done_twice(results: list[Path]) -> None:
    folder = results[0].parent
    again = snakemake(folder, "--cores", "1", "--configfile", folder / "mine.yaml")
    assert "Nothing to be done" in again.stdout + again.stderr


def test_a_changed_sweep_redoes_itself_alone(results: list[Path]) -> None:
    folder = results[1].parent
    (folder / "plane.yaml").write_text(PLANE.replace("4GiB", "8GiB"))
    plan = snakemake(folder, "--cores", "1", "-n", "--configfile", folder / "mine.yaml")
    (folder / "plane.yaml").write_text(PLANE)
    assert "plane: layouts" in plan.stdout
    assert "named: layouts" not in plan.stdout


def test_default_run_has_few_jobs(tmp_path: Path) -> None:
    plan = snakemake(tmp_path, "--cores", "1", "-n", "--quiet", "rules")
    assert plan.returncode == 0, plan.stderr
    total = int(re.findall(r"^total +(\d+)$", plan.stdout, re.MULTILINE)[0])
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    # the summary counts what makes something; the target is one job more
    assert total == sum(map(jobs, load_sweeps(config, ROOT, ROOT))) + SHARED_JOBS + 1
    assert total < 100
    assert not (tmp_path / results_path("<results>")).exists()
