# What the configuration asks for, checked before any job, and what earlier runs left; nothing is
# made here.

import os
from functools import cache

from memmap_atlas.answer.question import question_of
from memmap_atlas.sweepfile.sweeps import load_sweeps
from memmap_atlas.documents.errors import ConfigError
from memmap_atlas.integrity.dependencies import SCRIPTS, modules_of
from memmap_atlas.sweep.design import resolved
from memmap_atlas.pipeline.paths import FIGURE_SUFFIXES, checks, described, explorers, figures, strays, summary, tables
from memmap_atlas.pipeline.run_lock import RunLock, unlock
from memmap_atlas.pipeline.verify import stale_results, remove_scratch, set_clocks

try:
    # a file that is asked about brings sweeps of its own
    QUESTION = question_of(config, HERE, Path.cwd()) if "file" in config else None
    chosen = QUESTION.sweeps if QUESTION else load_sweeps(config, HERE, Path.cwd())
    SWEEPS = {sweep.name: sweep for sweep in chosen}
except ConfigError as error:
    raise WorkflowError(*map(str, error.problems))

RESULTS = Path("results")
# where jobs write
FOLDERS = [
    RESULTS,
    *(RESULTS / name for name in ("evidence", "lab", "quoted", *SWEEPS)),
    *RESULTS.glob("census/*"),
]
# SHA-256 of what each job wrote, to know it again
CHECKS = [check for sweep in SWEEPS.values() for check in checks(sweep)]
CHECKS += [f"results/evidence/checks/{name}.sha256" for name in ("residuals", "figure")]
CHECKS += ["results/checks/vega.sha256"] * any(map(explorers, SWEEPS.values()))
TABLES = [
    *CHECKS,
    *(path for sweep in SWEEPS.values() for path in (*described(sweep), *tables(sweep))),
]
FIGURES = [figure for sweep in SWEEPS.values() for figure in figures(sweep)]
INDEX_CHECK = "results/checks/index.sha256"

try:
    PRESENCE = RunLock(Path(".snakemake")) if workflow.is_main_process else None
except OSError:
    # nothing can be written here: Snakemake says so
    PRESENCE = None

# targets that no sweep is run for
WITHOUT_SWEEPS = {"census", "quoted"}


def library(*files):
    """Scripts, by their names, and all that they import: inputs of a rule, since Snakemake does not
    see what a script imports. So an edit runs those rules again that it can make a difference for.
    """
    return [str(path) for path in sorted(modules_of(*(SCRIPTS / name for name in files)))]


def space(wildcards):
    """The design space of a sweep in native types: what its tables are made from. Other words to
    describe it, or one figure more, compute nothing again.
    """
    values = resolved(SWEEPS[wildcards.sweep])
    return {key: values[key] for key in values if key not in ("description", "figures")}


def starts():
    """Whether jobs are going to run, and this is not one of them."""
    asked = workflow.execution_settings is not None and workflow.is_main_process
    return asked and not (workflow.dryrun or workflow.touch)


@cache
def settle():
    """End what a run that was killed began, once, before it is known which jobs have to run."""
    if workflow.is_main_process:
        # what it left incomplete is made again, as --rerun-incomplete has it
        workflow.dag_settings.force_incomplete = True
    if not starts():
        return
    if workflow.local_exec:
        start_freely(workflow.scheduling_settings)
    if PRESENCE:
        PRESENCE.plan()
        if unlock(PRESENCE, Path(".snakemake/locks"), makes):
            print("The run before was killed: its lock is removed.", file=sys.stderr)
    try:
        set_clocks([RESULTS])
    except OSError as error:
        sys.exit(f"Error: {error.filename}: {error.strerror}: make it writable and run again")


@cache
def tidy():
    """Hold what earlier runs made of the sweeps to their checks, once."""
    settle()
    if not workflow.is_main_process:
        return
    found = stale_results(map(Path, [*CHECKS, INDEX_CHECK]))
    workflow.dag.forcefiles.update(found.again)
    for words in found.words:
        print(f"{words}; {'it is' if starts() else 'a run has it'} made again", file=sys.stderr)


def start_freely(settings):
    """Take the limit of a hundred starts a second from a run on this machine, where cores are the
    limit: Snakemake looks for jobs anew a second after each look for as long as there is one, and so
    more often with each job, up to a fifth of the run. A limit that was asked for stays.
    """
    limit = settings.max_jobs_per_timespan
    if limit and (limit.max_jobs, limit.timespan) == (100, 1):
        settings.max_jobs_per_timespan = None


def makes(path):
    """Whether a rule makes the file."""
    return any(rule.is_producer(path) for rule in workflow.rules)


def tidied(wildcards):
    """Input of what all other jobs of a sweep rest on: no file, but the moment to look around."""
    tidy()
    return []


def settled(wildcards):
    """The same for a job that is of no sweep."""
    settle()
    return []


wildcard_constraints:
    sweep="(?!(lab|evidence|census|quoted)/)[a-z0-9-]+",
    part="[0-9]+",
    variant="(-[a-z0-9_.-]+)?",


onstart:
    if PRESENCE:
        # Snakemake's lock stands
        PRESENCE.planned()
    if not os.access(RESULTS if RESULTS.exists() else ".", os.W_OK):
        sys.exit(
            f"Error: {RESULTS.absolute()} can't be written: make it writable and run again"
        )
    remove_scratch(FOLDERS)
    # the lab is read where a target of it is asked for
    if lab.cache_info().currsize:
        print(lab().summary)
    elif not {*workflow.dag_settings.targets} & WITHOUT_SWEEPS:
        print(summary(SWEEPS.values()))
    for sweep in SWEEPS.values():
        for stray in strays(sweep):
            stray.unlink()
