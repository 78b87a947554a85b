"""The rules as machine code against the rules on arrays: the same bytes everywhere."""

from functools import partial

import numpy as np
import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.jit.codegen import LANES, compile_rule
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import Ints, Regions, align_down, align_up
from memmap_atlas.sweep import evaluate
from memmap_atlas.sweep.evaluate import FEW_REGIONS, point

from tests.tools.paths import ROOT

KERNELS = load_kernels(ROOT / "config/kernels.yaml")
SECTIONS = (None, 1 << 20, 16 << 20, 1 << 27, 1 << 30, 1 << 34)
LAYOUTS = 200


def random_layouts(seed: int, regions: int = FEW_REGIONS) -> Regions:
    """Ragged maps of every size: edges on bytes, pages or sections; some touch, some are empty."""
    random = np.random.default_rng(seed)
    reach = 1 << random.integers(8, 54, LAYOUTS)
    unit = 1 << random.choice([0, 0, 12, 16, 21, 27, 30], LAYOUTS)
    edges = np.sort(random.integers(0, reach, (2 * regions, LAYOUTS)), axis=0) // unit * unit
    start, end = edges[::2].copy(), edges[1::2].copy()
    start[1:] = np.where(random.random(LAYOUTS) < 0.1, end[:-1], start[1:])
    return Regions(start, end)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize("name", KERNELS)
def test_machine_code_is_the_rule(name: str, model: str) -> None:
    layouts = random_layouts(list(KERNELS).index(name))
    for section in SECTIONS:
        kernel = KERNELS[name].with_section(section or KERNELS[name].section_size)
        rule = partial(point, kernel=kernel, model=model)
        out = np.full((len(QUANTITIES) + 1, LAYOUTS), -1, dtype=np.int64)
        compile_rule(rule, FEW_REGIONS)(layouts, out)
        for column, expected in zip(out, rule(layouts), strict=True):
            assert column.tolist() == expected.tolist()


@pytest.mark.parametrize("regions", [1, 3, 5])
def test_other_numbers_of_regions(regions: int) -> None:
    layouts = random_layouts(regions, regions)
    for model in MODELS:
        rule = partial(point, kernel=KERNELS["arm64-5.10-4k"], model=model)
        out = np.empty((len(QUANTITIES) + 1, LAYOUTS), dtype=np.int64)
        compile_rule(rule, regions)(layouts, out)
        assert out.tolist() == [column.tolist() for column in rule(layouts)]


@pytest.mark.parametrize("count", [0, 1, LANES - 1, LANES, LANES + 1, 2 * LANES + 3])
def test_any_number_of_layouts_into_part_of_an_array(count: int) -> None:
    layouts = random_layouts(5).columns(slice(3, 3 + count))
    rule = partial(point, kernel=KERNELS["arm64-6.12-4k"], model="vmemmap")
    whole = np.full((len(QUANTITIES) + 1, 3, count + 2), -1, dtype=np.int64)
    compile_rule(rule, FEW_REGIONS)(layouts, whole[:, 1, 1 : count + 1])
    assert whole[:, 1, 1 : count + 1].tolist() == [column.tolist() for column in rule(layouts)]
    whole[:, 1, 1 : count + 1] = -1
    assert (whole == -1).all()


def test_division_rounds_down_and_powers_are_shifts() -> None:
    def rule(layouts: Regions) -> list[Ints]:
        start, end = layouts.start[0], layouts.end[0]
        low = start - end
        return [
            low // 3,
            low // 8,
            -(-start // 24),
            align_down(low, 4096),
            align_up(end, 24),
            low * 24,
            8 * low,
            start + start,
            start - start,
            np.maximum(low, low),
            start + 0,
            start * 1,
        ]

    layouts = random_layouts(7, 1)
    expected = [column.tolist() for column in rule(layouts)]
    out = np.empty((len(expected), LAYOUTS), dtype=np.int64)
    compile_rule(rule, 1)(layouts, out)
    assert out.tolist() == expected


def test_what_cannot_be_written_down_is_no_rule() -> None:
    for rule in (
        lambda layouts: [np.sort(layouts.start, axis=0)[0]],
        lambda layouts: [np.bitwise_xor(layouts.start[0], 1)],
        lambda layouts: [np.add.reduce(layouts.start)],
        lambda layouts: [layouts.start[0] if layouts.start[0] > 3 else layouts.end[0]],
        lambda layouts: [layouts.start[0] * 0.5],
        lambda layouts: [layouts.start[0] + np.arange(1)],
    ):
        with pytest.raises(TypeError):
            compile_rule(rule, 2)


def test_large_sweeps_are_compiled_and_small_ones_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways fill the same points."""
    layouts = random_layouts(11)
    kernel = KERNELS["arm64-5.10-4k"]
    one, other = (np.empty((len(QUANTITIES) + 1, LAYOUTS), dtype=np.int64) for _ in range(2))
    evaluate.fill_compiled(layouts, kernel, "vmemmap", one)
    monkeypatch.setattr(evaluate, "BLOCK", 7)
    evaluate.fill_from_arrays(layouts, kernel, "vmemmap", other)
    assert one.tolist() == other.tolist()
    tall = random_layouts(12, FEW_REGIONS + 1)
    evaluate.fill_compiled(tall, kernel, "vmemmap", one)
    assert one.tolist() == [column.tolist() for column in point(tall, kernel, "vmemmap")]
