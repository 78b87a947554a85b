"""The explorer of a sweep in a browser: what it shows of a point is what the tables hold."""

import json
import re
import subprocess
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import altair as alt
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from memmap_atlas.explorer.encode import LARGEST, Store, coded
from memmap_atlas.explorer.page import Frame, Tables, explorer
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.sweep.design import resolved
from memmap_atlas.sweep.evaluate import points, strips
from memmap_atlas.sweep.layouts import blocks, layouts_of
from memmap_atlas.sweep.tables import write_layouts, write_memmap, write_strips
from memmap_atlas.sweepfile.sweeps import load_sweep
from memmap_atlas.text.units import size_text
from playwright.sync_api import Browser, Page

from tests.tools.paths import ROOT, in_results, of_sweep, results_path
from tests.tools.runs import workflow

ROW_GROUPS = """
name: groups
layouts:
  grid: {ram_size: [1GiB, 2GiB], hole_start: [512MiB, 1GiB, 4GiB], hole_size: [64MiB]}
  regions: {apart: [[0x0, 0x10000], [0x8000000, 0x9000000], [0x90000000, 0x98000000]]}
kernels: [arm64-6.12-4k, arm64-5.10-64k]
section_size: [kernel, 1GiB]
models: [vmemmap, sparsemem]
"""

HOSTILE = '</script><script>document.title="owned"</script><b>bold</b> {{ 7 * 7 }} & "quoted"'
SWEEP = f"""
name: explored
description: '{HOSTILE}'
layouts:
  grid:
    ram_size: [1GiB, 2GiB, 4GiB]
    hole_start: {{from: 0, to: 3GiB, step: 384MiB}}
    hole_size: [512MiB]
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
    ragged: [[0x1000, 0x9f000], [0x100000, 0x7fe0000]]
    far: [[0x80000000, 0xff000000], [0x880000000, 0xa00000000]]
kernels: [arm64-5.10-64k, arm64-6.12-4k]
section_size: [kernel, 128MiB]
models: all
"""
NAMED = """
name: named
layouts:
  machines: [juno, hikey]
kernels: [arm64-6.12-4k]
models: [vmemmap, flatmem]
"""
EXTREME = """
name: extreme
layouts:
  grid: {ram_size: [1GiB], hole_start: [0, 1GiB], hole_size: [1GiB]}
custom_kernels:
  never: {extends: arm64-5.10-64k, max_order_pages: 1048576}
kernels: [never, arm64-6.12-4k]
models: [vmemmap, vmemmap-populated]
"""
# every axis varies, one of them not in order
DEEP = """
name: deep
layouts:
  grid:
    base: [0, 512MiB]
    ram_size: [4GiB, 1GiB, 2GiB]
    hole_start: {from: 512MiB, to: 4GiB, step: 512MiB}
    hole_size: [256MiB, 1GiB]
kernels: [arm64-6.12-4k]
section_size: [512MiB]
models: [vmemmap, sparsemem]
"""
# a grid of one map beside a named one
SINGLE = """
name: single
layouts:
  grid: {ram_size: [1GiB]}
  regions: {ragged: [[0x1000, 0x9f000], [0x100000, 0x7fe0000]]}
kernels: [arm64-6.12-4k]
models: [flatmem, vmemmap]
"""
LARGE = """
name: large
layouts:
  grid: {ram_size: {from: 4KiB, to: 16GiB, step: 4KiB}}
kernels: [arm64-6.12-4k]
models: [vmemmap]
"""
POINTS = 150


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        workflow("--directory", folder, "--cores", "2", *arguments),
        capture_output=True,
        text=True,
    )


def build(folder: Path, *texts: str) -> Path:
    """Run the explorers of some sweeps in a folder; the folder of its results."""
    names = re.findall(r"^name: (.*)$", "".join(texts), re.MULTILINE)
    for name, text in zip(names, texts, strict=True):
        (folder / f"{name}.yaml").write_text(text)
    files = [f"{name}.yaml" for name in names]
    targets = [results_path("<explorer>", sweep=name) for name in names]
    made = snakemake(folder, "--config", f"sweeps=[{','.join(files)}]", "--", *targets)
    assert made.returncode == 0, made.stderr
    return folder / results_path("<results>")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("explorer"), SWEEP, NAMED, EXTREME, DEEP, SINGLE)


@dataclass
class Opened:
    """A page in the browser, with what it asked for and what it complained of."""

    page: Page
    asked: list[str]
    told: list[str]


@pytest.fixture
def opened(browser: Browser, results: Path, request: pytest.FixtureRequest) -> Iterator[Opened]:
    """The explorer of the sweep that the test names, opened in headless Chromium."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    found = Opened(page, [], [])
    page.on("request", lambda sent: found.asked.append(sent.url))
    page.on("console", lambda message: found.told.append(message.text))
    page.on("pageerror", lambda error: found.told.append(f"error: {error}"))
    page.goto((results / request.param / of_sweep("<explorer>")).as_uri())
    page.wait_for_function("document.body.dataset.shown")
    yield found
    page.close()


def on(sweep: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("opened", [sweep], indirect=True)


def tables(results: Path, sweep: str) -> tuple[pd.DataFrame, "pd.Series[Any]"]:
    """The sweep's rows, and the stretches of each."""
    key = ["kernel", "section_bytes", "model", "layout"]
    rows = pd.read_parquet(results / sweep / of_sweep("<memmap>"))
    strips = pd.read_parquet(results / sweep / of_sweep("<strips>"))
    for table in (rows, strips):
        names = table.select_dtypes("category").columns
        table[names] = table[names].astype(object)
    return rows, strips.set_index(key)["stretches"]


def go(page: Page, **choice: str) -> None:
    """Choose a point by the address of the page, and wait until it is shown."""
    fragment = urlencode(choice)
    page.evaluate("fragment => { location.hash = fragment }", fragment)
    page.wait_for_function("fragment => document.body.dataset.shown === fragment", arg=fragment)


def rows_of(page: Page, view: str, name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = page.evaluate(f"explorer.views['{view}'].data('{name}')")
    return rows


def number(text: str) -> int | None:
    return None if text == "\N{EN DASH}" else int(text.replace(",", ""))


@on("explored")
def test_what_is_shown_is_what_the_tables_hold(opened: Opened, results: Path) -> None:
    rows, strips = tables(results, "explored")
    page = opened.page
    chosen = rows.sample(POINTS, random_state=4)
    assert 10 < chosen["feasible"].sum() < POINTS
    columns = [quantity.column for quantity in QUANTITIES]
    for row in chosen.to_dict("records"):
        go(
            page,
            kernel=row["kernel"],
            section=size_text(row["section_bytes"]),
            model=row["model"],
            layout=row["layout"],
        )
        cells = page.evaluate(
            "names => names.map((name) => document.getElementById(name).textContent)", columns
        )
        for name, text in zip(columns, cells, strict=True):
            bytes_ = None if pd.isna(row[name]) else int(row[name])
            assert number(text) == bytes_, (row["layout"], name)
        assert page.inner_text("#layout") == row["layout"]
        assert page.inner_text("#selectable") == ("yes" if row["selectable"] else "no")
        assert page.inner_text("#feasible") == ("yes" if row["feasible"] else "no")
        if not row["feasible"]:
            assert row["reason"] in page.inner_text("#reason")
        kept = strips[row["kernel"], row["section_bytes"], row["model"], row["layout"]]
        expected = [(one["start"], one["end"], one["part"]) for one in kept]
        drawn = [
            (one["start"], one["end"], one["part"]) for one in rows_of(page, "strip", "stretches")
        ]
        assert drawn == expected
        listed = page.evaluate(
            "[...document.querySelectorAll('#stretches tr')].map((row) =>"
            "[...row.children].map((cell) => cell.textContent))"
        )
        assert [(int(a, 16), int(b, 16), part) for a, b, _, part in listed] == expected
        same = rows[
            (rows["kernel"] == row["kernel"]) & (rows["section_bytes"] == row["section_bytes"])
        ]
        models = same[same["layout"] == row["layout"]].set_index("model")["wasted_bytes"]
        for bar in rows_of(page, "models", "bars"):
            assert same_bytes(bar["wasted"], models[bar["name"]])
        of_model = same[same["model"] == row["model"]]
        if pd.isna(row["base_bytes"]):
            shown = {bar["name"]: bar["wasted"] for bar in rows_of(page, "layouts", "bars")}
            named = of_model[of_model["base_bytes"].isna()].set_index("layout")["wasted_bytes"]
            assert set(shown) == set(named.index)
            assert all(same_bytes(shown[name], named[name]) for name in shown)
        else:
            check_plane(page, of_model[of_model["base_bytes"].notna()], row)
    assert opened.asked == [page.url.split("#")[0]]
    assert opened.told == []


def same_bytes(shown: float | None, held: Any) -> bool:
    return bool(pd.isna(held) if shown is None else shown == held)


def check_plane(page: Page, rows: pd.DataFrame, row: Mapping[Hashable, Any]) -> None:
    """The heatmap, and both lines through the chosen point."""
    plane = rows.pivot(index="ram_bytes", columns="hole_start_bytes", values="wasted_bytes")
    cells = rows_of(page, "plane", "cells")
    assert len(cells) == plane.size
    for cell in cells:
        assert same_bytes(cell["wasted"], plane.iat[cell["y"], cell["x"]])
    across = [one["wasted"] for one in rows_of(page, "across", "line")]
    up = [one["wasted"] for one in rows_of(page, "up", "line")]
    for shown, held in (
        (across, plane.loc[row["ram_bytes"]]),
        (up, plane[row["hole_start_bytes"]]),
    ):
        assert len(shown) == len(held)
        assert all(same_bytes(one, other) for one, other in zip(shown, held, strict=True))
    (chosen,) = rows_of(page, "plane", "chosen")
    assert plane.index[chosen["y"]] == row["ram_bytes"]
    assert plane.columns[chosen["x"]] == row["hole_start_bytes"]


@on("explored")
def test_the_controls_move_the_point(opened: Opened) -> None:
    page = opened.page

    def shown(change: str) -> str:
        page.wait_for_function(f"document.body.dataset.shown.includes('{change}')")
        return str(page.inner_text("#layout"))

    page.select_option("#granule", "4096")
    shown("arm64-6.12-4k")
    page.select_option("#model", label="flatmem-free (not selectable)")
    shown("flatmem-free")
    assert "a what-if" in page.inner_text("#status")
    page.select_option("#model", label="vmemmap-trimmed (never merged)")
    shown("vmemmap-trimmed")
    page.select_option("#map", label="thread-3g")
    assert shown("thread-3g") == "thread-3g"
    page.select_option("#map", label="RAM with one hole, from the grid")
    shown("hole-512MiB")
    page.fill("#axis-hole_start", "2")
    assert "at-768MiB" in shown("at-768MiB")
    page.fill("#axis-ram_size", "2")
    assert shown("4GiB").startswith("4GiB-")
    page.focus("#plane")
    page.keyboard.press("ArrowRight")
    assert "at-1152MiB" in shown("at-1152MiB")
    page.keyboard.press("ArrowDown")
    assert shown("2GiB-hole").startswith("2GiB-")
    # a click on the cell in the lower left corner
    box = page.locator("#plane canvas").bounding_box()
    assert box
    page.mouse.click(box["x"] + 90, box["y"] + box["height"] - 70)
    assert shown("at-0B") == "1GiB-hole-512MiB-at-0B"
    page.evaluate("location.hash = 'kernel=nothing'")
    page.wait_for_selector("#trouble:not([hidden])")
    assert "kernel nothing" in page.inner_text("#trouble")
    assert opened.told == []


@on("explored")
def test_what_people_wrote_is_text(opened: Opened) -> None:
    assert HOSTILE in opened.page.inner_text("header")
    assert opened.page.title().startswith("explored: ")
    assert opened.page.locator("header b").count() == 0


@on("named")
def test_a_sweep_of_named_maps_has_a_list(opened: Opened, results: Path) -> None:
    rows, _ = tables(results, "named")
    page = opened.page
    for row in rows.to_dict("records"):
        go(page, kernel=row["kernel"], section="128MiB", model=row["model"], layout=row["layout"])
        assert number(page.inner_text("#wasted_bytes")) == row["wasted_bytes"]
    assert not page.locator("#plane").count()
    assert opened.told == []


@on("extreme")
def test_what_is_extreme_is_said(opened: Opened) -> None:
    page = opened.page
    layout = "1GiB-hole-1GiB-at-0B"
    go(page, kernel="never", section="1GiB", model="vmemmap", layout=layout)
    assert "infeasible" in page.inner_text("#headline")
    assert "section smaller than a MAX_ORDER block" in page.inner_text("#summary")
    assert number(page.inner_text("#memmap_bytes")) is None
    go(page, kernel="arm64-6.12-4k", section="128MiB", model="vmemmap-populated", layout=layout)
    assert "nothing wasted" in page.inner_text("#headline")
    assert opened.told == []


@on("deep")
def test_other_axes_cut_the_plane(opened: Opened, results: Path) -> None:
    rows, _ = tables(results, "deep")
    page = opened.page
    for row in rows.sample(40, random_state=4).to_dict("records"):
        model, layout = row["model"], row["layout"]
        go(page, kernel=row["kernel"], section="512MiB", model=model, layout=layout)
        for name in (quantity.column for quantity in QUANTITIES):
            assert number(page.inner_text(f"#{name}")) == row[name], (layout, name)
        same = rows[
            (rows["model"] == model)
            & (rows["base_bytes"] == row["base_bytes"])
            & (rows["hole_size_bytes"] == row["hole_size_bytes"])
        ]
        check_plane(page, same, row)
    page.fill("#axis-base", "1")
    page.wait_for_function("document.body.dataset.shown.includes('from-512MiB')")
    assert opened.told == []


@on("single")
def test_a_grid_of_one_map_is_in_the_list(opened: Opened, results: Path) -> None:
    rows, _ = tables(results, "single")
    page = opened.page
    for row in rows.to_dict("records"):
        go(page, kernel=row["kernel"], section="128MiB", model=row["model"], layout=row["layout"])
        assert number(page.inner_text("#wasted_bytes")) == row["wasted_bytes"]
        assert {bar["name"] for bar in rows_of(page, "layouts", "bars")} == set(rows["layout"])
    assert opened.told == []


@pytest.mark.parametrize("sweep", ["explored", "named", "extreme"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wider_than_its_place(
    browser: Browser, results: Path, sweep: str, width: int
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 844})
    page.goto((results / sweep / of_sweep("<explorer>")).as_uri())
    page.wait_for_function("document.body.dataset.shown")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    beyond = page.evaluate(
        "[...document.querySelectorAll('main .chart')].filter((chart) =>"
        "chart.scrollWidth > chart.clientWidth + 1).map((chart) => chart.id)"
    )
    assert beyond == []
    page.close()


def test_the_same_bytes_and_nothing_from_elsewhere(results: Path, tmp_path: Path) -> None:
    again = build(tmp_path, SWEEP)
    page = (results / in_results("<explorer>", sweep="explored")).read_bytes()
    assert (again / in_results("<explorer>", sweep="explored")).read_bytes() == page
    text = page.decode()
    # the browser refuses whatever might be asked for
    assert "content=\"default-src 'none'; script-src 'unsafe-inline'" in text
    assert HOSTILE not in text
    assert len(page) < 2 << 20


def test_every_chart_is_vega_lite(results: Path) -> None:
    """To the schema: charts are made without a look at it."""
    seen = set()
    for page in sorted(results.glob(in_results("<explorer>", sweep="*"))):
        found = re.search(
            r'<script type="application/json" id="about">(.*?)</script>', page.read_text()
        )
        assert found
        for name, spec in json.loads(found[1])["charts"].items():
            alt.LayerChart.from_dict(spec)
            seen.add(name)
    assert {"layouts", "models", "strip", "across", "up", "plane"} <= seen


def test_a_sweep_too_large_for_a_page_says_so(tmp_path: Path) -> None:
    (tmp_path / "large.yaml").write_text(LARGE)
    target = results_path("<explorer>", sweep="large")
    told = snakemake(tmp_path, "--config", "sweeps=[large.yaml]", "--", target)
    assert told.returncode != 0
    assert "the explorer is for sweeps of up to 2,000,000 points" in told.stderr
    assert "Traceback" not in told.stderr + told.stdout


def test_what_no_browser_counts_is_refused() -> None:
    assert coded(np.array([LARGEST, 0, -5]))
    with pytest.raises(ValueError, match="more than a browser counts"):
        coded(np.array([LARGEST + 1, 0]))


def test_columns_are_kept_once_and_told_apart() -> None:
    store = Store()
    column = pa.chunked_array([[1, 2], [None, 4]])
    zero, large = pa.chunked_array([[1, 2, 0, 4]]), pa.chunked_array([[LARGEST - 1, None]])
    assert store.add_column(column) == store.add_column(pa.chunked_array([[1, 2, None, 4]])) == 0
    assert [store.add_column(one) for one in (zero, large, zero)] == [1, 2, 1]
    # floats would take it for the one before
    with pytest.raises(ValueError, match="more than a browser counts"):
        store.add_column(pa.chunked_array([[LARGEST + 1, None]]))
    assert len(store.blobs) == 3


def test_row_groups_make_no_difference(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page of a table in one row group, and in one for each kernel and few layouts."""
    (tmp_path / "sweep.yaml").write_text(ROW_GROUPS)
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    sweep = load_sweep(tmp_path / "sweep.yaml", "sweep.yaml", entries, {}, 10**6)
    found = Tables(
        tmp_path / "resolved.yaml",
        [tmp_path / "part.parquet"],
        tmp_path / "layouts.parquet",
        tmp_path / "strips.parquet",
    )
    found.sweep.write_text(yaml.safe_dump(resolved(sweep), sort_keys=False))
    layouts = layouts_of(sweep)
    write_layouts(found.layouts, [layouts], {})
    write_strips(found.strips, strips(layouts, sweep), layouts.names, {})
    (tmp_path / "vega.js").write_text("")
    frame = Frame(ROOT / "workflow/resources/explorer", tmp_path / "vega.js", "", "code")
    pages, groups = [], []
    for room in (10**6, 20):
        monkeypatch.setattr("memmap_atlas.sweep.design.POINTS_PER_GROUP", room)
        some = points(blocks(sweep, sweep.layouts_per_group), sweep)
        write_memmap(found.memmap[0], some, sweep, {})
        groups.append(pq.read_metadata(found.memmap[0]).num_row_groups)
        pages.append(explorer(found, frame))
    assert groups == [1, 4]
    assert pages[0] == pages[1]
