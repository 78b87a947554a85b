"""The registry of memory models, and the picture in the docstring of each rule."""

import re

import numpy as np
import pytest
from memmap_atlas.catalog.kernels import load_kernels
from memmap_atlas.memmodel.backing import PARTS, strip
from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.models import MODELS, PROPOSALS, Model
from memmap_atlas.memmodel.quantities import QUANTITIES, parts_of, smallest_parts
from memmap_atlas.memmodel.regions import Regions

from tests.tools.paths import ROOT

GIB = 1 << 30
LETTER = GIB // 4
THREAD_3G = [(0, 3 * GIB // 2), (2 * GIB, 7 * GIB // 2)]
# sections of 1 GiB, and a free_unused_memmap()
KERNEL = load_kernels(ROOT / "config/kernels.yaml")["arm64-4.6-4k"]


def drawn(model: Model) -> dict[str, str]:
    """The lines of a rule's picture, by name."""
    return dict(re.findall(r"^ +(RAM|memmap) +([#.-]{16})$", model.build.__doc__ or "", re.M))


def letter_of(parts: dict[str, int]) -> str:
    """Letter of a picture, from the bytes of RAM that each part describes."""
    part = max(parts, key=parts.__getitem__, default="")
    return {"": ".", "needed": "#"}.get(part, "-") if parts.get(part, 0) > LETTER // 2 else "."


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_the_picture_of_a_rule_is_what_it_keeps(model: Model) -> None:
    found = strip(Regions.of([THREAD_3G]), KERNEL, model.name)
    letters: list[dict[str, int]] = [{} for _ in range(16)]
    for start, end, part in zip(
        found.edges[:-1, 0], found.edges[1:, 0], found.part[:, 0], strict=True
    ):
        if part >= 0:
            for number, letter in enumerate(letters):
                low, high = max(start, number * LETTER), min(end, (number + 1) * LETTER)
                if high > low:
                    letter[PARTS[part]] = letter.get(PARTS[part], 0) + int(high - low)
    assert drawn(model) == {
        "RAM": "######..######..",
        "memmap": "".join(map(letter_of, letters)),
    }


def test_names_are_keys_and_proposals_are_marked() -> None:
    assert all(name == model.name for name, model in MODELS.items())
    assert {"vmemmap-populated", "vmemmap-trimmed"} <= set(PROPOSALS)
    assert all(model.description.endswith(".") for model in MODELS.values())


def test_no_kernel_can_be_built_with_a_proposal() -> None:
    kernels = load_kernels(ROOT / "config/kernels.yaml").values()
    assert not {model for kernel in kernels for model in kernel.models} & set(PROPOSALS)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_leaves_and_sections_go_with_the_family(model: Model) -> None:
    memmap = model.build(Regions.of([THREAD_3G]), KERNEL)
    assert model.has_sections == (memmap.sections is not None)
    assert (model.leaf_size(KERNEL) or 0) == memmap.leaf
    assert model.frees or model.proposal or not np.any(memmap.given_back)


@pytest.mark.parametrize("model", MODELS)
def test_a_sum_is_the_sum_of_its_parts(model: str) -> None:
    result = cost(Regions.of([THREAD_3G]), KERNEL, model)
    for name in ("memmap", "wasted"):
        for parts in (parts_of(name), smallest_parts(name)):
            assert sum(getattr(result, part.name)[0] for part in parts) == getattr(result, name)[0]


def test_sums_are_taken_apart_to_their_smallest_parts() -> None:
    names = {quantity.name for quantity in QUANTITIES}
    assert {quantity.part_of for quantity in QUANTITIES} <= {"", "total", *names}
    assert [part.name for part in smallest_parts("memmap")] == [
        "needed",
        "hole",
        "edge",
        "rounding",
    ]
    taken_apart = {quantity.part_of for quantity in QUANTITIES}
    assert not {part.name for part in smallest_parts()} & taken_apart
