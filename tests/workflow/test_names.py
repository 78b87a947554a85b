"""Names and words with a meaning to a shell, a page, a document, a picture or a path: refused where
they would be a folder, and escaped where they are part of an output.
"""

import csv
import html.parser
import json
import os
import re
import shlex
import shutil
import struct
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import docutils.core
import docutils.nodes
import pytest
import yaml
from memmap_atlas.documents.errors import InputError
from memmap_atlas.documents.validate import odd_letter
from memmap_atlas.documents.yaml_loader import as_list, as_yaml
from memmap_atlas.lab.lab_file import Names, load_lab
from memmap_atlas.reports.census import trees_of
from memmap_atlas.sweepfile.machine_files import layout_name
from memmap_atlas.sweepfile.sweeps import load_sweeps
from memmap_atlas.text.escape import latex, markdown, one_line, plain_file, printable, restructured

from tests.tools.hostile import WORDS, small_root
from tests.tools.paths import ROOT, results_path
from tests.tools.runs import workflow
from tests.tools.tree_writers import Node, flattened, text, word

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,39}")
# what a description may hold of all these words, in one
ALLOWED = " ".join(one_line(word) for word in WORDS if not odd_letter(word) and len(word) < 99)
NASTY_FILE = "=a b'\"$(touch hit)`touch hit`;touch hit&|#~!%^[1]_x_*y*,:é<b>{c}\\.iomem"
IOMEM = "80000000-bfffffff : System RAM\n  80200000-811fffff : Kernel code\n"

# Refused


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("names")
    small_root(folder)
    return folder


SWEEP: dict[str, Any] = {
    "name": "good",
    "layouts": {"regions": {"a": [[0, "1GiB"]]}},
    "kernels": ["arm64-6.12-4k"],
    "models": ["vmemmap"],
}


def with_name(place: str, name: str) -> dict[str, Any]:
    """A sweep that calls something so."""
    sweeps: dict[str, dict[str, Any]] = {
        "sweep": SWEEP | {"name": name},
        "layout": SWEEP | {"layouts": {"regions": {name: [[0, "1GiB"]]}}},
        "kernel": SWEEP | {"custom_kernels": {name: {"extends": "arm64-6.12-4k"}}},
        "release": SWEEP
        | {"custom_kernels": {"own": {"extends": "arm64-6.12-4k", "release": name}}},
        "arch": SWEEP | {"custom_kernels": {"own": {"extends": "arm64-6.12-4k", "arch": name}}},
    }
    return sweeps[place]


@pytest.mark.parametrize("place", ["sweep", "layout", "kernel", "release", "arch"])
def test_names_are_plain_or_refused(root: Path, place: str) -> None:
    for name in (*WORDS, "a\n", "A", "a/b", "a b", "é", "a" * 41, "a..b", "lab", "census"):
        (root / "named.yaml").write_text(yaml.safe_dump(with_name(place, name)))
        with suppress(InputError):
            load_sweeps({"sweeps": ["named.yaml"], "max_points": 100}, root, root)
            assert re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_.+~-]*", name), (place, name)
            assert place != "sweep" or re.fullmatch(r"[a-z0-9-]+", name), name


LAB: dict[str, Any] = {
    "kernels": {"arm64-6.12-4k": {"image": "Image"}},
    "maps": {"few": {"regions": {"one": [[0, "1GiB"]]}}},
    "boots": [{"kernels": "all", "maps": ["few"]}],
}


@pytest.mark.parametrize("place", ["kernel", "set", "map", "sweep", "package", "suite", "image"])
def test_names_of_a_lab_are_plain_or_refused(root: Path, place: str) -> None:
    kernel = "arm64-6.12-4k"
    small_root_sweep = root / "sub"
    small_root_sweep.mkdir(exist_ok=True)
    (root.parent / "out.yaml").write_text(yaml.safe_dump(SWEEP))
    for name in (*WORDS, "a\n", "a/b", "sub/../../out.yaml", "bookworm", "bookworm\n", "-o", "a=b"):
        lab = {
            "kernel": LAB | {"kernels": {name: {"image": "Image"}}},
            "set": LAB | {"maps": {"few": LAB["maps"]["few"], name: LAB["maps"]["few"]}},
            "map": LAB | {"maps": {"few": {"regions": {name: [[0, "1GiB"]]}}}},
            "sweep": LAB | {"maps": {"few": {"sweep": name}}},
            "package": LAB | {"kernels": {kernel: {"package": name, "suite": "sid"}}},
            "suite": LAB | {"kernels": {kernel: {"package": "linux-image-arm64", "suite": name}}},
            "image": LAB | {"kernels": {kernel: {"image": name}}},
        }[place]
        (root / "lab.yaml").write_text(yaml.safe_dump(lab))
        try:
            found = load_lab(root / "lab.yaml", "lab.yaml", Names(root, root))
        except InputError:
            continue
        for one, where in found.boots:
            folder = root / results_path("<lab_boots>") / one
            assert (folder / where).resolve().is_relative_to(folder), name
        origin = next(iter(found.kernels.values())).origin
        assert re.fullmatch(r"([a-z0-9][a-z0-9.+-]*)?", origin.package)
        assert re.fullmatch(r"([a-z][a-z-]*)?", origin.suite)
        assert origin.image.isprintable()
        assert not set("{}<>") & set(origin.image)


@pytest.mark.parametrize("name", [*WORDS, NASTY_FILE])
def test_a_layout_is_called_plainly_whatever_its_file(name: str) -> None:
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,78}[a-z0-9])?", layout_name(name or "x"))


# Escaped, word for word

LATEX_WORDS = {
    *("textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"),
    "textquotedbl",
}


def read_latex(source: str) -> str:
    """Return what LaTeX prints for a text; fail where it would do anything else."""
    text, place = "", 0
    spelled = {
        **{f"\\{letter}": letter for letter in "&%$#_{}"},
        "\\textbackslash{}": "\\",
        "\\textasciitilde{}": "~",
        "\\textasciicircum{}": "^",
        "\\textless{}": "<",
        "\\textgreater{}": ">",
        "\\textbar{}": "|",
        "\\textquotedbl{}": '"',
        "{[}": "[",
        "{]}": "]",
    }
    while place < len(source):
        found = next((part for part in spelled if source.startswith(part, place)), source[place])
        assert found in spelled or found not in "\\&%$#_{}~^[]\n", source[place : place + 20]
        text += spelled.get(found, found)
        place += len(found)
    return text


TEXTS = [
    *(word for word in WORDS if not odd_letter(word)),
    ALLOWED,
    "1. a",
    "a [b] c",
    "(a) b",
    "+--+",
    "====",
]


@pytest.mark.parametrize("text", TEXTS)
def test_words_are_words_in_every_markup(text: str) -> None:
    plain = one_line(text)
    assert read_latex(latex(text)) == plain
    told = markdown(text)
    assert "\n" not in told
    assert re.sub(r"\\(.)", r"\1", told) == plain
    assert not re.search(r"(?<!\\)(?:\\\\)*[`*_{}\[\]<>|#&$~]", told)
    tree = docutils.core.publish_doctree(
        restructured(text), settings_overrides={"report_level": 1, "halt_level": 5}
    )
    assert one_line(tree.astext()) == plain
    kinds = {type(node) for node in tree.findall()}
    assert kinds <= {docutils.nodes.document, docutils.nodes.paragraph, docutils.nodes.Text}


@pytest.mark.parametrize("name", [*WORDS, NASTY_FILE, "::error::x", "##[set-env]x"])
def test_a_file_can_stand_in_a_cell_and_a_line(name: str) -> None:
    told = plain_file(name)
    assert told.isprintable()
    assert not told.startswith(("=", "+", "-", "@", "::", "##"))


@pytest.mark.parametrize("names", [[word] for word in WORDS] + [["a", "b c"], ["a,b", "c: d"]])
def test_names_on_a_command_line_are_read_back(names: list[str]) -> None:
    if not any(map(odd_letter, names)):
        assert yaml.safe_load(as_list(names)) == names
        read = yaml.safe_load(as_yaml(names))
        assert ([read] if isinstance(read, str) else read) == names


@pytest.mark.parametrize("text", WORDS)
def test_messages_are_one_printable_line(text: str) -> None:
    assert printable(text).isprintable()
    assert printable("plain text, é") == "plain text, é"


# Escaped, in what a run makes


class Page(html.parser.HTMLParser):
    """The elements of a page and their attributes, and its words."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words = ""
        self.inside: list[str] = []
        self.feed(source)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self.inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        while self.inside and self.inside.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not {"script", "style"} & {*self.inside}:
            self.words += data


FIGURE = results_path("<figures>/layout-heatmap-arm64-6.12-4k", sweep="nasty")
EXPLORER = results_path("<explorer>", sweep="nasty")
INDEX = results_path("<index>")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one figure, with words of all kinds wherever they are allowed."""
    folder = tmp_path_factory.mktemp("a run $(touch hit)")
    (folder / "maps").mkdir()
    (folder / "maps" / NASTY_FILE).write_text(IOMEM)
    sweep = {
        "name": "nasty",
        "description": ALLOWED,
        "layouts": {"files": ["maps/*.iomem"]},
        "kernels": ["arm64-6.12-4k"],
        "models": ["vmemmap", "flatmem"],
        "figures": ["layout-heatmap"],
    }
    (folder / ENTRY).write_text(yaml.safe_dump(sweep))
    targets = [f"{FIGURE}.svg", EXPLORER, INDEX]
    command = workflow(*("--cores", "1", "--config", f"sweeps={as_list([ENTRY])}", "--", *targets))
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert not list(folder.rglob("hit"))
    return folder


ENTRY = "it's; $(touch hit), [x] #1: `touch hit`.yaml"


def words_of(folder: Path) -> str:
    """The caption of the figure, on one line."""
    return one_line((folder / f"{FIGURE}.caption.txt").read_text(encoding="utf-8"))


def test_the_caption_has_all_words_of_people(made: Path) -> None:
    assert f"Read from maps/{NASTY_FILE} (" in words_of(made)
    assert one_line(ALLOWED) in words_of(made)


def test_captions_to_paste_are_words(made: Path) -> None:
    caption = words_of(made)
    tex = (made / f"{FIGURE}.caption.tex").read_text(encoding="utf-8")
    match = re.fullmatch(
        r"\\begin\{figure\}\n  \\centering\n  \\includegraphics\[[^\]]*\]\{[\w.-]+\}\n"
        r"  \\caption\[(?P<head>[^\n]*?)\]\{(?P<text>[^\n]*)\}\n  \\label\{fig:[\w.-]+\}\n"
        r"\\end\{figure\}\n",
        tex,
    )
    assert match
    assert read_latex(match["text"]) == caption
    restructured_text = (made / f"{FIGURE}.caption.rst").read_text(encoding="utf-8")
    tree = docutils.core.publish_doctree(
        restructured_text, settings_overrides={"report_level": 1, "halt_level": 2}
    )
    assert len(tree) == 1
    assert one_line(tree.astext()) == caption
    bib = (made / f"{FIGURE}.bib").read_text(encoding="utf-8")
    assert bib.count("{") == bib.count("}")
    assert bib.count("\n@") == 0


def test_pictures_hold_words_alone(made: Path) -> None:
    svg = ET.parse(made / f"{FIGURE}.svg").getroot()
    tags = {element.tag.rpartition("}")[2] for element in svg.iter()}
    assert not tags & {"script", "foreignObject", "iframe", "image", "a", "set", "animate"}
    attributes = {name.rpartition("}")[2] for element in svg.iter() for name in element.attrib}
    assert not [name for name in attributes if name.startswith("on")]
    assert words_of(made) in one_line("".join(svg.itertext()))
    png = (made / f"{FIGURE}.png").read_bytes()
    assert words_of(made) == one_line(png_texts(png)["Description"])
    pdf = (made / f"{FIGURE}.pdf").read_bytes()
    assert not re.search(rb"/(?:JavaScript|JS|OpenAction|AA|Launch|URI|EmbeddedFile)\b", pdf)


def png_texts(data: bytes) -> dict[str, str]:
    """The texts of a PNG by their keys."""
    texts, place = {}, 8
    while place < len(data):
        size, kind = struct.unpack_from(">I4s", data, place)
        body = data[place + 8 : place + 8 + size]
        if kind == b"tEXt":
            key, _, value = body.partition(b"\0")
            texts[key.decode()] = value.decode("latin-1")
        elif kind in (b"iTXt", b"zTXt"):
            key, _, rest = body.partition(b"\0")
            packed = rest[0] if kind == b"iTXt" else 1
            value = rest[2:].split(b"\0", 2)[2] if kind == b"iTXt" else rest[1:]
            texts[key.decode()] = (zlib.decompress(value) if packed else value).decode()
        place += 12 + size
    return texts


@pytest.mark.parametrize("page", [INDEX, EXPLORER])
def test_pages_hold_words_alone(made: Path, page: str) -> None:
    source = (made / page).read_text(encoding="utf-8")
    found = Page(source)
    scripts = [attributes for tag, attributes in found.elements if tag == "script"]
    assert len(scripts) == (4 if page == EXPLORER else 0)
    assert not [tag for tag, _ in found.elements if tag in ("iframe", "object", "embed", "base")]
    names = {name for _, attributes in found.elements for name in attributes}
    assert not [name for name in names if name.startswith("on")]
    assert one_line(ALLOWED) in one_line(found.words)


def test_tables_hold_no_formula(made: Path) -> None:
    with (made / f"{FIGURE}.csv").open(newline="", encoding="utf-8") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell[:1] in ("=", "+", "-", "@", "\t", "\r")]


def test_the_command_makes_the_figure_again(made: Path, tmp_path: Path) -> None:
    provenance = json.loads((made / f"{FIGURE}.json").read_text(encoding="utf-8"))
    words = shlex.split(provenance["command"])
    asked = words[words.index("--config") + 1]
    assert yaml.safe_load(asked.removeprefix("sweeps=")) == [ENTRY]
    # as a shell takes it, with a program in Snakemake's place
    program = tmp_path / "snakemake"
    program.write_text('#!/bin/sh\nfor word; do printf "%s\\n" "$word"; done\n')
    program.chmod(0o755)
    environment = {"PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["sh", "-c", provenance["command"]],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines() == words[1:]
    assert not (tmp_path / "hit").exists()


def test_what_ran_is_read_back_and_nothing_else_is_there(made: Path) -> None:
    ran = yaml.safe_load(
        (made / results_path("<resolved>", sweep="nasty")).read_text(encoding="utf-8")
    )
    assert ran["sources"][0]["file"] == f"maps/{NASTY_FILE}"
    assert {path.name for path in made.iterdir()} == {
        ".snakemake",
        "maps",
        results_path("<results>"),
        ENTRY,
    }


# Device trees, whose names and models anybody chose


def tree(model: str) -> bytes:
    """A device tree of 1 GiB."""
    return flattened(
        Node(
            "",
            (("model", text(model)), ("#address-cells", word(1)), ("#size-cells", word(1))),
            (
                Node(
                    "memory@0",
                    (("device_type", text("memory")), ("reg", word(0) + word(1 << 30))),
                ),
            ),
        )
    )


def test_a_census_of_files_with_names_of_all_kinds(tmp_path: Path) -> None:
    folder = tmp_path / "trees"
    (folder / "vendor").mkdir(parents=True)
    names = ["=1+1|' x'!A0.dtb", "-x.dtb", "@x.dtb", "vendor/a\nb.dtb", "::error::x.dtb", "<b>.dtb"]
    for name in names:
        (folder / name).write_bytes(tree(name))
    Path(os.fsdecode(bytes(folder / "vendor") + b"/\xff\xfe.dtb")).write_bytes(tree("x"))
    found = trees_of(folder, "arm64", 1)
    assert len(found) == len(names) + 1
    for one in found:
        assert one.file.isprintable()
        assert one.file.encode()
        assert not one.file.startswith(("=", "+", "-", "@", "::"))
        assert re.fullmatch(r"[a-z0-9-]+", one.board)


CHECK = ROOT / "workflow/scripts/check_map.py"


def test_a_check_of_files_with_names_of_all_kinds(tmp_path: Path) -> None:
    names = [
        "::error::x.dtb",
        "a\n::error::b.dtb",
        "##[x].dtb",
        "<b>&\"'$(touch hit).dtb",
        "%41 #?.dtb",
    ]
    for name in names:
        (tmp_path / name).write_bytes(tree("</script>\n::error::x"))
    command = [sys.executable, str(CHECK), *names, "--kernel", "arm64-6.12-4k", "--most", "1MiB"]
    done = subprocess.run(
        [*command, "--sarif", "out.sarif"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    lines = (done.stdout + done.stderr).splitlines()
    assert all(line.isprintable() and not line.startswith(("::", "##")) for line in lines)
    log = json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))
    uris = {one["location"]["uri"] for one in log["runs"][0]["artifacts"]}
    assert {unquote(uri) for uri in uris} == {*names}
    assert all(re.fullmatch(r"[A-Za-z0-9._~%/-]+", uri) for uri in uris)
    assert not (tmp_path / "hit").exists()


SECRET = struct.pack(">4I", 1, 0, 1, 0)
REG = "/dts-v1/;\n{include}\n/ {{ #address-cells = <2>; #size-cells = <2>;\n{memory}\n}};\n"
MEMORY = 'memory@0 {{ device_type = "memory"; reg = {cells}; }};'


@pytest.mark.skipif(not shutil.which("dtc") or not shutil.which("cpp"), reason="no dtc or no cpp")
@pytest.mark.parametrize(
    ("include", "cells", "told"),
    [
        ("", '/incbin/("../secret")', "names ../secret, which is no source of a device tree"),
        ("", '/incbin/("link.bin")', "names link.bin, which is no source"),
        ("", '/incbin/("/proc/self/environ", 0, 16)', "proc/self/environ, which is no source"),
        ('#include "../secret"', "<0 0 0 1>", "names ../secret, which is no source"),
        ('#include "link.dtsi"', "<0 0 0 1>", "names link.dtsi, which is no source"),
        ('#include "/etc/passwd"', "<0 0 0 1>", "etc/passwd, which is no source"),
        ("", '/incbin/("own.bin")', ""),
        ('#include "../common.dtsi"', "<1 0 1 0>", ""),
        ('/include/ "../common.dtsi"', "<1 0 1 0>", ""),
    ],
)
def test_a_source_tells_of_no_file_of_others(
    tmp_path: Path, include: str, cells: str, told: str
) -> None:
    folder = tmp_path / "boards"
    folder.mkdir()
    (tmp_path / "secret").write_bytes(SECRET)
    (folder / "own.bin").write_bytes(SECRET)
    (tmp_path / "common.dtsi").write_text("/ { };\n")
    for link in ("link.bin", "link.dtsi"):
        (folder / link).symlink_to(tmp_path / "secret")
    source = REG.format(include=include, memory=MEMORY.format(cells=cells))
    (folder / "board.dts").write_text(source)
    command = [sys.executable, str(CHECK), "boards/board.dts", "--kernel", "arm64-6.12-4k"]
    done = subprocess.run(
        [*command, "--most", "1GiB"], cwd=tmp_path, capture_output=True, text=True
    )
    if told:
        assert (done.returncode, done.stdout) == (2, "")
        assert told in done.stderr
    else:
        assert done.returncode == 0, done.stderr
