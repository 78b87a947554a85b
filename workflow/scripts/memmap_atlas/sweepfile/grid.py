"""Values of the axes and section sizes that a sweep file gives."""

from collections.abc import Mapping
from typing import Any

from memmap_atlas.documents.errors import InputError, Problem, noting, refuse
from memmap_atlas.memmodel.regions import HIGHEST_ADDRESS
from memmap_atlas.sweep.axes import (
    AXES,
    AxisValues,
    Grid,
    Range,
    contradictions,
    lowest,
)
from memmap_atlas.text.units import parse_size, size_text

MOST_HINTS = 20
# layouts.grid of a sweep file
GRID_FORM: Mapping[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "required": [name for name, axis in AXES.items() if axis.absent is None],
    "dependentRequired": {name: list(axis.needs) for name, axis in AXES.items() if axis.needs},
    "description": "RAM of ram_size from base, a hole of hole_size opened at hole_start: the "
    "product of its axes",
    "properties": {
        name: {"$ref": "#/$defs/axis", "description": axis.key} for name, axis in AXES.items()
    },
}


def read_axis(value: Any, file: str, path: tuple[str, ...]) -> AxisValues:
    """Return the values of an axis, given as a list of sizes or as a range.

    Raises InputError for a range without an end and for a value given twice.
    """
    if isinstance(value, list):
        values = tuple(parse_size(size) for size in value)
        if len(set(values)) < len(values):
            text = f"a value stands twice: {', '.join(map(str, value[:MOST_HINTS]))}"
            raise InputError([Problem(file, path, text)])
        return values
    start, stop = parse_size(value["from"]), parse_size(value["to"])
    step, factor = parse_size(value.get("step", 0)), int(value.get("factor", 0))
    wrong = []
    if ("step" in value) == ("factor" in value):
        wrong.append("a range has a step or a factor, and one of them only")
    elif "step" in value and step == 0:
        wrong.append("a step of 0 never arrives: give it a size, such as 64MiB")
    elif "factor" in value and start == 0:
        wrong.append("a range with a factor can't start from 0: every multiple of it is 0")
    if stop < start:
        wrong.append(f"from {value['from']} to {value['to']} has no value: to lies below from")
    if wrong:
        raise InputError([Problem(file, path, text) for text in wrong])
    return Range(start, stop, step, factor)


def read_grid(value: Any, page: int, file: str) -> Grid:
    """Return the grid of a sweep file, in whole pages of ``page`` bytes, the largest of the sweep.

    Raises InputError with all problems of all axes.
    """
    path = ("layouts", "grid")
    axes: dict[str, AxisValues] = {}
    wrong: list[Problem] = []
    for name, axis in AXES.items():
        with noting(wrong):
            axes[name] = read_axis(value.get(name, [axis.absent]), file, (*path, name))
            wrong += ragged(axes[name], page, file, (*path, name))
            if name in value and axis.zero and lowest(axes[name]) == 0:
                text = f"{axis.zero}: give a size of one page or more, or leave it out"
                wrong.append(Problem(file, (*path, name), text))
    refuse(wrong)
    grid = Grid(**axes)
    refuse(
        [
            Problem(file, (*path, name) if name else path, text)
            for name, text in contradictions(grid)
        ]
    )
    return grid


def ragged(axis: AxisValues, page: int, file: str, path: tuple[str, ...]) -> list[Problem]:
    """Return a problem for each value of an axis that is not in whole pages; of a range, start and
    step decide for all.
    """
    values = (axis.start, axis.step) if isinstance(axis, Range) else axis
    return [
        Problem(
            file,
            path,
            f"{size_text(value)} is no whole number of pages of {size_text(page)}, the largest "
            "page of the sweep's kernels (ragged maps can be given under regions)",
        )
        for value in values
        if value % page
    ]


def read_sections(value: Any, page: int, file: str) -> tuple[int | None, ...]:
    """Return the section sizes of a sweep file in bytes; None is the kernel's own.

    Raises InputError for sizes that are not a power of two of at least a ``page``.
    """
    path = ("section_size",)
    listed = value if isinstance(value, list) else []
    sizes: AxisValues = ()
    if listed != ["kernel"]:
        rest = [size for size in listed if size != "kernel"] if listed else value
        sizes = read_axis(rest, file, path)
    if len(sizes) > HIGHEST_ADDRESS.bit_length():
        text = f"{len(sizes):,} sizes are more than there are powers of two: use factor: 2"
        raise InputError([Problem(file, path, text)])
    refuse(
        [
            Problem(
                file,
                path,
                f"{size_text(size)} is no section: a power of two of at least one page "
                f"({size_text(page)}), such as 128MiB",
            )
            for size in sizes
            if size.bit_count() != 1 or size < page
        ]
    )
    own: tuple[int | None, ...] = (None,) if "kernel" in listed else ()
    return (*own, *sizes)
