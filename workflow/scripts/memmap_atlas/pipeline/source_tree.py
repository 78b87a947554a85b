"""The checkout that the running Snakefile is part of, exported from git where it is there only.

Snakemake fetches the files of a module in a git repository one by one, as text: a library that is
imported, inputs of rules and binary files are beyond it. One commit is therefore exported whole,
and the workflow then reads that folder as it reads a checkout.

This file runs before the library can be imported, so it imports none of it. It uses parts of
Snakemake that its documentation does not promise: ``repo_path``, ``hosted_repo``, ``repo_clone``
and ``ref`` of its source files, as they are in 9.27. Without them a module has to be in a folder.
"""

import importlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, NoReturn

# exports, by commit, in the folder that a workflow runs in: its jobs on other machines see it
STORE = Path(".snakemake/memmap-atlas/source")
# the parts of the repository that the workflow reads
PARTS = ("CITATION.cff", "config", "workflow")
SCRATCH = ".exporting-"
NO_INDEX = Path(os.devnull)
# seconds after which the folder of an export that was killed is removed
ABANDONED = 3600
LIBRARY = "memmap_atlas"
# what the rules import, by the names of its modules
NEEDED = ("jsonschema", "numpy", "pyarrow", "yaml")


def project_folder(base: Any, cached: str) -> Path:
    """Return the folder that has config/ and workflow/.

    base: the folder of workflow/Snakefile, as Snakemake's source file
    cached: the path of this file in Snakemake's source cache. A commit is recorded beside it, which
        lasts as long: all jobs of a run use the same one, however its branch moves meanwhile.

    Raises SystemExit, with one line, where the source is neither a folder nor in a git repository,
    or cannot be exported.
    """
    # without symbolic links, as Snakemake tells a script where it is
    if isinstance(base, os.PathLike):
        return Path(base).resolve().parent
    store = STORE.resolve()
    record = Path(cached).with_suffix(".commit")
    with suppress(OSError):
        exported = store / record.read_text(encoding="utf-8")
        if exported.is_dir():
            return exported
    try:
        repository, ref = git_source(base)
        commit = git(repository, "rev-parse", "--verify", f"{ref}^{{commit}}").decode().strip()
        folder = export(repository, commit, store)
    except (OSError, subprocess.CalledProcessError) as error:
        words = getattr(error, "stderr", None) or str(error).encode()
        refuse(f"{base}: can't be exported: {' '.join(words.decode(errors='replace').split())}")
    with suppress(OSError):
        record.write_text(commit, encoding="utf-8")
    return folder


def git_source(base: Any) -> tuple[Path, str]:
    """Return the git repository of a source file of Snakemake, on this machine, and what names the
    commit. Raises SystemExit for a source of another kind.
    """
    ref = getattr(base, "ref", None)
    # git+file: and gitfile()
    if ref and hasattr(base, "repo_path"):
        return Path(base.repo_path), ref
    # github() and gitlab(), whose clones Snakemake keeps
    if ref and hasattr(type(base), "hosted_repo"):
        return Path(base.hosted_repo.repo_clone), ref
    refuse(
        f"{base}: a single file of the workflow can't be used: give a local path, git+file:, "
        "github() or gitlab()"
    )


def git(repository: Path, *arguments: str, names: bytes = b"", index: Path = NO_INDEX) -> bytes:
    """Return what git prints; it reads ``names``, and its index is ``index``, not the repository's.

    Raises OSError without git, CalledProcessError where it fails.
    """
    # a hook of git sets GIT_DIR
    kept = {key: text for key, text in os.environ.items() if not key.startswith("GIT_")}
    return subprocess.run(
        ["git", "-C", str(repository), *arguments],
        capture_output=True,
        check=True,
        input=names,
        env={**kept, "GIT_INDEX_FILE": str(index)},
    ).stdout


def export(repository: Path, commit: str, store: Path) -> Path:
    """Return the folder with the files of a commit, which appears whole or not at all.

    Files have the time of the commit, whenever they are exported. The repository is only read.
    """
    folder = store / commit
    if folder.is_dir():
        return folder
    store.mkdir(parents=True, exist_ok=True)
    remove_abandoned(store)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=store))
    try:
        tree, index = scratch / "tree", scratch / "index"
        tree.mkdir()
        git(repository, "read-tree", commit, index=index)
        names = git(repository, "ls-tree", "-r", "-z", "--name-only", commit, "--", *PARTS)
        write = (f"--work-tree={tree}", "checkout-index", "-z", "--stdin", f"--prefix={tree}/")
        git(repository, *write, names=names, index=index)
        time_of_commit = int(git(repository, "show", "-s", "--format=%ct", commit))
        for file in tree.rglob("*"):
            os.utime(file, (time_of_commit, time_of_commit), follow_symlinks=False)
        try:
            tree.rename(folder)
        except OSError:
            # another process was first
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def remove_abandoned(store: Path) -> None:
    """Remove what exports left that were killed."""
    for scratch in store.glob(f"{SCRATCH}*"):
        with suppress(OSError):
            if time.time() - scratch.stat().st_mtime > ABANDONED:
                shutil.rmtree(scratch, ignore_errors=True)


def import_library(project: Path) -> None:
    """Import the library of a checkout, and leave sys.path as it was: modules of the library are
    then found by the package.

    Raises SystemExit, with one line, where another memmap_atlas is imported already, or a library
    that the rules need is missing.
    """
    scripts = project / "workflow/scripts"
    if missing := [name for name in NEEDED if importlib.util.find_spec(name) is None]:
        refuse(
            f"the environment of Snakemake lacks {', '.join(missing)}: install what "
            f"{project / 'workflow/envs/atlas.yaml'} lists"
        )
    sys.path.insert(0, str(scripts))
    try:
        file = getattr(importlib.import_module(LIBRARY), "__file__", None)
    finally:
        sys.path.remove(str(scripts))
    if not file or not (scripts / LIBRARY / "__init__.py").samefile(file):
        refuse(f"{project}: {file} is imported already: a run has one version of the library only")


def refuse(text: str) -> NoReturn:
    """End the process with one line."""
    sys.exit(f"Error in the workflow memmap-atlas: {text}")
