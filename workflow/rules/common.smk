# What the configuration asks for, checked before any job; nothing is made here.

from memmap_atlas.answer.plan import question_of
from memmap_atlas.config import load_sweeps
from memmap_atlas.documents import ConfigError
from memmap_atlas.source_code import SCRIPTS, modules_of
from memmap_atlas.sweep import resolved
from memmap_atlas.targets import FIGURE_SUFFIXES, figures, strays, summary, tables

try:
    # a file that is asked about brings sweeps of its own
    QUESTION = question_of(config, HERE, Path.cwd()) if "file" in config else None
    chosen = QUESTION.sweeps if QUESTION else load_sweeps(config, HERE, Path.cwd())
    SWEEPS = {sweep.name: sweep for sweep in chosen}
except ConfigError as error:
    raise WorkflowError(*map(str, error.problems))

TABLES = [table for sweep in SWEEPS.values() for table in tables(sweep)]
FIGURES = [figure for sweep in SWEEPS.values() for figure in figures(sweep)]

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


wildcard_constraints:
    sweep="(?!(lab|evidence|census|quoted)/)[a-z0-9-]+",
    part="[0-9]+",
    variant="(-[a-z0-9_.-]+)?",


onstart:
    # the lab is read where a target of it is asked for
    if lab.cache_info().currsize:
        print(lab().summary)
    elif not {*workflow.dag_settings.targets} & WITHOUT_SWEEPS:
        print(summary(SWEEPS.values()))
    for sweep in SWEEPS.values():
        for stray in strays(sweep):
            stray.unlink()
