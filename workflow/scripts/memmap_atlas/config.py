"""From files that people write to values: kernels by name.

What is wrong in a file is told at once, each problem with its place, the value found and what would
be right.
"""

import difflib
from collections.abc import Hashable, Mapping
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

from memmap_atlas.kernel import Kernel, default_page_tables
from memmap_atlas.units import parse_size

SCHEMAS = Path(__file__).parents[2] / "schemas"
SIZES = ("page_size", "section_size", "vmemmap_leaf", "pmd_size", "memstart_align", "vmemmap_below")
DOCUMENTATION = ("description", "sources")


class ConfigError(Exception):
    """Everything that is wrong with the configuration, one line a problem."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


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
        raise ConfigError([f"{path}: can't be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{path}: byte {error.start} is no UTF-8 text"]) from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark else str(path)
        raise ConfigError([f"{place}: {error.problem}"]) from error
    except yaml.YAMLError as error:
        raise ConfigError([f"{path}: no YAML: {error}"]) from error


def problems(value: Any, schema: str, place: str) -> list[str]:
    """What the JSON schema of that name finds wrong with ``value``; each with path, value and what
    is allowed.
    """
    validator = Draft202012Validator(load_yaml(SCHEMAS / f"{schema}.schema.yaml"))
    found = []
    for error in sorted(
        validator.iter_errors(value), key=lambda e: [str(p) for p in e.absolute_path]
    ):
        where = ".".join([place, *(str(part) for part in error.absolute_path)])
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            extra = [str(key) for key in error.instance if key not in allowed]
            found += [f"{where}: unknown key {key!r}{nearest(key, allowed)}" for key in extra]
        elif error.validator == "enum":
            options = [str(option) for option in error.validator_value]
            found.append(
                f"{where}: {error.instance!r} is none of {', '.join(options)}"
                f"{nearest(str(error.instance), options)}"
            )
        elif error.validator == "pattern" and "description" in error.schema:
            found.append(f"{where}: {error.instance!r} is not right: {error.schema['description']}")
        else:
            found.append(f"{where}: {error.message}")
    return found


def nearest(word: str, allowed: list[str]) -> str:
    """A hint at the allowed word that comes nearest, or nothing."""
    close = difflib.get_close_matches(word, allowed, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def load_kernels(*paths: Path) -> dict[str, Kernel]:
    """Kernels by name from files in the form of config/kernels.yaml; later files can extend kernels
    of earlier ones.

    Raises ConfigError with all problems of the files.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    wrong: list[str] = []
    for path in paths:
        content = load_yaml(path)
        found = problems(content, "kernels", path.name)
        wrong += found
        if not found:
            entries |= content
    if wrong:
        raise ConfigError(wrong)
    kernels = {}
    for name in entries:
        try:
            kernels[name] = build_kernel(name, entries)
        except ConfigError as error:
            wrong += error.problems
    if wrong:
        raise ConfigError(wrong)
    return kernels


def build_kernel(name: str, entries: Mapping[str, Mapping[str, Any]]) -> Kernel:
    """One kernel, what it extends filled in and defaults derived."""
    values = resolve(name, entries, ())
    values = {key: value for key, value in values.items() if key not in (*DOCUMENTATION, "extends")}
    missing = [
        field
        for field in Kernel.__dataclass_fields__
        if field not in values and field not in DERIVED
    ]
    if missing:
        raise ConfigError(
            [f"{name}: lacks {', '.join(missing)}: give them, or say what it extends"]
        )
    for field in SIZES:
        if field in values:
            values[field] = parse_size(values[field])
    page = values["page_size"]
    if "page_tables" in values:
        tables = tuple(
            (parse_size(covers), parse_size(size)) for covers, size in values["page_tables"]
        )
    else:
        tables = default_page_tables(page, values["va_bits"])
    long_size = values.get("long_size", 8)
    kernel = Kernel(
        **{
            "long_size": long_size,
            "pmd_size": page * (page // 8),
            "subsection_map": True,
            "section_flags_bits": 34 if long_size == 8 else 8,
            "memstart_align": 0,
            "vmemmap_below": 0,
            "tables_below": False,
            **values,
            "models": tuple(values["models"]),
            "page_tables": tables,
        }
    )
    wrong = []
    for field in ("page_size", "section_size", "vmemmap_leaf", "pmd_size"):
        size = getattr(kernel, field)
        if size & (size - 1):
            wrong.append(f"{name}.{field}: {size} bytes is no power of two")
    if kernel.vmemmap_leaf % page:
        wrong.append(
            f"{name}.vmemmap_leaf: {kernel.vmemmap_leaf} bytes is no whole number of pages"
        )
    if kernel.default_model not in kernel.models:
        allowed = ", ".join(kernel.models)
        wrong.append(
            f"{name}.default_model: {kernel.default_model!r} is not among its models: {allowed}"
        )
    if wrong:
        raise ConfigError(wrong)
    return kernel


DERIVED = (
    "long_size",
    "pmd_size",
    "subsection_map",
    "section_flags_bits",
    "memstart_align",
    "vmemmap_below",
    "tables_below",
    "page_tables",
)


def resolve(
    name: str, entries: Mapping[str, Mapping[str, Any]], path: tuple[str, ...]
) -> dict[str, Any]:
    """The values of an entry over those of what it extends."""
    if name in path:
        raise ConfigError([f"{path[0]}: extends itself: {' -> '.join((*path, name))}"])
    entry = entries[name]
    base = entry.get("extends")
    if base is None:
        return dict(entry)
    if base not in entries:
        raise ConfigError([f"{name}.extends: no kernel {base!r}{nearest(base, list(entries))}"])
    inherited = resolve(base, entries, (*path, name))
    # another page size or address width has another geometry of tables
    if "page_size" in entry or "va_bits" in entry:
        inherited.pop("page_tables", None)
    return inherited | dict(entry)
