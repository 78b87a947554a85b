"""docs/interface.md and docs/schemas/: examples run, and output has the form of its schema."""

import argparse
import doctest
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import memmap_atlas
import pytest
import yaml
from jsonschema import Draft202012Validator
from memmap_atlas import Board, Cost, KernelFile, MemoryMap, Model
from memmap_atlas.cli.main import main, parser
from memmap_atlas.cli.schemas import SCHEMAS
from memmap_atlas.readers.memory_map import KernelHints

from tests.tools.paths import GOLDEN, LIBRARY, ROOT

sys.path.insert(0, str(ROOT / "workflow/scripts"))

from document_keys import OUTPUT, output_schema

MAPS = GOLDEN / "maps"
CONFIGS: dict[str, str] = yaml.safe_load(
    (GOLDEN / "kernel-configs.yaml").read_text(encoding="utf-8")
)
THREAD = ("0-3584MiB", "4GiB-4608MiB")


# --- schemas of what commands print ---------------------------------------------------------------


def schema(command: str) -> Any:
    """The schema of a command's output, as published."""
    return json.loads((ROOT / OUTPUT.format(command)).read_text(encoding="utf-8"))


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> Any:
    """Return the JSON that a command prints."""
    assert main([*words, "--json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.mark.parametrize("command", SCHEMAS)
def test_published_schemas_are_those_of_the_code(command: str) -> None:
    """`make docs` writes them."""
    Draft202012Validator.check_schema(schema(command))
    assert (ROOT / OUTPUT.format(command)).read_text(encoding="utf-8") == output_schema(command)


def nested(form: Any) -> Iterator[dict[str, Any]]:
    """All schemas of objects within a schema."""
    if isinstance(form, dict):
        if form.get("type") == "object":
            yield form
        for part in form.values():
            yield from nested(part)
    elif isinstance(form, list):
        for part in form:
            yield from nested(part)


@pytest.mark.parametrize("command", SCHEMAS)
def test_schemas_are_closed_and_describe_each_key(command: str) -> None:
    objects = list(nested(schema(command)))
    assert objects
    for form in objects:
        # kernels by name: any name, of a closed object
        assert form["additionalProperties"] is False or "properties" not in form
        for key, value in form.get("properties", {}).items():
            if form.get("description", "").startswith("for values, the file of Linux"):
                continue
            assert value["description"], key
            unit = key.endswith("_bytes") or value.get("$ref") == "#/$defs/size"
            assert not unit or "bytes" in value["description"], key


OUTPUTS = {
    "cost": ("cost", *THREAD),
    "cost-all-models": ("cost", "--model", "all", *THREAD),
    # arm-5.10 has no address for the upper region: a row without bytes
    "cost-infeasible": ("cost", "--kernel", "arm-5.10", "--kernel", "arm64-6.12-4k", *THREAD),
    "cost-what-if": ("cost", "--section-size", "512MiB", "--kernel", "x86_64-6.12", *THREAD),
    "kernels": ("kernels",),
    "kernels-named": ("kernels", "m68k-5.10", "arm64-6.12-4k"),
    "answer-log-with-hints": ("answer", str(MAPS / "booted-arm64.log")),
    "answer-clipped-log-with-nodes": ("answer", str(MAPS / "hyperv-kdump.log")),
    "answer-nodes-and-nomap": ("answer", str(MAPS / "d05-nodes.log")),
    "answer-notes": ("answer", str(MAPS / "d05-efi.log")),
    "answer-blocks": ("answer", str(MAPS / "lsmem-aarch64_16K_16g.json")),
    "answer-changes": ("answer", str(MAPS / "iomem-stb-arm"), "--kernel", "arm64-5.10-4k"),
    "answer-forbidden-kernel": ("answer", str(MAPS / "hyperv-kdump.log"), "--kernel", "arm-5.10"),
    "answer-config": ("answer", str(MAPS / "booted-arm64.log"), "CONFIG"),
}


@pytest.fixture(params=OUTPUTS)
def output(
    request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> tuple[str, Any]:
    """A command, and what it prints."""
    config = tmp_path / ".config"
    config.write_text(CONFIGS["debian-6.1-arm64"], encoding="utf-8")
    command, *words = OUTPUTS[request.param]
    given = [str(config) if word == "CONFIG" else word for word in words]
    return command, printed(capsys, command, *given)


def test_output_has_the_form_of_its_schema(output: tuple[str, Any]) -> None:
    command, values = output
    Draft202012Validator(schema(command)).validate(values)


def test_the_outputs_show_what_the_schemas_allow(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The cases above have nodes, notes, changes, rules and nulls: the test is of those too."""
    seen: dict[str, Any] = {}
    for command, *words in OUTPUTS.values():
        if command == "answer" and "CONFIG" not in words:
            for key, value in printed(capsys, command, *words).items():
                seen.setdefault(key, []).append(value)
    assert any(seen["nodes"])
    assert any(seen["changes"])
    assert any(seen["checks"])
    assert any(source["notes"] for sources in seen["sources"] for source in sources)
    assert any(choice["reason"] for choices in seen["choices"] for choice in choices)
    hints = {key for hints in seen["hints"] for key, value in hints.items() if value}
    assert {"arch", "release", "block_size", "unavailable_pages", "clipped"} <= hints
    rows = printed(capsys, *OUTPUTS["cost-infeasible"])["rows"]
    assert [row["feasible"] for row in rows] == [False, True]


# keys of objects that may lack some
OPTIONAL = ("constants", "sources", "kernels")


def edits(values: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Copies of an output in which one key is gone, new, renamed or of another type, with a name
    each; of a list its first element.
    """

    def edited(new: Mapping[str, Any], gone: str = "") -> Any:
        kept = {key: value for key, value in values.items() if key != gone}
        return {**kept, **new}

    if isinstance(values, list):
        if values and isinstance(values[0], dict | list):
            for name, copy in edits(values[0], (*path, 0)):
                yield name, [copy, *values[1:]]
    elif isinstance(values, dict):
        where = ".".join(map(str, path))
        by_name = path == ("kernels",)
        if not by_name:
            yield f"{where} has a key more", edited({"unheard_of": 0})
        for key, value in values.items():
            if path[-1:] not in [(name,) for name in OPTIONAL]:
                yield f"{where} lacks {key}", edited({}, gone=key)
            if not by_name:
                yield f"{where}.{key} renamed", edited({f"{key}_": value}, gone=key)
            yield f"{where}.{key} is a mapping", edited({key: {"unheard_of": 1}})
            for name, copy in edits(value, (*path, key)):
                yield name, edited({key: copy})


@pytest.mark.parametrize(
    "name", ["cost-infeasible", "kernels-named", "answer-changes", "answer-clipped-log-with-nodes"]
)
def test_a_changed_key_would_fail(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    command, *words = OUTPUTS[name]
    # one of each list is enough: the schema is the same for all of its values
    values = {
        key: value[:1] if isinstance(value, list) else value
        for key, value in printed(capsys, command, *words).items()
    }
    form = Draft202012Validator(schema(command))
    assert form.is_valid(values)
    count = 0
    for edit, changed in edits(values):
        count += 1
        assert not form.is_valid(changed), edit
    assert count > 40


def test_a_row_has_bytes_or_a_rule(capsys: pytest.CaptureFixture[str]) -> None:
    values = printed(capsys, *OUTPUTS["cost-infeasible"])
    form = Draft202012Validator(schema("cost"))
    forbidden, allowed = values["rows"]
    for row in (
        {**forbidden, "memmap_bytes": 0},
        {**forbidden, "reason": None},
        {**allowed, "memmap_bytes": None},
        {**allowed, "reason": forbidden["reason"]},
        {**allowed, "memmap_bytes": 0.5},
        {**allowed, "model": "vmemmap-of-old"},
    ):
        assert not form.is_valid({**values, "rows": [row]})
        assert form.is_valid({**values, "rows": [allowed]})


# --- the page -------------------------------------------------------------------------------------

PAGE = (ROOT / "docs/interface.md").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Block:
    """Fenced block of the page: its language, the number of its first line, and its text."""

    language: str
    line: int
    text: str


@dataclass(frozen=True)
class Command:
    """Command of a console block, and what the page shows that it prints."""

    line: int
    text: str
    output: str

    @property
    def stages(self) -> list[list[str]]:
        """The words of each command of a pipe."""
        stages: list[list[str]] = [[]]
        for word in shlex.split(self.text):
            if word == "|":
                stages.append([])
            else:
                stages[-1].append(word)
        return stages


BLOCKS = [
    Block(match[1], PAGE[: match.start(2)].count("\n") + 1, match[2])
    for match in re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
]
CONSOLES = [block for block in BLOCKS if block.language == "console"]
CHECKER = doctest.OutputChecker()


def commands(block: Block) -> list[Command]:
    """The commands of a console block."""
    found: list[Command] = []
    for number, line in enumerate(block.text.splitlines(keepends=True), start=block.line):
        if line.startswith("$ "):
            found.append(Command(number, line[2:].strip(), ""))
        else:
            found[-1] = replace(found[-1], output=found[-1].output + line)
    return found


def files_of_the_page() -> dict[str, str]:
    """The files that the page shows with cat, by name."""
    return {
        command.stages[0][1]: command.output
        for block in CONSOLES
        for command in commands(block)
        if command.stages[0][0] == "cat"
    }


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with the files of the page."""
    for name, text in files_of_the_page().items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(LIBRARY))
    monkeypatch.setenv("COLUMNS", "80")
    return tmp_path


def python_of(page: str) -> doctest.DocTest:
    """The Python examples of a page, as one session, with the page's line numbers."""
    lines = [""] * len(page.splitlines())
    for block in BLOCKS:
        if block.language == "python":
            text = block.text.splitlines()
            lines[block.line - 1 : block.line - 1 + len(text)] = text
    return doctest.DocTestParser().get_doctest("\n".join(lines), {}, "interface.md", "", 0)


def test_python_examples_print_what_the_page_shows(folder: Path) -> None:
    session = python_of(PAGE)
    assert len(session.examples) > 40
    report: list[str] = []
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    failed = runner.run(session, out=report.append).failed
    assert not failed, "\n".join(report)


@pytest.mark.parametrize("block", CONSOLES, ids=lambda block: f"line-{block.line}")
def test_commands_print_what_the_page_shows(block: Block, folder: Path) -> None:
    code = 0
    for command in commands(block):
        if command.text == "echo $?":
            printed = f"{code}\n"
        elif command.stages[0][0] == "cat":
            continue
        else:
            if "jq" in {words[0] for words in command.stages} and not shutil.which("jq"):
                continue
            code, printed = piped(command.stages)
        shown = CHECKER.check_output(command.output, printed, doctest.ELLIPSIS)
        assert shown, f"docs/interface.md:{command.line}: $ {command.text}\n{printed}"


def piped(stages: Sequence[Sequence[str]]) -> tuple[int, str]:
    """The exit code of a pipe's last command, and what is printed."""
    taken = ""
    for name, *words in stages:
        assert name in ("memmap-atlas", "jq"), name
        program = [sys.executable, "-m", "memmap_atlas"] if name == "memmap-atlas" else [name]
        run = subprocess.run(
            [*program, *words],
            input=taken,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        taken = run.stdout
    return run.returncode, taken


def test_every_public_name_has_an_example() -> None:
    sources = "".join(example.source for example in python_of(PAGE).examples)
    for name in memmap_atlas.__all__:
        assert re.search(rf"memmap_atlas\.{name}\b", sources), name
        assert f"\n### {name}\n" in PAGE, name


def test_every_command_and_option_has_an_example() -> None:
    (choices,) = [
        action.choices
        for action in parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    ]
    shown: dict[str, set[str]] = {}
    for block in CONSOLES:
        for command in commands(block):
            for name, *words in command.stages:
                if name == "memmap-atlas":
                    shown.setdefault(words[0], set()).update(words[1:])
    for name, arguments in choices.items():
        _, _, part = PAGE.partition("## The command line")[2].partition(f"\n### {name}\n")
        part = part.partition("\n### ")[0]
        for action in arguments._actions:
            for option in action.option_strings:
                if option not in ("-h", "--help"):
                    assert option in shown[name], f"{name} {option} has no example"
                    assert f"`{option}" in part, f"{name} {option} is not in its table"
            if not action.option_strings:
                assert f"`{action.metavar}..." in part, f"{name} {action.metavar}"
    assert {"--version", "--help"} <= shown.keys()


FIELDS = (Cost, KernelHints, MemoryMap, Model, Board, KernelFile)
# the library's own
UNSTABLE = {"build", "windows"}


@pytest.mark.parametrize("kind", FIELDS, ids=lambda kind: kind.__name__)
def test_every_field_is_in_a_table(kind: Any) -> None:
    heading = "MemoryMap" if kind is KernelHints else kind.__name__
    part = PAGE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    names = {field.name for field in fields(kind)}
    names |= {name for name, value in vars(kind).items() if isinstance(value, property)}
    assert names
    for name in names - UNSTABLE:
        assert f"\n| `{name}` | " in part, name


def test_links_of_the_page_lead_somewhere() -> None:
    targets = re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", PAGE)
    assert len(targets) > 10
    for path, heading in targets:
        if "://" in path:
            continue
        file = (ROOT / "docs" / path).resolve() if path else ROOT / "docs/interface.md"
        assert file.is_file(), path
        if heading:
            text = file.read_text(encoding="utf-8")
            seen: dict[str, int] = {}
            anchors = set()
            for title in re.findall(r"^#+ (.*)$", text, re.MULTILINE):
                anchor = re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")
                count = seen.get(anchor, 0)
                anchors.add(f"{anchor}-{count}" if count else anchor)
                seen[anchor] = count + 1
            assert heading in anchors, f"{path}#{heading}"


def test_the_changelog_has_the_kinds_of_changes_of_the_page() -> None:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    kinds = ["Added", "Changed", "Changed numbers", "Deprecated", "Fixed"]
    releases = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    assert releases
    for release in releases:
        seen = re.findall(r"^### (.*)$", release, re.MULTILINE)
        assert seen == [kind for kind in kinds if kind in seen], release.splitlines()[0]
    for kind in ("Changed numbers", "Deprecated"):
        assert f'"{kind}"' in PAGE
