"""Kernels and models by name, and section sizes, as commands and calls give them."""

from collections.abc import Mapping
from typing import TypeVar

from memmap_atlas.documents.errors import InputError, Problem, nearest, shown
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.text.units import size_text

# names that a message lists
MOST_LISTED = 12
LISTING = "memmap-atlas kernels lists them"
Entry = TypeVar("Entry")


def lookup(
    name: str, known: Mapping[str, Entry], kind: str, where: str, listing: str = LISTING
) -> Entry:
    """Return the entry of that name. ``kind`` says in messages what it is, ``where`` who gave it,
    ``listing`` where all names are if they are many.

    Raises InputError for an unknown name, with the most similar one.
    """
    if name in known:
        return known[name]
    text = f"unknown {kind} {shown(name)}{nearest(str(name), list(known))}"
    if len(known) <= MOST_LISTED:
        text += f"; there are {', '.join(known)}"
    else:
        text += f"; {listing}"
    raise InputError([Problem(where, (), text)])


def with_section_size(kernel: Kernel, size: int | None, where: str) -> Kernel:
    """Return the kernel with sections of ``size`` bytes, as it is where that is None.

    Raises InputError unless the size is a power of two of at least a page.
    """
    if size is None:
        return kernel
    if size.bit_count() != 1 or size < kernel.page_size:
        text = f"invalid section size {size_text(size)}: expected a power of two of at least a "
        text += f"page, {size_text(kernel.page_size)}, as in 128MiB"
        raise InputError([Problem(where, (), text)])
    return kernel.with_section(size)
