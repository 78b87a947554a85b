"""Device tree sources (.dts): compiled by cpp and dtc as the kernel's build does it
(scripts/Makefile.lib: cmd_dtc), then read as flattened trees.

A source can include itself, devices or gigabytes: both programs run with limits on time, memory
and output, see no environment, and write to a folder of their own. Neither knows a network. They
read any file that a source names (#include, /include/, /incbin/): one that names a file that is no
source, and lies in none of its folders, is refused, so that no map tells what is in it.
"""

import os
import re
import resource
import shutil
import signal
import subprocess
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from memmap_atlas.readers import device_tree
from memmap_atlas.readers.device_tree import Tree
from memmap_atlas.readers.memory_map import MemoryMap, Unreadable

KIND = "device tree source"
SUFFIXES = (".dts", ".dtsi", ".dtso", ".h", ".inc")
# where cpp says which file the next line is of
MARKER = re.compile(rb'^# \d+ "((?:[^"\\\n]|\\.)*)"', re.MULTILINE)
# how a source begins, or how each of its parts can
BEGINS = re.compile(
    rb"^[ \t]*(?:/(?:dts-v1/|plugin/)?[ \t]*[;{]|&\w+[ \t]*\{"
    rb"|#[ \t]*include[ \t]*[<\"][^>\"\n]+\.dtsi?[>\"])",
    re.MULTILINE,
)
COMMENT = re.compile(rb"/\*.*?(?:\*/|\Z)|//[^\n]*", re.DOTALL)
SECONDS = 60
MEMORY = 512 << 20
LARGEST = 32 << 20
LONGEST_MESSAGES = 1 << 20
LIMITS = f"{SECONDS} seconds, {MEMORY >> 20} MiB of memory and {LARGEST >> 20} MiB of output"
PACKAGES = {"cpp": "cpp", "dtc": "device-tree-compiler"}
# folders above a source that are searched for what it includes
FOLDERS_UP = 16
# of cpp: file:line:column: error: text
CPP_ERROR = re.compile(r"^(?P<file>.+?):(?P<line>\d+):(?:\d+:)? (?:fatal )?error: (?P<text>.+)$")
# of dtc: Error: file:line.columns text, or file:line.columns: ERROR (check): text
DTC_ERROR = re.compile(
    r"^(?:Error: |ERROR: )?(?P<file>.+?):(?P<line>\d+)\.[\d.-]+:? (?:ERROR )?(?P<text>.+)$"
)
OTHER_ERROR = re.compile(r"^.*?(?:FATAL ERROR|fatal error|error|ERROR): (?P<text>.+)$")
# what dtc -T -T writes behind the nodes and properties of a source
NODE = re.compile(r"^\t(?:[\w]+: )*(?P<name>[^\s{\"]+) \{")
MEMORY_PROPERTY = re.compile(r"^\t\t(reg|linux,usable-memory) = ")
PLACE = re.compile(r"(?P<file>.+):(?P<line>\d+):\d+-\d+:\d+ \*/")
LOST = re.compile(
    r"signal terminated|out of memory|memory exhausted|alloc\(\) failed|[Aa]llocate memory"
)


@dataclass(frozen=True)
class Ended:
    """End of a program: its exit code, negative where a signal or its time ended it, and its
    messages.
    """

    program: str
    code: int
    words: str


def is_kind(head: bytes) -> bool:
    """Detect a device tree source, or a part of one."""
    return bool(BEGINS.search(COMMENT.sub(b"", head)))


def read(path: Path) -> MemoryMap:
    """Return the memory of a device tree source; a bank's place is the line of its property, 1
    where that lies in a file which this one includes.

    Raises Unreadable with the first error of cpp or dtc, in their words and with their place.
    """
    source = path.resolve()
    with TemporaryDirectory() as folder:
        work = Path(folder)
        data = compiled(source, work)
        try:
            found = replace(device_tree.read(data), kind=KIND)
            placed = annotated(source, work)
            tree = device_tree.tree_of(data)
        except Unreadable as error:
            where = "" if error.offset is None else f", at offset {error.offset:#x} of dtc's tree"
            raise Unreadable(f"{error}{where}") from error
    return with_lines(found, tree, placed, source)


def compiled(source: Path, work: Path) -> bytes:
    """Compile a source in the folder ``work`` into a flattened tree. Raises Unreadable."""
    with source.open("rb") as file:
        if file.read(2) == b"\x1f\x8b":
            raise Unreadable("is packed: unpack it first, for cpp and dtc read it themselves")
    for program, package in PACKAGES.items():
        if shutil.which(program) is None:
            text = f"needs {program} to be read: install it (Debian's package {package})"
            raise Unreadable(text)
    folders = included(source)
    searched = [part for folder in folders for part in ("-I", str(folder))]
    language = ["-nostdinc", "-undef", "-D__DTS__", "-x", "assembler-with-cpp", "-fmax-errors=1"]
    ended = run(["cpp", *language, *searched, str(source), "-o", "tree.dts"], work)
    if ended.code:
        raise refused(ended, CPP_ERROR, source)
    expanded = (work / "tree.dts").read_bytes()
    refuse_strangers(map(unescaped, MARKER.findall(expanded)), source, work)
    ended = dtc(["-O", "dtb", "-o", "tree.dtb", "-d", "read"], source, work)
    if ended.code:
        # dtc can include it too
        if b"/dts-v1/" not in expanded and b"/include/" not in expanded:
            raise Unreadable(
                "has no /dts-v1/, so that it is a part of other sources (.dtsi): give the .dts of "
                "a board that includes it"
            )
        raise refused(ended, DTC_ERROR, source)
    refuse_strangers(files_of((work / "read").read_bytes()), source, work)
    return (work / "tree.dtb").read_bytes()


def unescaped(name: bytes) -> bytes:
    """Undo the escapes of a file name in a C string of cpp."""
    return re.sub(rb"\\([0-7]{3}|.)", lambda m: bytes([int(m[1], 8)]) if m[1][1:] else m[1], name)


def files_of(rule: bytes) -> list[bytes]:
    """Return the prerequisites of a make rule of dtc; a space in a name has a backslash."""
    _, _, files = rule.replace(b"\\\n", b" ").partition(b":")
    return [re.sub(rb"\\(.)", rb"\1", name) for name in re.findall(rb"(?:\\.|[^\s\\])+", files)]


def refuse_strangers(files: Iterable[bytes], source: Path, work: Path) -> None:
    """Raise Unreadable where a source names a file that is neither one by its suffix, wherever its
    links lead, nor in a folder that it may include from.
    """
    folders = [folder.resolve() for folder in (*included(source), work)]
    for name in dict.fromkeys(files):
        # of cpp: <built-in> and such
        if name.startswith(b"<"):
            continue
        path = (work / os.fsdecode(name)).resolve()
        inside = any(path.is_relative_to(folder) for folder in folders)
        if not inside and path.suffix not in SUFFIXES:
            shown = named(os.fsdecode(name), source)
            raise Unreadable(
                f"names {shown}, which is no source of a device tree ({', '.join(SUFFIXES)}) and "
                "lies in none of its folders"
            )


def dtc(wanted: Sequence[str], source: Path, work: Path) -> Ended:
    """Run dtc on what cpp made of a source."""
    searched = [part for folder in included(source) for part in ("-i", str(folder))]
    return run(["dtc", "-q", "-I", "dts", *wanted, *searched, "tree.dts"], work)


def included(source: Path) -> list[Path]:
    """Return the folders to include from: the source's own, and those of trees around it:
    of Linux (include/, scripts/dtc/include-prefixes/, arch/*/boot/dts/), and of its device trees
    as others carry them (include/, src/, src/*/).
    """
    folders = [source.parent]
    for folder in list(source.parents)[:FOLDERS_UP]:
        if folder.parts[-2:] == ("boot", "dts") or folder.parent.name == "src":
            folders.append(folder)
        for name in ("include", "scripts/dtc/include-prefixes"):
            # not every include/ is one for device trees
            if name != "include" or (folder / name / "dt-bindings").is_dir():
                folders.append(folder / name)
        if (folder / "include/dt-bindings").is_dir() and (folder / "src").is_dir():
            folders.append(folder / "src")
    return [folder for folder in dict.fromkeys(folders) if folder.is_dir()]


def run(command: Sequence[str], work: Path) -> Ended:
    """Run a program within the limits, in the folder ``work``."""
    messages = work / "messages"
    with (
        messages.open("wb") as words,
        subprocess.Popen(
            command,
            cwd=work,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            stdout=words,
            stderr=words,
            # a group of its own, for cpp starts programs too
            start_new_session=True,
            preexec_fn=limit,
        ) as process,
    ):
        try:
            code = process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            code = -signal.SIGKILL
    with messages.open("rb") as output:
        text = output.read(LONGEST_MESSAGES).decode("utf-8", errors="replace")
    return Ended(command[0], code, text)


def limit() -> None:
    """Limit time, memory and output of the program that is about to start."""
    for limited, most in (
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, LARGEST),
        (resource.RLIMIT_CORE, 0),
    ):
        _, hard = resource.getrlimit(limited)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(limited, (least, least))


def refused(ended: Ended, form: re.Pattern[str], source: Path) -> Unreadable:
    """Return the first error of a program, with its location."""
    if ended.code < 0 or LOST.search(ended.words):
        return Unreadable(f"{ended.program} does not get through it with {LIMITS}")
    lines = ended.words.splitlines()
    match = next(filter(None, map(form.match, lines)), None)
    if match is None:
        match = next(filter(None, map(OTHER_ERROR.match, lines)), None)
        text = clean(match["text"] if match else "failed")
        return Unreadable(f"{ended.program}: {text}")
    text = clean(match["text"])
    if text.endswith("No such file or directory"):
        text += "; files are looked for beside it, and in a kernel's or U-Boot's tree around it"
    if Path(match["file"]) == source:
        return Unreadable(f"{ended.program}: {text}", line=int(match["line"]))
    name = named(match["file"], source)
    return Unreadable(f"{name}:{match['line']}: {ended.program}: {text}")


def named(file: str, source: Path) -> str:
    """Return the path of an included file, relative to the source's folder."""
    # dtc tells those that it includes itself by their last name
    return clean(os.path.relpath(file, source.parent) if os.path.isabs(file) else file)


def clean(text: str) -> str:
    """Shorten foreign text for a message."""
    return device_tree.shown(os.fsencode(text))


def annotated(source: Path, work: Path) -> dict[tuple[str, str], tuple[str, int]]:
    """Return file and line of each memory property of the root's children, by node and property;
    nothing where dtc can't annotate (before 1.5).
    """
    ended = dtc(["-T", "-T", "-O", "dts", "-o", "placed"], source, work)
    if ended.code:
        return {}
    placed = {}
    node = ""
    with (work / "placed").open(errors="replace") as lines:
        for line in lines:
            if match := NODE.match(line):
                node = match["name"]
            elif (known := MEMORY_PROPERTY.match(line)) and (
                match := PLACE.fullmatch(line.rstrip().rpartition("; /* ")[2])
            ):
                placed[node, known[1]] = match["file"], int(match["line"])
    return placed


def with_lines(
    found: MemoryMap, tree: Tree, placed: dict[tuple[str, str], tuple[str, int]], source: Path
) -> MemoryMap:
    """Replace places that are offsets into dtc's tree by lines of the source."""
    spans = sorted(
        (*span, node.name, name.decode())
        for node in device_tree.memory_nodes(tree)
        for name, span in node.properties.items()
        if name in (b"reg", b"linux,usable-memory")
    )
    if not placed:
        note = "offsets are those of the tree that dtc makes of it: this dtc tells no lines"
        return replace(found, notes=(*found.notes, note))
    lines, elsewhere = [], []
    for place in found.places:
        at = bisect_right(spans, place, key=lambda span: span[0]) - 1
        start, end, node, name = spans[max(at, 0)] if spans else (0, 0, "", "")
        file, line = placed.get((node, name), ("", 1)) if start <= place < end else ("", 1)
        inside = Path(file) == source
        lines.append(line if inside else 1)
        if file and not inside:
            elsewhere.append(f"{node} stands in {named(file, source)}:{line}")
    notes = (*found.notes, *list(dict.fromkeys(elsewhere))[: device_tree.MOST_NOTES])
    return replace(found, places=tuple(lines), unit="line", notes=notes)
