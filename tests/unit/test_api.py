"""The public interface against the arithmetic that it calls, and its errors."""

import re
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import memmap_atlas
import numpy as np
import pandas as pd
import pytest
from memmap_atlas.memmodel.cost import cost as cost_of
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import QUANTITIES
from memmap_atlas.memmodel.regions import Regions

from tests.tools.paths import GOLDEN

THREAD = [(0, 0xE0000000), (0x100000000, 0x120000000)]
KERNEL = "arm64-5.10-4k"


def test_the_example_of_the_thread() -> None:
    cost = memmap_atlas.cost(THREAD, kernel=KERNEL, model="vmemmap")
    assert cost.memmap == 83_886_080
    assert cost.needed == 67_108_864
    assert cost.wasted == cost.hole + cost.edge + cost.rounding == 16_777_216
    assert type(cost.memmap) is int


def test_every_public_name_is_there() -> None:
    for name in memmap_atlas.__all__:
        assert getattr(memmap_atlas, name).__doc__, name
        assert name in dir(memmap_atlas)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        memmap_atlas.nothing  # noqa: B018


def test_costs_of_every_machine_kernel_and_model() -> None:
    layouts = list(memmap_atlas.machines().values())
    ram = Regions.of(layouts)
    fitting = 0
    for name, kernel in memmap_atlas.kernels().items():
        for model in memmap_atlas.models():
            feasible = np.flatnonzero(infeasible(ram, kernel, model) == FEASIBLE)
            if not len(feasible):
                continue
            fitting += 1
            expected = cost_of(ram, kernel, model)
            found = memmap_atlas.costs([layouts[at] for at in feasible], name, model)
            for quantity in QUANTITIES:
                values = getattr(found, quantity.name)
                assert (values.shape, values.dtype) == ((len(feasible),), np.dtype("int64"))
                assert (values == getattr(expected, quantity.name)[feasible]).all()
            one = memmap_atlas.cost(layouts[feasible[0]], kernel, model)
            for field in fields(one):
                assert getattr(one, field.name) == getattr(found, field.name)[0]
    assert fitting > 400


def test_the_total_is_the_sum_of_its_parts() -> None:
    cost = memmap_atlas.cost(THREAD, KERNEL)
    assert cost.total == cost.memmap + cost.section_table + cost.usage + cost.page_table
    assert cost.total > cost.memmap


def test_forms_of_the_regions() -> None:
    expected = memmap_atlas.cost(THREAD, KERNEL)
    array = np.array([THREAD, THREAD])
    assert memmap_atlas.cost(THREAD[::-1], KERNEL) == expected
    assert memmap_atlas.cost(array[0], KERNEL) == expected
    assert memmap_atlas.costs(array, KERNEL).memmap.tolist() == [expected.memmap] * 2  # type: ignore[arg-type]
    assert memmap_atlas.costs([], KERNEL).memmap.shape == (0,)


def test_the_default_model_and_a_section_size() -> None:
    kernel = memmap_atlas.kernels()[KERNEL]
    assert kernel.default_model == "vmemmap"
    size = 128 << 20
    small = memmap_atlas.cost(THREAD, KERNEL, section_size=size)
    assert small == memmap_atlas.cost(THREAD, replace(kernel, section_size=size), "vmemmap")
    assert small.wasted == 0
    # another call has the kernel as it ships
    assert memmap_atlas.cost(THREAD, KERNEL).wasted == 16_777_216


def test_a_comparison_has_the_columns_of_the_table() -> None:
    rows = pd.DataFrame(memmap_atlas.compare(THREAD))
    assert list(rows["kernel"]) == list(memmap_atlas.kernels())
    assert list(rows.columns)[-len(QUANTITIES) :] == [quantity.column for quantity in QUANTITIES]
    rule = rows[rows["kernel"] == "debian-6.1-4kc-malta"].iloc[0]
    assert not rule["feasible"]
    assert rule["reason"] == "RAM beyond what the kernel can use"
    assert pd.isna(rule["memmap_bytes"])
    (row,) = memmap_atlas.compare(THREAD, [KERNEL], ["vmemmap"], section_size=512 << 20)
    assert (row["section_bytes"], row["wasted_bytes"]) == (512 << 20, 0)
    own = {"mine": replace(memmap_atlas.kernels()[KERNEL], struct_page_size=80)}
    assert {row["kernel"] for row in memmap_atlas.compare(THREAD, own, list(MODELS))} == {"mine"}


def test_what_ships_is_read_only() -> None:
    for shipped in (
        memmap_atlas.kernels(),
        memmap_atlas.models(),
        memmap_atlas.machines(),
        memmap_atlas.boards(),
        memmap_atlas.sources(KERNEL),
        memmap_atlas.constants(KERNEL),
    ):
        with pytest.raises(TypeError):
            shipped["x"] = 1  # type: ignore[index]
    # not read again for each call
    assert memmap_atlas.kernels() is memmap_atlas.kernels()


def test_constants_of_kernels() -> None:
    found = memmap_atlas.constants(KERNEL)
    # arch/arm64/include/asm/sparsemem.h and include/linux/mmzone.h of 5.10
    assert found["SECTION_SIZE_BITS"] == 30
    assert found["MAX_PHYSMEM_BITS"] == 48
    assert found["SECTIONS_PER_ROOT"] == 256
    assert found["PAGES_PER_SECTION"] == 1 << 18
    assert found["SUBSECTION_SHIFT"] == 21
    assert found["sizeof(struct page)"] == 64
    assert "SUBSECTION_SHIFT" not in memmap_atlas.constants("arm64-4.6-4k")
    assert "SECTION_SIZE_BITS" not in memmap_atlas.constants("m68k-5.10")
    for kernel in memmap_atlas.kernels().values():
        assert all(type(value) is int for value in memmap_atlas.constants(kernel).values())


def test_sources_are_those_of_the_entry_that_gives_the_value() -> None:
    base, derived = memmap_atlas.sources("arm64-4.6-4k"), memmap_atlas.sources("arm64-4.6-16k")
    assert derived["max_physmem_bits"] == base["max_physmem_bits"]
    assert derived["page_size"] != base["page_size"]
    for name, kernel in memmap_atlas.kernels().items():
        sources = memmap_atlas.sources(name)
        assert sources.keys() <= {field.name for field in fields(kernel)}, name
        assert {"section_size", "struct_page_size", "models"} <= sources.keys(), name


def test_files(tmp_path: Path) -> None:
    memory = memmap_atlas.read_map(GOLDEN / "maps/booted-arm64.log")
    assert memory.regions == memmap_atlas.read_map(str(GOLDEN / "maps/booted-arm64.log")).regions
    assert memory.hints.arch == "arm64"
    assert memmap_atlas.cost(memory.regions, "arm64-6.12-4k").memmap > 0
    config = tmp_path / "config"
    config.write_text(
        "# Linux/arm64 6.12.0 Kernel Configuration\n"
        "CONFIG_ARM64=y\nCONFIG_64BIT=y\nCONFIG_PAGE_SHIFT=14\nCONFIG_ARM64_16K_PAGES=y\n"
        "CONFIG_ARCH_FORCE_MAX_ORDER=11\nCONFIG_ARM64_PA_BITS=48\nCONFIG_ARM64_VA_BITS=48\n"
        "CONFIG_PGTABLE_LEVELS=4\nCONFIG_SPARSEMEM=y\nCONFIG_SPARSEMEM_EXTREME=y\n"
        "CONFIG_SPARSEMEM_VMEMMAP=y\nCONFIG_MEMCG=y\nCONFIG_HUGETLB_PAGE=y\n"
        "CONFIG_HUGETLBFS=y\nCONFIG_MMU=y\n"
    )
    file = memmap_atlas.read_kernel(config)
    assert (file.kernel.page_size, file.kernel.release) == (16384, "6.12.0")
    assert memmap_atlas.cost(THREAD, file.kernel).needed == 16_777_216
    with pytest.raises(memmap_atlas.InputError, match=r"read it with read_kernel\(\)"):
        memmap_atlas.read_map(config)
    with pytest.raises(memmap_atlas.InputError, match=r"read it with read_map\(\)"):
        memmap_atlas.read_kernel(GOLDEN / "maps/booted-arm64.log")
    with pytest.raises(memmap_atlas.InputError, match="nowhere: can't be read"):
        memmap_atlas.read_map(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("regions", "words", "message"),
    [
        ([(5, 3)], {}, "regions: the region [0x5, 0x3) is empty: its end must lie above its start"),
        ([(4096, 4096)], {}, "is empty"),
        ([(0, 8192), (4096, 16384)], {}, "[0x0, 0x2000) and [0x1000, 0x4000) overlap"),
        ([(-4096, 4096)], {}, "the region [-0x1000, 0x1000) starts below 0"),
        ([(0, 1 << 58)], {}, "ends above 0x200000000000000, beyond what any machine addresses"),
        ([(0, 1 << 99)], {}, "beyond what any machine addresses"),
        (
            [(0, 1 << 49)],
            {},
            "arm64-5.10-4k (vmemmap) forbids this map: RAM beyond MAX_PHYSMEM_BITS: RAM ends at "
            "0x2000000000000, the kernel uses addresses below 0x1000000000000",
        ),
        ([(1, 4097)], {}, "no whole page of RAM"),
        ([], {}, "regions: no region: expected (start, end) in bytes"),
        (3, {}, "regions: invalid regions 3: expected (start, end)"),
        ([(0,)], {}, "regions[0]: invalid region (0,): expected (start, end) in bytes"),
        ([(0, 1), (0, 1.5)], {}, "regions[1]: invalid region (0, 1.5)"),
        (["0-4096"], {}, "regions[0]: invalid region '0-4096'"),
        ([(0, 1, 2)], {}, "regions[0]: invalid region (0, 1, 2)"),
        ([None], {}, "regions[0]: invalid region None"),
        (
            THREAD,
            {"kernel": "arm64-5.10-4"},
            "kernel: unknown kernel 'arm64-5.10-4' (did you mean 'arm64-5.10-4k'?)",
        ),
        (THREAD, {"model": "vmemap"}, "model: unknown model 'vmemap' (did you mean 'vmemmap'?)"),
        (THREAD, {"section_size": 3 << 20}, "section_size: invalid section size 3MiB"),
        (THREAD, {"section_size": 1 << 20}, "section smaller than a MAX_ORDER block"),
        (THREAD, {"section_size": 0}, "section_size: invalid section size 0B"),
    ],
)
def test_mistakes_of_a_call(regions: Any, words: dict[str, Any], message: str) -> None:
    with pytest.raises(memmap_atlas.InputError, match=re.escape(message)) as caught:
        memmap_atlas.cost(regions, **{"kernel": KERNEL, **words})
    assert isinstance(caught.value, ValueError)
    assert "\n" not in str(caught.value)


def test_all_mistakes_of_many_layouts_at_once() -> None:
    layouts = [THREAD, [(5, 3)], [(0, 8192), (4096, 16384), (9, 7)]]
    with pytest.raises(memmap_atlas.InputError) as caught:
        memmap_atlas.costs(layouts, KERNEL)
    lines = str(caught.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["layouts[1]", "layouts[2]", "layouts[2]"]
    with pytest.raises(memmap_atlas.InputError, match=r"^layouts\[1\]: .*MAX_PHYSMEM_BITS"):
        memmap_atlas.costs([THREAD, [(0, 1 << 49)]], KERNEL)


@pytest.mark.parametrize(
    ("kernels", "models", "message"),
    [
        (["arm64-5.10-4"], None, "kernels: unknown kernel 'arm64-5.10-4' (did you mean"),
        (None, ["flat"], "models: unknown model 'flat'"),
        ("arm64-5.10-4k", None, "kernels: invalid names 'arm64-5.10-4k': expected a list"),
        (None, "vmemmap", "models: invalid names 'vmemmap': expected a list"),
    ],
)
def test_mistakes_of_a_comparison(kernels: Any, models: Any, message: str) -> None:
    with pytest.raises(memmap_atlas.InputError, match=re.escape(message)):
        memmap_atlas.compare(THREAD, kernels, models)
