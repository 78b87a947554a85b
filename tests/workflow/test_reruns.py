"""Reruns after a change, and no others: the workflow's plans after one real run."""

import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from memmap_atlas.integrity.dependencies import SCRIPTS, code_version, imports, modules_of

from tests.tools.paths import ROOT, results_path

PLANE = """
name: plane
description: A small plane.
layouts:
  grid:
    ram_size: [1GiB, 2GiB]
    hole_start: {from: 0, to: 1GiB, step: 256MiB}
    hole_size: [512MiB]
kernels: [arm64-5.10-64k]
models: [vmemmap]
figures: [waste-heatmap]
"""
NAMED = """
name: named
description: A map.
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
kernels: [arm64-4.6-4k]
models: [sparsemem, vmemmap]
figures: [layout-heatmap, section-strip]
"""
MORE = NAMED.replace("named", "more").replace("layout-heatmap, ", "")
# what is made again of a sweep whose tables are
OF_PLANE = {"layouts": 1, "evaluate": 1, "strips": 1, "explorer": 1, "waste_heatmap": 1}
OF_NAMED = {"layouts": 1, "evaluate": 1, "strips": 1, "explorer": 1, "layout_heatmap": 1} | {
    "section_strip": 1
}
RULES = [
    (path.name, block)
    for path in sorted((ROOT / "workflow/rules").glob("*.smk"))
    for block in re.split(r"(?m)^(?= *(?:use )?rule\b)", path.read_text())
    if "output:" in block
]


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project whose sweeps are made, to be edited and put back."""
    folder = tmp_path_factory.mktemp("project")
    for name in ("config", "workflow"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("Snakefile", "CITATION.cff"):
        shutil.copy(ROOT / name, folder)
    (folder / "plane.yaml").write_text(PLANE)
    (folder / "named.yaml").write_text(NAMED)
    (folder / "more.yaml").write_text(MORE)
    result = snakemake(folder, "--cores", "2", "plane.yaml", "named.yaml")
    assert result.returncode == 0, result.stderr
    return folder


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the copy on sweep files, which come last."""
    sweeps = [name for name in arguments if name.endswith(".yaml")]
    options = [option for option in arguments if option not in sweeps]
    command = [sys.executable, "-m", "snakemake", *options]
    return subprocess.run(
        [*command, "--config", f"sweeps=[{','.join(sweeps)}]"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


def planned(folder: Path, *sweeps: str) -> Counter[str]:
    """Return the number of jobs of each rule that would run, without the target itself."""
    sweeps = sweeps or ("plane.yaml", "named.yaml")
    plan = snakemake(folder, "--cores", "1", "-n", "--quiet", "rules", *sweeps)
    assert plan.returncode == 0, plan.stderr
    rows = re.findall(r"^(\w+) +(\d+)$", plan.stdout, re.MULTILINE)
    return Counter({rule: int(count) for rule, count in rows if rule not in ("all", "total")})


def after(folder: Path, name: str, old: str, new: str, *sweeps: str) -> Counter[str]:
    """Return the plan after a file of the project is changed."""
    text = (folder / name).read_text()
    assert old in text
    (folder / name).write_text(text.replace(old, new, 1))
    try:
        return planned(folder, *sweeps)
    finally:
        (folder / name).write_text(text)


def test_nothing_is_planned_twice(project: Path) -> None:
    (project / "workflow/scripts/memmap_atlas/memmodel/cost.py").touch()
    assert planned(project) == {}


@pytest.mark.parametrize(
    ("limit", "said"),
    [
        ([], []),
        (["--max-jobs-per-timespan", "7/2s"], ["Submitting maximum 7 job(s) over 2.0 second(s)."]),
    ],
)
def test_starts_are_not_limited_where_nobody_asks(
    project: Path, limit: list[str], said: list[str]
) -> None:
    """The limit that Snakemake has by itself wakes it ever more often."""
    strips = results_path("<strips>", sweep="plane")
    options = ["--cores", "1", "--verbose", *limit, "--force", strips]
    result = snakemake(project, *options, "plane.yaml")
    assert result.returncode == 0, result.stderr
    assert re.findall("Submitting maximum .*", result.stderr) == said


@pytest.mark.parametrize(
    ("old", "new", "jobs"),
    [
        pytest.param("to: 1GiB", "to: 2GiB", {**OF_PLANE, "index": 1}, id="axis"),
        pytest.param("[vmemmap]", "[flatmem]", {**OF_PLANE, "index": 1}, id="model"),
        pytest.param(
            "A small",
            "The same",
            {"waste_heatmap": 1, "explorer": 1, "index": 1},
            id="description",
        ),
    ],
)
def test_a_changed_sweep_redoes_itself_alone(
    project: Path, old: str, new: str, jobs: dict[str, int]
) -> None:
    assert after(project, "plane.yaml", old, new) == jobs


def test_one_figure_more_computes_nothing_again(project: Path) -> None:
    jobs = after(project, "named.yaml", "[layout-heatmap", "[breakdown, layout-heatmap")
    assert jobs == {"breakdown": 1, "index": 1}


def test_a_sweep_more_or_less_redoes_no_other(project: Path) -> None:
    more = {"layouts": 1, "evaluate": 1, "strips": 1, "explorer": 1, "section_strip": 1, "index": 1}
    assert planned(project, "plane.yaml", "named.yaml", "more.yaml") == more
    assert planned(project, "named.yaml") == {"index": 1}


@pytest.mark.parametrize(
    ("module", "jobs"),
    [
        ("figures/section_strip.py", {"section_strip": 1, "index": 1}),
        ("figures/annotated_heatmap.py", {"layout_heatmap": 1, "waste_heatmap": 1, "index": 1}),
        ("explorer/encode.py", {"explorer": 2, "index": 1}),
        ("reports/index.py", {"index": 1}),
        ("lab/report.py", {"evidence_residuals": 1, "evidence_figure": 1, "index": 1}),
        ("readers/iomem.py", {}),
        ("sweepfile/sweeps.py", {}),
    ],
)
def test_an_edit_redoes_what_it_can_change(
    project: Path, module: str, jobs: dict[str, int]
) -> None:
    name = f"workflow/scripts/memmap_atlas/{module}"
    assert after(project, name, '"""', '"""Edited. ') == jobs


def test_an_edit_of_the_arithmetic_redoes_all_that_follows(project: Path) -> None:
    jobs = after(project, "workflow/scripts/memmap_atlas/memmodel/models.py", '"""', '"""Edited. ')
    assert jobs == {
        **(Counter(OF_PLANE) + Counter(OF_NAMED)),
        "evidence_residuals": 1,
        "evidence_figure": 1,
        "index": 1,
    }


# commands of a checkout are no jobs, and import the one of memmap-atlas that is asked for
COMMANDS = ("check_map.py", "hotplug.py")


@pytest.mark.parametrize(
    "script", sorted(path.name for path in SCRIPTS.glob("*.py") if path.name not in COMMANDS)
)
def test_code_of_a_script_is_what_it_imports(script: str) -> None:
    listed = (
        f"import sys, {Path(script).stem}\n"
        "print(*(one.__file__ for one in sys.modules.values() "
        "if one.__name__.startswith('memmap_atlas')), sep='\\n')"
    )
    command = [sys.executable, "-c", listed]
    run = subprocess.run(command, cwd=SCRIPTS, capture_output=True, text=True, check=True)
    loaded = {Path(line).relative_to(SCRIPTS) for line in run.stdout.split()}
    known = {path.relative_to(SCRIPTS) for path in modules_of(SCRIPTS / script)}
    assert loaded <= known
    # what is imported when it is first called
    late = {"codegen.py", "trace.py", "__init__.py"}
    assert {path.name for path in known - loaded - {Path(script)}} <= late


def test_rules_name_the_code_of_their_script() -> None:
    assert len(RULES) > 15
    for file, block in RULES:
        named = re.search(r'library=(?:library\("(\w+\.py)"\)|(figure_library))', block)
        script = re.search(r'"\.\./scripts/(\w+\.py)"', block)
        if named and script:
            assert script[1] == (named[1] or "figure.py"), block
        elif script:
            # the lab says by itself what boots again
            assert "library=lab_library(" in block, f"{file}: {block}"


def test_code_version_is_of_all_that_is_reached() -> None:
    reached = modules_of(SCRIPTS / "layouts.py")
    names = {path.name for path in reached}
    assert {"layouts.py", "__init__.py", "design.py", "kernel.py"} <= names
    assert not {"index.py", "section_strip.py"} & names
    more = reached | {SCRIPTS / "memmap_atlas/reports/index.py"}
    assert code_version(reached) == code_version(map(str, reached)) != code_version(more)
    assert imports(SCRIPTS / "memmap_atlas/text/units.py") == frozenset()
