# Checks what the configuration asks for before any job runs, and holds the results of earlier runs to
# their checksums. Nothing is made here.

import os
import sys
from dataclasses import asdict
from functools import cache
from shlex import quote

from memmap_atlas.answer.question import question_of
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.documents.errors import InputError
from memmap_atlas.documents.yaml_loader import as_list
from memmap_atlas.figures.registry import FIGURES as KINDS
from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.lab_file import the_lab
from memmap_atlas.lab.rule_inputs import (
    boot_folders,
    build_choice,
    kernel_source,
    kernels_of,
    userland,
)
from memmap_atlas.memmodel.kernel import kernel_values
from memmap_atlas.pipeline.module import module_config, unread
from memmap_atlas.pipeline.paths import FIGURE_SUFFIXES, checks, described, explorers, figures
from memmap_atlas.pipeline.paths import path, strays, summary, tables
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
from memmap_atlas.pipeline.run_lock import lock_of, unlock
from memmap_atlas.pipeline.verify import stale_results, remove_scratch, set_clocks
from memmap_atlas.readers.memory_map import memory_values
from memmap_atlas.reports.census_inputs import census_inputs, census_state, censuses
from memmap_atlas.sweepfile.sweeps import load_sweeps


def refuse(problems):
    """End the run: a module names itself, in one line for each problem and without its own files."""
    if MAIN:
        raise WorkflowError(*map(str, problems))
    # __name__ is that of the module statement
    sys.exit("\n".join(f"Error in the module {__name__}: {problem}" for problem in problems))


try:
    if not MAIN:
        config = module_config(config, HERE)
    # a file that is asked about brings sweeps of its own
    QUESTION = question_of(config, HERE, Path.cwd()) if "file" in config else None
    chosen = QUESTION.sweeps if QUESTION else load_sweeps(config, HERE, Path.cwd())
    SWEEPS = {sweep.name: sweep for sweep in chosen}
except InputError as error:
    refuse(error.problems)

PREFIX = ""
if not MAIN:
    try:
        PREFIX = snakemake_internals.path_prefix(workflow)
        snakemake_internals.claim_pathvars(workflow, PATHS)
    except ValueError as error:
        refuse([error])

# the values of --config that name each sweep; the Snakefile of a module has them
if not MAIN:
    CONFIGURED = dict.fromkeys(SWEEPS, ())
elif QUESTION:
    CONFIGURED = dict.fromkeys(SWEEPS, QUESTION.asked)
else:
    CONFIGURED = {
        name: [f"sweeps={as_list([entry])}"] for name, entry in zip(SWEEPS, config["sweeps"])
    }
# a module makes files of its own sweeps only; a run tells which sweeps there are
SWEEP_NAMES = "(?!(lab|evidence|census)/)[a-z0-9-]+" if MAIN else "|".join(SWEEPS)


def placed(text, **values):
    """Return where a file is, as Path: rules have paths without the prefix of a module."""
    return Path(f"{PREFIX}{path(text, **values)}")


RESULTS = placed("<results>")
# where jobs write
FOLDERS = [
    RESULTS,
    *(placed("<sweep>", sweep=name) for name in SWEEPS),
    *map(placed, ("<evidence>", "<lab>")),
    *placed("<censuses>").glob("*"),
]
# whose times are this workflow's to set: results/ can hold files of the embedding workflow
TIMED = [RESULTS] if MAIN else [*FOLDERS[1:], *map(placed, ("<index>", "<introduction>", "<vega>"))]
CHECKS = [
    *(check for sweep in SWEEPS.values() for check in checks(sweep)),
    *(path(f"<evidence_checks>/{name}.sha256") for name in ("residuals", "figure")),
    *[path("<run_checks>/vega.sha256")] * any(map(explorers, SWEEPS.values())),
]
INDEX_CHECK = path("<run_checks>/index.sha256")
TABLES = [
    *CHECKS,
    *(file for sweep in SWEEPS.values() for file in (*described(sweep), *tables(sweep))),
]
FIGURES = [file for sweep in SWEEPS.values() for file in figures(sweep)]
EXPLORERS = [page for sweep in SWEEPS.values() for page in explorers(sweep)]
EVIDENCE = str(HERE / "workflow/resources/evidence.parquet")
EVIDENCE_QUESTION = "Which numbers can I trust, and of which kernels?"
EVIDENCE_RESULTS = [
    *(path(f"<evidence_figure>{suffix}") for suffix in FIGURE_SUFFIXES),
    *(path(f"<evidence>/{name}") for name in ("residuals.parquet", "agreement.txt")),
]
CITATION = str(HERE / "CITATION.cff")


# The sweeps, the question and the lab of the configuration


def sweep_of(wildcards):
    """Return the sweep of a file under results/; one clear line where this run has none."""
    return sweep_named(wildcards.sweep, SWEEPS)


def the_question():
    """Return the question about a file; one clear line where no file is given."""
    if QUESTION is None:
        example = "snakemake --cores 1 answer --config file=path/to/board.dtb"
        if not MAIN:
            example = f"give the config of the module {__name__} one, file: path/to/board.dtb"
        sys.exit(f"Error: the answer is for a file: {example}")
    return QUESTION


def as_given(inputs, name):
    """Mark one of the inputs of a rule, by its name, as a file of the user's: the prefix of a module
    is not put before it.
    """
    return {key: local(file) if key == name else file for key, file in inputs.items()}


@cache
def lab():
    """Return the lab that the configuration names, or the one boot that it asks for. Its file is
    read when one of its targets is asked for.
    """
    try:
        return the_lab(config, HERE, Path.cwd())
    except InputError as error:
        # an error of an input function would come with a traceback
        sys.exit("\n".join(("Error in the lab's configuration:", *map(str, error.problems))))


def lab_kernel_of(wildcards):
    """Return the entry of a kernel in the lab."""
    return lab().kernels[wildcards.kernel]


def booted_kernels(wildcards):
    """Return the kernels of the evidence in native types, without reading a lab's file."""
    files = [HERE / f"config/{name}.yaml" for name in ("kernels", "lab-kernels")]
    try:
        kernels = load_kernels(*files)
    except InputError as error:
        sys.exit("\n".join(("Error in the kernels:", *map(str, error.problems))))
    return {name: kernel_values(kernel) for name, kernel in kernels.items()}


# Results of earlier runs


def run_lock():
    """Return the lock that marks this run, None where nothing can be written: Snakemake says so."""
    return lock_of(Path(".snakemake").absolute())


@cache
def settle():
    """Clean up after a killed run, once, before it is known which jobs have to run."""
    if MAIN and snakemake_internals.is_main_process(workflow):
        snakemake_internals.rerun_incomplete(workflow)
    if not snakemake_internals.starts_jobs(workflow):
        return
    if MAIN:
        settle_run()
    else:
        for line in unread(HERE, Path.cwd(), config):
            print(f"Module {__name__}: {line}", file=sys.stderr)
    try:
        set_clocks(TIMED)
    except OSError as error:
        sys.exit(f"Error: {error.filename}: {error.strerror}: make it writable and run again")
    if not MAIN:
        # a module has no hook that runs when jobs start
        remove_leftovers()


def settle_run():
    """Settle what all jobs of a run share; as a module the workflow leaves it alone."""
    snakemake_internals.lift_start_limit(workflow)
    made_here = lambda file: snakemake_internals.is_output(workflow, file)
    if run_lock() and unlock(run_lock(), Path(".snakemake/locks"), made_here):
        print("The run before was killed: its lock is removed.", file=sys.stderr)


def remove_leftovers():
    """Remove staging folders of killed jobs, where no other run is at work, and files that are no
    longer part of a dataset.
    """
    alone = run_lock() and run_lock().alone()
    if alone:
        remove_scratch(FOLDERS)
    if MAIN or alone:
        for sweep in SWEEPS.values():
            for stray in strays(sweep, Path(PREFIX)):
                stray.unlink()


@cache
def tidy():
    """Verify the results of earlier runs of the sweeps, once, and have stale ones made again."""
    settle()
    if not snakemake_internals.is_main_process(workflow):
        return
    stale = stale_results(Path(f"{PREFIX}{file}") for file in [*CHECKS, INDEX_CHECK])
    # as Snakemake writes them, with the prefix as it is given
    again = {f"{PREFIX}{file.relative_to(PREFIX).as_posix()}" for file in map(Path, stale.again)}
    snakemake_internals.make_again(workflow, again)
    ending = "it is" if snakemake_internals.starts_jobs(workflow) else "a run has it"
    for words in stale.words:
        print(f"{words}; {ending} made again", file=sys.stderr)


def tidied(wildcards):
    """Input of the first job of a sweep: no file, but the moment to verify earlier results."""
    tidy()
    return []


def settled(wildcards):
    """Input of jobs that rest on no sweep: no file, but the moment to clean up."""
    settle()
    return []


onstart:
    if not os.access(RESULTS if RESULTS.exists() else ".", os.W_OK):
        sys.exit(
            f"Error: {RESULTS.absolute()} can't be written: make it writable and run again"
        )
    remove_leftovers()
    # the lab is read where a target of it is asked for, results are verified for those of a sweep
    if lab.cache_info().currsize:
        print(lab().summary)
    elif tidy.cache_info().currsize:
        print(summary(SWEEPS.values()))
