"""Bad files are refused before any job, with messages that name place, value and what would be
right.
"""

import subprocess
from collections import Counter
from pathlib import Path

import pytest
import yaml
from memmap_atlas.catalog.boards import load_boards
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.catalog.machines import load_machines
from memmap_atlas.documents.errors import InputError
from memmap_atlas.documents.yaml_loader import load_yaml
from memmap_atlas.sweepfile.sweeps import load_sweeps

from tests.tools.paths import ROOT
from tests.tools.runs import workflow

SHIPPED = ROOT / "config/kernels.yaml"

# a good sweep, of which each bad one changes a part
GOOD = """
name: good
layouts:
  grid: {ram_size: [1GiB], hole_start: [512MiB], hole_size: [64MiB]}
kernels: [arm64-6.12-4k]
models: [vmemmap]
"""
GRID = "  grid: {ram_size: [1GiB], hole_start: [512MiB], hole_size: [64MiB]}"

KERNELS = [
    ("k: {extends: arm64-6.12-4kk}", "bad.yaml: k.extends: no kernel 'arm64-6.12-4kk' (did you"),
    ("k: {extends: arm64-6.12-4k, page_sise: 4KiB}", "did you mean 'page_size'?"),
    ("k: {extends: arm64-6.12-4k, page_size: 0B}", "bad.yaml: k.page_size: '0B' is not right: a"),
    (
        "k: {extends: arm64-6.12-4k, page_size: 8B}",
        "8 bytes is no page: 4096 bytes is the smallest",
    ),
    ("k: {extends: arm64-6.12-4k, pmd_size: 9999999TiB}", "pmd_size: '9999999TiB' is not right: a"),
    ("k: {extends: arm64-6.12-4k, max_order_pages: 9999999}", "9999999 is more than 1048576: MAX_"),
    ("k: {extends: arm64-6.12-4k, page_size: 4 KiB}", "a size is a number and B, KiB, MiB, GiB"),
    ("k: {extends: arm64-6.12-4k, section_size: 96MiB}", "100663296 bytes is no power of two"),
    ("k: {extends: arm64-6.12-4k, section_size: 2KiB}", "2048 bytes is no whole number of pages"),
    (
        "k: {extends: arm64-6.12-4k, vmemmap_leaf: 4MiB}",
        "4194304 bytes is more than a PMD maps, 20",
    ),
    ("k: {extends: arm64-6.12-4k, default_model: flatmen}", "did you mean 'flatmem'?"),
    ("k: {extends: arm64-6.12-4k, default_model: flatmem}", "'flatmem' is not among its models"),
    ("k: {extends: arm64-6.12-4k, models: [vmemmap-trimmed]}", "k.models.0: 'vmemmap-trimmed' is"),
    ("k: {extends: arm64-6.12-4k, section_roots: dynamic}", "none of extreme, static"),
    ("k: {extends: arm64-6.12-4k, max_physmem_bits: 99}", "k.max_physmem_bits: 99 is"),
    ("k: {extends: arm64-6.12-4k, section_buffer: 3}", "k.section_buffer: 3 is no true or false"),
    ("k: {extends: arm64-6.12-4k, page_tables: [[2MiB]]}", "k.page_tables.0: "),
    ("k: {arch: arm64}", "bad.yaml: k: lacks release, page_size"),
    ("k: {extends: k}", "bad.yaml: k: extends itself: k -> k"),
    ("k: {extends: l}\nl: {extends: k}", "k: extends itself: k -> l -> k"),
    ("K: {extends: arm64-6.12-4k}", "a name has lower-case letters"),
    ("k: {arch: a}\nk: {arch: b}", "bad.yaml:2:1: the key 'k' stands twice"),
    ("k: [", "bad.yaml:2:1: did not find expected node content"),
    ("- k", "bad.yaml: ['k'] is no mapping"),
]

MACHINES = [
    ("m: {description: d, arch: a, source: s, regions: []}", "bad.yaml: m.regions: [] "),
    ("m: {description: d, arch: a, source: s, regions: [[0, 0]]}", "[0x0, 0x0) is empty"),
    ("m: {description: d, arch: a, source: s, regions: [[0, 2], [1, 3]]}", "[0x1, 0x3) overlap"),
    ("m: {description: d, arch: a, source: s, regions: [[0, -1]]}", "m.regions.0.1: -1 is"),
    ("m: {description: d, arch: a, source: s, regions: [[0, 1Gib]]}", "m.regions.0.1: '1Gib' is"),
    ("m: {description: d, arch: a, regions: [[0, 1]]}", "bad.yaml: m: lacks the key 'source'"),
    ("m: {description: d, arch: a, source: s, region: [[0, 1]]}", "(did you mean 'regions'?)"),
    ("../m: {description: d, arch: a, source: s, regions: [[0, 1]]}", "is not right: "),
]

SWEEPS = [
    # form
    ("name: good", "name: ../good", "bad.yaml: name: '../good' is not right: the folder under res"),
    ("name: good", "name: lab", "bad.yaml: name: 'lab' is not right: the folder under results/"),
    ("name: good", "name: evidence", "bad.yaml: name: 'evidence' is not right: the folder under"),
    ("name: good\n", "", "bad.yaml: lacks the key 'name'"),
    ("name: good", "nam: good", "bad.yaml: nam: unknown key (did you mean 'name'?)"),
    (
        "models: [vmemmap]",
        "models: [vmemap]",
        "models.0: 'vmemap' is none of flatmem, flatmem-free",
    ),
    ("models: [vmemmap]", "models: vmemmap", "models: 'vmemmap' is none of all"),
    ("models: [vmemmap]", "models: []", "bad.yaml: models: [] is not right: all, or a list"),
    (
        "models: [vmemmap]",
        "models: [vmemmap, vmemmap]",
        "bad.yaml: models: 'vmemmap' stands twice",
    ),
    ("models: [vmemmap]", "models:", "bad.yaml: models: None is no list: all, or"),
    # names
    ("arm64-6.12-4k", "arm64-6.12-4kk", "kernels.0: no kernel 'arm64-6.12-4kk' (did you mean 'arm"),
    ("arm64-6.12-4k", "zzz", "no kernel 'zzz'; the kernels stand in config/kernels.yaml"),
    ("[arm64-6.12-4k]", "arm64-6.12-4k", "kernels: 'arm64-6.12-4k' is none of all"),
    (GRID, "  boards: [arm65]", "layouts.boards.0: no board 'arm65' (did you mean 'arm64'?)"),
    (GRID, "  boards: 3", "layouts.boards: 3 is no "),
    (GRID, "  machines: [hikei]", "layouts.machines.0: no machine 'hikei' (did you mean 'hikey'?)"),
    (GRID, "  machines: everything", "layouts.machines: 'everything' is none of all"),
    # layouts
    (GRID, "  {}", "bad.yaml: layouts: {} "),
    (
        GRID,
        "  regions: {a: [[0, 4096], [4096, 4096]]}",
        "layouts.regions.a: the region [0x1000, 0x",
    ),
    (GRID, "  regions: {a: [[4096, 0]]}", "[0x1000, 0x0) is empty: its end must lie above its sta"),
    (GRID, "  regions: {a: [[0, 2MiB], [1MiB, 3MiB]]}", "regions.a: the regions [0x0, 0x200000)"),
    (GRID, "  regions: {a: [[0, 1PiB]]}", "layouts.regions.a.0.1: '1PiB' is not right: a size or"),
    (GRID, "  regions: {a: [0, 1GiB]}", "layouts.regions.a.0: 0 is no list: a region is [start"),
    (GRID, "  regions: {a: [[0, 1GiB, 2GiB]]}", "layouts.regions.a.0: "),
    (GRID, "  regions: {a/b: [[0, 1GiB]]}", "layouts.regions: 'a/b' is not right: a layout's name"),
    (GRID, "  regions: {a: [[0, 200000TiB]]}", "layouts.regions.a.0.1: '200000TiB' is not right"),
    (
        GRID,
        f"  regions: {{a: {[[n, n + 1] for n in range(1025)]}}}",
        "[5, 6], [6, 7], ... is not right",
    ),
    (GRID, "  regions: {juno: [[0, 1GiB]]}\n  machines: [juno]", "'juno' is the name of a layout"),
    # axes
    (
        "ram_size: [1GiB]",
        "ram_size: 1GiB",
        "layouts.grid.ram_size: '1GiB' is no mapping: write a li",
    ),
    ("ram_size: [1GiB]", "ram_size: []", "layouts.grid.ram_size: [] is not right: write at least"),
    ("ram_size: [1GiB]", "ram_size: [1GB]", "layouts.grid.ram_size.0: '1GB' is not right: a size"),
    ("ram_size: [1GiB]", "ram_size: [1.5GiB]", "ram_size.0: '1.5GiB' is not right"),
    ("ram_size: [1GiB]", "ram_size: [0]", "layouts.grid.ram_size: RAM of size 0: give a size of"),
    ("ram_size: [1GiB]", "ram_size: [1GiB, 1024MiB]", "ram_size: a value stands twice: 1GiB, 1024"),
    ("ram_size: [1GiB]", "ram_size: [6000B]", "6000B is no whole number of pages of 4KiB"),
    ("[1GiB]", "{from: 1GiB, to: 2GiB, step: 1KiB}", "1KiB is no whole number of pages of 4KiB"),
    ("[1GiB]", "{from: 1GiB, to: 2GiB, step: 0}", "a step of 0 never arrives"),
    ("[1GiB]", "{from: 1GiB, to: 2GiB}", "a range has a step or a factor, and one of them only"),
    ("[1GiB]", "{from: 1GiB, to: 2GiB, step: 1GiB, factor: 2}", "a step or a factor, and one of t"),
    ("[1GiB]", "{from: 2GiB, to: 1GiB, step: 1GiB}", "from 2GiB to 1GiB has no value: to lies bel"),
    ("[1GiB]", "{from: 0, to: 1GiB, factor: 2}", "a range with a factor can't start from 0"),
    ("[1GiB]", "{from: 1GiB, to: 2GiB, factor: 1}", "a factor is a whole number from 2 on"),
    ("[1GiB]", "{from: 1GiB, till: 2GiB, step: 1GiB}", "till: unknown key; allowed are factor, fr"),
    ("hole_size: [64MiB]", "hole_size: [0]", "layouts.grid.hole_size: a hole of size 0 is no hole"),
    (", hole_size: [64MiB]", "", "layouts.grid: "),
    ("ram_size: [1GiB]", "base: [1GiB], ram_size: [1GiB]", "a hole at 0x20000000 lies below the b"),
    ("[1GiB]", "[99999TiB, 0x1fffffffffff000]", "RAM would end at 0x200000003fff000, above"),
    ("ram_size: [1GiB]", "ram_sise: [1GiB]", "ram_sise: unknown key (did you mean 'ram_size'?)"),
    # section sizes
    ("models:", "section_size: [96MiB]\nmodels:", "96MiB is no section: a power of two of at leas"),
    ("models:", "section_size: [2KiB]\nmodels:", "2KiB is no section: a power of two of at least "),
    (
        "models:",
        "section_size: {from: 4KiB, to: 9TiB, step: 4KiB}\nmodels:",
        "2,415,919,104 sizes are",
    ),
    ("models:", "section_size: [kernal]\nmodels:", "section_size.0: 'kernal' is none of kernel"),
    ("models:", "section_size: 1GiB\nmodels:", "section_size: '1GiB' is no mapping: write a list"),
    # figures
    (
        "models:",
        "figures: [pie]\nmodels:",
        "figures.0: 'pie' is none of section-strip, waste-heat",
    ),
    (
        "models:",
        "figures: [waste-heatmap]\nmodels:",
        "figures: waste-heatmap needs layouts.grid in",
    ),
    ("models:", "figures: [layout-heatmap]\nmodels:", "layout-heatmap needs named layouts"),
    ("models:", "figures: [section-heatmap]\nmodels:", "section-heatmap needs two section sizes"),
    # size
    ("[1GiB]", "{from: 4KiB, to: 128TiB, step: 4KiB}", "34,359,738,368 points (34,359,738,368 la"),
    # a sweep's own kernels
    ("models:", "custom_kernels: {k: {page: 4KiB}}\nmodels:", "custom_kernels.k.page: unknown key"),
    (
        "models:",
        "custom_kernels: {k: {arch: a}}\nmodels:",
        "custom_kernels.k: lacks release, page_",
    ),
    (
        "models:",
        "custom_kernels: {arm-5.10: {arch: a}}\nmodels:",
        "arm-5.10: a kernel that ships h",
    ),
    # YAML
    ("name: good", "name: good\nname: better", "bad.yaml:3:1: the key 'name' stands twice"),
    ("name: good", "name: [good", "bad.yaml:"),
    ("name: good", "name: 2026-99-99", "bad.yaml: a value is none: month must be in 1..12"),
    ("name: good", "name: " + 3000 * "[", "exceeded maximum nesting depth"),
    (
        "name: good",
        "name: " + 90 * "[" + 90 * "]",
        "bad.yaml:2:70: is nested too deeply: 64 levels",
    ),
    (
        "name: good",
        "name: !!python/object:os.system good",
        "bad.yaml:2:7: tags such as '!!python/obj",
    ),
]

CONFIGS = [
    (
        "sweeps: [thread-2017]",
        "config: sweeps.0: no sweep 'thread-2017' (did you mean 'thread-2016'",
    ),
    ("sweeps: []", "config: sweeps: [] is not right: a list of sweeps"),
    ("sweeps: thread-2016", "config: sweeps: 'thread-2016' is no list: a list of sweeps"),
    ("sweeps: [3]", "config: sweeps.0: 3 is no text: a sweep is named by"),
    ("sweep: [thread-2016]", "config: sweep: unknown key (did you mean 'sweeps'?)"),
    ("sweeps: [thread-2016, thread-2016]", "config: sweeps: 'thread-2016' stands twice"),
    (
        "sweeps: [thread-2016]\nmax_points: 0",
        "config: max_points: 0 is less than 1: a sweep with more",
    ),
    ("sweeps: [thread-2016]\nmax_points: 99", "are more than max_points, 99: about 0.0 GiB"),
    ("sweeps: [missing.yaml]", "can't be read: No such file or directory"),
    ("sweeps: [binary.yaml]", "byte 1 is no UTF-8 text"),
    ("sweeps: [one.yaml, two.yaml]", "two.yaml: name: another sweep of this run is called 'good'"),
]


def test_there_are_enough() -> None:
    assert len(KERNELS) + len(MACHINES) + len(SWEEPS) + len(CONFIGS) >= 40


@pytest.mark.parametrize(("text", "message"), KERNELS)
def test_bad_kernels(tmp_path: Path, text: str, message: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    with pytest.raises(InputError) as error:
        load_kernels(SHIPPED, bad)
    assert message in str(error.value)


HEAD = "board\tarch\tregions\n"
BOARDS = [
    ("", "boards.tsv:1: the first line is board, arch, regions, with tabs"),
    ("# only words\n", "boards.tsv:1: the first line is board"),
    ("board arch regions\n", "boards.tsv:1: the first line is board"),
    (f"{HEAD}a\tarm\t0-0x1000\n", "boards.tsv:2: '0-0x1000' is no list of regions such as 0x0-0x"),
    (f"{HEAD}a\tarm\t\n", "boards.tsv:2: '' is no list of regions"),
    (f"{HEAD}a\tarm\n", "boards.tsv:2: '' is no list of regions"),
    (f"{HEAD}a\n", "boards.tsv:2: a has no architecture"),
    (f"{HEAD}A/..\tarm\t0x0-0x1000\n", "boards.tsv:2: 'A/..' is no name of its own"),
    (f"{HEAD}a\tarm\t0x0-0x1\na\tarm\t0x0-0x1\n", "boards.tsv:3: 'a' is no name of its own"),
    (f"{HEAD}a\tarm\t0x2000-0x1000\n", "has an empty region: its end must lie above its start"),
    (f"{HEAD}a\tarm\t0x0-0x2000 0x1000-0x3000\n", "overlap, or are not in address order"),
    (f"{HEAD}a\tarm\t0x4000-0x5000 0x0-0x1000\n", "overlap, or are not in address order"),
]


@pytest.mark.parametrize(("text", "message"), BOARDS)
def test_bad_boards(tmp_path: Path, text: str, message: str) -> None:
    bad = tmp_path / "boards.tsv"
    bad.write_text(text)
    with pytest.raises(InputError) as error:
        load_boards(bad)
    assert message in str(error.value)


def test_every_board_of_the_device_trees_is_there() -> None:
    boards = load_boards(ROOT / "config/boards.tsv")
    arches = Counter(board.arch for board in boards.values())
    assert arches == {
        "arm": 1188,
        "arm64": 659,
        "mips": 57,
        "riscv": 40,
        "powerpc": 31,
        "loongarch": 3,
    }
    assert boards["arm64-axiado-ax3000-evk"].regions == (
        (0x3D000000, 0x60000000),
        (0x400000000, 0x480000000),
    )


@pytest.mark.parametrize(("text", "message"), MACHINES)
def test_bad_machines(tmp_path: Path, text: str, message: str) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text(text)
    with pytest.raises(InputError) as error:
        load_machines(bad)
    assert message in str(error.value)


def test_the_good_sweep_is_good(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(GOOD)
    assert [
        sweep.points
        for sweep in load_sweeps({"sweeps": ["good.yaml"], "max_points": 1}, ROOT, tmp_path)
    ] == [1]


def test_whole_numbers_may_be_written_as_floats(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text(
        GOOD.replace("[1GiB]", "{from: 1073741824.0, to: 4GiB, factor: 2.0}")
        .replace(
            "models:", "custom_kernels: {k: {extends: arm-5.10, max_order_pages: 512.0}}\nmodels:"
        )
        .replace("arm64-6.12-4k", "k")
    )
    (sweep,) = load_sweeps({"sweeps": ["good.yaml"], "max_points": 3}, ROOT, tmp_path)
    assert sweep.grid is not None
    assert list(map(repr, sweep.grid.ram_size)) == ["1073741824", "2147483648", "4294967296"]
    assert repr(sweep.kernels["k"].max_order_pages) == "512"


@pytest.mark.parametrize(("part", "changed", "message"), SWEEPS)
def test_bad_sweep(tmp_path: Path, part: str, changed: str, message: str) -> None:
    assert GOOD.count(part) == 1
    (tmp_path / "bad.yaml").write_text(GOOD.replace(part, changed))
    with pytest.raises(InputError) as error:
        load_sweeps({"sweeps": ["bad.yaml"], "max_points": 10**8}, ROOT, tmp_path)
    assert message in str(error.value)


@pytest.mark.parametrize(("text", "message"), CONFIGS)
def test_bad_config(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "one.yaml").write_text(GOOD)
    (tmp_path / "two.yaml").write_text(GOOD)
    (tmp_path / "binary.yaml").write_bytes(b"a\xff\xfe")
    with pytest.raises(InputError) as error:
        load_sweeps({"max_points": 10**8} | yaml.safe_load(text), ROOT, tmp_path)
    assert message in str(error.value)


def test_all_problems_come_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        GOOD.replace("[vmemmap]", "[vmemap]")
        .replace("[1GiB]", "[1000B]")
        .replace("arm64-6.12-4k", "arm64")
    )
    (tmp_path / "two.yaml").write_text(GOOD.replace("[64MiB]", "[0]"))
    with pytest.raises(InputError) as error:
        load_sweeps(
            {"sweeps": ["one.yaml", "nowhere", "two.yaml"], "max_points": 1}, ROOT, tmp_path
        )
    places = [(problem.file, problem.path) for problem in error.value.problems]
    assert places == [
        ("one.yaml", ("models", 0)),
        ("one.yaml", ("kernels", 0)),
        ("one.yaml", ("layouts", "grid", "ram_size")),
        ("config", ("sweeps", 1)),
        ("two.yaml", ("layouts", "grid", "hole_size")),
    ]


def test_shipped_files_name_their_schema() -> None:
    files = [*(ROOT / "config").glob("*.yaml"), *(ROOT / "config/sweeps").glob("*.yaml")]
    for path in files:
        first = path.read_text().splitlines()[0]
        assert first.startswith("# yaml-language-server: $schema=")
        assert "title" in load_yaml(path.parent / first.split("=", 1)[1])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("sweeps: [bad.yaml]", "bad.yaml: models.0: 'vmemap' is none of"),
        ("sweeps: [nothing]", "config: sweeps.0: no sweep 'nothing'"),
        ("max_point: 3", "config: max_point: unknown key (did you mean 'max_points'?)"),
        ("sweeps: [machines]\nmax_points: 1", "more than max_points, 1"),
    ],
)
def test_snakemake_stops_before_any_job(tmp_path: Path, config: str, message: str) -> None:
    (tmp_path / "bad.yaml").write_text(GOOD.replace("[vmemmap]", "[vmemap]"))
    (tmp_path / "mine.yaml").write_text(config)
    run = subprocess.run(
        workflow(
            *("--cores", "1", "--directory", tmp_path, "--configfile", tmp_path / "mine.yaml")
        ),
        capture_output=True,
        text=True,
    )
    assert run.returncode != 0
    assert message in run.stderr
    assert "Traceback" not in run.stderr
    assert not (tmp_path / "results").exists()
