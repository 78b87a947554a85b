"""The model against boot logs that others published, tests/golden/boot-logs.yaml: the kernel's own
count of struct pages without RAM, to the page. And the machines of config/machines.yaml.
"""

from itertools import pairwise
from typing import Any

import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import infeasible
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.text.units import parse_size

from tests.tools.paths import ROOT

LOGS = load_yaml(ROOT / "tests/golden/boot-logs.yaml")
MACHINES = load_yaml(ROOT / "config/machines.yaml")
KERNELS = load_kernels(ROOT / "config/kernels.yaml")
PUBLISHED = [log for log in LOGS if "control" not in log]
CONTROLS = [log for log in LOGS if "control" in log]


def wasted_pages(log: dict[str, Any]) -> int:
    """Struct pages without RAM that the model has for the log's regions."""
    kernel, model = KERNELS[log["kernel"]], log.get("model", "vmemmap")
    layouts = Regions.of([log["regions"]])
    assert model in kernel.models
    assert infeasible(layouts, kernel, model).tolist() == [""]
    result = cost(layouts, kernel, model)
    pages, rest = divmod(int(result.hole[0] + result.edge[0]), kernel.struct_page_size)
    assert rest == 0
    return pages


def tail_pages(log: dict[str, Any]) -> int:
    """Pages from the end of the last region to the end of its section."""
    kernel = KERNELS[log["kernel"]]
    end: int = log["regions"][-1][1]
    return -end % kernel.section_size // kernel.page_size


@pytest.mark.parametrize("log", PUBLISHED, ids=lambda log: log["name"])
def test_published_count(log: dict[str, Any]) -> None:
    not_printed = tail_pages(log) if log.get("clipped") else 0
    assert wasted_pages(log) - not_printed == log["unavailable_pages"]


@pytest.mark.parametrize("log", CONTROLS, ids=lambda log: log["name"])
def test_control_is_no_oracle(log: dict[str, Any]) -> None:
    assert log["control"].strip()
    assert wasted_pages(log) == log["model_pages"]
    assert log["unavailable_pages"] != log["model_pages"]


def test_every_log_is_used() -> None:
    required = {"name", "source", "kernel", "regions", "unavailable_pages"}
    control = {"control", "model", "model_pages"}
    assert all(required <= set(log) <= required | {"clipped"} for log in PUBLISHED)
    assert all(required <= set(log) <= required | control for log in CONTROLS)
    assert (len(PUBLISHED), len(CONTROLS)) == (8, 3)
    assert len({log["name"] for log in LOGS}) == len(LOGS)


@pytest.mark.parametrize("log", LOGS, ids=lambda log: log["name"])
def test_log_is_the_machine(log: dict[str, Any]) -> None:
    merged: list[list[int]] = []
    for start, end in log["regions"]:
        if merged and merged[-1][1] == start:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    machine = MACHINES[log["name"]]
    assert merged == machine["regions"]
    assert log["source"] == machine["source"]


def test_machines_fit_their_schema() -> None:
    assert problems(MACHINES, "machines", "machines.yaml") == []
    assert len(MACHINES) >= 40


@pytest.mark.parametrize("name", MACHINES)
def test_machine(name: str) -> None:
    machine = MACHINES[name]
    edges = [parse_size(edge) for region in machine["regions"] for edge in region]
    # sorted, disjoint, not touching and not empty is one rule: each edge lies above the one before
    assert all(low < high for low, high in pairwise(edges))
    assert machine["source"].strip()


@pytest.mark.parametrize(
    ("machine", "message"),
    [
        ({"source": None}, "m.yaml: x.source: "),
        ({"regions": []}, "m.yaml: x.regions: "),
        ({"regions": [[0]]}, "m.yaml: x.regions.0: "),
        ({"regions": [[-1, 4096]]}, "m.yaml: x.regions.0.0: "),
        ({"regions": [[0, "2Gib"]]}, "an address is a whole number (0x80000000) or a size"),
        ({"page_sise": "4KiB"}, "did you mean 'page_size'?"),
    ],
)
def test_bad_machine(machine: dict[str, Any], message: str) -> None:
    good = {"description": "d", "arch": "arm64", "regions": [["0B", "2GiB"]], "source": "s"}
    assert problems({"x": good}, "machines", "m.yaml") == []
    (problem,) = problems({"x": good | machine}, "machines", "m.yaml")
    assert message in str(problem)


def test_bad_name_of_machine() -> None:
    good = {"description": "d", "arch": "arm64", "regions": [[0, 4096]], "source": "s"}
    (problem,) = problems({"Hi_Key": good}, "machines", "m.yaml")
    assert "lower-case letters, digits and dashes" in str(problem)
