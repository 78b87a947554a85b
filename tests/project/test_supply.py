"""Supply chain: pinned and hashed dependencies, no shell, no code or object out of data, emulated
machines without network and in a sandbox, signed packages.
"""

import ast
import json
import os
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import pytest
import yaml
from memmap_atlas.documents import yaml_loader
from memmap_atlas.lab import debian
from memmap_atlas.lab.boards import BOARDS
from memmap_atlas.lab.boards.base import GIB, MIB, SANDBOX, Machine, Payload
from memmap_atlas.lab.run import write
from memmap_atlas.sweep import design
from packaging.requirements import Requirement

from tests.tools import audit
from tests.tools.paths import ROOT, RULES

LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")
SOURCES = sorted([*(ROOT / "workflow").rglob("*.py"), *(ROOT / "tests").rglob("*.py")])

# The lock


def test_each_pin_of_the_lock_has_hashes() -> None:
    entries = re.split(r"\n(?=\S)", LOCK.strip())
    form = re.compile(
        r"[a-z0-9._-]+==[0-9][\w.]*(?: ; [^\\\n]+)? \\\n"
        r"(?:    --hash=sha256:[0-9a-f]{64} \\\n)*    --hash=sha256:[0-9a-f]{64}"
    )
    assert len(entries) >= 80
    assert not [entry for entry in entries if not form.fullmatch(entry)]


def test_the_lock_names_no_host() -> None:
    assert not re.search(r"://|--(?:extra-)?index|--find-links|--trusted| @ |git\+", LOCK)


def test_what_the_project_needs_is_in_the_lock() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    needed = [
        *project["project"]["dependencies"],
        *project["project"]["optional-dependencies"]["workflow"],
        *project["build-system"]["requires"],
        *project["dependency-groups"]["dev"],
    ]
    pinned: dict[str, list[str]] = {}
    for name, version in audit.pins(ROOT / "requirements.lock"):
        pinned.setdefault(name, []).append(version)
    for text in needed:
        wanted = Requirement(text)
        versions = pinned.get(audit.normal(wanted.name), [])
        assert versions, text
        assert all(wanted.specifier.contains(version) for version in versions), text


def test_an_environment_is_made_of_the_lock_alone() -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert re.findall(r"pip install .*-r .*", makefile) == re.findall(
        r"pip install .*--require-hashes -r requirements\.lock", makefile
    )


ADVISORY = {
    "id": "TEST-1",
    "modified": "2026-01-02T00:00:00Z",
    "affected": [
        {
            "package": {"ecosystem": "PyPI", "name": "Some_Thing"},
            "ranges": [
                {
                    "type": "ECOSYSTEM",
                    "events": [
                        {"introduced": "0"},
                        {"fixed": "1.10"},
                        {"introduced": "2.0"},
                        {"last_affected": "2.3"},
                    ],
                }
            ],
            "versions": ["3.0"],
        }
    ],
}


@pytest.mark.parametrize(
    ("version", "fixed"),
    [
        ("1.9", "1.10"),
        ("1.10", None),
        ("2.0rc1", None),
        ("2.3", ""),
        ("2.3.1", None),
        ("3.0", ""),
        ("4", None),
    ],
)
def test_an_audit_compares_versions(
    tmp_path: Path, version: str, fixed: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "advisories"
    folder.mkdir()
    (folder / "one.json").write_text(json.dumps(ADVISORY))
    (folder / "two.yaml").write_text(yaml.safe_dump(ADVISORY | {"id": "T-2", "withdrawn": "x"}))
    lock = tmp_path / "lock"
    lock.write_text(f"some-thing=={version} \\\n    --hash=sha256:0\n")
    found = audit.audit(lock, folder)
    assert (found.pins, found.advisories, found.about, found.newest[:4]) == (1, 1, 1, "2026")
    matches = () if fixed is None else (("some-thing", version, "TEST-1", fixed),)
    assert found.found == matches
    assert audit.main([str(folder), str(lock)]) == len(matches)
    assert "1 pins, 1 advisories up to 2026-01-02" in capsys.readouterr().out


def test_an_audit_of_nothing_says_so(tmp_path: Path) -> None:
    assert audit.main([str(tmp_path)]) == audit.main([]) == 2


# Code


def calls(path: Path) -> Iterator[tuple[ast.Call, str]]:
    """The calls of a source, each with the name of what is called."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call):
            yield node, ast.unparse(node.func)


# what makes code or objects of text, or runs it in a shell
FORBIDDEN = re.compile(
    r"(?:builtins\.)?(?:eval|exec|compile|__import__)"
    r"|os\.(?:system|popen|exec\w*|spawn\w*|posix_spawn\w*)|subprocess\.get(?:status)?output"
    r"|commands\.\w+|pty\.spawn|tempfile\.mktemp|marshal\.\w+|c?[pP]ickle\.\w+|dill\.\w+|shelve\.\w+"
    r"|yaml\.(?:unsafe_load|full_load|unsafe_load_all|full_load_all|load_all|dump_all)"
    r"|.*\.(?:read_pickle|to_pickle)"
)
SAFE_LOADERS = {"LOADER", "_Loader", "hostile.LOADER"}


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_code_out_of_data(path: Path) -> None:
    for call, name in calls(path):
        assert not FORBIDDEN.fullmatch(name), f"{path}:{call.lineno}: {name}"
        # members of an archive have names of their own; tests unpack what they made
        unpacks = name.endswith((".extractall", ".unpack_archive"))
        assert not unpacks or "tests" in path.parts, f"{path}:{call.lineno}: {name}"
        keys = {word.arg: ast.unparse(word.value) for word in call.keywords}
        assert keys.get("shell", "False") == "False", f"{path}:{call.lineno}"
        assert keys.get("allow_pickle", "False") == "False", f"{path}:{call.lineno}"
        if name == "yaml.load":
            assert keys.get("Loader") in SAFE_LOADERS, f"{path}:{call.lineno}"
        if re.fullmatch(r"subprocess\.(?:run|Popen|call|check_call|check_output)", name):
            command = call.args[0]
            text = isinstance(command, ast.JoinedStr) or (
                isinstance(command, ast.Constant) and isinstance(command.value, str)
            )
            assert not text, f"{path}:{call.lineno}: a command is a list"
        if name == "Environment":
            assert keys.get("autoescape") == "True", f"{path}:{call.lineno}"


def test_loaders_are_safe() -> None:
    """Whatever is called a loader makes values, and no objects of any class."""
    for loader in (yaml_loader._Loader, design.LOADER, audit.LOADER):
        for text in ("!!python/object/apply:os.getcwd []", "!!python/name:os.system", "!x y"):
            with pytest.raises(yaml.YAMLError):
                loader(text).get_single_data()


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.name)
def test_no_rule_runs_a_shell(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    found = re.findall(r"^\s*(?:shell|run)\s*:|\bshell\s*\(|os\.system|shell=", text, re.MULTILINE)
    assert not found


def test_templates_escape() -> None:
    for path in sorted((ROOT / "workflow").rglob("*.j2")):
        assert not re.search(r"\|\s*safe\b|autoescape\s+false", path.read_text(encoding="utf-8"))


# Emulated machines


def machine(arch: str, image: str = "../../kernels/some/image") -> Machine:
    """A machine of each kind, on the least map that it can have."""
    board = BOARDS[arch]
    payload = Payload(Path(image), 16 * MIB, 0, Path("../initrd"), MIB)
    regions = board.fitted(
        ((0, GIB),) if arch.startswith(("s390", "power", "mips")) else ((GIB, 2 * GIB),)
    )
    return board.make(board, regions, payload, board.cpu)


@pytest.mark.parametrize("arch", BOARDS)
def test_machines_have_no_network_and_a_sandbox(arch: str) -> None:
    command = machine(arch).command
    pairs = list(pairwise(command))
    assert ("-sandbox", SANDBOX) in pairs
    assert ("-nic", "none") in pairs
    assert {"-nodefaults", "-no-user-config"} <= {*command}
    assert ("-display", "none") in pairs
    denied = dict(part.split("=") for part in SANDBOX.split(",")[1:])
    assert SANDBOX.startswith("on,")
    assert denied == dict.fromkeys(
        ("obsolete", "elevateprivileges", "spawn", "resourcecontrol"), "deny"
    )
    # nothing that reaches out of the machine: a network, a disk, a folder, a socket, a console
    flags = {word for word in command if re.fullmatch(r"-[a-z-]+", word)}
    assert flags <= {
        *("-machine", "-cpu", "-smp", "-object", "-m", "-nodefaults", "-no-user-config"),
        *("-display", "-serial", "-nic", "-no-reboot", "-sandbox", "-kernel", "-initrd", "-append"),
        *("-dtb", "-device", "-chardev"),
    }
    devices = [value.split(",")[0] for flag, value in pairs if flag == "-device"]
    assert {*devices} <= {"loader", "spapr-vty", "sclpconsole", "pc-dimm"}
    assert [value for flag, value in pairs if flag in ("-serial", "-chardev")] in (
        ["stdio"],
        ["stdio,id=console"],
    )


NASTY = "a b'\"$(touch hit)`touch hit`; touch hit #&|<>\\*?~"


@pytest.mark.parametrize("arch", BOARDS)
def test_a_boot_by_hand_runs_just_what_it_says(arch: str, tmp_path: Path) -> None:
    made = machine(arch, NASTY)
    write(made, tmp_path)
    last = (tmp_path / "boot.sh").read_text(encoding="utf-8").splitlines()[-1]
    assert tuple(shlex.split(last)) == made.command
    assert any(NASTY in word for word in made.command)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in (BOARDS[arch].emulator, "dtc"):
        (programs / name).write_text('#!/bin/sh\nfor word; do echo "$word"; done >> "$0.words"\n')
        (programs / name).chmod(0o755)
    environment = {"PATH": f"{programs}:{os.environ['PATH']}"}
    subprocess.run([tmp_path / "boot.sh"], env=environment, check=True)
    words = (programs / f"{BOARDS[arch].emulator}.words").read_text(encoding="utf-8")
    assert words.splitlines() == list(made.command[1:])
    assert not (tmp_path / "hit").exists()


# Debian's packages


def test_packages_are_taken_with_signatures_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[list[str]] = []

    def noted(command: Sequence[str], *_: object) -> str:
        said.append(list(command))
        return ""

    monkeypatch.setattr(debian, "run", noted)
    monkeypatch.setattr(debian, "archive_of", lambda suite: "some:place")
    archive = debian.Archive("bookworm", "arm64", tmp_path)
    archive.update()
    line = (tmp_path / "sources.list").read_text()
    assert line == f"deb [signed-by={debian.KEYRING}] some:place bookworm main\n"
    for option in (
        "APT::Get::AllowUnauthenticated=false",
        "Acquire::AllowInsecureRepositories=false",
        "Acquire::AllowWeakRepositories=false",
        "Acquire::AllowDowngradeToInsecureRepositories=false",
    ):
        assert option in said[0]
    assert "--error-on=any" in said[0]
    assert not [word for word in said[0] if word.startswith("--allow")]


@pytest.mark.parametrize(
    "member",
    [
        "./usr/lib/linux-image-6.12/../../../etc/x.dtb",
        "./usr/lib/linux-image-6.12/../x.dtb",
        "./usr/lib/linux-image-6.12/a/../x.dtb",
        "./usr/lib/linux-image-6.12//x.dtb",
        "./usr/lib/linux-image-6.12/a/.x.dtb",
    ],
)
def test_a_package_unpacks_no_tree_elsewhere(member: str) -> None:
    assert not debian.TREE.search(member)
    assert debian.TREE.search("./usr/lib/linux-image-6.12/vendor/board.dtb")
