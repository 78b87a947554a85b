"""YAML documents that people write, held to a closed schema.

What is wrong in a document is told at once, each problem with its place, the value found and what
would be right.
"""

import codecs
import difflib
import json
import re
from collections.abc import Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend
from yaml.composer import Composer

if TYPE_CHECKING:
    _Safe = yaml.SafeLoader
else:
    # letters are read in C where PyYAML comes with it
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

SCHEMAS = Path(__file__).parents[2] / "schemas"
# of a document: bytes, values (those behind an alias each time), and how deep they nest
LARGEST = 16 << 20
MOST_VALUES = 200_000
DEEPEST = 64
LONGEST_NUMBER = 64  # letters
# of a list of problems, and of each in letters
MOST_PROBLEMS = 50
LONGEST_PROBLEM = 4000
LONGEST_VALUE = 60
# characters that turn the order of letters about: what is read is not what is there
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# controls but tab and newline, halves of characters, and what is none
ODD = re.compile(rf"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff{TURNING}]")
# checks whose own messages say less than the schema's description of the value
DESCRIBED = (
    "pattern",
    "type",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "minLength",
    "maxLength",
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


def at_fault(text: str, node: Any) -> yaml.MarkedYAMLError:
    """An error at the start of a node or event."""
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


class _Nodes(Composer):
    """Nodes within limits. An alias counts as all that it stands for: few lines of them, each of
    some others, can stand for more values than there are atoms.
    """

    count = depth = 0
    counts: dict[str, int]

    def compose_node(self, parent: Any, index: Any) -> Any:
        event = self.peek_event()  # type: ignore[attr-defined]  # of the parser beside it
        anchor = event.anchor
        if isinstance(event, yaml.AliasEvent):
            if anchor in self.anchors and anchor not in self.counts:
                raise at_fault(f"the alias *{anchor} stands within what it stands for", event)
            self.count += self.counts.get(anchor, 0)
        elif event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise at_fault(f"tags such as {shown(tag)} are not read: write the value alone", event)
        before = self.count
        self.count += 1
        if self.count > MOST_VALUES:
            text = f"has more than {MOST_VALUES:,} values, those of an alias counted each time"
            raise at_fault(text, event)
        if self.depth == DEEPEST:
            raise at_fault(f"is nested too deeply: {DEEPEST} levels at most", event)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if anchor is not None:
            self.counts.setdefault(anchor, self.count - before)
        return node


class _Loader(_Nodes, _Safe):
    """YAML without silent surprises: a key is text and stands once, and a number has an end."""

    def __init__(self, stream: str) -> None:
        _Safe.__init__(self, stream)
        self.anchors, self.counts = {}, {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise at_fault("merge keys (<<) are not read: write the values out", key_node)
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str):
                raise at_fault(f"the key {shown(key)} is no text: put it in quotes", key_node)
            if key in seen:
                raise at_fault(f"the key {shown(key)} stands twice", key_node)
            seen.add(key)
        return super().construct_mapping(node, deep)

    def construct_number(self, node: yaml.ScalarNode) -> int | float:
        if len(node.value) > LONGEST_NUMBER:
            raise at_fault(f"a number of {len(node.value):,} letters is none", node)
        if node.tag == "tag:yaml.org,2002:int":
            return self.construct_yaml_int(node)
        return self.construct_yaml_float(node)

    def construct_equals(self, node: yaml.ScalarNode) -> str:
        return "="


_Loader.add_constructor("tag:yaml.org,2002:int", _Loader.construct_number)
_Loader.add_constructor("tag:yaml.org,2002:float", _Loader.construct_number)
# a lone = has a tag of its own
_Loader.add_constructor("tag:yaml.org,2002:value", _Loader.construct_equals)


def load_yaml(path: Path) -> Any:
    """The content of a YAML file.

    Raises ConfigError where the file can't be read or is no YAML, with line and column.
    """
    file = str(path)
    text = text_of(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise ConfigError([Problem(place, (), str(error.problem))]) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            [Problem(file, (), f"no YAML: {' '.join(str(error).split())}")]
        ) from error
    except ValueError as error:
        # what looks like a date or a number and is none
        raise ConfigError([Problem(file, (), f"a value is none: {error}")]) from error


def text_of(path: Path) -> str:
    """The text of a file that people write.

    Raises ConfigError where it is none: no file, too large, or in another encoding than UTF-8.
    """
    try:
        if "\0" in str(path):
            raise ConfigError([Problem(str(path), (), "is no name of a file: it has a zero byte")])
        if path.exists() and not path.is_file():
            raise ConfigError([Problem(str(path), (), "is no file: a folder, a pipe or a device")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            text = f"is larger than {LARGEST >> 20} MiB: name what it lists in several files"
            raise ConfigError([Problem(str(path), (), text)])
        return data.decode("utf-8")
    except OSError as error:
        raise ConfigError([Problem(str(path), (), f"can't be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is no UTF-8 text"
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = "is text in UTF-16: make UTF-8 of it (iconv -f UTF-16 -t UTF-8)"
        raise ConfigError([Problem(str(path), (), text)]) from error


def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """A pattern as JSON Schema has it: $ is the end, where Python's also stands before a last
    newline.
    """
    found = Draft202012Validator.VALIDATORS["pattern"]
    yield from found(_, wanted.replace("$", r"\Z"), value, __)


def unique(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    """No item twice, told by the first that is; at a cost that grows with the list alone."""
    seen = set()
    for item in value if wanted and isinstance(value, list) else ():
        # 1 is 1.0, and neither is true
        key = item if isinstance(item, int | float) and not isinstance(item, bool) else repr(item)
        if key in seen:
            yield ValidationError(f"{shown(item)} stands twice")
            return
        seen.add(key)


Validator: Any = extend(  # type: ignore[no-untyped-call]
    Draft202012Validator, {"pattern": pattern, "uniqueItems": unique}
)


@cache
def validator_of(schema: str) -> Any:
    """What holds values to the schema of that name."""
    return Validator(load_yaml(SCHEMAS / f"{schema}.schema.yaml"))


def unsound(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where ``value`` has what no schema would find, and no document has: too much of anything,
    keys that are no text, and text that is not what it looks like.
    """
    waiting: list[tuple[tuple[str | int, ...], Any]] = [((), value)]
    count = 0
    while waiting:
        path, here = waiting.pop()
        count += 1
        if count > MOST_VALUES:
            yield (), f"has more than {MOST_VALUES:,} values"
            return
        if len(path) > DEEPEST:
            yield (), f"is nested too deeply: {DEEPEST} levels at most"
            return
        if isinstance(here, dict):
            for key in here:
                if not isinstance(key, str):
                    yield path, f"the key {shown(key)} is no text: put it in quotes"
                elif text := odd_letter(key):
                    yield path, f"the key {shown(key)} {text}"
            waiting += [((*path, key), item) for key, item in here.items()]
        elif isinstance(here, list):
            waiting += [((*path, place), item) for place, item in enumerate(here)]
        elif isinstance(here, str) and (text := odd_letter(here)):
            yield path, f"{shown(here)} {text}"
        elif isinstance(here, int) and here.bit_length() > 4 * LONGEST_NUMBER:
            yield path, f"is a number of {here.bit_length():,} bits"


def odd_letter(text: str) -> str:
    """What ``text`` has that can't be printed, or that hides what it says; "" where nothing."""
    found = ODD.search(text)
    if not found:
        return ""
    what = f"such as U+{ord(found[0]):04X}"
    if found[0] in TURNING:
        return f"has characters that turn the order of letters about, {what}"
    return f"has characters that can't be printed, {what}"


def problems(value: Any, schema: str, place: str) -> list[Problem]:
    """What the JSON schema of that name finds wrong with ``value``; each with path, value and what
    is allowed.

    Raises ConfigError where it can't be gone through whole: it is no document, or more is wrong
    than is told.
    """
    refuse([Problem(place, *odd) for odd in islice(unsound(value), MOST_PROBLEMS)])
    found: list[Problem] = []
    errors = list(islice(validator_of(schema).iter_errors(value), MOST_PROBLEMS))
    for error in sorted(errors, key=lambda e: [str(p) for p in e.absolute_path]):
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
                for key in unknown[:MOST_PROBLEMS]
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
    if len(errors) == MOST_PROBLEMS:
        raise ConfigError(found)
    return found


def shown(value: Any) -> str:
    """A value as it stands in a message: short."""
    text = repr(value)
    return text if len(text) <= LONGEST_VALUE else f"{text[: LONGEST_VALUE - 3]}..."


def nearest(word: str, allowed: list[str]) -> str:
    """A hint at the allowed word that comes nearest, or nothing."""
    close = difflib.get_close_matches(word[:80], allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def as_yaml(names: Sequence[str]) -> str:
    """Names as a command line configures them, which Snakemake reads as YAML: one that is its own
    YAML as it is, others as JSON.
    """
    return names[0] if len(names) == 1 and reads_as(names[0], names[0]) else in_json(names)


def as_list(names: Sequence[str]) -> str:
    """The same, always as a list."""
    text = f"[{', '.join(names)}]"
    return text if reads_as(text, list(names)) else in_json(names)


def reads_as(text: str, value: str | list[str]) -> bool:
    """Whether ``text`` is YAML of ``value``."""
    try:
        return bool(yaml.safe_load(text) == value)
    except (yaml.YAMLError, ValueError):
        return False


def in_json(names: Sequence[str]) -> str:
    """Names as a list that is JSON, and so YAML."""
    return json.dumps(list(names), ensure_ascii=False)
