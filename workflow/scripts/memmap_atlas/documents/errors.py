"""Problems of documents, each with its location, the value and the accepted form; all of them are
reported at once.
"""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from memmap_atlas.text.escape import printable

# problems that are reported at once, and characters of each and of a value in it
MOST_PROBLEMS = 50
LONGEST_PROBLEM = 4000
LONGEST_VALUE = 60
# letters of a word that are compared
LONGEST_WORD = 80


@dataclass(frozen=True)
class Problem:
    """One mistake: its file, the path of its key, and why it is one."""

    file: str
    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        keys = ".".join(key if isinstance(key, str) else repr(key) for key in map(short, self.path))
        line = printable(": ".join(part for part in (self.file, keys, self.text) if part))
        return line if len(line) <= LONGEST_PROBLEM else f"{line[: LONGEST_PROBLEM - 3]}..."


def short(key: str | int) -> str | int:
    """A key, cut to LONGEST_VALUE characters where it is longer than 80."""
    return f"{key[: LONGEST_VALUE - 3]}..." if isinstance(key, str) and len(key) > 80 else key


class InputError(ValueError):
    """All problems of an input: of a file, a configuration or a call; as text, one line each.

    problems: those that are reported: the first MOST_PROBLEMS, and a count of the rest
    every: all of them
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.every = tuple(problems)
        reported = self.every[:MOST_PROBLEMS]
        if more := len(self.every) - len(reported):
            reported = (*reported, Problem("", (), f"and {more:,} more problems"))
        super().__init__("\n".join(map(str, reported)))
        self.problems = reported


def refuse(wrong: Sequence[Problem]) -> None:
    """Raise InputError with the problems in ``wrong``, if there are any."""
    if wrong:
        raise InputError(wrong)


@contextmanager
def noting(wrong: list[Problem]) -> Iterator[None]:
    """Context in which a InputError adds its problems to ``wrong`` and does not propagate."""
    try:
        yield
    except InputError as error:
        wrong += error.every


def shown(value: Any) -> str:
    """Return ``value`` as Python writes it, cut to LONGEST_VALUE characters."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def nearest(word: str, allowed: list[str]) -> str:
    """Return a hint at the allowed word that is most similar to ``word`` in either case, or begins
    with it; "" where none does.
    """
    wanted = word[:LONGEST_WORD].lower()
    # the first of those that differ in case only
    lowered = {name.lower(): name for name in reversed(allowed)}
    close = difflib.get_close_matches(wanted, list(lowered), n=1)
    if not close and wanted:
        close = [name for name in reversed(lowered) if name.startswith(wanted)][:1]
    return f" (did you mean {lowered[close[0]]!r}?)" if close else ""
