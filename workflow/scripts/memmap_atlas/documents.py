"""YAML documents that people write, held to a closed schema.

What is wrong in a document is told at once, each problem with its place, the value found and what
would be right.
"""

import difflib
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

SCHEMAS = Path(__file__).parents[2] / "schemas"
# checks whose own messages say less than the schema's description of the value
DESCRIBED = (
    "pattern",
    "type",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minProperties",
    "oneOf",
)
TYPES = {
    "array": "list",
    "boolean": "true or false",
    "integer": "whole number",
    "object": "mapping",
    "string": "text",
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong: in which file, at which key, and why."""

    file: str
    path: tuple[str | int, ...]
    text: str

    def __str__(self) -> str:
        return ": ".join(
            part for part in (self.file, ".".join(map(str, self.path)), self.text) if part
        )


class ConfigError(Exception):
    """Everything that is wrong with the configuration, one line a problem."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(map(str, problems)))
        self.problems = tuple(problems)


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
        wrong += error.problems


class _Loader(yaml.SafeLoader):
    """YAML without silent repetition: a key that stands twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"the key {key!r} stands twice", problem_mark=key_node.start_mark
                )
            if isinstance(key, Hashable):
                seen.add(key)
        return super().construct_mapping(node, deep)


def load_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises ConfigError where the file can't be read or is no YAML, with line and column.
    """
    try:
        return yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
    except OSError as error:
        raise ConfigError([Problem(str(path), (), f"can't be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        raise ConfigError(
            [Problem(str(path), (), f"byte {error.start} is no UTF-8 text")]
        ) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([Problem(place, (), str(error.problem))]) from error
    except yaml.YAMLError as error:
        raise ConfigError([Problem(str(path), (), f"no YAML: {error}")]) from error
    except ValueError as error:
        # what looks like a date or a number and is none
        raise ConfigError([Problem(str(path), (), f"a value is none: {error}")]) from error
    except RecursionError as error:
        raise ConfigError([Problem(str(path), (), "is nested too deeply")]) from error


def problems(value: Any, schema: str, place: str) -> list[Problem]:
    """What the JSON schema of that name finds wrong with ``value``; each with path, value and what
    is allowed.
    """
    validator = Draft202012Validator(load_yaml(SCHEMAS / f"{schema}.schema.yaml"))
    found = []
    for error in sorted(
        validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]
    ):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            unknown = [key for key in error.instance if key not in allowed]
            found += [
                Problem(
                    place,
                    (*path, key),
                    f"unknown key{nearest(str(key), allowed)}; allowed are {', '.join(allowed)}",
                )
                for key in unknown
            ]
        elif error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            # jsonschema reports each missing key on its own
            key = next(key for key in missing if error.message.startswith(repr(key)))
            found.append(Problem(place, path, f"lacks the key {key!r}"))
        elif error.validator == "enum":
            options = [str(option) for option in error.validator_value]
            found.append(
                Problem(
                    place,
                    path,
                    f"{shown(error.instance)} is none of {', '.join(options)}"
                    f"{nearest(str(error.instance), options)}",
                )
            )
        elif "description" in error.schema and error.validator in DESCRIBED:
            fault = "is not right"
            if error.validator == "type":
                kinds = error.validator_value
                kinds = [kinds] if isinstance(kinds, str) else kinds
                fault = f"is no {' or '.join(TYPES[kind] for kind in kinds)}"
            elif error.validator in ("minimum", "maximum"):
                than = "less" if error.validator == "minimum" else "more"
                fault = f"is {than} than {error.validator_value}"
            text = f"{shown(error.instance)} {fault}: {error.schema['description']}"
            found.append(Problem(place, path, text))
        else:
            found.append(Problem(place, path, error.message))
    return found


def shown(value: Any) -> str:
    """A value as it stands in a message: short."""
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def nearest(word: str, allowed: list[str]) -> str:
    """A hint at the allowed word that comes nearest, or nothing."""
    close = difflib.get_close_matches(word, allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""
