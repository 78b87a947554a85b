"""Fonts of PDFs without their layout tables.

Text in a PDF is drawn glyph by glyph: rules of layout are of no use there, and to subset them would
take most of the time of writing a file. matplotlib does not pass on fontTools' option for that, and
its default is no public API: nothing else uses it, and other releases than those below embed all.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import fontTools
from fontTools.subset import Options

# releases of fontTools with that default
MAJOR = "4."
LAYOUT_TABLES = ("GSUB", "GPOS", "GDEF", "MATH")


@contextmanager
def without_layout_tables() -> Iterator[None]:
    """Context in which fonts are embedded without layout tables, where fontTools allows it."""
    default = getattr(Options, "_drop_tables_default", None)
    if not fontTools.version.startswith(MAJOR) or not isinstance(default, list):
        yield
        return
    Options._drop_tables_default = [*default, *LAYOUT_TABLES]
    try:
        yield
    finally:
        Options._drop_tables_default = default
