"""Findings: they sum to the waste and lie where a walk finds it; the check prints them and fails
where it should.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.errors import InputError, Problem
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.memmodel.waste import Finding, waste_findings
from memmap_atlas.readers.memory_map import MemoryMap
from memmap_atlas.reports.map_check import (
    Bound,
    Checked,
    finding_text,
    lines_of,
    location,
    results_of,
    sarif,
    verdict_on,
)
from memmap_atlas.text.labels import amount

from tests.tools import simulation
from tests.tools.fuzzing import checked
from tests.tools.paths import ROOT
from tests.unit.test_simulation import Case, cases

COMMAND = ROOT / "workflow/scripts/check_map.py"
KERNELS = load_kernels(ROOT / "config/kernels.yaml")
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
Layout = list[tuple[int, int]]

# --- sums and places on random maps ---------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS)
def test_findings_sum_to_the_waste(model: str) -> None:
    seen: Counter[str] = Counter()

    @checked(300)
    @given(cases(model))
    def compare(case: Case) -> None:
        kernel, layout = case
        found = waste_findings(layout, kernel, model)
        result = cost(Regions.of([layout]), kernel, model)
        assert sum(one.wasted for one in found) == result.wasted[0]
        assert all(one.wasted > 0 for one in found)
        assert [one.wasted for one in found] == sorted((one.wasted for one in found), reverse=True)
        rounding = [one.wasted for one in found if one.kind == "rounding"]
        assert sum(rounding) == result.rounding[0]
        assert len(rounding) <= 1
        seen.update(one.kind for one in found)

    compare()
    has_sections = model.startswith(("sparsemem", "vmemmap"))
    expected = {"section", "rounding"} if has_sections else {"hole", "edge"}
    assert set(seen) == expected | ({"rounding"} if model == "discontigmem" else set())


@pytest.mark.parametrize("model", MODELS)
def test_findings_stand_where_a_walk_finds_them(model: str) -> None:
    @checked(150)
    @given(cases(model))
    def compare(case: Case) -> None:
        kernel, layout = case
        found = {
            (one.kind, one.start): (one.wasted, one.ram, one.regions)
            for one in waste_findings(layout, kernel, model)
            if one.kind != "rounding"
        }
        assert found == walked(layout, kernel, model)

    compare()


def walked(layout: Layout, kernel: Kernel, model: str) -> dict[Any, Any]:
    """Kept bytes of struct pages without RAM, counted page by page: by section, or by the number of
    regions below.
    """
    boots: list[simulation.Boot] = []
    account = simulation.account

    def noted(boot: simulation.Boot) -> dict[str, int]:
        boots.append(boot)
        return account(boot)

    with mock.patch.object(simulation, "account", noted):
        simulation.simulate(layout, kernel, model)
    (boot,) = boots
    kept = simulation.kept_bytes(boot)
    ram = boot.ram()
    regions = {
        number: whole[0]
        for number, region in enumerate(layout)
        if (whole := simulation.frames([region], kernel.page_size))
    }
    wasted: Counter[int] = Counter()
    for pfn, size in kept.items():
        if pfn not in ram and size:
            below = sum(whole.start < pfn for whole in regions.values())
            wasted[below if boot.sections is None else pfn // kernel.section_pages] += size
    found: dict[Any, Any] = {}
    numbers = list(regions)
    for place, size in wasted.items():
        if boot.sections is not None:
            pages = range(place * kernel.section_pages, (place + 1) * kernel.section_pages)
            inner = [n for n, whole in regions.items() if set(whole) & set(pages)]
            covered = len(ram & set(pages)) * kernel.page_size
            found["section", place * kernel.section_size] = (size, covered, tuple(inner))
        else:
            beside = tuple(numbers[max(place - 1, 0) : place + 1])
            start = regions[beside[0]].stop if place else min(kept)
            kind = "hole" if len(beside) == 2 else "edge"
            found[kind, start * kernel.page_size] = (size, 0, beside)
    return found


# --- by hand --------------------------------------------------------------------------------------


def under(kernel: str, bound: str, model: str = "", section: int = 0) -> Checked:
    chosen = KERNELS[kernel]
    chosen = chosen.with_section(section or chosen.section_size)
    return Checked(kernel, chosen, model or chosen.default_model, Bound.of(bound))


def memory(regions: Sequence[tuple[int, int]], unit: str = "line") -> MemoryMap:
    places = tuple(range(10, 10 + len(regions)))
    return MemoryMap("a map", tuple(regions), places, unit)  # type: ignore[arg-type]


# the top of RAM lacks 16 MiB, and a page stands in a section of its own
BOARD = [(0x80000000, 0xFF000000), (0x8A0000000, 0x8A0001000)]


def test_findings_of_sections() -> None:
    found = waste_findings(BOARD, KERNELS["arm64-6.12-4k"], "vmemmap")
    assert found == [
        Finding(
            "section",
            2 * MIB - 64,
            start=0x8A0000000,
            end=0x8A8000000,
            number=0x8A0000000 >> 27,
            ram=4 * KIB,
            regions=(1,),
        ),
        Finding(
            "section",
            256 * KIB,
            start=0xF8000000,
            end=0x100000000,
            number=31,
            ram=112 * MIB,
            regions=(0,),
        ),
    ]


def test_lines() -> None:
    verdict = verdict_on("board.dtb", "", memory(BOARD), under("arm64-6.12-4k", "1MiB"))
    first = (
        "board.dtb: section 276 [0x8a0000000, 0x8a8000000): region [0x8a0000000, 0x8a0001000) "
        "covers 4 KiB of it; 2,097,088 bytes of struct pages are kept for what is no RAM"
    )
    second = (
        "board.dtb: section 31 [0xf8000000, 0x100000000): region [0x80000000, 0xff000000) covers "
        "112 MiB of it; 262,144 bytes of struct pages are kept for what is no RAM"
    )
    last = (
        "board.dtb: FAILS: wastes 2,359,232 bytes (2.25 MiB) of memmap under arm64-6.12-4k "
        "(vmemmap, 128 MiB sections); at most 1 MiB is allowed"
    )
    assert lines_of(verdict, 20) == [first, second, last]
    more = "board.dtb: 1 more finding of 262,144 bytes in all"
    assert lines_of(verdict, 1) == [first, more, last]
    more = "board.dtb: 2 more findings of 2,359,232 bytes in all"
    assert lines_of(verdict, 0) == [more, last]
    passing = verdict_on("a", "", memory(BOARD), under("arm64-6.12-4k", "10%"))
    # 520,193 pages of 64 bytes are needed
    assert lines_of(passing, 0)[-1] == (
        "a: passes: wastes 2,359,232 bytes (2.25 MiB) of memmap under arm64-6.12-4k "
        "(vmemmap, 128 MiB sections); at most 10% of what is needed, 3,329,235 bytes, is allowed"
    )


def test_regions_of_a_section_are_named_up_to_three() -> None:
    regions = [(n * MIB, n * MIB + 4 * KIB) for n in range(5)]
    verdict = verdict_on("a", "", memory(regions), under("arm64-6.12-4k", "0B"))
    assert finding_text(verdict.findings[0], verdict).startswith(
        "section 0 [0x0, 0x8000000): regions [0x0, 0x1000), [0x100000, 0x101000), "
        "[0x200000, 0x201000) and 2 more cover 20 KiB of it; 2,096,832 bytes"
    )


@pytest.mark.parametrize(
    ("kernel", "model", "texts"),
    [
        (
            "arm64-5.10-4k",
            "flatmem",
            [
                "hole [0xc00000, 0x2400000) between regions [0x500000, 0xc00000) and "
                "[0x2400000, 0x2500000): 393,216 bytes of struct pages are kept for what is no RAM",
                "[0x2500000, 0x2800000) above the region [0x2400000, 0x2500000): 49,152 bytes of "
                "struct pages are kept for what is no RAM",
                "[0x400000, 0x500000) below the region [0x500000, 0xc00000): 16,384 bytes of "
                "struct pages are kept for what is no RAM",
            ],
        ),
        # nine sections of 1.75 MiB lie in eight leaves
        (
            "small",
            "vmemmap",
            ["262,144 bytes are no struct page: the memmap is mapped in whole leaves of 2 MiB"],
        ),
        # 17 sections of 4,608 bytes: in two pages each, or in 20 together
        (
            "odd",
            "sparsemem",
            [
                "60,928 bytes are no struct page: the array of each section takes whole pages of "
                "4 KiB"
            ],
        ),
        (
            "odd",
            "vmemmap-base",
            ["3,584 bytes are no struct page: the memmap is mapped in whole leaves of 4 KiB"],
        ),
    ],
)
def test_findings_by_hand(kernel: str, model: str, texts: list[str]) -> None:
    base = KERNELS["arm64-6.12-4k"]
    kernels = {
        "small": replace(base, struct_page_size=56),
        "odd": replace(
            base, struct_page_size=36, section_size=512 * KIB, max_order_pages=128, page_tables=()
        ),
    }
    regions = {
        "small": [(0, 9 * 128 * MIB)],
        "odd": [(0, 8 * MIB + 512 * KIB)],
    }.get(kernel, [(5 * MIB, 12 * MIB), (36 * MIB, 37 * MIB)])
    chosen = kernels.get(kernel) or KERNELS[kernel]
    asked = Checked(kernel, chosen, model, Bound.of("0B"))
    verdict = verdict_on("a", "", memory(regions), asked)
    if kernel == "odd":
        # a section of 512 KiB is none for the kernel, but for the arithmetic
        verdict = replace(verdict, findings=tuple(waste_findings(regions, chosen, model)))
    assert [finding_text(one, verdict) for one in verdict.findings] == texts


def test_arrays_that_overlap() -> None:
    # both arrays hold the block from 4 MiB to 8 MiB
    regions = [(0, 5 * MIB), (6 * MIB, 8 * MIB)]
    verdict = verdict_on("a", "", memory(regions), under("m68k-5.10", "0B", "discontigmem"))
    assert [finding_text(one, verdict) for one in verdict.findings] == [
        "36,864 bytes are no struct page: the arrays of regions that lie close hold the same "
        "pages twice",
        "hole [0x500000, 0x600000) between regions [0x0, 0x500000) and [0x600000, 0x800000): "
        "9,216 bytes of struct pages are kept for what is no RAM",
    ]


def test_a_map_that_a_rule_forbids_fails_with_the_rule() -> None:
    asked = under("debian-6.1-armmp", "1TiB")
    verdict = verdict_on("a", "", memory([(0, MIB), (4 * GIB, 5 * GIB)]), asked)
    assert not verdict.passes
    assert lines_of(verdict, 20) == [
        "a: FAILS: debian-6.1-armmp (flatmem-free) forbids this map: RAM beyond what the kernel "
        "can use"
    ]
    (result,) = results_of(verdict)
    assert (result["ruleId"], result["level"]) == ("memmap/forbidden", "error")


@pytest.mark.parametrize(
    ("text", "needed", "allowed"),
    [
        ("1MiB", 5, MIB),
        ("0B", 5, 0),
        ("5%", 1000, 50),
        ("5%", 39, 1),
        ("0.5%", 1000, 5),
        ("150%", 2, 3),
        ("0%", 1000, 0),
    ],
)
def test_bounds(text: str, needed: int, allowed: int) -> None:
    assert Bound.of(text).allowed(needed) == allowed


@pytest.mark.parametrize(
    "text", ["", "%", "5", "1 MiB", "-1%", "nan%", "1e3%", "1/3%", "٣%", "5%%"]
)
def test_bounds_that_are_none(text: str) -> None:
    with pytest.raises(ValueError, match="expected a"):
        Bound.of(text)


def test_a_bound_is_reached_exactly() -> None:
    wasted = 2 * MIB - 64 + 256 * KIB
    for size, passes in ((wasted, True), (wasted - 1, False)):
        asked = replace(under("arm64-6.12-4k", "0B"), bound=Bound("", size))
        assert verdict_on("a", "", memory(BOARD), asked).passes is passes
    share = Fraction(wasted * 100, verdict_on("a", "", memory(BOARD), asked).needed)
    for percent, passes in ((share, True), (share - Fraction(1, 10**9), False)):
        asked = replace(asked, bound=Bound("", percent=percent))
        assert verdict_on("a", "", memory(BOARD), asked).passes is passes


def test_sizes_in_words() -> None:
    assert [amount(size) for size in (0, 1023, 2 * MIB, 3 * GIB)] == [
        "0 bytes",
        "1,023 bytes",
        "2,097,152 bytes (2 MiB)",
        "3,221,225,472 bytes (3 GiB)",
    ]


# --- SARIF ----------------------------------------------------------------------------------------

TEXT = {"type": "object", "required": ["text"], "properties": {"text": {"type": "string"}}}
SENTENCE = {**TEXT, "properties": {"text": {"type": "string", "pattern": r"\.$"}}}
LEVEL = {"enum": ["none", "note", "warning", "error"]}
URI = {"type": "string", "pattern": r"^[A-Za-z0-9._~:/?#@!$&'()*+,;=%-]+$"}
PLACE = {
    "type": "object",
    "required": ["physicalLocation"],
    "properties": {
        "physicalLocation": {
            "type": "object",
            "required": ["artifactLocation"],
            "properties": {
                "artifactLocation": {
                    "type": "object",
                    "required": ["uri"],
                    "properties": {"uri": URI, "uriBaseId": {"const": "%SRCROOT%"}},
                    "additionalProperties": False,
                },
                "region": {
                    "type": "object",
                    "properties": {
                        "startLine": {"type": "integer", "minimum": 1},
                        "byteOffset": {"type": "integer", "minimum": 0},
                    },
                    "minProperties": 1,
                    "additionalProperties": False,
                },
            },
        }
    },
}
# what section 3 of SARIF 2.1.0 asks of the objects that are written here
SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "pattern": "^https://.*sarif-schema-2.1.0.json$"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name"],
                                "properties": {
                                    "name": {"type": "string"},
                                    "version": {"type": "string"},
                                    "semanticVersion": {
                                        "type": "string",
                                        "pattern": r"^\d+\.\d+\.\d+",
                                    },
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": ["id"],
                                            "properties": {
                                                "id": {"type": "string"},
                                                "name": {"type": "string"},
                                                "shortDescription": SENTENCE,
                                                "fullDescription": SENTENCE,
                                                "help": SENTENCE,
                                                "defaultConfiguration": {
                                                    "type": "object",
                                                    "properties": {"level": LEVEL},
                                                },
                                            },
                                        },
                                    },
                                },
                            }
                        },
                    },
                    "invocations": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["executionSuccessful"],
                            "properties": {
                                "executionSuccessful": {"type": "boolean"},
                                "exitCode": {"type": "integer"},
                                "toolExecutionNotifications": {
                                    "type": "array",
                                    "items": {
                                        "type": "object",
                                        "required": ["message"],
                                        "properties": {
                                            "message": TEXT,
                                            "level": LEVEL,
                                            "locations": {"type": "array", "items": PLACE},
                                        },
                                    },
                                },
                            },
                        },
                    },
                    "artifacts": {"type": "array", "uniqueItems": True},
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["message", "ruleId"],
                            "properties": {
                                "ruleId": {"type": "string"},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "level": LEVEL,
                                "message": SENTENCE,
                                "locations": {"type": "array", "items": PLACE},
                                "partialFingerprints": {
                                    "type": "object",
                                    "additionalProperties": {"type": "string"},
                                },
                            },
                        },
                    },
                },
            },
        },
    },
    "additionalProperties": False,
}


def held_to_sarif(log: Any) -> dict[str, Any]:
    """The one run of a log, which is what the standard asks."""
    Draft202012Validator(SARIF).validate(log)
    (run,) = log["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert len(set(rules)) == len(rules)
    for result in run["results"]:
        assert rules[result["ruleIndex"]] == result["ruleId"]
    prints = [str(result["partialFingerprints"]) for result in run["results"]]
    assert len(set(prints)) == len(prints)
    assert isinstance(run, dict)
    return run


def test_results_of_one_file() -> None:
    asked = under("arm64-6.12-4k", "1MiB")
    verdict = verdict_on("boards/board.dtb", "ab" * 32, memory(BOARD, "offset"), asked)
    run = held_to_sarif(sarif([verdict], [], 1))
    assert run["invocations"] == [{"executionSuccessful": True, "exitCode": 1}]
    bound, worst, other = run["results"]
    assert [one["level"] for one in run["results"]] == ["error", "warning", "warning"]
    assert bound["message"]["text"] == (
        "Wastes 2,359,232 bytes (2.25 MiB) of memmap under arm64-6.12-4k (vmemmap, 128 MiB "
        "sections); at most 1 MiB is allowed."
    )
    assert worst["message"]["text"].startswith("Section 276 [0x8a0000000, 0x8a8000000): region ")
    place = {"uri": "boards/board.dtb", "uriBaseId": "%SRCROOT%"}
    assert bound["locations"] == [{"physicalLocation": {"artifactLocation": place}}]
    assert [one["locations"][0]["physicalLocation"]["region"] for one in (worst, other)] == [
        {"byteOffset": 11},
        {"byteOffset": 10},
    ]
    assert run["artifacts"] == [{"location": place, "hashes": {"sha-256": "ab" * 32}}]


def test_fingerprints_stay_when_lines_move_and_change_with_the_question() -> None:
    def prints(memory_map: MemoryMap, asked: Checked) -> list[str]:
        verdict = verdict_on("a", "", memory_map, asked)
        return [str(result["partialFingerprints"]) for result in results_of(verdict)]

    asked = under("arm64-6.12-4k", "0B")
    before = prints(memory(BOARD), asked)
    moved = replace(memory(BOARD), places=(100, 200))
    assert prints(moved, asked) == before
    larger = under("arm64-6.12-4k", "0B", section=256 * MIB)
    assert not set(prints(memory(BOARD), larger)) & set(before)


def test_a_map_that_passes_has_no_results() -> None:
    verdict = verdict_on("a", "", memory(BOARD), under("arm64-6.12-4k", "1GiB"))
    assert held_to_sarif(sarif([verdict], [], 0))["results"] == []


def test_names_of_files_become_uris(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    base = {"uriBaseId": "%SRCROOT%"}
    assert location("a b/c:d%.dtb") == {"uri": "a%20b/c%3Ad%25.dtb", **base}
    assert location("./ä.dtb") == {"uri": "%C3%A4.dtb", **base}
    assert location(os.fsdecode(b"\xff.log")) == {"uri": "%FF.log", **base}
    assert location(str(folder / "x.log")) == {"uri": "x.log", **base}
    outside = "file://" + str(tmp_path / "x.log")
    assert location("../x.log") == {"uri": outside}
    assert location(str(tmp_path / "x.log")) == {"uri": outside}


def test_what_can_not_be_read_is_an_error_of_the_run() -> None:
    error = InputError([Problem(os.fsdecode(b"\xff.log:3"), (), "is no log")])
    run = held_to_sarif(sarif([], [("a.log", error)], 2))
    (invocation,) = run["invocations"]
    assert (invocation["executionSuccessful"], invocation["exitCode"]) == (False, 2)
    (notification,) = invocation["toolExecutionNotifications"]
    assert notification["message"]["text"] == "\\udcff.log:3: is no log"
    assert run["results"] == []


# --- the command ----------------------------------------------------------------------------------

IOMEM = """\
80000000-feffffff : System RAM
  80080000-80ffffff : Kernel code
8a0000000-8a0000fff : System RAM
"""


def run_check(folder: Path, *given: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, str(COMMAND), *given],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout, done.stderr


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "iomem").write_text(IOMEM)
    (tmp_path / "full").write_text("80000000-ffffffff : System RAM\n")
    (tmp_path / "broken").write_text("nothing of a map\n")
    return tmp_path


def test_the_command_fails_and_says_why(folder: Path) -> None:
    arguments = ("iomem", "full", "--kernel", "arm64-6.12-4k", "--most", "1MiB")
    code, out, _ = run_check(folder, *arguments, "--sarif", "out.sarif")
    assert code == 1
    first, second, fails, passes = out.splitlines()
    assert first.startswith("iomem: section 276 [0x8a0000000, 0x8a8000000): region [0x8a0000000, ")
    assert second.startswith("iomem: section 31 ")
    assert fails.startswith("iomem: FAILS: wastes 2,359,232 bytes (2.25 MiB) of memmap under ")
    assert passes == (
        "full: passes: wastes 0 bytes of memmap under arm64-6.12-4k (vmemmap, 128 MiB sections); "
        "at most 1 MiB is allowed"
    )
    assert sorted(path.name for path in folder.iterdir()) == [
        "broken",
        "full",
        "iomem",
        "out.sarif",
    ]
    run = held_to_sarif(json.loads((folder / "out.sarif").read_text()))
    places = [one["locations"][0]["physicalLocation"] for one in run["results"]]
    assert [place.get("region") for place in places] == [None, {"startLine": 3}, {"startLine": 1}]
    assert {place["artifactLocation"]["uri"] for place in places} == {"iomem"}
    assert len(run["artifacts"]) == 2


@pytest.mark.parametrize(
    ("given", "code", "word"),
    [
        (
            ("--kernel", "arm64-6.12-4k", "--most", "3MiB"),
            0,
            "passes: wastes 2,359,232 bytes (2.25 MiB)",
        ),
        (("--kernel", "arm64-6.12-4k", "--most", "10%"), 0, "at most 10% of what is needed"),
        (("--kernel", "arm64-6.12-4k", "--most", "5%"), 1, "FAILS"),
        (
            ("--kernel", "arm64-6.12-4k", "--most", "1MiB", "--section-size", "16MiB"),
            1,
            "(vmemmap, 16 MiB sections)",
        ),
        (
            ("--kernel", "arm64-5.10-4k", "--most", "128KiB", "--model", "flatmem-free"),
            0,
            "under arm64-5.10-4k (flatmem-free);",
        ),
        (
            ("--kernel", "arm64-6.12-4k", "--most", "1GiB", "--section-size", "1MiB"),
            1,
            "forbids this map: section smaller than a MAX_ORDER block",
        ),
        (
            ("--kernel", "arm64-6.12-4k", "--most", "0B", "--findings", "1"),
            1,
            "iomem: 1 more finding of 262,144 bytes in all",
        ),
    ],
)
def test_what_the_command_says(folder: Path, given: tuple[str, ...], code: int, word: str) -> None:
    found, out, err = run_check(folder, "iomem", *given)
    assert (found, err) == (code, "")
    assert word in out


@pytest.mark.parametrize(
    ("given", "word"),
    [
        (("iomem", "--kernel", "arm64-6.12-4", "--most", "1MiB"), "did you mean 'arm64-6.12-4k'?"),
        (("iomem", "--kernel", "arm64-6.12-4k", "--most", "1 MB"), "invalid size '1 MB'"),
        (("iomem", "--kernel", "arm64-6.12-4k", "--most", "x%"), "invalid bound 'x%'"),
        (("iomem", "--kernel", "arm64-6.12-4k"), "--most"),
        (("iomem", "--most", "1MiB"), "--kernel"),
        (
            ("iomem", "--kernel", "arm64-6.12-4k", "--most", "1MiB", "--model", "vmemap"),
            "did you mean 'vmemmap'?",
        ),
        (
            ("iomem", "--kernel", "arm64-6.12-4k", "--most", "1MiB", "--section-size", "3MiB"),
            "invalid section size 3MiB: expected a power of two",
        ),
        (
            ("iomem", "--kernel", "arm64-6.12-4k", "--most", "1MiB", "--findings", "-1"),
            "invalid number of findings '-1'",
        ),
        (
            ("iomem", "--kernel", "arm64-6.12-4k", "--most", "1MiB", "--sarif", "no/out.sarif"),
            "no/out.sarif: can't be written",
        ),
        (("nowhere", "--kernel", "arm64-6.12-4k", "--most", "1MiB"), "nowhere: can't be read"),
        (("iomem", "--config", "iomem", "--most", "1MiB"), "iomem: "),
    ],
)
def test_what_is_asked_wrongly_is_told(folder: Path, given: tuple[str, ...], word: str) -> None:
    code, _, err = run_check(folder, *given)
    assert code == 2
    assert word in err


def test_what_can_not_be_read_is_worse_than_a_bound(folder: Path) -> None:
    given = ("broken", "iomem", "--kernel", "arm64-6.12-4k", "--most", "1MiB")
    code, out, err = run_check(folder, *given, "--sarif", "out.sarif")
    assert code == 2
    assert err.startswith("broken: ")
    # the others are checked all the same
    assert "iomem: FAILS" in out
    run = held_to_sarif(json.loads((folder / "out.sarif").read_text()))
    assert run["invocations"][0]["exitCode"] == 2
    assert [one["ruleId"] for one in run["results"]].count("memmap/bound") == 1


def test_a_name_of_two_lines_is_one_line(folder: Path) -> None:
    for name in ("two\n::error::x.log", os.fsdecode(b"\xff.log")):
        (folder / name).write_text(IOMEM)
        known = ("--kernel", "arm64-6.12-4k", "--most", "1MiB")
        code, out, err = run_check(folder, *known, name, f"no{name}")
        assert code == 2
        shown = name.replace("\n", "\\n").replace("\udcff", "\\udcff")
        lines = [*out.splitlines(), *err.splitlines()]
        assert len(lines) > 1
        assert all(line.startswith((f"{shown}: ", f"no{shown}: ")) for line in lines), lines


def test_a_kernel_of_its_own_configuration(folder: Path) -> None:
    (folder / "board.config").write_text(
        "# Linux/arm64 6.12.0 Kernel Configuration\n"
        "CONFIG_ARM64=y\nCONFIG_64BIT=y\nCONFIG_PAGE_SHIFT=12\nCONFIG_ARM64_4K_PAGES=y\n"
        "CONFIG_ARCH_FORCE_MAX_ORDER=10\nCONFIG_ARM64_PA_BITS=48\nCONFIG_ARM64_VA_BITS=48\n"
        "CONFIG_PGTABLE_LEVELS=4\nCONFIG_SPARSEMEM=y\nCONFIG_SPARSEMEM_EXTREME=y\n"
        "CONFIG_SPARSEMEM_VMEMMAP=y\nCONFIG_MEMCG=y\nCONFIG_HUGETLB_PAGE=y\n"
        "CONFIG_HUGETLBFS=y\nCONFIG_MMU=y\n"
    )
    code, out, err = run_check(folder, "iomem", "--config", "board.config", "--most", "1MiB")
    assert (code, out.splitlines()[-1]) == (
        1,
        "iomem: FAILS: wastes 2,359,232 bytes (2.25 MiB) of memmap under board.config "
        "(vmemmap, 128 MiB sections); at most 1 MiB is allowed",
    ), err
    code, _, err = run_check(folder, "board.config", "--kernel", "arm64-6.12-4k", "--most", "1MiB")
    assert code == 2
    assert "give it with --config" in err
