"""Parts of the workflow as a module: its configuration, prefix and path variables, and the export
of a commit.
"""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import yaml
from memmap_atlas import __version__
from memmap_atlas.answer.question import question_of
from memmap_atlas.documents.errors import InputError
from memmap_atlas.pipeline import snakemake_internals as internals
from memmap_atlas.pipeline import source_tree
from memmap_atlas.pipeline.module import module_config, unread
from memmap_atlas.pipeline.paths import PATHS, path, strays
from memmap_atlas.pipeline.run_lock import lock_of
from memmap_atlas.pipeline.verify import set_clocks
from memmap_atlas.sweepfile.sweeps import config_problems, load_sweeps

from tests.tools.paths import ROOT

SERIES = __version__.rpartition(".")[0]

# Configuration


def test_the_shipped_configuration_is_for_this_release() -> None:
    config = yaml.safe_load((ROOT / "config/config.yaml").read_text())
    assert config["version"] == SERIES
    assert config_problems(config) == []
    assert config_problems({key: config[key] for key in config if key != "version"}) == []


@pytest.mark.parametrize("read", [load_sweeps, question_of])
def test_a_configuration_of_another_release_is_told(read: Any) -> None:
    config = {"sweeps": ["thread-2016"], "max_points": 9, "version": "7.3", "file": "nowhere"}
    with pytest.raises(InputError) as told:
        read(config, ROOT, ROOT)
    (problem,) = told.value.problems
    assert f"version: '7.3' is for another release than this one, {__version__}" in str(problem)
    assert f"set version: '{SERIES}', or run release 7.3" in str(problem)


@pytest.mark.parametrize("version", [0.1, "0.1.0", "v0.1", "", "0.1\n", None, ["0.1"]])
def test_a_version_of_another_form_is_told_once(version: Any) -> None:
    wrong = config_problems({"sweeps": ["thread-2016"], "max_points": 9, "version": version})
    assert [problem.path for problem in wrong] == [("version",)]
    assert "in quotes, such as '0.1'" in wrong[0].text


def test_a_module_has_the_shipped_limit_of_points() -> None:
    given = {"sweeps": ["machines"]}
    assert module_config(given, ROOT)["max_points"] == 100_000_000
    assert module_config({**given, "max_points": 5}, ROOT)["max_points"] == 5
    # it can be the configuration of the embedding workflow
    assert given == {"sweeps": ["machines"]}
    assert "sweeps" in module_config({"file": "board.dtb"}, ROOT)
    assert "sweeps" not in module_config({"lab": "ci"}, ROOT)


@pytest.mark.parametrize("config", [None, {}, [], "config.yaml", 3])
def test_a_module_without_configuration_is_one_line(config: Any) -> None:
    with pytest.raises(InputError, match=r"^config: .*expected a mapping with sweeps") as told:
        module_config(config, ROOT)
    assert len(told.value.problems) == 1


def test_edited_copies_that_are_not_read_are_told(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "config", tmp_path / "config")
    config = {"sweeps": ["machines", "config/sweeps/boards.yaml"]}
    assert unread(ROOT, tmp_path, config) == []
    assert unread(ROOT, ROOT, config) == []
    for name in ("kernels.yaml", "sweeps/machines.yaml", "sweeps/boards.yaml", "labs/full.yaml"):
        (tmp_path / "config" / name).write_text("# mine\n")
    assert [line.split()[0] for line in unread(ROOT, tmp_path, config)] == [
        "config/kernels.yaml",
        "config/sweeps/machines.yaml",
        "config/labs/full.yaml",
    ]


# Snakemake's internals


def modifier(prefix: str = "", inner: Any = None, replaces: bool = False) -> Any:
    """Stand-in for Snakemake's path modifier."""
    return SimpleNamespace(
        modifies_prefixes=replaces,
        inner_modifier=inner,
        replace_prefix=lambda name: inner.replace_prefix(prefix + name) if inner else prefix + name,
    )


def module_of(path_modifier: Any = None, **values: Any) -> Any:
    """Stand-in for a workflow that reads a module."""
    reading = SimpleNamespace(is_main_snakefile=lambda: False, path_modifier=path_modifier)
    return SimpleNamespace(modifier=reading, **values)


def test_the_prefix_of_a_module_is_that_of_all_around_it() -> None:
    assert internals.path_prefix(module_of(modifier())) == ""
    assert internals.path_prefix(module_of(modifier("in/", modifier("out/")))) == "out/in/"
    for replacing in (modifier(replaces=True), modifier("in/", modifier(replaces=True))):
        with pytest.raises(ValueError, match="use prefix"):
            internals.path_prefix(module_of(replacing))
    assert internals.path_prefix(SimpleNamespace()) == ""


def test_only_the_main_workflow_is_main() -> None:
    main = SimpleNamespace(modifier=SimpleNamespace(is_main_snakefile=lambda: True))
    assert internals.is_main_workflow(main)
    assert not internals.is_main_workflow(module_of())
    assert not internals.is_main_workflow(SimpleNamespace())


def test_paths_of_the_embedding_workflow_are_not_the_modules() -> None:
    variables = SimpleNamespace(items={**PATHS, "logs": "theirs"}, level={"logs": 2})
    internals.claim_pathvars(module_of(pathvars=variables), PATHS)
    assert variables.items == PATHS
    given = SimpleNamespace(items={**PATHS, "logs": "theirs"}, level={"logs": 1})
    with pytest.raises(ValueError, match="pathvars: logs can't be set"):
        internals.claim_pathvars(module_of(pathvars=given), PATHS)
    internals.claim_pathvars(SimpleNamespace(), PATHS)


def test_a_default_target_that_is_there_stays() -> None:
    proxy = SimpleNamespace(rule=SimpleNamespace(name="all"))
    for target, known, expected in ((None, True, "all"), ("x", True, "x"), (None, False, None)):
        workflow = SimpleNamespace(default_target=target, is_rule=lambda _, known=known: known)
        internals.default_to(workflow, proxy)
        assert workflow.default_target == expected
    internals.default_to(workflow, SimpleNamespace())


# Below a prefix


def test_strays_are_found_below_a_folder(tmp_path: Path) -> None:
    (sweep,) = load_sweeps({"sweeps": ["thread-2016"], "max_points": 10**6}, ROOT, ROOT)
    part = partial(path, "<table>", sweep=sweep.name)
    stray = tmp_path / part(part="001")
    stray.parent.mkdir(parents=True)
    for file in (stray, tmp_path / part(part="000")):
        file.touch()
    assert strays(sweep, tmp_path) == [stray]


def test_clocks_of_files_and_folders_are_set(tmp_path: Path) -> None:
    files = [tmp_path / "file", tmp_path / "folder/deep/file", tmp_path / "other"]
    files[1].parent.mkdir(parents=True)
    tomorrow = time.time() + 86_400
    for file in files:
        file.touch()
        os.utime(file, (tomorrow, tomorrow))
    assert set_clocks([files[0], tmp_path / "folder", tmp_path / "missing"]) == 2
    assert [file.stat().st_mtime > time.time() + 60 for file in files] == [False, False, True]


def test_modules_of_one_process_share_a_lock(tmp_path: Path) -> None:
    lock = lock_of(tmp_path / ".snakemake")
    assert lock
    assert lock is lock_of(tmp_path / ".snakemake")
    assert lock.alone()
    (tmp_path / "file").touch()
    assert lock_of(tmp_path / "file/.snakemake") is None


# The export of a commit


def git(folder: Path, *words: str) -> str:
    identity = ["-c", "user.name=Some One", "-c", "user.email=some@example.org"]
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, capture_output=True, check=True, text=True).stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository of one commit, on the branch main and of the tag v1."""
    if not shutil.which("git"):
        pytest.skip("needs git")
    folder = tmp_path / "repository"
    for name in ("workflow/rules/a.smk", "workflow/Snakefile", "config/a b.yaml", "tests/test.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "CITATION.cff").write_text("cff-version: 1.2.0\n")
    (folder / "workflow/binary").write_bytes(bytes(range(256)))
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "all", "--date=@1000000000")
    git(folder, "tag", "v1")
    return folder


def local_git(repository: Path, ref: str) -> Any:
    """Stand-in for the folder workflow/ of a repository, as Snakemake's source file."""
    return SimpleNamespace(repo_path=str(repository), ref=ref)


def test_an_export_has_the_bytes_of_the_commit(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = git(repository, "rev-parse", "HEAD")
    time_of_commit = float(git(repository, "show", "-s", "--format=%ct"))
    # what is not committed is not exported, a hook of git asks for another repository
    (repository / "workflow/Snakefile").write_text("edited")
    bare = tmp_path / "bare"
    git(repository, "clone", "-q", "--bare", ".", str(bare))
    status = partial(git, repository, "status", "--porcelain")
    monkeypatch.setenv("GIT_DIR", "/nowhere")
    for source in (repository, bare):
        store = tmp_path / f"store of {source.name}"
        folder = source_tree.export(source, commit, store)
        assert folder == store / commit
        files = sorted(
            str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file()
        )
        assert files == [
            "CITATION.cff",
            "config/a b.yaml",
            "workflow/Snakefile",
            "workflow/binary",
            "workflow/rules/a.smk",
        ]
        assert (folder / "workflow/binary").read_bytes() == bytes(range(256))
        assert (folder / "workflow/Snakefile").read_text() == "workflow/Snakefile"
        assert {file.stat().st_mtime for file in folder.rglob("*")} == {time_of_commit}
        assert [path.name for path in store.iterdir()] == [commit]
    monkeypatch.delenv("GIT_DIR")
    assert status() == "M workflow/Snakefile"


def test_exports_at_once_are_one_export(repository: Path, tmp_path: Path) -> None:
    commit, store = git(repository, "rev-parse", "HEAD"), tmp_path / "store"
    with ThreadPoolExecutor(8) as threads:
        folders = set(
            threads.map(lambda _: source_tree.export(repository, commit, store), range(8))
        )
    assert folders == {store / commit}
    assert [path.name for path in store.iterdir()] == [commit]


def test_what_a_killed_export_left_is_removed(repository: Path, tmp_path: Path) -> None:
    store = tmp_path / "store"
    for name in ("old", "new"):
        (store / f"{source_tree.SCRATCH}{name}/tree").mkdir(parents=True)
    os.utime(store / f"{source_tree.SCRATCH}old", (0, 0))
    commit = git(repository, "rev-parse", "HEAD")
    source_tree.export(repository, commit, store)
    assert {path.name for path in store.iterdir()} == {commit, f"{source_tree.SCRATCH}new"}


def test_all_jobs_of_a_run_have_one_commit(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    first = source_tree.project_folder(local_git(repository, "main"), str(tmp_path / "cached.py"))
    (repository / "workflow/Snakefile").write_text("newer")
    git(repository, "commit", "-qam", "newer")
    # a job: beside the same file in Snakemake's cache
    job = source_tree.project_folder(local_git(repository, "main"), str(tmp_path / "cached.py"))
    assert job == first
    later = source_tree.project_folder(local_git(repository, "main"), str(tmp_path / "later.py"))
    assert later != first
    assert (later / "workflow/Snakefile").read_text() == "newer"
    tag = source_tree.project_folder(local_git(repository, "v1"), str(tmp_path / "tag.py"))
    assert tag == first
    # an export that was removed is made from the repository
    shutil.rmtree(first)
    tag = source_tree.project_folder(local_git(repository, "v1"), str(tmp_path / "tag.py"))
    assert (tag / "workflow/binary").is_file()


def test_a_folder_is_used_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "real/workflow").mkdir(parents=True)
    (tmp_path / "link").symlink_to("real")
    base = tmp_path / "link/workflow"
    assert source_tree.project_folder(base, "cached.py") == (tmp_path / "real").resolve()


@pytest.mark.parametrize(
    ("base", "words"),
    [
        (SimpleNamespace(), "a single file of the workflow can't be used"),
        (local_git(Path("/nowhere"), "main"), "can't be exported: .*nowhere"),
        (SimpleNamespace(repo_path="/nowhere", ref=None), "a single file"),
    ],
)
def test_a_source_that_cannot_be_is_one_line(
    base: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=f"^Error in the workflow memmap-atlas: .*{words}") as told:
        source_tree.project_folder(base, str(tmp_path / "cached.py"))
    assert "\n" not in str(told.value)


def test_an_unknown_commit_is_one_line(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit, match=r"can't be exported: fatal: .*") as told:
        source_tree.project_folder(local_git(repository, "v9"), str(tmp_path / "cached.py"))
    assert "\n" not in str(told.value)


def test_parts_of_snakemake_that_an_export_needs_are_there() -> None:
    from snakemake.sourcecache import GithubFile, GitlabFile, HostedGitRepo, LocalGitFile

    base = LocalGitFile("/somewhere", "workflow/Snakefile", ref="main").get_basedir()
    assert source_tree.git_source(base) == (Path("/somewhere"), "main")
    for hosted in (GithubFile, GitlabFile):
        assert hosted("owner/name", path="workflow/Snakefile", tag="v1").get_basedir().ref == "v1"
        assert isinstance(hosted.hosted_repo, property)
    assert "repo_clone" in HostedGitRepo.__init__.__code__.co_names


def test_another_version_of_the_library_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paths = list(sys.path)
    source_tree.import_library(ROOT)
    other = tmp_path / "workflow/scripts/memmap_atlas/__init__.py"
    other.parent.mkdir(parents=True)
    other.touch()
    with pytest.raises(SystemExit, match=r"is imported already: a run has one version"):
        source_tree.import_library(tmp_path)
    monkeypatch.setitem(sys.modules, source_tree.LIBRARY, ModuleType(source_tree.LIBRARY))
    with pytest.raises(SystemExit, match=r"is imported already: a run has one version"):
        source_tree.import_library(tmp_path)
    monkeypatch.setattr(source_tree, "NEEDED", ("yaml", "no_such_library"))
    with pytest.raises(SystemExit, match="lacks no_such_library: install what"):
        source_tree.import_library(ROOT)
    assert sys.path == paths
