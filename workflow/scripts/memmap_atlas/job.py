"""Settings of a process that runs one job of the workflow and ends."""

import atexit
import gc

# new objects between two collections: Python's own 700 cost a job a tenth of its time, as imports
# and figures make many objects that stay
NEW_OBJECTS = 100_000


def start_job() -> None:
    """Collect garbage rarely, and not at exit, where it takes up to 0.3 s.

    Call it before the imports of pandas and matplotlib, which gain most.
    """
    gc.set_threshold(NEW_OBJECTS)
    # what is frozen is not collected: its memory goes with the process
    atexit.register(gc.freeze)
