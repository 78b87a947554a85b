"""The shape of results/, inputs of rules, and Snakemake's internals with the ways around them."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from memmap_atlas.integrity.dependencies import LIBRARY, SCRIPTS
from memmap_atlas.lab.plan import Origin
from memmap_atlas.lab.rule_inputs import build_choice, kernel_source, userland
from memmap_atlas.pipeline import snakemake_internals as internals
from memmap_atlas.pipeline.paths import PATHS, checks, described, explorers, figures, path, tables
from memmap_atlas.pipeline.rule_inputs import (
    description_json,
    design_space,
    explorer_tables,
    figure_command,
    figure_inputs,
    figure_label,
    figure_library,
    index_entries,
    lab_library,
    library,
    sweep_named,
)
from memmap_atlas.reports.census_inputs import SUITES, census_inputs, census_state, censuses
from memmap_atlas.sweep.design import Sweep
from memmap_atlas.sweepfile.sweeps import load_sweeps

from tests.tools.paths import ROOT, RULES, in_results, of_sweep

SWEEPS = {
    sweep.name: sweep
    for sweep in load_sweeps(
        {"sweeps": ["thread-2016", "thread-strips"], "max_points": 1_000_000}, ROOT, ROOT
    )
}
STRIPS = SWEEPS["thread-strips"]


# The shape of results/


def test_names_and_keys_of_a_path_are_filled_in() -> None:
    assert path("<sweep>/x-{part}", sweep="some", part=7) == f"{PATHS['results']}/some/x-7"
    with pytest.raises(KeyError, match="nothing"):
        path("<nothing>")
    with pytest.raises(KeyError, match="sweep"):
        path("<sweep>")


@pytest.mark.parametrize("name", PATHS)
def test_every_path_ends_and_lies_in_results(name: str) -> None:
    keys = ("sweep", "part", "suite", "package", "architecture", "kernel", "map", "trees")
    full = path(f"<{name}>", **dict.fromkeys(keys, "x"))
    assert not set("<>{}") & set(full)
    assert name == "figure_folder" or Path(full).parts[0] == PATHS["results"]


def test_no_rule_and_no_script_writes_a_path_of_results_out() -> None:
    files = [*RULES, *SCRIPTS.rglob("*.py")]
    assert len(files) > 100
    for file in files:
        for line in file.read_text().splitlines():
            code = line.partition("#")[0]
            assert '"results/' not in code, f"{file}: {line}"


def test_files_of_a_sweep_are_those_of_the_table() -> None:
    name = STRIPS.name
    assert tables(STRIPS) == [path("<table>", sweep=name, part="000")]
    assert explorers(STRIPS) == [path("<explorer>", sweep=name)]
    resolved, layouts, strips = (
        path(key, sweep=name) for key in ("<resolved>", "<layouts>", "<strips>")
    )
    assert described(STRIPS) == [resolved, layouts, strips]
    folder = path("<figures>", sweep=name)
    assert path(f"{folder}/section-strip-thread-4g.caption.tex") in figures(STRIPS)
    assert len(set(checks(STRIPS))) == 4 + len(figures(STRIPS)) // 10
    assert path("<table_check>", sweep=name, part="000") in checks(STRIPS)


# Inputs of rules


def test_library_is_scripts_with_all_that_they_import() -> None:
    files = library("strips.py")
    assert str(SCRIPTS / "strips.py") in files
    assert str(LIBRARY / "memmodel/cost.py") in files
    assert set(files) < set(library("strips.py", "figure.py"))
    assert str(LIBRARY / "figures/section_strip.py") in figure_library("section-strip")
    assert str(LIBRARY / "figures/section_strip.py") not in figure_library("breakdown")
    boards = lab_library("boards/*.py", "run.py")
    assert {str(LIBRARY / "lab/run.py"), str(LIBRARY / "lab/boards/base.py")} < set(boards)
    assert lab_library("nothing.py") == []


@pytest.mark.parametrize(
    "patterns",
    [("build.py", "debian.py"), ("initramfs.py", "debian.py"), ("boards/*.py", "run.py")],
)
def test_modules_that_rules_of_the_lab_name_exist(patterns: tuple[str, ...]) -> None:
    text = (ROOT / "workflow/rules/lab.smk").read_text()
    assert f"lab_library({', '.join(f'{json.dumps(name)}' for name in patterns)})" in text
    assert all(lab_library(pattern) for pattern in patterns)


def test_a_sweep_that_is_not_of_the_run_is_one_line() -> None:
    assert sweep_named(STRIPS.name, SWEEPS) is STRIPS
    with pytest.raises(SystemExit, match="no sweep 'some' in this run; there are thread-2016"):
        sweep_named("some", SWEEPS)


def test_the_design_space_has_no_words_and_no_figures() -> None:
    values = design_space(STRIPS)
    assert not {"description", "figures"} & set(values)
    assert {"name", "regions", "kernels", "models"} <= set(values)
    assert "<" not in description_json(described_as(STRIPS, "</script> & more"))
    assert json.loads(description_json(described_as(STRIPS, "a < b"))) == "a < b"


def described_as(sweep: Sweep, text: str) -> Any:
    return SimpleNamespace(**{**vars(sweep), "description": text})


def test_inputs_of_a_figure() -> None:
    given = figure_inputs(STRIPS, "section-strip", "-thread-4g")
    assert given == {
        "memmap": tables(STRIPS),
        "strips": path("<strips>", sweep=STRIPS.name),
    }
    with pytest.raises(SystemExit, match="Error in the figure asked for: "):
        figure_inputs(STRIPS, "section-strip", "-nowhere")
    assert figure_label(STRIPS, "section-strip", "-thread-4g") == "section strip, thread-4g"
    command = figure_command(["sweeps=[it's]"], "x.svg")
    assert command == "snakemake --cores 1 --config 'sweeps=[it'\"'\"'s]' -- x.svg"


def test_no_explorer_of_a_large_sweep() -> None:
    assert explorer_tables(STRIPS) == tables(STRIPS)
    (large,) = load_sweeps({"sweeps": ["billion"], "max_points": 2_000_000_000}, ROOT, ROOT)
    with pytest.raises(SystemExit, match=r"up to .* points, the sweep billion has 1,"):
        explorer_tables(large)


def test_entries_of_the_index_are_relative_to_results() -> None:
    *sweeps, evidence = index_entries(SWEEPS.values(), "Why?")
    assert [entry["name"] for entry in sweeps] == list(SWEEPS)
    assert evidence["name"] == "evidence"
    shown = sweeps[1]
    assert shown["explorer"] == in_results("<explorer>", sweep=STRIPS.name)
    stems = [figure["stem"] for figure in shown["figures"]]
    assert f"{STRIPS.name}/{of_sweep('<figures>/section-strip-thread-4g')}" in stems
    assert evidence["figures"] == [
        {
            "stem": in_results("<evidence_figure>"),
            "kind": "computed-against-booted",
            "question": "Why?",
        }
    ]


def test_inputs_of_a_census(tmp_path: Path) -> None:
    folder = path("<census>", trees="sid")
    expected = {"trees": f"{folder}/trees", "package": f"{folder}/package.txt"}
    assert census_inputs("sid", {}) == expected
    assert census_state("sid", {}) == ""
    assert len(censuses({})) == len(SUITES)
    with pytest.raises(SystemExit, match="no folder of device trees is given"):
        census_inputs("given", {})
    with pytest.raises(SystemExit, match="trees: no folder"):
        census_inputs("given", {"trees": "nowhere"})
    config = {"trees": str(tmp_path)}
    assert census_inputs("given", config) == config
    assert censuses(config) == [path("<census>/census.txt", trees="given")]
    before = census_state("given", config)
    (tmp_path / "below").mkdir()
    (tmp_path / "below/a.dtb").write_bytes(b"a")
    assert census_state("given", config) != before


def test_sources_of_an_image_of_the_lab() -> None:
    folder = path("<lab_source>", suite="sid", package="linux")
    source = kernel_source(Origin(source="linux", suite="sid"))
    assert source == {"source": folder, "version": f"{folder}.version"}
    assert kernel_source(Origin(image="my/Image")) == {"image": "my/Image"}
    assert kernel_source(Origin(package="linux-image-arm64", suite="sid")) == {}
    kernel = SWEEPS["thread-2016"].kernels["arm64-6.12-4k"]
    assert build_choice(kernel)["section_size"] == kernel.section_size
    assert userland(kernel).endswith("/arm64.cpio")


# Snakemake's internals


def workflow_of(**values: Any) -> Any:
    """Stand-in for a workflow of Snakemake 9.27, as far as the functions read it."""
    common: dict[str, Any] = {
        "is_main_process": True,
        "execution_settings": SimpleNamespace(lock=True),
        "dryrun": False,
        "touch": False,
        "local_exec": True,
        "dag_settings": SimpleNamespace(force_incomplete=False),
        "scheduling_settings": SimpleNamespace(
            max_jobs_per_timespan=SimpleNamespace(max_jobs=100, timespan=1)
        ),
        "dag": SimpleNamespace(forcefiles={"a"}),
        "rules": [SimpleNamespace(is_producer=lambda file: file == "made")],
    }
    return SimpleNamespace(**{**common, **values})


def without(*names: str) -> Any:
    """Stand-in for a workflow of a Snakemake that lacks some of it."""
    values = {key: value for key, value in vars(workflow_of()).items() if key not in names}
    return SimpleNamespace(**values)


def test_internals_that_are_there_are_used() -> None:
    workflow = workflow_of()
    assert internals.is_main_process(workflow)
    assert internals.starts_jobs(workflow)
    internals.rerun_incomplete(workflow)
    assert workflow.dag_settings.force_incomplete
    internals.make_again(workflow, ["b"])
    assert workflow.dag.forcefiles == {"a", "b"}
    internals.lift_start_limit(workflow)
    assert workflow.scheduling_settings.max_jobs_per_timespan is None
    assert internals.is_output(workflow, "made")
    assert not internals.is_output(workflow, "elsewhere")


@pytest.mark.parametrize("name", ["dryrun", "touch"])
def test_what_runs_no_jobs_starts_none(name: str) -> None:
    assert not internals.starts_jobs(workflow_of(**{name: True}))
    assert not internals.starts_jobs(without(name))
    assert not internals.starts_jobs(workflow_of(execution_settings=None))
    assert not internals.starts_jobs(workflow_of(is_main_process=False))


def test_a_limit_that_was_asked_for_stays() -> None:
    limit = SimpleNamespace(max_jobs=7, timespan=2)
    workflow = workflow_of(scheduling_settings=SimpleNamespace(max_jobs_per_timespan=limit))
    internals.lift_start_limit(workflow)
    assert workflow.scheduling_settings.max_jobs_per_timespan is limit
    cluster = workflow_of(local_exec=False)
    internals.lift_start_limit(cluster)
    assert cluster.scheduling_settings.max_jobs_per_timespan


def test_ways_around_what_another_snakemake_lacks(tmp_path: Path) -> None:
    assert not internals.is_main_process(without("is_main_process"))
    assert not internals.starts_jobs(without("execution_settings"))
    for lacking in (without("dag_settings"), workflow_of(dag_settings=SimpleNamespace())):
        internals.rerun_incomplete(lacking)
    settings = SimpleNamespace()
    for lacking in (without("scheduling_settings"), workflow_of(scheduling_settings=settings)):
        internals.lift_start_limit(lacking)
    assert vars(settings) == {}
    assert not internals.is_output(without("rules"), "made")
    assert not internals.is_output(workflow_of(rules=[SimpleNamespace()]), "made")


@pytest.mark.parametrize(
    "lacks",
    [{"dag": SimpleNamespace()}, {"dag": SimpleNamespace(forcefiles=("a",))}, {"dag": None}],
)
def test_stale_files_are_removed_where_they_cannot_be_forced(
    lacks: dict[str, Any], tmp_path: Path
) -> None:
    stale, missing = tmp_path / "stale", tmp_path / "missing"
    stale.touch()
    # a dry run removes nothing
    internals.make_again(workflow_of(dryrun=True, **lacks), [str(stale)])
    assert stale.exists()
    internals.make_again(workflow_of(**lacks), [str(stale), str(missing)])
    assert not stale.exists()


def test_internals_are_used_in_one_file() -> None:
    private: tuple[str, ...] = (
        "forcefiles",
        "dag_settings",
        "scheduling_settings",
        "execution_settings",
    )
    private += ("is_main_process", "local_exec", "is_producer", "force_incomplete", "persistence")
    here = LIBRARY / "pipeline/snakemake_internals.py"
    files = [*RULES, *SCRIPTS.rglob("*.py")]
    for file in files:
        text = file.read_text().replace("snakemake_internals.is_main_process", "")
        assert file == here or not [name for name in private if name in text], file
    assert "is_producer" in here.read_text()
    assert "snakemake>=9.27,<10" in (ROOT / "pyproject.toml").read_text()
