"""YAML read strictly: text keys, no duplicates, no tags, bounded in size and depth."""

import codecs
import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer

from memmap_atlas.documents.errors import InputError, Problem, shown

if TYPE_CHECKING:
    _Safe = yaml.SafeLoader
else:
    # letters are read in C where PyYAML comes with it
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# of a document: bytes, values (those behind an alias each time), levels, and characters of a number
LARGEST = 16 << 20
MOST_VALUES = 200_000
DEEPEST = 64
LONGEST_NUMBER = 64


def at_fault(text: str, node: Any) -> yaml.MarkedYAMLError:
    """An error at the start of a node or event."""
    return yaml.MarkedYAMLError(problem=text, problem_mark=node.start_mark)


class _Nodes(Composer):
    """Composer that counts values and levels. An alias counts as all values of its anchor: a few
    lines of aliases of aliases expand to more values than memory holds.
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
            raise at_fault(
                f"tags such as {shown(tag)} are not supported: write the value alone", event
            )
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
    """Loader that refuses keys that are not strings or repeat, merge keys, and endless numbers."""

    def __init__(self, stream: str) -> None:
        _Safe.__init__(self, stream)
        self.anchors, self.counts = {}, {}

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == "tag:yaml.org,2002:merge":
                raise at_fault("merge keys (<<) are not supported: write the values out", key_node)
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
    """Return the content of a YAML file.

    Raises InputError, with line and column, where the file can't be read or is not YAML.
    """
    file = str(path)
    text = text_of(path)
    try:
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        position = f"{file}:{mark.line + 1}:{mark.column + 1}" if mark else file
        raise InputError([Problem(position, (), str(error.problem))]) from error
    except yaml.YAMLError as error:
        raise InputError(
            [Problem(file, (), f"invalid YAML: {' '.join(str(error).split())}")]
        ) from error
    except ValueError as error:
        # what looks like a date or a number and is none
        raise InputError([Problem(file, (), f"a value is none: {error}")]) from error


def text_of(path: Path) -> str:
    """Return the text of a file of at most LARGEST bytes in UTF-8.

    Raises InputError where there is no such file, or it is larger or in another encoding.
    """
    try:
        if "\0" in str(path):
            raise InputError([Problem(str(path), (), "is no name of a file: it has a zero byte")])
        if path.exists() and not path.is_file():
            raise InputError([Problem(str(path), (), "is not a regular file")])
        with path.open("rb") as file:
            data = file.read(LARGEST + 1)
        if len(data) > LARGEST:
            text = f"is larger than {LARGEST >> 20} MiB: name what it lists in several files"
            raise InputError([Problem(str(path), (), text)])
        return data.decode("utf-8")
    except OSError as error:
        raise InputError([Problem(str(path), (), f"can't be read: {error.strerror}")]) from error
    except UnicodeDecodeError as error:
        text = f"byte {error.start} is no UTF-8 text"
        if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            text = "is text in UTF-16: make UTF-8 of it (iconv -f UTF-16 -t UTF-8)"
        raise InputError([Problem(str(path), (), text)]) from error


def as_yaml(names: Sequence[str]) -> str:
    """Return names for Snakemake's --config, which reads YAML: a single one plain where YAML reads
    that as the same text, else all as a list in JSON.
    """
    return names[0] if len(names) == 1 and reads_as(names[0], names[0]) else in_json(names)


def as_list(names: Sequence[str]) -> str:
    """Return names for Snakemake's --config, always as a list."""
    text = f"[{', '.join(names)}]"
    return text if reads_as(text, list(names)) else in_json(names)


def reads_as(text: str, value: str | list[str]) -> bool:
    """Return true where YAML reads ``text`` as ``value``."""
    try:
        return bool(yaml.safe_load(text) == value)
    except (yaml.YAMLError, ValueError):
        return False


def in_json(names: Sequence[str]) -> str:
    """Return names as a JSON list, which is YAML too."""
    return json.dumps(list(names), ensure_ascii=False)
