"""YAML read strictly: text keys, no duplicates, no tags, bounded in size and depth."""

import codecs
import json
from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml
from yaml.composer import Composer

from memmap_atlas.documents.errors import ConfigError, Problem, shown

if TYPE_CHECKING:
    _Safe = yaml.SafeLoader
else:
    # letters are read in C where PyYAML comes with it
    _Safe = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


# of a document: bytes, values (those behind an alias each time), and how deep they nest
LARGEST = 16 << 20


MOST_VALUES = 200_000


DEEPEST = 64


LONGEST_NUMBER = 64  # letters


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
