"""Write what is generated from the code (`make docs`): the tables of config/README.md, the names
and keys in the schemas of files, which editors read, and the schemas of what commands print.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from textwrap import indent
from typing import Any

import yaml
from memmap_atlas.catalog.kernels import KERNEL_DEFINITIONS
from memmap_atlas.cli.schemas import SCHEMAS
from memmap_atlas.documents.validate import SCHEMA, schema_of
from memmap_atlas.figures.registry import FIGURES
from memmap_atlas.readers.dispatch import FORMATS
from memmap_atlas.sweepfile.sweeps import SWEEP_DEFINITIONS

ROOT = Path(__file__).parents[2]
README = ROOT / "config/README.md"
# schema of what a command prints
OUTPUT = "docs/schemas/{}.schema.json"
# definitions of a schema that come from the code
DEFINITIONS: dict[str, Mapping[str, Any]] = {
    "kernels": KERNEL_DEFINITIONS,
    "sweep": SWEEP_DEFINITIONS,
}
# the line of a schema below which all is generated
GENERATED = "# from here on written by `make docs`"
# heading, schema, and the path of the mapping whose keys are listed
TABLES = [
    ("config.yaml", "config", ()),
    ("sweeps/*.yaml", "sweep", ()),
    ("layouts of a sweep", "sweep", ("properties", "layouts")),
    ("layouts.grid of a sweep", "sweep", ("properties", "layouts", "properties", "grid")),
    ("kernels.yaml, each entry", "kernels", ("$defs", "kernel")),
    ("machines.yaml, each entry", "machines", ("additionalProperties",)),
    ("labs/*.yaml", "lab", ()),
    ("kernels of a lab, each entry", "lab", ("properties", "kernels", "additionalProperties")),
    ("maps of a lab, each set", "lab", ("properties", "maps", "additionalProperties")),
    ("random of a set of maps", "lab", ("$defs", "maps", "properties", "random")),
    ("boots of a lab, each entry", "lab", ("properties", "boots", "items")),
]


def tables() -> str:
    """The tables, as Markdown."""
    return "\n".join(table(*entry) for entry in TABLES)


def table(heading: str, name: str, path: tuple[str, ...]) -> str:
    """One table: keys in the schema's order, each with its meaning and its values."""
    schema = schema_of(name, DEFINITIONS.get(name, {}))
    part: Any = schema
    for step in path:
        part = merged(part[step], schema)
    lines = [f"### {heading}", "", "| key | what it is | allowed |", "|---|---|---|"]
    for key, value in part["properties"].items():
        needed = " (needed)" if key in part.get("required", ()) else ""
        form = merged(value, schema)
        allowed = ", ".join(f"`{option}`" for option in form.get("enum", ()))
        if form.get("type") == "integer" and "maximum" in form:
            allowed = f"{form['minimum']:,} to {form['maximum']:,}"
            if "multipleOf" in form:
                allowed += f", multiples of {form['multipleOf']}"
        lines.append(f"| `{key}`{needed} | {form['description']} | {allowed} |")
    return "\n".join(lines) + "\n"


def merged(part: Any, schema: Mapping[str, Any]) -> Any:
    """A part of a schema, over the definition that it refers to."""
    if "$ref" not in part:
        return part
    return schema["$defs"][part["$ref"].rsplit("/", 1)[1]] | part


def figures() -> str:
    """The kinds of figures, as a Markdown table."""
    lines = ["| figure | what it answers | what it needs | a file for each |", "|---|---|---|---|"]
    lines += [
        f"| `{kind}` | {plan.question} | {plan.needs} | {plan.each} |"
        for kind, plan in FIGURES.items()
    ]
    return "\n".join(lines) + "\n"


def formats() -> str:
    """The formats of files, as a Markdown table."""
    lines = ["| file | what is read | what to know |", "|---|---|---|"]
    lines += [f"| {known.file} | {known.content} | {known.caution} |" for known in FORMATS]
    return "\n".join(lines) + "\n"


def documented(text: str) -> str:
    """``text`` of the README with the tables of today's schemas, kinds of figures and formats."""
    for name, table in (("keys", tables()), ("figures", figures()), ("formats", formats())):
        head, _, rest = text.partition(f"<!-- {name} -->")
        _, _, tail = rest.partition(f"<!-- end of {name} -->")
        text = f"{head}<!-- {name} -->\n\n{table}\n<!-- end of {name} -->{tail}"
    return text


def with_definitions(text: str, name: str) -> str:
    """``text`` of a schema with today's definitions from the code below the line GENERATED."""
    head, mark, rest = text.partition(GENERATED)
    # by way of JSON nothing is shared, and so nothing written as an alias
    definitions = json.loads(json.dumps(DEFINITIONS[name]))
    written = yaml.safe_dump(definitions, sort_keys=False, width=1000, default_flow_style=None)
    return f"{head}{mark}{rest.partition(chr(10))[0]}\n{indent(written, '  ')}"


def output_schema(command: str) -> str:
    """The JSON schema of what a command prints with --json."""
    return json.dumps(SCHEMAS[command](), indent=2) + "\n"


if __name__ == "__main__":
    README.write_text(documented(README.read_text()))
    for name in DEFINITIONS:
        path = ROOT / SCHEMA.format(name)
        path.write_text(with_definitions(path.read_text(), name))
    for command in SCHEMAS:
        path = ROOT / OUTPUT.format(command)
        path.parent.mkdir(exist_ok=True)
        path.write_text(output_schema(command))
