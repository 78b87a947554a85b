"""Charts made without validation.

To validate a chart against the schema of Vega-Lite takes longer than to make it; tests validate one
of each kind. The switch is no public API of altair: nothing else uses it, and other releases than
those below validate every chart.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import altair
from altair.utils import schemapi

# releases of altair with that switch
MAJOR = "6."


@contextmanager
def unvalidated() -> Iterator[None]:
    """Context in which altair validates no chart, where it allows that."""
    debug_mode = getattr(schemapi, "debug_mode", None)
    if not altair.__version__.startswith(MAJOR) or debug_mode is None:
        yield
        return
    with debug_mode(False):
        yield
