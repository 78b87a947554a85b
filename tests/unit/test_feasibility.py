"""Rules that forbid a layout or a section size, each at its edge: the last value that is allowed,
and the first that is not.
"""

from dataclasses import replace

import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.feasibility import (
    BEYOND,
    FEASIBLE,
    LEAF,
    LIMITED,
    NO_PAGE,
    OF_SECTIONS,
    beside_its_array,
    forbidden_sections,
    infeasible,
)
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.memmodel.section_tables import SUBSECTION_SIZE

from tests.tools.paths import ROOT

MIB, GIB = 1 << 20, 1 << 30
KERNEL = load_kernels(ROOT / "config/kernels.yaml")["arm64-5.10-4k"]
PAGE = KERNEL.page_size
WITH_SECTIONS = [name for name, model in MODELS.items() if model.has_sections]
WITHOUT_SECTIONS = [name for name, model in MODELS.items() if not model.has_sections]
MAX_ORDER, PAGEBLOCK, SUBSECTION, SPAN, FLAGS = OF_SECTIONS


def rule(start: int, end: int, kernel: Kernel, model: str) -> str:
    """The rule that forbids one region."""
    return str(infeasible(Regions.of([[(start, end)]]), kernel, model)[0])


@pytest.mark.parametrize("model", MODELS)
def test_ram_ends_within_the_physical_address_space(model: str) -> None:
    end = 1 << KERNEL.max_physmem_bits
    assert rule(end - GIB, end, KERNEL, model) == FEASIBLE
    assert rule(end - GIB, end + PAGE, KERNEL, model) == BEYOND


@pytest.mark.parametrize("model", MODELS)
def test_ram_ends_below_the_limit_of_the_kernel(model: str) -> None:
    kernel = replace(KERNEL, ram_limit=2 * GIB)
    assert rule(0, 2 * GIB, kernel, model) == FEASIBLE
    assert rule(0, 2 * GIB + PAGE, kernel, model) == LIMITED
    assert rule(0, 2 * GIB + PAGE, KERNEL, model) == FEASIBLE


@pytest.mark.parametrize("model", MODELS)
def test_there_is_a_whole_page(model: str) -> None:
    assert rule(0, PAGE, KERNEL, model) == FEASIBLE
    assert rule(1, PAGE, KERNEL, model) == NO_PAGE


@pytest.mark.parametrize("model", MODELS)
def test_a_large_leaf_asks_for_ram(model: str) -> None:
    kernel = replace(KERNEL, leaf_needs_ram=GIB)
    assert rule(0, GIB, kernel, model) == FEASIBLE
    own_leaf = model in ("vmemmap", "vmemmap-populated", "vmemmap-trimmed")
    assert rule(0, GIB - PAGE, kernel, model) == (LEAF if own_leaf else FEASIBLE)


@pytest.mark.parametrize("model", WITH_SECTIONS)
def test_a_section_holds_a_max_order_block(model: str) -> None:
    kernel = replace(KERNEL, max_order_pages=64 * MIB // PAGE, section_flags_bits=64)
    assert forbidden_sections(kernel.with_section(64 * MIB), model) == FEASIBLE
    assert forbidden_sections(kernel.with_section(32 * MIB), model) == MAX_ORDER


@pytest.mark.parametrize("model", WITH_SECTIONS)
def test_a_section_holds_a_pageblock(model: str) -> None:
    kernel = replace(KERNEL, pageblock_pages=64 * MIB // PAGE, section_flags_bits=64)
    assert forbidden_sections(kernel.with_section(64 * MIB), model) == FEASIBLE
    assert forbidden_sections(kernel.with_section(32 * MIB), model) == PAGEBLOCK


@pytest.mark.parametrize("model", WITH_SECTIONS)
def test_a_section_holds_a_subsection_where_there_are_any(model: str) -> None:
    small = replace(KERNEL, max_order_pages=1, pageblock_pages=1, section_flags_bits=64)
    kernel = replace(small, subsection_map=True)
    assert forbidden_sections(kernel.with_section(SUBSECTION_SIZE), model) == FEASIBLE
    assert forbidden_sections(kernel.with_section(SUBSECTION_SIZE // 2), model) == SUBSECTION
    without = replace(kernel, subsection_map=False).with_section(SUBSECTION_SIZE // 2)
    assert forbidden_sections(without, model) == FEASIBLE


@pytest.mark.parametrize("model", WITH_SECTIONS)
def test_the_physical_address_space_spans_a_section(model: str) -> None:
    kernel = replace(KERNEL, max_physmem_bits=36)
    assert forbidden_sections(kernel.with_section(1 << 36), model) == FEASIBLE
    assert forbidden_sections(kernel.with_section(1 << 37), model) == SPAN


@pytest.mark.parametrize("model", WITH_SECTIONS)
def test_the_number_of_a_classic_section_fits_into_page_flags(model: str) -> None:
    kernel = replace(KERNEL, max_physmem_bits=40, section_flags_bits=10)
    classic = MODELS[model].family == "sparsemem"
    assert forbidden_sections(kernel.with_section(1 << 30), model) == FEASIBLE
    assert forbidden_sections(kernel.with_section(1 << 29), model) == (
        FLAGS if classic else FEASIBLE
    )
    assert rule(0, GIB, kernel.with_section(1 << 29), model) == (FLAGS if classic else FEASIBLE)


@pytest.mark.parametrize("model", WITHOUT_SECTIONS)
def test_models_without_sections_have_no_rule_of_sections(model: str) -> None:
    assert forbidden_sections(KERNEL.with_section(PAGE), model) == FEASIBLE


@pytest.mark.parametrize("model", MODELS)
def test_flatmem_points_beside_its_array_where_ram_starts_within_an_alignment(model: str) -> None:
    assert KERNEL.memstart_align > KERNEL.max_order_size
    align, block = KERNEL.memstart_align, KERNEL.max_order_size
    starts = [align, align + block - PAGE, align + block]
    layouts = Regions.of([[(start, start + GIB)] for start in starts])
    flat = MODELS[model].family == "flatmem"
    assert beside_its_array(layouts, KERNEL, model).tolist() == [False, False, flat]
    unaligned = replace(KERNEL, memstart_align=0)
    assert beside_its_array(layouts, unaligned, model).tolist() == [False] * 3
