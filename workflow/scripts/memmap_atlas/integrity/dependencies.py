"""Modules of the library that a script depends on, read from its imports.

An edit of one of them reruns the script's jobs, and their digest is recorded in what they write.
"""

import ast
import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from memmap_atlas import __version__

LIBRARY = Path(__file__).parents[1]
SCRIPTS = LIBRARY.parent


def code_version(files: Iterable[str | Path]) -> str:
    """Return the release and a digest of source files, by their path below workflow/scripts."""
    state = hashlib.sha256()
    for path in sorted(map(Path, files)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        state.update(f"{path.relative_to(SCRIPTS).as_posix()}\0{content}\n".encode())
    return f"{__version__}+{state.hexdigest()[:12]}"


def modules_of(*files: Path) -> set[Path]:
    """Return files and all modules of the library that they import, directly or not."""
    modules: set[Path] = set()
    waiting = set(files)
    while waiting:
        path = waiting.pop()
        modules.add(path)
        waiting |= imports(path) - modules
    return modules


@cache
def imports(path: Path) -> frozenset[Path]:
    """Return the modules of the library that a file names in its imports, with their packages."""
    names = set()
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # a name imported from a package can be a module
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            # Python does not run it
            waiting += node.orelse
            continue
        # an expression contains no import
        waiting += [part for part in ast.iter_child_nodes(node) if not isinstance(part, ast.expr)]
    return frozenset(file for name in names for file in files_of(name))


@cache
def files_of(name: str) -> tuple[Path, ...]:
    """Return the files that Python runs to import a dotted name; none for other libraries."""
    first, *rest = name.split(".")
    if first != LIBRARY.name:
        return ()
    folder, files = LIBRARY, [LIBRARY / "__init__.py"]
    for part in rest:
        module = folder / f"{part}.py"
        folder /= part
        if module.is_file():
            return (*files, module)
        if not folder.is_dir():
            break
        files.append(folder / "__init__.py")
    return tuple(files)
