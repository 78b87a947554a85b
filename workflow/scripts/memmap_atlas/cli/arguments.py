"""Values of arguments: addresses, regions and sizes."""

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from memmap_atlas.catalog.layouts import layout_of
from memmap_atlas.documents.errors import InputError, Problem, noting, refuse, shown
from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS, Layout
from memmap_atlas.text.units import parse_size

Value = TypeVar("Value")


def parsed(parse: Callable[[str], Value], text: str, where: str) -> Value:
    """Return ``parse(text)``, with the text of its ValueError as the message of an InputError."""
    try:
        return parse(text)
    except ValueError as error:
        raise InputError([Problem(where, (), str(error))]) from error


def size(text: str | None, where: str) -> int | None:
    """Return a size in bytes such as 64MiB, None where there is none. Raises InputError."""
    return None if text is None else parsed(parse_size, text, where)


def address(text: str, where: str) -> int:
    """Return an address or a size in bytes: 0x240000000, 4096, 128MiB. Raises InputError."""
    try:
        value = int(text, 16) if text.lower().startswith("0x") else int(text)
    except ValueError:
        try:
            value = parse_size(text)
        except ValueError:
            wrong = f"invalid address {shown(text)}: expected 0x240000000, or a size as in 128MiB"
            raise InputError([Problem(where, (), wrong)]) from None
    if not 0 <= value <= HIGHEST_ADDRESS:
        wrong = f"invalid address {shown(text)}: expected one within 0 and 128 PiB"
        raise InputError([Problem(where, (), wrong)])
    return value


def region(text: str, where: str) -> tuple[int, int]:
    """Return the edges of a region such as 0x240000000-0x540000000. Raises InputError."""
    match = re.fullmatch(r"([0-9A-Za-z]+)-([0-9A-Za-z]+)", text, re.ASCII)
    if match is None:
        wrong = f"invalid region {shown(text)}: expected START-END, half-open, as in 0x0-0x80000000"
        raise InputError([Problem(where, (), wrong)])
    return address(match[1], where), address(match[2], where)


def layout(regions: Sequence[str], where: str) -> Layout:
    """Return regions in address order. Raises InputError with every mistake."""
    wrong: list[Problem] = []
    pairs = []
    for text in regions:
        with noting(wrong):
            pairs.append(region(text, where))
    refuse(wrong)
    ordered, wrong = layout_of(pairs, where, ())
    refuse(wrong)
    return ordered
