"""The workflow run for real, twice, in two folders with different core counts: the same bytes."""

import hashlib
import json
import re
import subprocess
import sys
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from memmap_atlas.config import load_sweeps
from memmap_atlas.provenance import code_version, digest
from memmap_atlas.targets import FIGURE_SUFFIXES, jobs

ROOT = Path(__file__).parents[1]

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
models: all
figures: [kernel-heatmap, layout-heatmap, section-heatmap]
"""
FIGURES = {
    "plane": ["waste-heatmap-arm64-5.10-64k"],
    "named": [
        "kernel-heatmap",
        "layout-heatmap-arm64-4.6-4k",
        "layout-heatmap-small-sections",
        "section-heatmap-arm64-4.6-4k",
        "section-heatmap-small-sections",
    ],
}


def snakemake(folder: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the workflow in ``folder``."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", ROOT / "Snakefile"]
    return subprocess.run(
        [*command, "--directory", folder, *arguments], capture_output=True, text=True
    )


def run(folder: Path, cores: int) -> Path:
    folder.mkdir()
    (folder / "plane.yaml").write_text(PLANE)
    (folder / "named.yml").write_text(NAMED)
    (folder / "mine.yaml").write_text("sweeps: [plane.yaml, named.yml]")
    result = snakemake(folder, "--cores", str(cores), "--configfile", folder / "mine.yaml")
    assert result.returncode == 0, result.stderr
    assert re.search(r"plane +16 +288 +3\n", result.stdout)
    return folder / "results"


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
        f"{sweep}/{name}"
        for sweep, figures in FIGURES.items()
        for name in [
            "sweep.resolved.yaml",
            "layouts.parquet",
            "memmap/part-000.parquet",
            *(f"figures/{figure}{suffix}" for figure in figures for suffix in FIGURE_SUFFIXES),
        ]
    }
    assert {name for name in one if "/logs/" not in name} == expected


def test_table_holds_the_contract(results: list[Path]) -> None:
    folder = results[0] / "named"
    table = pd.read_parquet(folder / "memmap")
    assert list(table.columns) == CONTRACT
    # 4.6 has 2 section sizes and the custom kernel 2: for 2 layouts and 9 models
    assert len(table) == 2 * 9 * 4
    rows = table.set_index(["kernel", "section_bytes", "model", "layout"])
    old = rows.loc[("arm64-4.6-4k", 1 << 30, "vmemmap", "thread-3g")]
    assert (old["memmap_bytes"], old["needed_bytes"]) == (67_108_864, 50_331_648)
    new = rows.loc[("small-sections", 64 << 20, "vmemmap", "thread-3g")]
    assert new["memmap_bytes"] == 50_331_648
    schema = pq.read_schema(folder / "memmap/part-000.parquet")
    for field in schema:
        assert field.metadata[b"description"]
        assert (field.metadata.get(b"unit") == b"bytes") == field.name.endswith("_bytes")
    resolved = digest(folder / "sweep.resolved.yaml")
    assert schema.metadata[b"memmap_atlas.sweep_sha256"].decode() == resolved
    assert schema.metadata[b"memmap_atlas.code_version"].decode() == code_version()
    query = f"select sum(wasted_bytes) from '{folder}/memmap/*.parquet'"
    assert duckdb.sql(query).fetchall() == [(int(table["wasted_bytes"].sum()),)]


def test_infeasible_points_have_no_bytes(results: list[Path]) -> None:
    table = pd.read_parquet(results[0] / "plane/memmap")
    forbidden = table[~table["feasible"]]
    assert set(forbidden["reason"]) == {"section smaller than a MAX_ORDER block"}
    assert set(forbidden["section_bytes"]) == {128 << 20}
    assert forbidden.loc[:, "needed_bytes":].isna().all(axis=None)
    assert table[table["feasible"]].loc[:, "needed_bytes":].notna().all(axis=None)


def test_figures_say_where_they_come_from(results: list[Path]) -> None:
    for sweep, figures in FIGURES.items():
        for figure in figures:
            folder = results[0] / sweep / "figures"
            provenance = json.loads((folder / f"{figure}.json").read_text())
            table = results[0] / sweep / "memmap/part-000.parquet"
            key = f"results/{sweep}/memmap/part-000.parquet"
            assert provenance["tables_sha256"] == {key: digest(table)}
            assert provenance["code_version"] == code_version()
            caption = " ".join((folder / f"{figure}.caption.txt").read_text().split())
            for kernel in provenance["kernels"]:
                assert f"{kernel} (" in caption
            assert f"{provenance['points']:,} points" in caption
            svg = (folder / f"{figure}.svg").read_text()
            assert caption[:60] in " ".join(svg.split())


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
    assert total == sum(map(jobs, load_sweeps(config, ROOT, ROOT))) + 1
    assert total < 40
    assert not (tmp_path / "results").exists()
