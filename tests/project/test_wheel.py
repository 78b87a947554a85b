"""The wheel: built from the checkout, and used in an environment of what it asks for alone."""

import json
import subprocess
import sys
import venv
from collections.abc import Iterator
from email.parser import Parser
from importlib.metadata import distribution
from pathlib import Path
from zipfile import ZipFile

import pytest
import yaml
from packaging.requirements import Requirement

from tests.tools.paths import GOLDEN, LIBRARY, ROOT

SHIPPED = ("config/boards.tsv", "config/kernels.yaml", "config/machines.yaml", "workflow/schemas")
THREAD = ("0-0xe0000000", "0x100000000-0x120000000")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, as `pip wheel .` builds it, by what is in the lock."""
    folder = tmp_path_factory.mktemp("wheel")
    options = ("--no-deps", "--no-index", "--no-build-isolation", "--wheel-dir", str(folder))
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", *options, str(ROOT)]
    subprocess.run(command, check=True, cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A virtual environment with the wheel and the distributions that it requires, no others."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    for linked in {path for name in required(wheel) for path in parts(name)}:
        (packages / linked.name).symlink_to(linked)
    python = str(folder / "bin/python")
    command = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet"]
    subprocess.run([*command, "--no-deps", "--no-index", str(wheel)], check=True)
    return folder / "bin"


def required(wheel: Path) -> set[str]:
    """The names of the distributions that the wheel requires, directly or not."""
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        headers = Parser().parsestr(archive.read(metadata).decode())
    waiting = [Requirement(text) for text in headers.get_all("Requires-Dist", [])]
    names: set[str] = set()
    while waiting:
        wanted = waiting.pop()
        if wanted.name in names or (wanted.marker and not wanted.marker.evaluate({"extra": ""})):
            continue
        names.add(wanted.name)
        waiting += [Requirement(text) for text in distribution(wanted.name).requires or ()]
    return names


def parts(name: str) -> Iterator[Path]:
    """The files and folders of a distribution in site-packages."""
    installed = distribution(name)
    for file in installed.files or ():
        if file.parts[0] not in ("..", "__pycache__"):
            yield Path(str(installed.locate_file(file.parts[0])))


def run(environment: Path, folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """A command of the environment in an empty folder, without the paths of this process."""
    command = [str(environment / words[0]), *words[1:]]
    variables = {"PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


def python(environment: Path, folder: Path, program: str) -> str:
    """Return the output of a program."""
    done = run(environment, folder, "python", "-I", "-c", program)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_wheel_holds_the_files_of_the_checkout(wheel: Path) -> None:
    with ZipFile(wheel) as archive:
        inside = {
            name.removeprefix("memmap_atlas/shipped/"): archive.read(name)
            for name in archive.namelist()
            if name.startswith("memmap_atlas/shipped/")
        }
        assert "memmap_atlas/py.typed" in archive.namelist()
    files = [path for name in SHIPPED for path in [ROOT / name, *(ROOT / name).glob("*")]]
    assert inside == {
        path.relative_to(ROOT).as_posix(): path.read_bytes() for path in files if path.is_file()
    }


def test_a_wheel_asks_for_little(wheel: Path) -> None:
    names = required(wheel)
    assert {"numpy", "pyyaml", "jsonschema"} <= names
    assert not names & {"snakemake", "pandas", "pyarrow", "matplotlib", "seaborn", "llvmlite"}
    with ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        headers = Parser().parsestr(archive.read(metadata).decode())
    assert headers["Requires-Python"] == ">=3.11"


def test_an_older_python_is_refused_in_one_line(wheel: Path, tmp_path: Path) -> None:
    """By pip, and by the package where it is on the path without pip."""
    where = ("--no-index", "--find-links", str(wheel.parent), "--dest", str(tmp_path))
    older = ("--python-version", "3.10", "--only-binary=:all:", "--no-deps")
    command = [sys.executable, "-m", "pip", "download", "--quiet", *older, *where, "memmap-atlas"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "requires a different Python: 3.10.0 not in '>=3.11'" in done.stderr.splitlines()[0]
    program = "import sys; sys.version_info = (3, 9, 2); import memmap_atlas"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=LIBRARY
    )
    assert done.stderr.splitlines()[-1] == (
        "ImportError: memmap-atlas needs Python 3.11 or later, this is Python 3.9.2"
    )


def test_the_library_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    program = """
import memmap_atlas
thread = [(0, 0xe0000000), (0x100000000, 0x120000000)]
print(memmap_atlas.cost(thread, kernel="arm64-5.10-4k", model="vmemmap").memmap)
print(len(memmap_atlas.kernels()), len(memmap_atlas.machines()), len(memmap_atlas.boards()))
print(memmap_atlas.__file__)
"""
    cost, counts, file = python(environment, tmp_path, program).splitlines()
    assert cost == "83886080"
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text(encoding="utf-8"))
    machines = yaml.safe_load((ROOT / "config/machines.yaml").read_text(encoding="utf-8"))
    assert counts.split()[:2] == [str(len(entries)), str(len(machines))]
    assert Path(file).is_relative_to(environment.parent)
    assert not list(tmp_path.iterdir())


# what a process has that an import could change
STATE = """
import atexit, gc, locale, os, signal, sys, threading, warnings
def state():
    return (gc.get_threshold(), atexit._ncallbacks(), os.getcwd(), dict(os.environ),
            list(sys.path), list(sys.meta_path), list(warnings.filters), locale.setlocale(0),
            signal.getsignal(signal.SIGPIPE), sys.excepthook, threading.active_count(),
            sys.stdout.errors)
"""


def test_an_import_has_no_side_effect(environment: Path, tmp_path: Path) -> None:
    # other libraries come first: what they do is theirs
    program = f"""{STATE}
import jsonschema, numpy, yaml
jsonschema.Draft202012Validator({{}}).is_valid(0)
before = state()
import memmap_atlas
memmap_atlas.cost
assert state() == before, (before, state())
print(sorted(name for name in sys.modules if name.split(".")[0] in ("pandas", "snakemake")))
"""
    assert python(environment, tmp_path, program) == "[]\n"
    assert not list(tmp_path.iterdir())


def test_the_package_alone_imports_nothing(environment: Path, tmp_path: Path) -> None:
    program = (
        "import memmap_atlas, sys; "
        "print([name for name in sys.modules if name.startswith(('memmap_atlas.', 'numpy'))])"
    )
    assert python(environment, tmp_path, program) == "[]\n"


def test_the_command_line_in_an_empty_folder(environment: Path, tmp_path: Path) -> None:
    words = ("cost", "--kernel", "arm64-5.10-4k", "--model", "vmemmap", *THREAD, "--json")
    for start in (("memmap-atlas",), ("python", "-m", "memmap_atlas")):
        done = run(environment, tmp_path, *start, *words)
        assert (done.returncode, done.stderr) == (0, "")
        (row,) = json.loads(done.stdout)["rows"]
        assert row["memmap_bytes"] == 83_886_080
    log = next((GOLDEN / "maps").glob("*.log"))
    done = run(environment, tmp_path, "memmap-atlas", "answer", str(log))
    assert (done.returncode, done.stderr) == (0, "")
    assert "The smallest change of the map" in done.stdout
    done = run(environment, tmp_path, "memmap-atlas", "check", str(log), "--most", "1GiB")
    assert (done.returncode, done.stdout) == (2, "")
    done = run(environment, tmp_path, "memmap-atlas", "kernels", "arm64-5.10-4k", "--json")
    kernel = json.loads(done.stdout)["kernels"]["arm64-5.10-4k"]
    assert kernel["constants"]["SECTION_SIZE_BITS"] == 30
    assert not list(tmp_path.iterdir())
