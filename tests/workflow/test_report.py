"""The report in both forms and the index of a run, opened as readers open them."""

import re
import subprocess
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
import yaml
from memmap_atlas.figures.registry import FIGURES
from memmap_atlas.pipeline.paths import FIGURE_SUFFIXES
from memmap_atlas.reports.index import FILES, size
from PIL import Image
from playwright.sync_api import Browser, Page, ViewportSize

from tests.tools.paths import ROOT, in_results, results_path
from tests.tools.runs import workflow

RESULTS = results_path("<results>")
SVGS = f"{RESULTS}/**/*.svg"
TABLES = f"{RESULTS}/**/*.parquet"
WINDOW: ViewportSize = {"width": 1280, "height": 800}

# what people write stands in pages as they wrote it
WRITTEN = 'Of <b>bold</b> & *starred* |maps|, `code`_ </script> <img src=x>: "two" of them.'
THREAD = {
    "name": "thread",
    "description": WRITTEN,
    "layouts": {"regions": {"thread-3g": [[0, 0x60000000], [0x80000000, 0xE0000000]]}},
    "kernels": ["arm64-4.6-4k", "arm64-6.12-4k"],
    "models": ["vmemmap", "vmemmap-populated"],
    "figures": ["kernel-heatmap", "section-strip"],
}
# its figure is taller than a window
MANY = {
    "name": "many",
    "description": "Many maps.",
    "layouts": {"regions": {f"map-{n:02}": [[0, (n + 1) << 28]] for n in range(60)}},
    "kernels": ["arm64-6.12-4k"],
    "models": "all",
    "figures": ["layout-heatmap"],
}
# by category: what the report calls a figure, and its file and question
SHOWN = {
    "thread": {
        "kernel heatmap, 2 kernels": ("kernel-heatmap", "kernel-heatmap"),
        "section strip, thread-3g": ("section-strip-thread-3g", "section-strip"),
    },
    "many": {"layout heatmap, arm64-6.12-4k": ("layout-heatmap-arm64-6.12-4k", "layout-heatmap")},
    "evidence": {"computed against booted": ("computed-against-booted", "")},
}
TRUST = "Which numbers can I trust, and of which kernels?"


def stem_of(category: str, name: str) -> str:
    """Return the path of a figure without suffix; the evidence is no sweep."""
    if category == "evidence":
        return results_path("<evidence_figure>")
    return results_path(f"<figures>/{name}", sweep=category)


def snakemake(folder: Path, *arguments: str | Path) -> None:
    sweeps = ["--config", "sweeps=[thread.yaml, many.yaml]"]
    result = subprocess.run(
        workflow("--directory", folder, *sweeps, *arguments), capture_output=True, text=True
    )
    assert result.returncode == 0, result.stderr


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    for sweep in (THREAD, MANY):
        (folder / f"{sweep['name']}.yaml").write_text(yaml.safe_dump(sweep))
    snakemake(folder, "--cores", "2")
    return folder


@pytest.fixture(scope="module")
def reports(folder: Path) -> dict[str, Path]:
    """The page of each form, as `make report` builds them."""
    makefile = (ROOT / "Makefile").read_text()
    style = "workflow/report/report.css"
    for form in ("zip", "html"):
        wanted = rf"--report results/report\.{form} \\\n\t +--report-stylesheet {style}\n"
        assert re.search(wanted, makefile)
        report = folder / f"results/report.{form}"
        snakemake(folder, "--report", report, "--report-stylesheet", ROOT / style)
    with zipfile.ZipFile(folder / "results/report.zip") as archive:
        archive.extractall(folder / "unpacked")
    return {
        "html": folder / "results/report.html",
        "zip": folder / "unpacked/report/report.html",
    }


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a browser without network; nothing may go wrong in it, nothing may be fetched."""
    context = browser.new_context(viewport=WINDOW, offline=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("console", lambda one: wrong.append(one.text) if one.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("requestfailed", lambda request: wrong.append(request.url[:200]))
    fetched: list[str] = []
    page.on("request", lambda request: fetched.append(request.url[:200]))
    yield page
    context.close()
    assert wrong == []
    assert fetched
    assert [url for url in fetched if not url.startswith(("file:", "data:", "blob:"))] == []


def words(text: str) -> str:
    return " ".join(text.split())


def caption(folder: Path, sweep: str, name: str) -> str:
    return words((folder / f"{stem_of(sweep, name)}.caption.txt").read_text())


MEASURE = """image => {
    const pane = image.closest(".overflow-auto");
    const edge = pane.getBoundingClientRect();
    pane.scrollTo(0, 0);
    const first = image.getBoundingClientRect();
    pane.scrollTo(0, pane.scrollHeight);
    const last = image.getBoundingClientRect();
    pane.scrollTo(0, 0);
    return {
        natural: [image.naturalWidth, image.naturalHeight], box: [first.width, first.height],
        pane: [edge.width, edge.height],
        outside: [edge.top - first.top, edge.left - first.left, first.right - edge.right,
                  last.bottom - edge.bottom],
    };
}"""
LOADED = "image => image.complete && image.naturalWidth > 0"


def measured(page: Page) -> dict[str, Any]:
    """The figure that the report shows: it has its shape, and each of its edges can be seen."""
    image = page.locator(".overflow-auto.h-screen img:not(nav img)")
    image.wait_for()
    page.wait_for_function(LOADED, arg=image.element_handle())
    found: dict[str, Any] = image.evaluate(MEASURE)
    (width, height), (wide, tall) = found["natural"], found["box"]
    assert wide / tall == pytest.approx(width / height, rel=0.01)
    assert wide >= 0.9 * min(width, found["pane"][0])
    assert max(found["outside"]) <= 0
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    drawn = drawn.crop((WINDOW["width"] - int(found["pane"][0]), 0, WINDOW["width"], 800))
    colours = drawn.getcolors(1 << 24)
    assert colours is not None
    assert len(colours) > 50
    return found


def open_category(page: Page, report: Path, category: str) -> None:
    page.goto(report.as_uri())
    page.locator("nav a", has_text=re.compile(f"^{category}$")).click()


@pytest.mark.parametrize("form", ["html", "zip"])
def test_report_shows_every_figure_whole(
    form: str, folder: Path, reports: dict[str, Path], page: Page
) -> None:
    tallest = 0.0
    for category, figures in SHOWN.items():
        open_category(page, reports[form], category)
        rows = page.locator("nav tbody tr")
        rows.first.wait_for()
        labels = [words(text) for text in rows.all_inner_texts()]
        assert labels == sorted(figures)
        for label, (name, kind) in figures.items():
            open_category(page, reports[form], category)
            row = page.locator("nav tbody tr", has_text=label)
            row.locator("a").first.click()
            found = measured(page)
            tallest = max(tallest, found["box"][1] / found["pane"][1])
            # its caption, as it stands in the file, and what it answers
            row.locator("a").nth(1).click()
            said = page.locator("nav .prose")
            said.wait_for()
            question = FIGURES[kind].question if kind else TRUST
            text = words(said.inner_text())
            assert text == f"{question} {caption(folder, category, name)}"
            assert said.locator(".problematic, .system-message, b, img").count() == 0
            measured(page)
    # one of them is taller than the window: its head must not lie outside
    assert tallest > 1


@pytest.mark.parametrize("form", ["html", "zip"])
def test_report_begins_with_an_introduction(
    form: str, reports: dict[str, Path], page: Page
) -> None:
    page.goto(reports[form].as_uri())
    introduction = page.locator(".overflow-auto .prose")
    introduction.wait_for()
    heading = introduction.locator("h1")
    assert words(heading.inner_text()) == "What physical memory maps cost in struct page"
    # longer than the window, and still begun at its beginning
    box = introduction.bounding_box()
    assert box is not None
    assert box["height"] > WINDOW["height"]
    assert box["y"] >= 0
    text = words(introduction.inner_text())
    assert f"thread, 2 figures. {WRITTEN}" in text
    for kind in (kind for figures in SHOWN.values() for _, kind in figures.values() if kind):
        assert f"{kind.replace('-', ' ')}: {FIGURES[kind].question}" in text
    assert f"computed against booted: {TRUST}" in text
    assert "waste heatmap" not in text
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert f"{citation['title']}, version {citation['version']}, " in text
    assert introduction.locator(".problematic, .system-message, b, img").count() == 0
    # a sweep's name leads to its figures
    introduction.locator("a", has_text="many").click()
    page.locator("nav tbody tr", has_text="layout heatmap").wait_for()
    # what else the report has does not fail either
    for name in ("Workflow", "Statistics", "About"):
        page.goto(reports[form].as_uri())
        page.locator("nav a", has_text=re.compile(f"^{name}$")).click()
        page.wait_for_timeout(300)


def test_report_of_one_figure(folder: Path, page: Page) -> None:
    figure = results_path("<figures>/section-strip-thread-3g.svg", sweep="thread")
    snakemake(folder, "--report", folder / "one.html", "--", figure)
    page.goto((folder / "one.html").as_uri())
    introduction = page.locator(".overflow-auto .prose")
    introduction.wait_for()
    assert "What the words mean" in introduction.inner_text()
    assert introduction.locator(".problematic, .system-message").count() == 0


class Links(HTMLParser):
    """All that a page points to, by the tag that does."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, list[str]] = {}
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        for name, value in attributes:
            if name in ("href", "src", "srcset", "data", "action", "poster"):
                self.found.setdefault(tag, []).append(value or "")
            elif name == "id":
                self.names.add(value or "")


def test_index_links_to_every_file_of_a_run(folder: Path) -> None:
    text = (folder / results_path("<index>")).read_text()
    links = Links()
    links.feed(text)
    pictures = {path.relative_to(folder / RESULTS).as_posix() for path in folder.glob(SVGS)}
    assert len(pictures) == 4
    assert sorted(links.found["img"]) == sorted(pictures)
    # nothing is loaded but these
    assert set(links.found) == {"a", "img", "link"}
    assert links.found["link"] == ["data:,"]
    assert "url(" not in text
    assert "@import" not in text
    assert "<script" not in text
    places = [link for link in links.found["a"] if link.startswith("#")]
    assert {link.removeprefix("#") for link in places} == set(SHOWN) <= links.names
    files = {unquote(link) for link in links.found["a"] if not link.startswith("#")}
    for link in files:
        assert not re.match(r"[a-z]+:|/|\.\.", link)
        assert (folder / RESULTS / link).is_file(), link
    for picture in pictures:
        assert {picture.replace(".svg", suffix) for suffix in FIGURE_SUFFIXES} <= files
    tables = {path.relative_to(folder / RESULTS).as_posix() for path in folder.glob(TABLES)}
    # what pictures alone are drawn from is no table of a run
    assert tables - files == {in_results("<strips>", sweep=sweep) for sweep in ("thread", "many")}
    assert {in_results("<explorer>", sweep=sweep) for sweep in ("thread", "many")} <= files


def test_index_knows_every_file_of_a_figure() -> None:
    assert set(FILES) == set(FIGURE_SUFFIXES)


def test_a_picture_without_size_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.svg").write_text('<svg width="1" viewBox="0 0 72 36.5">')
    assert size(tmp_path / "x.svg") == (130, 66)
    (tmp_path / "x.svg").write_text("<svg>")
    with pytest.raises(ValueError, match=r"x\.svg: no size"):
        size(tmp_path / "x.svg")


@pytest.mark.parametrize("width", [1280, 390])
def test_index_shows_every_figure_with_its_caption(width: int, folder: Path, page: Page) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto((folder / results_path("<index>")).as_uri())
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    images = page.locator("figure img")
    for image in images.all():
        page.wait_for_function(LOADED, arg=image.element_handle())
        box = image.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        natural = image.evaluate("image => image.naturalWidth / image.naturalHeight")
        assert box["width"] / box["height"] == pytest.approx(natural, rel=0.01)
        # what the page keeps free for it is its shape
        asked = image.evaluate(
            "image => image.getAttribute('width') / image.getAttribute('height')"
        )
        assert asked == pytest.approx(natural, rel=0.01)
    page_width = "document.documentElement.scrollWidth"
    assert page.evaluate(page_width) == width
    for category, figures in SHOWN.items():
        section = page.locator(f"section#{category}")
        assert section.locator("figure").count() == len(figures)
        text = words(section.inner_text())
        for name, kind in figures.values():
            assert caption(folder, category, name) in text
            assert (FIGURES[kind].question if kind else TRUST) in text
            assert f"{stem_of(category, name)}.svg" in text
    assert words(page.locator("section#thread > p").inner_text()) == WRITTEN
    assert page.locator("b").count() == 0
