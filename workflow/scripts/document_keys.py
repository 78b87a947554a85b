"""Write the tables of config/README.md from the schemas and the plan of figures (`make docs`)."""

from pathlib import Path
from typing import Any

import yaml
from memmap_atlas.figures.registry import FIGURES

ROOT = Path(__file__).parents[2]
README = ROOT / "config/README.md"
# heading, schema, and where in it the keys stand
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


def table(heading: str, name: str, place: tuple[str, ...]) -> str:
    """One table: keys in the schema's order, with what each one means."""
    schema = yaml.safe_load((ROOT / f"workflow/schemas/{name}.schema.yaml").read_text())
    part: Any = schema
    for step in place:
        part = part[step]
        if "$ref" in part:
            part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    lines = [f"### {heading}", "", "| key | what it is | allowed |", "|---|---|---|"]
    for key, value in part["properties"].items():
        needed = " (needed)" if key in part.get("required", ()) else ""
        allowed = ", ".join(f"`{option}`" for option in value.get("enum", ()))
        lines.append(f"| `{key}`{needed} | {value['description']} | {allowed} |")
    return "\n".join(lines) + "\n"


def figures() -> str:
    """The kinds of figures, as a Markdown table."""
    lines = ["| figure | what it answers | what it needs | a file for each |", "|---|---|---|---|"]
    lines += [
        f"| `{kind}` | {plan.question} | {plan.needs} | {plan.each} |"
        for kind, plan in FIGURES.items()
    ]
    return "\n".join(lines) + "\n"


def documented(text: str) -> str:
    """``text`` of the README with the tables as the schemas and the plan have them now."""
    for name, table in (("keys", tables()), ("figures", figures())):
        head, _, rest = text.partition(f"<!-- {name} -->")
        _, _, tail = rest.partition(f"<!-- end of {name} -->")
        text = f"{head}<!-- {name} -->\n\n{table}\n<!-- end of {name} -->{tail}"
    return text


if __name__ == "__main__":
    README.write_text(documented(README.read_text()))
