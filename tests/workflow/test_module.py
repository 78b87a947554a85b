"""The workflow as a module of another one, which it leaves as it is: from a folder and from git."""

import contextlib
import functools
import http.server
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from memmap_atlas import __version__
from snakemake.sourcecache import GithubFile

from tests.tools.faults import SWEEP
from tests.tools.paths import ROOT, RULES, results_path
from tests.tools.runs import workflow

SNAKEFILE = ROOT / "workflow/Snakefile"
TABLE = results_path("<table>", sweep="small", part="000")
FIGURE = results_path("<figures>/section-strip-thread-3g", sweep="small")
PREFIX = "an atlas"
ALSO = "another"

# the parts of a run that a module could change
OWN = """
import json
import sys
from pathlib import Path


configfile: "own.yaml"


rule all:
    input:
        "own/done",


rule own:
    input:
        INPUTS,
    output:
        touch("own/done"),


rule cluster:
    output:
        "own/cluster/{sweep}",
    shell:
        "exit 1"


onstart:
    rule = workflow.get_rule("cluster")
    state = dict(
        target=workflow.default_target,
        config=config,
        configfiles=[str(file) for file in workflow.configfiles],
        report=str(workflow.report_text),
        local=sorted(name for name in workflow._localrules if not name.startswith("atlas")),
        incomplete=workflow.dag_settings.force_incomplete,
        limit=vars(workflow.scheduling_settings.max_jobs_per_timespan),
        pathvars=workflow.pathvars.items,
        constraints=workflow.modifier.wildcard_constraints,
        rule=[rule.output[0], rule.wildcard_constraints],
        forced=sorted(workflow.dag.forcefiles),
        environment=sorted(os.environ),
        scripts=[name for name in sys.path if name.endswith("scripts")],
        names=sorted(set(globals()) & {"HERE", "SWEEPS", "PATHS", "RESULTS"}),
    )
    Path(f"state-{len(INPUTS)}.json").write_text(json.dumps(state))
"""
MODULE = """
module atlas:
    snakefile: {snakefile}
    config: {config}
    prefix: {prefix!r}


use rule * from atlas as atlas_*
"""
# what snakedeploy 0.17.1 writes for a repository on GitHub and a tag, without its comments
DEPLOYED = """from snakemake.utils import min_version


min_version("6.10.0")


configfile: "config/config.yaml"


module memmap_atlas:
    snakefile: 
        github("owner/memmap-atlas", path="workflow/Snakefile", tag="v0.1.0")
    config:
        config


use rule * from memmap_atlas
"""  # noqa: W291


def snakemake(
    folder: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run the Snakefile of ``folder``."""
    command = [sys.executable, "-m", "snakemake", "--cores", "2", *arguments]
    return subprocess.run(
        command,
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, **(environment or {})},
    )


def embedding(
    folder: Path,
    inputs: list[str],
    snakefile: str = repr(str(SNAKEFILE)),
    config: object = ("sweeps", ["small.yaml"]),
    prefix: str | None = None,
) -> Path:
    """A workflow of one rule that needs ``inputs``, with the atlas as its module where it does."""
    folder.mkdir(exist_ok=True)
    (folder / "small.yaml").write_text(SWEEP)
    (folder / "own.yaml").write_text("mine: 1\n")
    values = dict([config]) if isinstance(config, tuple) else config
    module = MODULE.format(snakefile=snakefile, config=values, prefix=prefix) if inputs else ""
    own = OWN.replace("INPUTS", repr(inputs))
    (folder / "Snakefile").write_text(own.replace("onstart:", f"{module}\n\nonstart:"))
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with results of the workflow by itself."""
    folder = tmp_path_factory.mktemp("plain")
    (folder / "small.yaml").write_text(SWEEP)
    options = ["--cores", "2", "--config", "sweeps=[small.yaml]", "--"]
    command = workflow("--directory", folder, *options, TABLE, f"{FIGURE}.svg")
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return folder


@pytest.fixture(scope="module")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workflow that ran with the atlas below a folder of its own."""
    inputs = [f"{PREFIX}/{TABLE}", f"{PREFIX}/{FIGURE}.json"]
    folder = embedding(tmp_path_factory.mktemp("embedding"), inputs, prefix=PREFIX)
    run = snakemake(folder)
    assert run.returncode == 0, run.stderr
    # the table of sweeps is for a run of the workflow by itself
    assert "layouts   points" not in run.stdout
    return folder


def test_both_snakefiles_are_one_workflow(plain: Path) -> None:
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(SNAKEFILE), "--cores", "2"]
    command += ["--directory", str(plain), "--config", "sweeps=[small.yaml]"]
    again = subprocess.run([*command, "--", TABLE], capture_output=True, text=True)
    assert again.returncode == 0
    assert "Nothing to be done" in again.stdout + again.stderr
    options = [*command[5:], "-n", "--quiet", "rules"]
    plans = [
        dict(re.findall(r"^(\w+) +(\d+)$", plan.stdout, re.MULTILINE))
        for start in ([*command[:5], *options], workflow(*options))
        for plan in [subprocess.run(start, capture_output=True, text=True)]
    ]
    assert plans[0] == plans[1]
    assert {"all", "index", "vega"} < set(plans[0])


def test_a_module_makes_the_same_tables(plain: Path, embedded: Path) -> None:
    assert (embedded / PREFIX / TABLE).read_bytes() == (plain / TABLE).read_bytes()
    assert not (embedded / results_path("<results>")).exists()
    assert "Nothing to be done" in snakemake(embedded).stderr


def test_a_figure_tells_the_command_of_a_module(embedded: Path) -> None:
    provenance = json.loads((embedded / PREFIX / f"{FIGURE}.json").read_text())
    assert set(provenance["tables_sha256"]) > {f"{PREFIX}/{TABLE}"}
    command = shlex.split(provenance["command"])
    assert command == ["snakemake", "--cores", "1", "--", f"{PREFIX}/{FIGURE}.svg"]
    plan = snakemake(embedded, "-n", *command[3:])
    assert plan.returncode == 0
    assert "Nothing to be done" in plan.stdout + plan.stderr


def test_the_embedding_workflow_stays_as_it_is(embedded: Path, tmp_path: Path) -> None:
    alone = embedding(tmp_path / "alone", [])
    assert snakemake(alone).returncode == 0
    states = [
        json.loads(path.read_text()) for path in (alone / "state-0.json", embedded / "state-2.json")
    ]
    assert states[0] == states[1]
    assert states[0]["target"] == "all"
    assert states[0]["incomplete"] is False


def test_results_are_verified_below_a_prefix(embedded: Path) -> None:
    table = embedded / PREFIX / TABLE
    before = table.read_bytes()
    table.write_bytes(before[:-1] + b"?")
    stray = table.with_name("part-007.parquet")
    stray.touch()
    scratch = table.parents[1] / ".making-killed"
    scratch.mkdir()
    times = os.stat(embedded / "own.yaml")
    run = snakemake(embedded)
    assert run.returncode == 0, run.stderr
    assert (
        f"{PREFIX}/{TABLE} is damaged: it is not what was written; it is made again" in run.stderr
    )
    assert table.read_bytes() == before
    assert not stray.exists()
    assert not scratch.exists()
    assert os.stat(embedded / "own.yaml") == times


def test_files_and_locks_of_others_are_left_alone(plain: Path, tmp_path: Path) -> None:
    # a file that rules of the atlas would make, of a sweep that it does not have
    layouts = results_path("<layouts>", sweep="theirs")
    folder = embedding(tmp_path / "shared", [TABLE, layouts])
    pattern = results_path("<layouts>", sweep="{any}")
    with (folder / "Snakefile").open("a") as text:
        text.write(f'\n\nrule theirs:\n    output:\n        touch("{pattern}"),\n')
    shutil.copytree(plain / results_path("<results>"), folder / results_path("<results>"))
    theirs = folder / results_path("<results>") / "theirs.txt"
    theirs.touch()
    tomorrow = time.time() + 86_400
    for file in (theirs, folder / TABLE):
        os.utime(file, (tomorrow, tomorrow))
    run = snakemake(folder)
    assert run.returncode == 0, run.stderr
    assert theirs.stat().st_mtime == pytest.approx(tomorrow, rel=0, abs=1)
    assert (folder / TABLE).stat().st_mtime < tomorrow - 3600
    # of a run that was killed, for Snakemake to judge
    (folder / "own/done").unlink()
    lock = folder / ".snakemake/locks/0.output.lock"
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text("own/done\n")
    refused = snakemake(folder)
    assert refused.returncode != 0
    assert "LockException" in refused.stderr
    assert lock.exists()


def test_two_modules_of_one_checkout(tmp_path: Path) -> None:
    folder = embedding(tmp_path / "two", [f"a/{TABLE}", f"b/{TABLE}"], prefix="a")
    text = (folder / "Snakefile").read_text()
    second = MODULE.format(snakefile=repr(str(SNAKEFILE)), config={"sweeps": [ALSO]}, prefix="b")
    second = second.replace(ALSO, f"{ALSO}.yaml").replace("atlas", "second")
    (folder / f"{ALSO}.yaml").write_text(SWEEP)
    (folder / "Snakefile").write_text(text.replace("\n\nonstart:", f"{second}\n\nonstart:"))
    plan = snakemake(folder, "-n", "--quiet", "rules")
    assert plan.returncode == 0, plan.stderr
    for rule in ("atlas_evaluate", "second_evaluate"):
        assert rule in plan.stdout


def test_files_of_the_user_have_no_prefix(tmp_path: Path) -> None:
    (tmp_path / "board.iomem").write_text("80000000-bfffffff : System RAM\n")
    config = {"file": "board.iomem", "trees": "trees"}
    (tmp_path / "trees").mkdir()
    folder = embedding(tmp_path, [f"x/{TABLE}"], config=config, prefix="x")
    plan = snakemake(folder, "-n", "atlas_answer", "atlas_census")
    assert plan.returncode == 0, plan.stderr
    assert "the answer" in plan.stdout
    assert "census: given" in plan.stdout


def test_the_example_of_the_page_runs(tmp_path: Path) -> None:
    """docs/module.md, with the sweep that config/README.md shows."""
    page = (ROOT / "docs/module.md").read_text()
    (example,) = re.findall(r"```snakemake\n(.*?)```", page, re.DOTALL)
    (tmp_path / "Snakefile").write_text(example.replace("/path/to/memmap-atlas", str(ROOT)))
    sweep = SWEEP.replace("thread-3g", "as-built").replace("name: small", "name: my-board")
    (tmp_path / "my-board.yaml").write_text(sweep)
    plan = snakemake(tmp_path, "-n", "--quiet", "rules")
    assert plan.returncode == 0, plan.stderr
    assert re.search(r"^atlas_section_strip +1$", plan.stdout, re.MULTILINE)
    named = re.findall(r"`atlas_([a-z]+)`", page)
    assert {f"rule {name}:" for name in named} <= {
        line for file in RULES for line in file.read_text().splitlines()
    }


@pytest.mark.parametrize(
    ("config", "more", "words"),
    [
        (None, "", "config: the module statement has none: expected a mapping with sweeps"),
        ({"sweeps": ["small.yaml"], "version": "9.9"}, "", "config: version: '9.9' is for another"),
        ({"sweeps": ["small.yaml"]}, "replace_prefix: {'results/': 'x/'}", "use prefix"),
        ({"sweeps": ["small.yaml"]}, "pathvars: results='x'", "pathvars: results can't be set"),
    ],
)
def test_bad_use_is_one_line(config: object, more: str, words: str, tmp_path: Path) -> None:
    folder = embedding(tmp_path, [TABLE], config=config)
    text = (folder / "Snakefile").read_text().replace("prefix: None", more)
    (folder / "Snakefile").write_text(text)
    run = snakemake(folder, "-n")
    assert run.returncode != 0
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("Error")]
    assert line.startswith("Error in the module atlas: ")
    assert words in line
    assert not [word for word in ("Traceback", "File ") if word in run.stdout + run.stderr]


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment in which the files of this checkout are the tag v0.1.0 of a repository on
    GitHub, and without a network.
    """
    if not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path_factory.mktemp("hub")
    repository = folder / "owner/memmap-atlas"
    repository.mkdir(parents=True)
    for name in ("config", "workflow"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, repository / name, ignore=ignored)
    for name in ("Snakefile", "CITATION.cff", "LICENSE"):
        shutil.copy(ROOT / name, repository)
    host = GithubFile(repo="owner/memmap-atlas", path="Snakefile", tag="v0.1.0").host
    (folder / "gitconfig").write_text(
        f'[url "{folder}/"]\n    insteadOf = https://{host}/\n'
        "[user]\n    name = Some One\n    email = some@example.org\n"
    )
    environment = {
        "GIT_CONFIG_GLOBAL": str(folder / "gitconfig"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "REPOSITORY": str(repository),
    }
    for words in ("init -q -b main", "add -A", "commit -q -m all", "tag v0.1.0"):
        subprocess.run(
            ["git", "-C", repository, *words.split()], check=True, env={**os.environ, **environment}
        )
    return environment


def test_what_snakedeploy_writes_runs(hub: dict[str, str], plain: Path, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    config = tmp_path / "config/config.yaml"
    assert f'version: "{__version__.rpartition(".")[0]}"' in config.read_text()
    (tmp_path / "small.yaml").write_text(SWEEP)
    config.write_text("sweeps: [small.yaml, thread-2016]\nmax_points: 1000\n")
    edited = tmp_path / "config/sweeps/thread-2016.yaml"
    edited.write_text(f"{edited.read_text()}# mine\n")
    (tmp_path / "workflow").mkdir()
    (tmp_path / "workflow/Snakefile").write_text(DEPLOYED)
    run = snakemake(tmp_path, "--", TABLE, environment=hub)
    assert run.returncode == 0, run.stderr
    assert (tmp_path / TABLE).read_bytes() == (plain / TABLE).read_bytes()
    assert "config/sweeps/thread-2016.yaml is not read" in run.stderr
    # exported again: the same paths and times
    shutil.rmtree(tmp_path / ".snakemake/memmap-atlas/source")
    again = snakemake(tmp_path, "--", TABLE, environment=hub)
    assert "Nothing to be done" in again.stdout + again.stderr
    plan = snakemake(tmp_path, "-n", environment=hub)
    assert "every table, figure and explorer is made" in plan.stdout


def test_a_module_of_a_local_repository(hub: dict[str, str], plain: Path, tmp_path: Path) -> None:
    source = f"git+file://{hub['REPOSITORY']}/workflow/Snakefile@main"
    folder = embedding(tmp_path, [f"x/{TABLE}"], snakefile=repr(source), prefix="x")
    run = snakemake(folder, environment=hub)
    assert run.returncode == 0, run.stderr
    assert (folder / "x" / TABLE).read_bytes() == (plain / TABLE).read_bytes()
    (exported,) = (folder / ".snakemake/memmap-atlas/source").iterdir()
    assert sorted(path.name for path in exported.iterdir()) == [
        "CITATION.cff",
        "config",
        "workflow",
    ]
    # it is only read
    status = ["git", "-C", hub["REPOSITORY"], "status", "--porcelain"]
    assert subprocess.run(status, capture_output=True, check=True).stdout == b""


@contextlib.contextmanager
def served(folder: Path) -> Iterator[str]:
    """Context in which a folder is a web site at the address it yields."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()


def test_a_single_file_is_refused(tmp_path: Path) -> None:
    with served(ROOT) as address:
        folder = embedding(tmp_path, [TABLE], snakefile=repr(f"{address}/workflow/Snakefile"))
        run = snakemake(folder, "-n", environment={"no_proxy": "127.0.0.1"})
    assert run.returncode != 0
    (line,) = [line for line in run.stderr.splitlines() if line.startswith("Error")]
    assert "a single file of the workflow can't be used: give a local path" in line
