"""JSON schemas (draft 2020-12) of what the commands print with --json.

They are made from the registries (QUANTITIES, POINT, PARAMETERS, CONSTANTS, MODELS, RULES): a new
byte column or kernel value needs no edit here. `make docs` writes them to docs/schemas/. Every
object is closed and has all of its keys, but for constants and sources, which some kernels lack.
A description ends with the unit in brackets where its words do not have it.
"""

from collections.abc import Callable, Mapping
from typing import Any, get_args

from memmap_atlas.advice.build_options import NEEDS, REPORTED
from memmap_atlas.advice.search import Kind
from memmap_atlas.catalog.kernels import KERNEL_DEFINITIONS, form_of
from memmap_atlas.memmodel.constants import CONSTANTS
from memmap_atlas.memmodel.feasibility import RULES
from memmap_atlas.memmodel.kernel import PARAMETERS
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import NAMED, POINT, QUANTITIES

Schema = dict[str, Any]
DRAFT = "https://json-schema.org/draft/2020-12/schema"
NOTHING: Schema = {"type": "null"}
BOOLEAN: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}
WHOLE: Schema = {"type": "integer"}
COUNT: Schema = {"type": "integer", "minimum": 0}
MODEL: Schema = {"enum": list(MODELS)}
RULE: Schema = {"enum": [rule for rule in RULES if rule] + [None]}
# columns of a row that are no whole numbers
POINT_FORMS = {
    "kernel": TEXT,
    "model": MODEL,
    "selectable": BOOLEAN,
    "feasible": BOOLEAN,
    "reason": RULE,
}


# --- parts ----------------------------------------------------------------------------------------


def about(form: Schema, description: str, unit: str = "") -> Schema:
    """Return a schema with its description, and the unit of its numbers."""
    told = not unit or unit in description
    return {**form, "description": description if told else f"{description} [{unit}]"}


def closed(
    properties: Mapping[str, Schema], description: str = "", *, complete: bool = True
) -> Schema:
    """Return the schema of an object without further keys; ``complete``: it has all of them."""
    form: Schema = {"type": "object", "additionalProperties": False, "properties": {**properties}}
    if complete:
        form["required"] = list(properties)
    return about(form, description) if description else form


def nullable(form: Schema) -> Schema:
    """Return a schema of numbers or texts that takes null too."""
    return {**form, "type": [form["type"], "null"]}


def array(items: Schema, **bounds: int) -> Schema:
    """Return the schema of an array."""
    return {"type": "array", "items": items, **bounds}


def numbers(length: int) -> Schema:
    """Return the schema of an array of so many numbers from 0 on."""
    return array(COUNT, minItems=length, maxItems=length)


def regions(description: str, least: int = 0) -> Schema:
    """Return the schema of regions of at least ``least``."""
    form = array(numbers(2), minItems=least) if least else array(numbers(2))
    return about(form, f"{description}: [start, end) of each, in address order", "bytes")


def column(form: Schema, name: str, description: str) -> Schema:
    """Return the schema of a column, with its unit where its name has it."""
    return about(form, description, "bytes" if name.endswith("_bytes") else "")


def row() -> Schema:
    """Return the schema of a row of the memmap table, as :func:`compare` has it."""
    points = {
        name: column(POINT_FORMS.get(name, COUNT), name, text) for name, text in POINT.items()
    }
    bytes_of = {
        quantity.column: column(nullable(COUNT), quantity.column, quantity.description)
        for quantity in QUANTITIES
    }
    return {
        **closed({"ram_bytes": about(COUNT, "RAM, without holes", "bytes"), **points, **bytes_of}),
        # a rule has a name and no bytes
        "if": {"properties": {"feasible": {"const": True}}},
        "then": {"properties": {"reason": {"const": None}, **dict.fromkeys(bytes_of, WHOLE)}},
        "else": {"properties": {"reason": TEXT, **dict.fromkeys(bytes_of, NOTHING)}},
    }


def document(command: str, description: str, properties: Mapping[str, Schema]) -> Schema:
    """Return the schema of all that a command prints."""
    release = about(TEXT, "release of the atlas that printed it")
    return {
        "$schema": DRAFT,
        "title": f"memmap-atlas {command} --json",
        **closed({"memmap_atlas": release, **properties}, description),
    }


# --- commands -------------------------------------------------------------------------------------


def cost() -> Schema:
    """Return the schema of ``cost --json``."""
    return document(
        "cost",
        "Cost of a memory map under kernels and models.",
        {
            "regions": regions("RAM", least=1),
            "rows": about(array(row(), minItems=1), "a row for each kernel and model"),
        },
    )


def answer() -> Schema:
    """Return the schema of ``answer --json``."""
    source = closed(
        {
            "name": about(TEXT, "name of the layout or kernel that is read from it"),
            "file": about(TEXT, "its path, as it was given"),
            "sha256": about(TEXT, "SHA-256 of its content, in hex"),
            "kind": about(TEXT, "its format, in words"),
            "notes": about(array(TEXT), "caveats of the numbers, in words"),
        }
    )
    return document(
        "answer",
        "Answer for a machine: its memory map, what it costs, the comparison with its own log, "
        "other builds of its kernel, and changes of the map that save memory.",
        {
            "layout": about(TEXT, "name of the map, after its file"),
            "sources": about(array(source, minItems=1), "the files that were read"),
            "regions": regions("RAM", least=1),
            "nomap": regions("RAM that the kernel does not map and that keeps its struct pages"),
            "nodes": about(
                array(numbers(3)), "[node, start, end) of each NUMA node's RAM, where known; bytes"
            ),
            "hints": hints(),
            "kernel": about(TEXT, 'the kernel that is taken; "given" where it is a .config'),
            "kernel_reason": about(TEXT, "why it is that one, in words"),
            "rows": about(array(row(), minItems=1), "a row for each kernel and model"),
            "checks": about(array(check()), "counts of the file beside the computed ones"),
            "choices": about(
                array(choice(), minItems=1),
                "ways to build the kernel, the present one first",
            ),
            "changes": about(
                array(change()), "changes of the map that save memory, the best first"
            ),
            "changes_complete_to_bytes": about(
                nullable(COUNT),
                "null where every change was tried; else all below this size were, and some above",
                "bytes",
            ),
        },
    )


def hints() -> Schema:
    """Return the schema of KernelHints."""
    text, count = nullable(TEXT), nullable(COUNT)
    return closed(
        {
            "arch": about(text, "architecture, as the kernel's arch/ names it"),
            "release": about(text, "release, as uname -r has it"),
            "page_size": about(count, "PAGE_SIZE", "bytes"),
            "block_size": about(count, "a memory block, in which memory is added", "bytes"),
            "unavailable_pages": about(
                count, "struct pages without RAM that the kernel counted", "pages"
            ),
            "clipped": about(BOOLEAN, "whether the last lines of that count may be missing"),
            "boot_pages": about(count, "nr_memmap_boot_pages of /proc/vmstat", "pages"),
            "mapped": about(count, "the vmemmap part of kernel_page_tables", "bytes"),
        },
        "clues of the file to the kernel that wrote it; null where it has none",
    )


def check() -> Schema:
    """Return the schema of a count of a file beside the computed one."""
    return closed(
        {
            "quantity": about(TEXT, "what is counted"),
            "unit": about({"enum": ["pages", "bytes"]}, "unit of both numbers"),
            "observed": about(nullable(COUNT), "as the file has it; null where it does not"),
            "computed": about(nullable(WHOLE), "for the kernel; null where it has no such count"),
            "verdict": about(TEXT, "the comparison in words"),
            "agrees": about(BOOLEAN, "whether both numbers are known and equal"),
        }
    )


def choice() -> Schema:
    """Return the schema of one way to build a kernel."""
    known = nullable(COUNT)
    return closed(
        {
            "total_bytes": about(known, "what stays allocated, the sum of the next four", "bytes"),
            "kernel": about(TEXT, "its name, that of a sibling where the page size differs"),
            "page_bytes": about(COUNT, "its page, the granule", "bytes"),
            "section_bytes": about(COUNT, "size of a section", "bytes"),
            "model": about(MODEL, "memory model"),
            "needs": about({"enum": list(NEEDS)}, "what has to be done to build it"),
            "reason": about(RULE, "the rule that forbids it, else null"),
            **{
                NAMED[name].column: about(known, NAMED[name].description, "bytes")
                for name in REPORTED
            },
            "difference_bytes": about(
                nullable(WHOLE), "total_bytes less that of the present build", "bytes"
            ),
        }
    )


def change() -> Schema:
    """Return the schema of a change of a map."""
    edges = {
        "old_start": "start of what the kind names, before",
        "old_end": "end of it, before",
        "new_start": "start of it, after",
        "new_end": "end of it, after",
    }
    return closed(
        {
            "kind": about({"enum": list(get_args(Kind))}, "what moves or is given up"),
            "region": about(COUNT, "index in regions of the lowest that the change is about"),
            **{edge: about(COUNT, text, "bytes") for edge, text in edges.items()},
            "by_bytes": about(WHOLE, "how far it moves, negative for downwards", "bytes"),
            "moved_bytes": about(COUNT, "RAM that gets another address", "bytes"),
            "given_up_bytes": about(COUNT, "RAM that is given up", "bytes"),
            "saved_bytes": about(COUNT, "memmap that it saves", "bytes"),
            "net_bytes": about(WHOLE, "saved_bytes less given_up_bytes", "bytes"),
        }
    )


def kernels() -> Schema:
    """Return the schema of ``kernels --json``."""
    values = {
        name: about(
            form_of(parameter), parameter.meaning, "bytes" if parameter.kind == "size" else ""
        )
        for name, parameter in PARAMETERS.items()
    }
    constants = {constant.name: about(WHOLE, constant.meaning) for constant in CONSTANTS}
    kernel = closed(
        {
            "description": about(TEXT, "the build that it describes"),
            "values": closed(values, "parameters, as a kernels.yaml has them"),
            "constants": closed(
                constants,
                "the same as the kernel's source names them; those of sections only where it can "
                "be built with SPARSEMEM",
                complete=False,
            ),
            "sources": closed(
                dict.fromkeys(PARAMETERS, TEXT),
                "for values, the file of Linux that they come from, with commit and release of "
                "a change; the others are defaults or derived",
                complete=False,
            ),
        }
    )
    listed = {"type": "object", "additionalProperties": kernel, "minProperties": 1}
    return {
        **document(
            "kernels",
            "Kernels: values, constants and their sources.",
            {"kernels": about(listed, "kernels by name")},
        ),
        # of form_of()
        "$defs": {"size": COUNT, "model": KERNEL_DEFINITIONS["model"]},
    }


SCHEMAS: Mapping[str, Callable[[], Schema]] = {
    "cost": cost,
    "answer": answer,
    "kernels": kernels,
}
