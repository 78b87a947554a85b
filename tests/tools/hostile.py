"""Configurations that are almost right, or meant to harm: what is made of good ones, the same each
time for a number.
"""

import copy
import datetime
import random
from collections.abc import Callable, Iterator, MutableMapping, MutableSequence
from pathlib import Path
from typing import Any

import yaml

from tests.tools import fuzzing
from tests.tools.paths import ROOT

KERNELS = ("arm64-4.6-4k", "arm64-6.12-4k", "arm-5.10", "x86_64-6.12")
BOARDS = """board\tarch\tregions
arm64-one-a\tarm64\t0x80000000-0x100000000
arm64-one-b\tarm64\t0x0-0x3fc00000 0x40000000-0x80000000
riscv-two-c\triscv\t0x80000000-0xc0000000
"""
MACHINES = """
juno: {description: A board, arch: arm64, source: its tree, regions: [[0x80000000, 0xff000000]]}
hikey:
  description: Another
  arch: arm64
  source: its tree
  regions:
    - [0, 0x5e00000]
    - [0x5f00000, 1GiB]
"""
SWEEPS = {
    "grid.yaml": """
name: grid
description: A hole is moved & <changed>.
layouts:
  grid:
    base: [0x40000000]
    ram_size: {from: 1GiB, to: 4GiB, step: 1GiB}
    hole_start: {from: 1GiB, to: 4GiB, step: 64MiB}
    hole_size: [512MiB]
kernels: [arm64-4.6-4k, arm64-6.12-4k]
section_size: [kernel, 512MiB]
models: all
figures: [waste-heatmap]
""",
    "named.yaml": """
name: named
layouts:
  regions:
    thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]
    thread-4g: &four [[0x0, 0xe0000000], [0x100000000, 0x120000000]]
    again: *four
  machines: [juno]
  boards: [arm64, riscv-two-c]
  files: [logs/*.iomem]
custom_kernels:
  mine: {extends: arm64-6.12-4k, section_size: 64MiB, description: "of our own"}
  other:
    extends: mine
    page_size: 64KiB
    vmemmap_leaf: 64KiB
    section_size: 512MiB
    models: [vmemmap, sparsemem]
kernels: [arm64-6.12-4k, mine, other]
section_size: {from: 64MiB, to: 1GiB, factor: 2}
models: [vmemmap, flatmem]
figures: [layout-heatmap]
""",
}
LAB = """
description: A few boots.
time_limit: 60
kernels:
  arm64-6.12-4k: {image: Image}
  x86_64-6.12: {package: linux-image-cloud-amd64, suite: bookworm}
maps:
  thread: {regions: {thread-3g: [[0x0, 0x60000000], [0x80000000, 0xe0000000]]}}
  board: {machines: [juno]}
  points: {sweep: grid.yaml, sample: 3, seed: 1}
  ragged: {random: {count: 2, seed: 1, regions: 5, from: 1GiB, to: 6GiB, edge: 4KiB}}
boots:
  - {kernels: all, maps: [thread, points]}
  - {kernels: [arm64-6.12-4k], maps: [board, ragged]}
"""
CONFIG: dict[str, Any] = {"sweeps": ["grid.yaml", "named.yaml"], "max_points": 100_000}
# with all that the other targets ask for
WHOLE_CONFIG = CONFIG | {
    "file": ["logs/one.iomem"],
    "trees": "logs",
    "lab": "lab.yaml",
    "kernel": "arm64-6.12-4k",
    "image": "Image",
    "cpu": "max",
    "map": [["0x40000000", "1GiB"], [2147483648, "0xa0000000"]],
}

FAST: Any = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
BOMB = "".join(
    f"a{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 9) if level else 'x, x'}]\n"
    for level in range(40)
)
# text that means something to a shell, a page, a document, a picture, a path, or a terminal
WORDS = (
    "../up",
    "/etc/passwd",
    "a/../../b",
    "a\n",
    "a\nb: c",
    "a\0b",
    "\x1b[31mred",
    "\u202egpj.exe",
    "\u2066x",
    "\ud800",
    "\ufffe",
    "\ufeffa",
    "$(touch hit)",
    "`touch hit`",
    "; touch hit #",
    "'; touch hit; '",
    '"$HOME"',
    "{wildcards.sweep}",
    "{",
    "{{ 7 * 7 }}",
    "%(name)s",
    "%n%n",
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "]]>",
    "--><b>",
    "&lt;",
    '" onload="alert(1)',
    r"$\frac{$",
    r"\input{/etc/passwd}",
    r"100% of $x_1^2 ~ #{}",
    "=1+1",
    "@SUM(1)",
    "-1+1",
    "*bold*",
    ".. raw:: html",
    "-x",
    ".",
    "..",
    "~",
    "con",
    "lab",
    "a" * 5000,
    "é" * 300,
    "\U0001f600",
    "",
    " ",
    "all",
    "kernel",
    "named",
    *KERNELS[:2],
)
VALUES: tuple[Any, ...] = (
    *WORDS,
    None,
    True,
    False,
    0,
    1,
    -1,
    2**57,
    2**57 + 1,
    2**63,
    2**64,
    10**30,
    0.5,
    4096.0,
    1e300,
    float("nan"),
    float("inf"),
    -float("inf"),
    "0B",
    "1B",
    "4095B",
    "4KiB",
    "1TiB",
    "131072TiB",
    "128PiB",
    "64 MiB",
    "64mib",
    "64MB",
    "1e3",
    "0x1000",
    datetime.date(2026, 1, 1),
    b"\0\xff",
    [],
    {},
    [[]],
    [{}],
    [None],
    {"a": {"b": {"c": []}}},
    {"from": 0, "to": "1TiB", "step": "1B"},
    {"from": 0, "to": 2**57, "step": "4KiB"},
    {"from": "4KiB", "to": 2**57, "factor": 2},
    {"from": "1GiB", "to": "4GiB", "step": 0},
    {"from": "4GiB", "to": "1GiB", "step": "1GiB"},
    {"from": 0, "to": "1GiB", "factor": 2},
    ["4KiB", "4096B"],
    list(range(0, 4096 * 3000, 4096)),
    [[start, start + 1] for start in range(0, 4000, 2)],
    {"extends": "mine"},
    {"config": "../.config"},
)
LINES = (
    b"\t",
    b"  \t- x",
    b"---",
    b"...",
    b"%YAML 1.2",
    b"%TAG ! tag:x,2000:",
    b"<<: *four",
    b"? [a, b]\n: c",
    b"? {a: b}",
    b"1: x",
    b"null: x",
    b"2026-01-01: x",
    b"name: twice",
    b"x: !!python/object/apply:os.system ['touch hit']",
    b"x: !!python/name:os.system",
    b"x: !!binary aGVsbG8=",
    b"x: !!bool maybe",
    b"x: !!int ''",
    b"x: !!timestamp x",
    b"x: !!set {a, b}",
    b"x: !local y",
    b"x: &x [*x]",
    b"x: &x {a: *x}",
    b"x: *nowhere",
    b"x: =",
    b"x: 0x" + b"f" * 9000,
    b"x: " + b"9" * 9000,
    b"x: " + b"1:" * 5000 + b"1",
    b"x: " + b"[" * 200 + b"]" * 200,
    b"x: " + b"{a: " * 200 + b"}" * 200,
    b"x: " + b"- " * 200,
    b"x: 2026-99-99",
    b"x: .nan",
    b'x: "\\0\\x1b\\ud800"',
    b"x: '" + b"a" * 100_000 + b"'",
    b"k" * 100_000 + b": x",
    b"x: [" + b"1, " * 20_000 + b"]",
    BOMB.encode(),
    b"\x00",
    b"\xff\xfe",
    b"\xc3\x28",
    "\u2028".encode(),
    "\u202e".encode(),
)


def small_root(folder: Path) -> None:
    """A folder with all that ships, of each a little, and a file of a real machine."""
    entries = yaml.safe_load((ROOT / "config/kernels.yaml").read_text())
    (folder / "config/sweeps").mkdir(parents=True)
    (folder / "config/labs").mkdir()
    (folder / "logs").mkdir()
    texts = {
        "config/kernels.yaml": yaml.safe_dump({name: flat(name, entries) for name in KERNELS}),
        "config/lab-kernels.yaml": "lab-4k: {extends: arm64-6.12-4k}\n",
        "config/machines.yaml": MACHINES,
        "config/boards.tsv": BOARDS,
        "config/labs/full.yaml": LAB,
        "lab.yaml": LAB,
        "logs/one.iomem": "80000000-bfffffff : System RAM\n  80200000-811fffff : Kernel code\n",
        "Image": "",
        **SWEEPS,
    }
    for name, text in texts.items():
        (folder / name).write_text(text)


def flat(name: str, entries: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """An entry of kernels.yaml with what it extends filled in, and no words."""
    entry = entries[name]
    own = {key: value for key, value in entry.items() if key not in ("sources", "description")}
    base = own.pop("extends", None)
    return {**flat(base, entries), **own} if base else own


def text_mutated(good: str, number: int) -> bytes:
    """The text of a file after a few mutations of its bytes and lines."""
    draw = random.Random(number)
    data = good.encode()
    for _ in range(draw.randint(1, 3)):
        kind = draw.randrange(10)
        lines = data.split(b"\n")
        at = draw.randrange(len(lines))
        if kind < 4:
            change = draw.choice(fuzzing.MUTATIONS)
            wrap = max(len(data), 1)
            size, other = draw.randrange(64), draw.randrange(wrap)
            data = change(data, draw.randrange(wrap), other, size, draw.randbytes(3))
        elif kind < 7:
            lines.insert(at, draw.choice(LINES))
            data = b"\n".join(lines)
        elif kind == 7:
            indent = lines[at][: len(lines[at]) - len(lines[at].lstrip())]
            lines[at] = indent + draw.choice(LINES)
            data = b"\n".join(lines)
        elif kind == 8:
            part = lines[at : at + draw.randint(1, 4)]
            lines[at : at + len(part)] = [] if draw.random() < 0.5 else [*part, *part]
            data = b"\n".join(lines)
        else:
            data = draw.choice(ENCODINGS)(data)
    return data


ENCODINGS: tuple[Callable[[bytes], bytes], ...] = (
    lambda data: b"\xef\xbb\xbf" + data,
    lambda data: data.decode(errors="replace").encode("utf-16"),
    lambda data: data.decode(errors="replace").encode("utf-32"),
    lambda data: data.replace(b"\n", b"\r\n"),
    lambda data: data.replace(b"\n", b"\r"),
    lambda data: data.replace(b"  ", b"\t"),
    lambda data: data + b"\n" + data,
    lambda data: b"",
)


def value_mutated(good: Any, number: int) -> Any:
    """The content of a file after a few of its values, keys or items are others."""
    draw = random.Random(number)
    # of its own: what is changed in place must not be the next one's
    content = copy.deepcopy(good)
    for _ in range(draw.randint(1, 3)):
        places = list(inside(content))
        if not places:
            return copy.deepcopy(draw.choice(VALUES))
        holder, key = draw.choice(places)
        kind = draw.randrange(8)
        if kind < 4:
            holder[key] = copy.deepcopy(draw.choice(VALUES))
        elif kind == 4:
            del holder[key]
        elif kind == 5:
            other, place = draw.choice(places)
            # a copy: what holds itself can't be written
            holder[key] = copy.deepcopy(other[place])
        elif isinstance(holder, dict):
            name = draw.choice([*WORDS, 1, None, True, "name", "extends", "config"])
            holder[name] = holder.pop(key) if kind == 6 else copy.deepcopy(draw.choice(VALUES))
        elif isinstance(holder, list):
            holder.insert(key, copy.deepcopy(draw.choice(VALUES)))
    return content


def written(content: Any) -> bytes:
    """A document as YAML."""
    try:
        return yaml.dump(content, Dumper=FAST).encode()
    except UnicodeEncodeError:
        # half a character has no UTF-8, and is written as an escape
        return yaml.safe_dump(content).encode()


def inside(value: Any) -> Iterator[tuple[MutableMapping[Any, Any] | MutableSequence[Any], Any]]:
    """Each place in a document: what holds it, and its key or number there."""
    if not isinstance(value, dict | list):
        return
    for key, item in list(value.items() if isinstance(value, dict) else enumerate(value)):
        yield value, key
        yield from inside(item)
