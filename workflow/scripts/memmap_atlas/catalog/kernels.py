"""Kernels by name, from files in the form of config/kernels.yaml."""

from collections.abc import Collection, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

from memmap_atlas.documents.errors import InputError, Problem, nearest, noting, refuse, shown
from memmap_atlas.documents.shipped import shipped
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.kernel import PARAMETERS, Kernel, Parameter
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.text.units import parse_size

SMALLEST_PAGE, LARGEST_PAGE = 4096, 1 << 20
MOST_EXTENDED = 32
SHIPPED = shipped("config/kernels.yaml")
DOCUMENTATION = ("description", "sources")
# values that are bytes: files can write them as 64MiB
SIZES = tuple(name for name, value in PARAMETERS.items() if value.kind == "size")
Entries = Mapping[str, Mapping[str, Any]]


def form_of(parameter: Parameter) -> dict[str, Any]:
    """The JSON schema of one value of a kernel's entry."""
    size, model = {"$ref": "#/$defs/size"}, {"$ref": "#/$defs/model"}
    form: dict[str, Any]
    match parameter.kind:
        case "size":
            form = dict(size)
        case "number":
            form = {"type": "integer", "minimum": parameter.low, "maximum": parameter.high}
            if parameter.multiple > 1:
                form["multipleOf"] = parameter.multiple
        case "flag":
            form = {"type": "boolean"}
        case "choice":
            form = {"enum": list(parameter.options)}
        case "text":
            form = {"type": "string", "pattern": parameter.pattern}
        case "model":
            form = dict(model)
        case "models":
            form = {"type": "array", "minItems": 1, "uniqueItems": True, "items": model}
        case "levels":
            pair = {"type": "array", "prefixItems": [size, size], "minItems": 2, "maxItems": 2}
            form = {"type": "array", "maxItems": 8, "items": pair}
    return {**form, "description": parameter.description}


# what kernels.schema.yaml takes from the code
KERNEL_DEFINITIONS: Mapping[str, Any] = {
    "model": {"enum": [name for name, model in MODELS.items() if not model.proposal]},
    "kernel": {
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "extends": {
                "type": "string",
                "maxLength": 80,
                "description": "the kernel whose values stand where this one gives none",
            },
            "description": {"type": "string", "description": "what build it is"},
            **{name: form_of(parameter) for name, parameter in PARAMETERS.items()},
            "sources": {
                "type": "object",
                "additionalProperties": {"type": "string"},
                "description": "for each value, the kernel's file that it comes from",
            },
        },
    },
}


@cache
def shipped_kernels() -> Mapping[str, Kernel]:
    """Return the kernels of config/kernels.yaml by name, read once.

    Raises InputError with all problems of the file.
    """
    entries = shipped_entries()
    return MappingProxyType(build_kernels(entries, dict.fromkeys(entries, SHIPPED.name)))


@cache
def shipped_entries() -> Entries:
    """Return the entries of config/kernels.yaml by name, read once.

    Raises InputError where the form of the file is wrong.
    """
    return MappingProxyType(read_entries(SHIPPED)[0])


def kernel_problems(content: Any, file: str) -> list[Problem]:
    """Problems in the form of kernels by name; ``file`` is their place in messages.

    Raises InputError where ``content`` is no document.
    """
    return problems(content, "kernels", file, KERNEL_DEFINITIONS)


def load_kernels(*paths: Path) -> dict[str, Kernel]:
    """Return kernels by name from files in the form of config/kernels.yaml; later files can extend
    kernels of earlier ones.

    Raises InputError with all problems of the files.
    """
    return build_kernels(*read_entries(*paths))


def read_entries(*paths: Path) -> tuple[Entries, dict[str, str]]:
    """Return the entry of each kernel, as written, and the file that it is from.

    Raises InputError where the form of a file is wrong.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    files: dict[str, str] = {}
    wrong: list[Problem] = []
    for path in paths:
        content = load_yaml(path)
        faults = kernel_problems(content, path.name)
        wrong += faults
        if not faults:
            entries |= content
            files |= dict.fromkeys(content, path.name)
    refuse(wrong)
    return entries, files


def build_kernels(entries: Entries, files: Mapping[str, str]) -> dict[str, Kernel]:
    """Return the kernels of ``files`` (file by name of kernel), from entries that may extend each
    other.

    Raises InputError with the problems of all of them.
    """
    kernels: dict[str, Kernel] = {}
    wrong: list[Problem] = []
    for name, file in files.items():
        with noting(wrong):
            kernels[name] = build_kernel(name, entries, file)
    refuse(wrong)
    return kernels


def build_kernel(name: str, entries: Entries, file: str) -> Kernel:
    """Return one kernel, with the values that it extends, defaults and derived values filled in.

    Raises InputError where values are missing or contradict each other.
    """
    entry = resolve(name, entries, (), file)
    given = without(entry, (*DOCUMENTATION, "extends"))
    needed = [field for field, parameter in PARAMETERS.items() if parameter.needed]
    if missing := [field for field in needed if field not in given]:
        text = f"lacks {', '.join(missing)}: give them, or say what it extends"
        raise InputError([Problem(file, (name,), text)])
    values = {
        field: parameter.default
        for field, parameter in PARAMETERS.items()
        if parameter.default is not None
    }
    values |= {field: parsed(value, PARAMETERS[field]) for field, value in given.items()}
    page = values["page_size"]
    if page < SMALLEST_PAGE:
        text = f"{page} bytes is no page: {SMALLEST_PAGE} bytes is the smallest that Linux has"
        raise InputError([Problem(file, (name, "page_size"), text)])
    if page > LARGEST_PAGE:
        text = f"{page} bytes is no page: {LARGEST_PAGE} bytes is more than any that Linux has"
        raise InputError([Problem(file, (name, "page_size"), text)])
    for field, parameter in PARAMETERS.items():
        if parameter.derived and field not in values:
            values[field] = parameter.derived(values)
    kernel = Kernel(**values)
    wrong = [
        Problem(file, (name, field), f"{values[field]} bytes is no power of two")
        for field, parameter in PARAMETERS.items()
        if parameter.power_of_two and values[field].bit_count() != 1
    ]
    wrong += [
        Problem(file, (name, field), f"{values[field]} bytes is no whole number of pages")
        for field, parameter in PARAMETERS.items()
        if parameter.whole_pages and values[field] % page
    ]
    if kernel.vmemmap_leaf > kernel.pmd_size:
        text = f"{kernel.vmemmap_leaf} bytes is more than a PMD maps, {kernel.pmd_size} bytes"
        wrong.append(Problem(file, (name, "vmemmap_leaf"), text))
    if kernel.default_model not in kernel.models:
        text = f"{kernel.default_model!r} is not among its models: {', '.join(kernel.models)}"
        wrong.append(Problem(file, (name, "default_model"), text))
    refuse(wrong)
    return kernel


def parsed(value: Any, parameter: Parameter) -> Any:
    """Return a value of an entry as a kernel has it: sizes in bytes, lists as tuples."""
    if parameter.kind == "size":
        return parse_size(value)
    if parameter.kind == "levels":
        return tuple((parse_size(covers), parse_size(size)) for covers, size in value)
    if isinstance(value, list):
        return tuple(value)
    # JSON schema takes 1024.0 for a whole number
    return int(value) if isinstance(value, float) else value


def resolve(name: str, entries: Entries, path: tuple[str, ...], file: str) -> dict[str, Any]:
    """Return the values of an entry over those of the entry that it extends.

    Raises InputError where that one is unknown, or where entries extend each other in a circle.
    """
    if name in path:
        text = f"extends itself: {' -> '.join((*path, name))}"
        raise InputError([Problem(file, (path[0],), text)])
    if len(path) == MOST_EXTENDED:
        text = f"extends {MOST_EXTENDED} kernels one after the other: extend one that is complete"
        raise InputError([Problem(file, (path[0],), text)])
    entry = entries[name]
    base = entry.get("extends")
    if base is None:
        return dict(entry)
    if base not in entries:
        text = f"no kernel {shown(base)}{nearest(base, list(entries))}"
        raise InputError([Problem(file, (name, "extends"), text)])
    inherited = resolve(base, entries, (*path, name), file)
    return without(inherited, replaced_by(entry)) | dict(entry)


def replaced_by(entry: Mapping[str, Any]) -> set[str]:
    """Return the values that an entry does not take from the one that it extends."""
    # another page size or address width has another geometry of tables
    return {*entry} | ({"page_tables"} if entry.keys() & {"page_size", "va_bits"} else set())


def without(values: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return ``values`` but those of ``names``."""
    return {name: value for name, value in values.items() if name not in names}


def sources_of(name: str, entries: Entries) -> dict[str, str]:
    """Return the source of each value that the entry of a kernel gives, or one that it extends.

    A value has the source of the entry that gives it. Raises KeyError for an unknown kernel.
    """
    entry = entries[name]
    sources = sources_of(entry["extends"], entries) if "extends" in entry else {}
    return without(sources, replaced_by(entry)) | dict(entry.get("sources", {}))


def describe(name: str, entries: Entries) -> str:
    """Return the description of a kernel, its own or that of an entry that it extends."""
    entry = entries[name]
    text = entry.get("description") or (
        describe(entry["extends"], entries) if "extends" in entry else ""
    )
    return str(text)
