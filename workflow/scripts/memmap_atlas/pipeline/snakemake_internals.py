"""Parts of Snakemake that its documentation does not promise, all of them used here only.

Known to work with Snakemake 9.27; pyproject.toml excludes 10. Each function has a fallback for a
version that lacks the part: the run then does what Snakemake does by itself.
"""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

# where a path variable was set: in the module statement, or closer to the rule
MODULE_LEVEL = 1
# job starts in so many seconds, where nobody asks for another limit
DEFAULT_START_LIMIT = (100, 1)


def is_main_workflow(workflow: Any) -> bool:
    """Return True while the Snakefile of a run is read, False while one of its modules is.

    Fallback: False, so that settings of the whole run are left alone.
    """
    try:
        return bool(workflow.modifier.is_main_snakefile())
    except AttributeError:
        return False


def default_to(workflow: Any, proxy: Any) -> None:
    """Make a rule, an entry of ``rules``, the default target where there is none so far.

    Fallback: none; Snakemake then asks for a target.
    """
    name = getattr(getattr(proxy, "rule", None), "name", None)
    if name and workflow.is_rule(name) and not workflow.default_target:
        workflow.default_target = name


def path_prefix(workflow: Any) -> str:
    """Return what Snakemake puts before relative paths of the rules that are being read: the
    ``prefix`` of their module statement, those of modules around it first.

    Raises ValueError for a module with ``replace_prefix``, which names of path variables escape.
    Fallback: "".
    """
    try:
        modifier = workflow.modifier.path_modifier
        layer = modifier
        while layer is not None:
            if layer.modifies_prefixes:
                raise ValueError("replace_prefix is not supported: use prefix")
            layer = layer.inner_modifier
        return str(modifier.replace_prefix(""))
    except AttributeError:
        return ""


def claim_pathvars(workflow: Any, paths: Mapping[str, str]) -> None:
    """Set the path variables of a module to ``paths`` where those of the embedding workflow have
    the same names; the module has a copy.

    Raises ValueError where the module statement sets one of them. Fallback: they stay.
    """
    try:
        names, level = workflow.pathvars.items, workflow.pathvars.level
        changed = [name for name in paths if names.get(name) != paths[name]]
        if given := [name for name in changed if level.get(name, MODULE_LEVEL) <= MODULE_LEVEL]:
            raise ValueError(f"pathvars: {', '.join(given)} can't be set: use prefix")
        names.update({name: paths[name] for name in changed})
    except AttributeError:
        return


def is_main_process(workflow: Any) -> bool:
    """Return True in the process of a run, False in those of its jobs.

    Fallback: False, so that results of earlier runs are not verified.
    """
    return bool(getattr(workflow, "is_main_process", False))


def starts_jobs(workflow: Any) -> bool:
    """Return True where this process is going to run jobs: not in a dry run, with --touch, or where
    only a question about the workflow is answered.

    Fallback: False, so that nothing is written before the first job.
    """
    if not is_main_process(workflow) or getattr(workflow, "execution_settings", None) is None:
        return False
    try:
        return not (workflow.dryrun or workflow.touch)
    except AttributeError:
        return False


def rerun_incomplete(workflow: Any) -> None:
    """Have files made again that a killed run left incomplete, as with --rerun-incomplete.

    Fallback: Snakemake asks for that option.
    """
    settings = getattr(workflow, "dag_settings", None)
    if settings is not None and hasattr(settings, "force_incomplete"):
        settings.force_incomplete = True


def make_again(workflow: Any, files: Collection[str]) -> None:
    """Have the jobs of ``files`` run again, as with --forcerun, while jobs are being planned.

    Fallback: remove the files where jobs are going to run, so that they are missing.
    """
    if (forced := forced_files(workflow)) is not None:
        forced.update(files)
    elif starts_jobs(workflow):
        for file in files:
            Path(file).unlink(missing_ok=True)


def forced_files(workflow: Any) -> set[str] | None:
    """Return Snakemake's set of files to be made again, None where there is no such set."""
    files = getattr(getattr(workflow, "dag", None), "forcefiles", None)
    return files if isinstance(files, set) else None


def lift_start_limit(workflow: Any) -> None:
    """Remove the default limit of job starts a second where jobs run on this machine: there cores
    limit them, and the limit has Snakemake look for jobs ever more often, for up to a fifth of the
    time of a run. A limit that was asked for stays.

    Fallback: the limit stays.
    """
    settings = getattr(workflow, "scheduling_settings", None)
    limit = getattr(settings, "max_jobs_per_timespan", None)
    numbers = (getattr(limit, "max_jobs", None), getattr(limit, "timespan", None))
    if settings and getattr(workflow, "local_exec", False) and numbers == DEFAULT_START_LIMIT:
        settings.max_jobs_per_timespan = None


def is_output(workflow: Any, file: str) -> bool:
    """Return True where a rule of the workflow makes the file.

    Fallback: False, so that a lock is not taken for one of this workflow.
    """
    try:
        return any(rule.is_producer(file) for rule in workflow.rules)
    except AttributeError:
        return False
