"""Record of a file that a layout or a kernel was read from."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SourceFile:
    """File that a layout or a kernel was read from.

    name: of the layout or kernel
    file: path as it was given
    kind: of the file, in words
    notes: remarks for whoever reads the numbers
    """

    name: str
    file: str
    sha256: str
    kind: str
    notes: tuple[str, ...]
