"""Validation of YAML documents against closed JSON schemas.

Every problem of a document is reported at once, each with its path, the value and the accepted
form.
"""

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator, ValidationError
from jsonschema.validators import extend

from memmap_atlas.documents.errors import (
    MOST_PROBLEMS,
    InputError,
    Problem,
    nearest,
    refuse,
    shown,
)
from memmap_atlas.documents.shipped import shipped
from memmap_atlas.documents.yaml_loader import DEEPEST, LONGEST_NUMBER, MOST_VALUES, load_yaml

SCHEMA = "workflow/schemas/{}.schema.yaml"
NO_DEFINITIONS: Mapping[str, Any] = {}


# bidirectional controls: the text that is displayed is not the text that is read
TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
# controls but tab and newline, surrogates, and noncharacters
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


def pattern(_: Any, wanted: str, value: Any, __: Any) -> Iterator[ValidationError]:
    """JSON Schema's pattern: its $ matches the end alone, Python's also before a last newline."""
    check = Draft202012Validator.VALIDATORS["pattern"]
    yield from check(_, wanted.replace("$", r"\Z"), value, __)


def unique(_: Any, wanted: bool, value: Any, __: Any) -> Iterator[ValidationError]:
    """JSON Schema's uniqueItems in linear time, reporting the first item that repeats."""
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


def schema_of(name: str, definitions: Mapping[str, Any] = NO_DEFINITIONS) -> dict[str, Any]:
    """Return workflow/schemas/<name>.schema.yaml with ``definitions`` in place of its own ``$defs``
    of those names.

    Names and keys that the code knows are given here by the caller; the file's copies of them,
    which `make docs` writes, are for editors.
    """
    schema: dict[str, Any] = load_yaml(shipped(SCHEMA.format(name)))
    return {**schema, "$defs": {**schema.get("$defs", {}), **definitions}}


@cache
def validator_of(name: str, definitions: str) -> Any:
    """Return the validator of a schema, with definitions in JSON."""
    return Validator(schema_of(name, json.loads(definitions)))


def unsound(value: Any) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Yield (path, text) for mistakes that no schema finds: values beyond the limits of
    ``yaml_loader``, keys that are not strings, and characters that hide what a text says.
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
            waiting += [((*path, index), item) for index, item in enumerate(here)]
        elif isinstance(here, str) and (text := odd_letter(here)):
            yield path, f"{shown(here)} {text}"
        elif isinstance(here, int) and here.bit_length() > 4 * LONGEST_NUMBER:
            yield path, f"is a number of {here.bit_length():,} bits"


def odd_letter(text: str) -> str:
    """Return a complaint about characters of ``text`` that can't be printed or that reorder it on
    a screen, "" where it has none.
    """
    odd = ODD.search(text)
    if not odd:
        return ""
    what = f"such as U+{ord(odd[0]):04X}"
    if odd[0] in TURNING:
        return f"has characters that turn the order of letters about, {what}"
    return f"has characters that can't be printed, {what}"


def problems(
    value: Any, schema: str, file: str, definitions: Mapping[str, Any] = NO_DEFINITIONS
) -> list[Problem]:
    """Return all violations of the JSON schema of that name, with ``definitions`` as for
    :func:`schema_of`; each with path, value and accepted form. ``file`` is their place in messages.

    Raises InputError where ``value`` is no document, or has more problems than are reported.
    """
    refuse([Problem(file, *odd) for odd in islice(unsound(value), MOST_PROBLEMS)])
    wrong: list[Problem] = []
    errors = list(
        islice(validator_of(schema, json.dumps(definitions)).iter_errors(value), MOST_PROBLEMS)
    )
    for error in sorted(errors, key=lambda e: [str(p) for p in e.absolute_path]):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            unknown = [key for key in error.instance if key not in allowed]
            wrong += [
                Problem(
                    file,
                    (*path, key),
                    f"unknown key{nearest(str(key), allowed)}; allowed are {', '.join(allowed)}",
                )
                for key in unknown[:MOST_PROBLEMS]
            ]
        elif error.validator == "required":
            missing = [key for key in error.validator_value if key not in error.instance]
            # jsonschema reports each missing key on its own
            key = next(key for key in missing if error.message.startswith(repr(key)))
            wrong.append(Problem(file, path, f"lacks the key {key!r}"))
        elif error.validator == "enum":
            options = [str(option) for option in error.validator_value]
            wrong.append(
                Problem(
                    file,
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
            wrong.append(Problem(file, path, text))
        else:
            wrong.append(Problem(file, path, error.message))
    if len(errors) == MOST_PROBLEMS:
        raise InputError(wrong)
    return wrong
