"""Problems of a document: what is wrong, where, and what is accepted; all of them at once."""

import difflib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    _Safe = yaml.SafeLoader
else:
    # letters are read in C where PyYAML comes with it
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# of a list of problems, and of each in letters
MOST_PROBLEMS = 50


LONGEST_PROBLEM = 4000


LONGEST_VALUE = 60


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which file, at which key, and why."""

    file: str
    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        keys = ".".join(key if isinstance(key, str) else repr(key) for key in map(short, self.path))
        line = printable(": ".join(part for part in (self.file, keys, self.text) if part))
        return line if len(line) <= LONGEST_PROBLEM else f"{line[: LONGEST_PROBLEM - 3]}..."


def short(key: str | int) -> str | int:
    """A key as it stands in a message."""
    return f"{key[: LONGEST_VALUE - 3]}..." if isinstance(key, str) and len(key) > 80 else key


def printable(text: str) -> str:
    """``text`` on one line, with what can't be printed as Python writes it."""
    return "".join(letter if letter.isprintable() else repr(letter).strip("'") for letter in text)


class ConfigError(Exception):
    """Everything that is wrong with the configuration, one line a problem.

    problems: what is told; of very many the first, and how many there are more
    every: all of them
    """

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.every = tuple(problems)
        told = self.every[:MOST_PROBLEMS]
        if more := len(self.every) - len(told):
            told = (*told, Problem("", (), f"and {more:,} more problems"))
        super().__init__("\n".join(map(str, told)))
        self.problems = told


def refuse(wrong: Sequence[Problem]) -> None:
    """Raise ConfigError where anything is wrong."""
    if wrong:
        raise ConfigError(wrong)


@contextmanager
def noting(wrong: list[Problem]) -> Iterator[None]:
    """Problems that are raised inside are added to ``wrong``, and work goes on behind it."""
    try:
        yield
    except ConfigError as error:
        wrong += error.every


def shown(value: Any) -> str:
    """A value as it stands in a message: short."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def nearest(word: str, allowed: list[str]) -> str:
    """A hint at the allowed word that comes nearest, or nothing."""
    close = difflib.get_close_matches(word[:80], allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
