"""From files in the form of config/kernels.yaml to kernels by name."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from memmap_atlas.documents.errors import ConfigError, Problem, nearest, noting, refuse, shown
from memmap_atlas.documents.validate import problems
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.memmodel.kernel import Kernel, default_page_tables
from memmap_atlas.text.units import parse_size

SIZES = (
    "page_size",
    "section_size",
    "vmemmap_leaf",
    "pmd_size",
    "memstart_align",
    "vmemmap_below",
    "leaf_needs_ram",
    "ram_limit",
)
SMALLEST_PAGE, LARGEST_PAGE = 4096, 1 << 20
MOST_EXTENDED = 32
DOCUMENTATION = ("description", "sources")
# values that most kernels share, and values that follow from others
DEFAULTS = {
    "long_size": 8,
    "subsection_map": True,
    "memstart_align": 0,
    "vmemmap_below": 0,
    "tables_below": False,
    "pageblock_bits": 4,
    "leaf_record_size": 0,
    "leaf_needs_ram": 0,
    "ram_limit": 0,
}
DERIVED = ("pmd_size", "section_flags_bits", "page_tables")
Entries = Mapping[str, Mapping[str, Any]]


def load_kernels(*paths: Path) -> dict[str, Kernel]:
    """Kernels by name from files in the form of config/kernels.yaml; later files can extend kernels
    of earlier ones.

    Raises ConfigError with all problems of the files.
    """
    return build_kernels(*read_entries(*paths))


def read_entries(*paths: Path) -> tuple[Entries, dict[str, str]]:
    """What is written about each kernel, and in which file.

    Raises ConfigError where the form of a file is wrong.
    """
    entries: dict[str, Mapping[str, Any]] = {}
    files: dict[str, str] = {}
    wrong: list[Problem] = []
    for path in paths:
        content = load_yaml(path)
        found = problems(content, "kernels", path.name)
        wrong += found
        if not found:
            entries |= content
            files |= dict.fromkeys(content, path.name)
    refuse(wrong)
    return entries, files


def build_kernels(entries: Entries, files: Mapping[str, str]) -> dict[str, Kernel]:
    """The kernels of ``files`` (file by name of kernel), from entries that may extend each other.

    Raises ConfigError with the problems of all of them.
    """
    kernels: dict[str, Kernel] = {}
    wrong: list[Problem] = []
    for name, file in files.items():
        with noting(wrong):
            kernels[name] = build_kernel(name, entries, file)
    refuse(wrong)
    return kernels


def build_kernel(name: str, entries: Entries, file: str) -> Kernel:
    """One kernel, what it extends filled in and defaults derived."""
    values = resolve(name, entries, (), file)
    values = {key: value for key, value in values.items() if key not in (*DOCUMENTATION, "extends")}
    needed = [field for field in Kernel.__dataclass_fields__ if field not in DERIVED]
    values = DEFAULTS | values
    if missing := [field for field in needed if field not in values]:
        text = f"lacks {', '.join(missing)}: give them, or say what it extends"
        raise ConfigError([Problem(file, (name,), text)])
    for field in SIZES:
        if field in values:
            values[field] = parse_size(values[field])
    # JSON schema takes 1024.0 for a whole number
    values = {key: int(v) if isinstance(v, float) else v for key, v in values.items()}
    page = values["page_size"]
    if page < SMALLEST_PAGE:
        text = f"{page} bytes is no page: {SMALLEST_PAGE} bytes is the smallest that Linux has"
        raise ConfigError([Problem(file, (name, "page_size"), text)])
    if page > LARGEST_PAGE:
        text = f"{page} bytes is no page: {LARGEST_PAGE} bytes is more than any that Linux has"
        raise ConfigError([Problem(file, (name, "page_size"), text)])
    tables = values.get("page_tables")
    kernel = Kernel(
        **{
            "pmd_size": page * (page // 8),
            "section_flags_bits": 34 if values["long_size"] == 8 else 8,
            **values,
            "models": tuple(values["models"]),
            "page_tables": default_page_tables(page, values["va_bits"])
            if tables is None
            else tuple((parse_size(covers), parse_size(size)) for covers, size in tables),
        }
    )
    wrong = [
        Problem(file, (name, field), f"{getattr(kernel, field)} bytes is no power of two")
        for field in ("page_size", "section_size", "vmemmap_leaf", "pmd_size")
        if getattr(kernel, field).bit_count() != 1
    ]
    wrong += [
        Problem(file, (name, field), f"{getattr(kernel, field)} bytes is no whole number of pages")
        for field in ("section_size", "vmemmap_leaf")
        if getattr(kernel, field) % page
    ]
    if kernel.vmemmap_leaf > kernel.pmd_size:
        text = f"{kernel.vmemmap_leaf} bytes is more than a PMD maps, {kernel.pmd_size} bytes"
        wrong.append(Problem(file, (name, "vmemmap_leaf"), text))
    if kernel.default_model not in kernel.models:
        text = f"{kernel.default_model!r} is not among its models: {', '.join(kernel.models)}"
        wrong.append(Problem(file, (name, "default_model"), text))
    refuse(wrong)
    return kernel


def resolve(name: str, entries: Entries, path: tuple[str, ...], file: str) -> dict[str, Any]:
    """The values of an entry over those of what it extends."""
    if name in path:
        text = f"extends itself: {' -> '.join((*path, name))}"
        raise ConfigError([Problem(file, (path[0],), text)])
    if len(path) == MOST_EXTENDED:
        text = f"extends {MOST_EXTENDED} kernels one after the other: extend one that is complete"
        raise ConfigError([Problem(file, (path[0],), text)])
    entry = entries[name]
    base = entry.get("extends")
    if base is None:
        return dict(entry)
    if base not in entries:
        text = f"no kernel {shown(base)}{nearest(base, list(entries))}"
        raise ConfigError([Problem(file, (name, "extends"), text)])
    inherited = resolve(base, entries, (*path, name), file)
    # another page size or address width has another geometry of tables
    if "page_size" in entry or "va_bits" in entry:
        inherited.pop("page_tables", None)
    return inherited | dict(entry)
