"""Quoted numbers beside computed ones: each asserted, the file refused where it is wrong, the rule
run for real.
"""

import re
import subprocess
from fractions import Fraction
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pytest
import yaml
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.documents.errors import ConfigError
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.reports.quoted import (
    CALCULATIONS,
    COLUMNS,
    Inputs,
    as_markdown,
    as_text,
    load_quotes,
    room_for,
    shown,
    verdict,
)
from memmap_atlas.reports.quoted_tables import as_csv, tables

from tests.tools.paths import ROOT
from tests.tools.runs import workflow

FILE = ROOT / "workflow/resources/quoted.yaml"
KERNELS = load_kernels(ROOT / "config/kernels.yaml")
QUOTES = {quote.name: quote for quote in load_quotes(FILE, KERNELS)}
TABLES = dict(tables(KERNELS, load_machines(ROOT / "config/machines.yaml")))
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

# quoted, computed, and what comes of it
EXPECTED: dict[str, tuple[float, float | None, str]] = {
    "kata-12g-188m": (188 * MIB, 192 * MIB, "rounds"),
    "kata-ratio": (1.56, 1.5625, "rounds"),
    "kata-12g-192m": (192 * MIB, 192 * MIB + 5376, "rounds"),
    "kata-12g-192m-arm64": (192 * MIB, 192 * MIB + 6156 * 4096 + 5376, "wrong"),
    "kata-12g-192m-64k": (192 * MIB, 12 * MIB + 24 * 65536 + 24 * 56, "wrong"),
    "kata-factor-48": (75, 75, "agrees"),
    "kata-1g-65g": (65 * GIB, 64 * GIB - 128 * MIB, "agrees"),
    "kata-2g-130g": (130 * GIB, 128 * GIB - 128 * MIB, "agrees"),
    "vm-size-63-64": (261 * MIB, 262 * MIB, "wrong"),
    "ppc64-block-needs-4": (4, 4, "agrees"),
    "ppc64-block-loses-28": (28, 28, "agrees"),
    "doc-force-loses-1m": (MIB, MIB, "agrees"),
    "cxl-front": (1280 * MIB, 768 * MIB, "wrong"),
    "cxl-back": (512 * MIB, 1792 * MIB, "wrong"),
    "cxl-both": (1536 * MIB, 2560 * MIB, "wrong"),
    "cxl-window": (121.25 * GIB, 242.5 * GIB, "wrong"),
    "cxl-percent": (0.7, 100 * 2.5 / 242.5, "wrong"),
    "cxl-up-to-2g": (2 * GIB, 2560 * MIB, "wrong"),
    "x86-large-block": (2 * GIB, 2 * GIB, "agrees"),
    "pmem-namespace-4m": (4 * MIB, 4 * MIB, "agrees"),
    "pmem-dax-1g": (GIB, GIB, "agrees"),
    "pmem-4g-2g": (2 * GIB, 2 * GIB, "agrees"),
    "pmem-4g-range": (3 * GIB, 2 * GIB, "wrong"),
    "kdump-holes-6m": (98308, 98308, "agrees"),
    "kdump-low-2m": (2 * MIB, 2 * MIB, "agrees"),
    "hvo-2m-6": (6, 6, "agrees"),
    "hvo-1g-4094": (4094, 4094, "agrees"),
    "hvo-1t-2m": (12 * GIB, 12 * GIB, "agrees"),
    "hvo-1t-1g": (16 * GIB, 16 * GIB - 8 * MIB, "rounds"),
    "hvo-doc-7": (7, 7, "agrees"),
    "hvo-doc-4095": (4095, 4095, "agrees"),
    "hvo-0-6-7": (7, 7, "agrees"),
    "hvo-87": (87.5, 87.5, "agrees"),
    "hvo-1t-16g": (16 * GIB, 16 * GIB, "agrees"),
    "hvo-8-times-64": (512, 32 * KIB, "wrong"),
    "dax-half": (50, 600 / 7, "wrong"),
    "dax-ppc64-16": (16, 16, "agrees"),
}


def test_every_quote_is_expected() -> None:
    assert list(QUOTES) == list(EXPECTED)


@pytest.mark.parametrize("name", EXPECTED)
def test_quoted_computed_and_verdict(name: str) -> None:
    quoted, computed, held = EXPECTED[name]
    row = QUOTES[name].row()
    assert row["quoted"] == pytest.approx(quoted, rel=1e-12)
    assert row["verdict"] == held
    if computed is None:
        assert row["computed"] is None
        assert row["difference"] is None
    else:
        assert row["computed"] == pytest.approx(computed, rel=1e-12)
        assert row["difference"] == pytest.approx(computed - quoted, rel=1e-9, abs=1e-9)
    assert row["why"].endswith((".", ")"))


def test_numbers_in_the_reasons_are_computed() -> None:
    """What a `why` adds beside the two numbers."""
    rows = {(row["page_bytes"], row["memmap"], row["block_bytes"]): row for row in TABLES["pmem"]}
    in_device = [rows[(65536, "in the device", size * MIB)]["ram_bytes"] for size in (512, 128)]
    assert in_device == [3 * GIB, 3840 * MIB]
    head = CALCULATIONS["namespace-head"][1]
    small = Inputs(KERNELS["arm64-6.12-4k"], start=0x240000000, size=2 * GIB)
    assert head(small) == 34 * MIB
    usable = CALCULATIONS["kmem-usable"][1]
    halves = Inputs(KERNELS["arm64-5.12-64k"], start=0x240000000, size=2 * GIB, block=512 * MIB)
    assert usable(halves) == 1536 * MIB
    # a window on multiples of 256 MiB loses most where it starts and ends just behind a block
    lost = CALCULATIONS["stranded-both"][1]
    places = range(0, 2 * GIB, 256 * MIB)
    most = max(
        lost(Inputs(None, start=start, size=8 * GIB + more, block=2 * GIB))
        for start in places
        for more in places
    )
    assert most == 3584 * MIB
    assert lost(Inputs(None, start=0xC050000000, size=0x3CA0000000, block=256 * MIB)) == 0
    # C x 64/63 against whole sections
    short = []
    for size in range(64, 2048):
        exact = room_for(Inputs(KERNELS["x86_64-6.12"], size=size * MIB))
        short.append(exact // MIB - -(-size * 64 // 63))
    assert set(short) == {0, 1}
    assert short[256 - 64] == 1
    assert 0.45 < sum(short) / len(short) < 0.55
    low = cost(Regions.of([[(0x1000, 0xA0000)]]), KERNELS["x86_64-6.12"], "vmemmap")
    assert round(low.needed[0] / KIB, 1) == 9.9


@pytest.mark.parametrize(
    ("quoted", "computed", "precision", "bound", "expected"),
    [
        (10, 10, 0, False, "agrees"),
        (10, 11, 0, False, "wrong"),
        (10, 11, 2, False, "rounds"),
        (10, 9, 2, False, "rounds"),
        (10, 11, 1, False, "wrong"),
        (10, 9, 0, True, "agrees"),
        (10, 11, 2, True, "wrong"),
        (10, None, 2, False, "can't be checked"),
    ],
)
def test_verdict(
    quoted: int, computed: int | None, precision: int, bound: bool, expected: str
) -> None:
    known = None if computed is None else Fraction(computed)
    assert verdict(Fraction(quoted), known, Fraction(precision), bound) == expected


def test_numbers_for_people() -> None:
    assert shown(Fraction(192 * MIB), "bytes") == "192 MiB"
    assert shown(Fraction(-3 * GIB, 2), "bytes") == "-1.5 GiB"
    assert shown(Fraction(25, 16)) == "1.5625"
    assert shown(Fraction(4095)) == "4,095"
    assert shown(Fraction(512), "bytes") == "512 B"


# --- the file -------------------------------------------------------------------------------------


def refused(tmp_path: Path, content: Any) -> str:
    path = tmp_path / "mine.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    with pytest.raises(ConfigError) as caught:
        load_quotes(path, KERNELS)
    return str(caught.value)


def changed(name: str, **values: Any) -> dict[str, Any]:
    entries = yaml.safe_load(FILE.read_text())
    entry = {**entries[name], **values}
    return {name: {key: value for key, value in entry.items() if value is not None}}


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"verdict": "agrees"}, "kata-12g-188m.verdict: 'agrees', but"),
        ({"verdict": "fine"}, "'fine' is none of agrees, rounds, wrong"),
        ({"kernel": "x86_64-6.13"}, "no kernel 'x86_64-6.13' (did you mean"),
        ({"computes": "hot-add"}, "no calculation 'hot-add' (did you mean"),
        ({"inputs": {"start": 0}}, "hot-add-memmap takes kernel, start, size, ram"),
        ({"kernel": None}, "hot-add-memmap takes kernel, start, size, ram"),
        ({"inputs": {"stat": 0}}, "unknown key (did you mean 'start'?)"),
        ({"quoted": "188MB"}, "'188MB' is not right: a number, or a size such as 64MiB"),
        ({"quoted": -1}, "-1 is less than 0"),
        ({"why": None}, "lacks the key 'why'"),
        ({"when": "last year"}, "a date such as 2022-08-09"),
        (
            {"inputs": {"start": "4GiB", "size": 0, "ram": [[0, "256MiB"]]}},
            "size is 0: it must be more",
        ),
        (
            {"inputs": {"start": "4GiB", "size": "1GiB", "ram": [[4096, 8192], [0, 4096]]}},
            "overlap, or are not in address order",
        ),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, values: dict[str, Any], message: str) -> None:
    assert message in refused(tmp_path, changed("kata-12g-188m", **values))


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    both = changed("kata-12g-188m", kernel="nothing") | changed("cxl-front", verdict="rounds")
    told = refused(tmp_path, both)
    assert "no kernel 'nothing'" in told
    assert "cxl-front.verdict" in told


@pytest.mark.parametrize("content", ["", "[]", "a: {b: [", "- 1\n- 2\n", "\x00"])
def test_no_quotes_at_all(tmp_path: Path, content: str) -> None:
    assert refused(tmp_path, content)


# --- what is written ------------------------------------------------------------------------------


def test_tables_are_whole_numbers_and_rectangles() -> None:
    for name, rows in TABLES.items():
        text = as_csv(rows)
        assert len({tuple(row) for row in rows}) == 1, name
        assert not re.search(r"[0-9]\.0(,|$)", text, re.MULTILINE), name
        assert len(text.splitlines()) == len(rows) + 1


def test_tables_say_what_the_quotes_say() -> None:
    need = {
        (row["kernel"], row["block_bytes"], row["range_bytes"]): row for row in TABLES["hot-add"]
    }
    assert need[("x86_64-6.12", 128 * MIB, 12 * GIB)]["free_ram_bytes"] == 192 * MIB + 5376
    # ... of a block that holds its own memmap there is next to nothing
    assert need[("x86_64-6.12", 128 * MIB, 12 * GIB)]["free_ram_memmap_on_memory_bytes"] == 5376
    held = {(row["kernel"], row["block_bytes"]): row for row in TABLES["memmap-on-memory"]}
    power = held[("debian-6.1-powerpc64le", 256 * MIB)]
    assert (power["memmap_pages"], power["reserved_pages_forced"]) == (4, 28)
    assert power["refused"] == "memmap of no whole pageblocks"
    assert power["refused_forced"] == ""
    arm = [held[("arm64-6.12-64k", size * MIB)]["refused_forced"] for size in (512, 1024)]
    assert arm == ["nothing is left of the block", "memmap of no whole PMDs"]
    windows = {(row["window"], row["block_bytes"]): row for row in TABLES["alignment"]}
    cxl = windows[("CXL window, 2025", 2 * GIB)]
    assert (cxl["front_bytes"], cxl["back_bytes"]) == (768 * MIB, 1792 * MIB)
    assert windows[("CXL window, 2025", 256 * MIB)]["lost_percent"] == 0
    ends = {row["boot_memory_end_bytes"]: row for row in TABLES["x86-blocks"]}
    assert ends[65 * GIB]["virtual_machine_bytes"] == GIB
    assert ends[65 * GIB]["bare_metal_bytes"] == 2 * GIB


def test_a_crash_kernel_by_where_it_lies() -> None:
    rows = {
        (row["kernel"], row["reserved_bytes"], row["place"]): row for row in TABLES["crash-kernel"]
    }
    # a section of low RAM, and two or three of 128 MiB
    on, off = (
        rows[("x86_64-6.12", 256 * MIB, place)] for place in ("on a section", "16 MiB before one")
    )
    assert (on["memmap_bytes"], off["memmap_bytes"]) == (6 * MIB, 8 * MIB)
    assert on["wasted_bytes"] == 2 * MIB - 159 * 64
    assert on["memmap_percent"] == round(600 / 256, 4)
    # 16 MiB of struct pages for 256 MiB with sections of 1 GiB
    assert rows[("arm64-5.10-4k", 256 * MIB, "on a section")]["memmap_bytes"] == 16 * MIB


def test_waste_comes_to_the_fore_with_huge_pages() -> None:
    rows = [row for row in TABLES["huge-pages"] if row["huge_page_bytes"] == GIB]
    shares = [row["wasted_percent"] for row in rows]
    assert shares == sorted(shares)
    assert rows[0]["saved_bytes"] == 0
    assert all(
        row["kept_bytes"] == rows[0]["kept_bytes"] - row["saved_bytes"] + row["split_table_bytes"]
        for row in rows
    )


def test_the_table_for_people() -> None:
    quotes = list(QUOTES.values())
    markdown = as_markdown(quotes).splitlines()
    assert len(markdown) == len(quotes) + 2
    assert {line.count("|") for line in markdown} == {9}
    text = as_text(quotes)
    assert text.startswith("12 wrong, 4 rounds, 21 agrees, 0 can't be checked\n")
    assert "quoted 1.25 GiB, computed 768 MiB, difference -512 MiB" in text
    assert all(name in text for name in EXPECTED)


def test_the_rule_writes_them(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("sweeps: [thread-2016]")
    asked = ["--cores", "1", "quoted"]
    told = subprocess.run(
        workflow("--directory", tmp_path, "--configfile", tmp_path / "mine.yaml", *asked),
        capture_output=True,
        text=True,
    )
    assert told.returncode == 0, told.stderr
    folder = tmp_path / "results/quoted"
    table = pd.read_parquet(folder / "quoted.parquet")
    assert list(table["name"]) == list(EXPECTED)
    schema = pq.read_schema(folder / "quoted.parquet")
    assert schema.names == [name for name, _, _ in COLUMNS]
    assert all(field.metadata[b"description"] for field in schema)
    again = pd.read_csv(folder / "quoted.csv", keep_default_na=False)
    assert list(again.columns) == schema.names
    assert "201326592," in (folder / "quoted.csv").read_text()
    assert (folder / "quoted.txt").read_text() == as_text(list(QUOTES.values()))
    assert (folder / "quoted.md").read_text() == as_markdown(list(QUOTES.values()))
    for name, rows in TABLES.items():
        written = pd.read_csv(folder / f"{name}.csv", keep_default_na=False)
        assert len(written) == len(rows)
        assert list(written.columns) == list(rows[0])
    assert table["quoted"].notna().all()
