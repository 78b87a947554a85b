# What the configuration asks for, checked before any job; nothing is made here.

from memmap_atlas.answer.plan import question_of
from memmap_atlas.config import load_sweeps
from memmap_atlas.documents import ConfigError
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
# Snakemake does not see what a script imports: an edit of the library reruns what it made
LIBRARY = [str(path) for path in sorted((HERE / "workflow/scripts/memmap_atlas").rglob("*.py"))]

# targets that no sweep is run for
WITHOUT_SWEEPS = {"census", "quoted"}


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
