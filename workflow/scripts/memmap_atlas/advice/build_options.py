"""Other builds of a kernel for a map: section sizes, granules and models, and what each costs."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, get_args

from memmap_atlas.memmodel.cost import cost
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.quantities import parts_of
from memmap_atlas.memmodel.regions import LayoutLike, Regions

Needs = Literal[
    "nothing",
    "configuration",
    "edit of SECTION_SIZE_BITS",
    "configuration and edit of SECTION_SIZE_BITS",
]


# in the order of what is least to do
NEEDS: tuple[Needs, ...] = get_args(Needs)


# quantities of a choice: the parts of its total, and the waste among them
TOTAL = tuple(quantity.name for quantity in parts_of("total"))
REPORTED = (*TOTAL, "wasted")
# what the sections of all architectures lie between
SECTION_SIZES = tuple(1 << bits for bits in range(20, 33))


@dataclass(frozen=True)
class Choice:
    """One way to build a kernel, and what a layout then costs; sizes and bytes as ints.

    kernel: its name, that of a sibling with another page size where the granule changes
    needs: what has to be done for it, "nothing" for the present way
    reason: the rule that forbids it, or ""; nothing else is known then
    costs: bytes that stay allocated after boot, by the name of each quantity in REPORTED
    difference: ``total`` less that of the present way; None where one of them is forbidden
    """

    kernel: str
    page_size: int
    section_size: int
    model: str
    needs: Needs
    reason: str
    costs: Mapping[str, int] | None = None
    difference: int | None = None

    @property
    def total(self) -> int | None:
        """Bytes that stay allocated for the memmap and beside it; None where it is forbidden."""
        return None if self.costs is None else sum(self.costs[part] for part in TOTAL)

    @property
    def wasted(self) -> int | None:
        """Bytes of the memmap that are no struct page of RAM; None where it is forbidden."""
        return None if self.costs is None else self.costs["wasted"]


def choices(
    ram: LayoutLike, kernels: Mapping[str, Kernel], name: str, model: str | None = None
) -> list[Choice]:
    """Every way in which the kernel ``name`` could be built, the present one first: its models and
    those of its :func:`siblings`, each with every section size from 1 MiB to 4 GiB.

    ``model`` is what it is built with now, its default if not given. SECTION_SIZE_BITS is a
    constant of the source (arch/*/include/asm/sparsemem.h), so another section size is an edit;
    page size and model are configuration. Raises KeyError for an unknown kernel or model.
    """
    kernel = kernels[name]
    model = model or kernel.default_model
    if model not in MODELS:
        raise KeyError(model)
    present = evaluated(ram, name, kernel, model, "nothing")
    options = [present]
    for other in (name, *siblings(kernels, name)):
        base = kernels[other]
        for built in base.models:
            sizes = [base.section_size]
            if MODELS[built].has_sections:
                sizes = sorted({*SECTION_SIZES, base.section_size})
            for size in sizes:
                configured = other != name or built != model
                edited = size != base.section_size
                if configured or edited:
                    needs = NEEDS[configured + 2 * edited]
                    options.append(evaluated(ram, other, base.with_section(size), built, needs))
    return [
        replace(choice, difference=choice.total - present.total)
        if choice.total is not None and present.total is not None
        else choice
        for choice in options
    ]


def siblings(kernels: Mapping[str, Kernel], name: str) -> list[str]:
    """The kernels that ``name`` could be configured to be: the same architecture and release with
    another page size.

    Upstream kernels stand beside upstream ones, and a kernel of Debian beside that of the same
    flavour. One of the same page size is another machine, or another flavour, and no choice.
    """
    kernel = kernels[name]
    return [
        other
        for other, sibling in kernels.items()
        if (sibling.arch, sibling.release) == (kernel.arch, kernel.release)
        and sibling.page_size != kernel.page_size
        and flavour(other) == flavour(name)
    ]


def flavour(name: str) -> str:
    """The name of a kernel of Debian without its page size; "" for all others."""
    return re.sub(r"-\d+k$", "", name) if name.startswith("debian-") else ""


def evaluated(ram: LayoutLike, name: str, kernel: Kernel, model: str, needs: Needs) -> Choice:
    """A layout under one kernel and model, as a choice."""
    regions = Regions.of([ram])
    reason = str(infeasible(regions, kernel, model)[0])
    choice = Choice(name, kernel.page_size, kernel.section_size, model, needs, reason)
    if reason != FEASIBLE:
        return choice
    result = cost(regions, kernel, model)
    return replace(choice, costs={name: int(getattr(result, name)[0]) for name in REPORTED})


def best(options: Sequence[Choice], *, edit: bool) -> Choice | None:
    """The choice of :func:`choices` with the least bytes, with or without an edit of the source;
    None where every one is forbidden.

    Of several that cost the same it is the one nearest to the present way, ``options[0]``:
    so where nothing is cheaper, the answer is to change nothing.
    """
    present = options[0]

    def distance(choice: Choice) -> tuple[int, ...]:
        changed = (choice.kernel != present.kernel, choice.model != present.model)
        section = abs(choice.section_size.bit_length() - present.section_size.bit_length())
        page = abs(choice.page_size.bit_length() - present.page_size.bit_length())
        return (NEEDS.index(choice.needs), sum(changed), section, page)

    allowed = [
        (choice.total, distance(choice), choice)
        for choice in options
        if choice.total is not None and (edit or "edit" not in choice.needs)
    ]
    return min(allowed, key=lambda ranked: ranked[:2])[2] if allowed else None


def choice_row(choice: Choice) -> dict[str, Any]:
    """A choice as a row of a table, in native types; bytes are None where it is forbidden, the
    reason where it is not.
    """
    costs = choice.costs or dict.fromkeys(REPORTED)
    return {
        "total_bytes": choice.total,
        "kernel": choice.kernel,
        "page_bytes": choice.page_size,
        "section_bytes": choice.section_size,
        "model": choice.model,
        "needs": choice.needs,
        "reason": choice.reason or None,
        **{f"{name}_bytes": costs[name] for name in REPORTED},
        "difference_bytes": choice.difference,
    }
