"""Which modules of the library a script is made of, read from its imports: what an edit of one of
them must make again, and what a table says made it.
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
    """The release, and a digest of the sources that a script is made of, by their path below the
    scripts.
    """
    state = hashlib.sha256()
    for path in sorted(map(Path, files)):
        content = hashlib.sha256(path.read_bytes()).hexdigest()
        state.update(f"{path.relative_to(SCRIPTS).as_posix()}\0{content}\n".encode())
    return f"{__version__}+{state.hexdigest()[:12]}"


def modules_of(*files: Path) -> set[Path]:
    """Files and all that they import of the library, in however many steps."""
    found: set[Path] = set()
    waiting = set(files)
    while waiting:
        path = waiting.pop()
        found.add(path)
        waiting |= imports(path) - found
    return found


@cache
def imports(path: Path) -> frozenset[Path]:
    """The modules of the library that a file names in its imports, with their packages."""
    names = set()
    waiting: list[ast.AST] = [ast.parse(path.read_bytes())]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            # what is taken from a package can be a module of it
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        # no import is within an expression
        waiting += [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.expr)]
    return frozenset(file for name in names for file in files_of(name))


@cache
def files_of(name: str) -> tuple[Path, ...]:
    """The files that Python runs to import a dotted name; none where it is not of the library."""
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
