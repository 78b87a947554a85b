"""Answer for one memory map, in sections: the map, its cost, the comparison with its own log, and
better builds and maps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from typing import Any

from memmap_atlas.advice.build_options import Choice, best, choice_row, choices
from memmap_atlas.advice.map_changes import Search, change_row, sentence, smallest_changes
from memmap_atlas.answer.log_counts import Check, checks
from memmap_atlas.answer.machine import Machine
from memmap_atlas.documents.source_file import SourceFile
from memmap_atlas.memmodel.compare import Row
from memmap_atlas.memmodel.feasibility import beside_its_array
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, PROPOSALS
from memmap_atlas.memmodel.quantities import NAMED, parts_of
from memmap_atlas.memmodel.regions import Regions
from memmap_atlas.readers.memory_map import MemoryMap, memory_values
from memmap_atlas.text.labels import amount, cell_label, exact, listed, size_label
from memmap_atlas.text.tables import Section, Table
from memmap_atlas.text.units import size_text

MOST_LINES = 40
MOST_CHANGES = 12
PARTS = parts_of("wasted")
# beside the memmap
EXTRA = tuple(part for part in parts_of("total") if part.name != "memmap")
FORBIDDEN = "-"


@dataclass(frozen=True)
class Answer:
    """Answer for a machine.

    rows: cost of its map under every kernel and model, as :func:`compare` returns them
    checks: the counts of its own log beside the computed ones
    choices: other builds of its kernel, the present one first
    search: changes of its map that save memmap
    """

    machine: Machine
    rows: Sequence[Row]
    checks: Sequence[Check]
    choices: Sequence[Choice]
    search: Search


def answer_of(machine: Machine, rows: Sequence[Row]) -> Answer:
    """Return the answer for a machine from the ``rows`` of its map."""
    regions, kernel = machine.memory.regions, machine.kernels[machine.kernel]
    return Answer(
        machine,
        rows,
        checks(machine.memory, machine.kernel, machine.kernels),
        choices(regions, machine.kernels, machine.kernel),
        smallest_changes(regions, kernel, kernel.default_model),
    )


def answer_values(answer: Answer) -> dict[str, Any]:
    """Return an answer in native types, as JSON takes them."""
    machine = answer.machine
    memory = memory_values(machine.memory)
    return {
        "layout": machine.layout,
        "sources": [asdict(source) for source in machine.sources],
        **{key: memory[key] for key in ("regions", "nomap", "nodes", "hints")},
        "kernel": machine.kernel,
        "kernel_reason": machine.reason,
        "rows": list(answer.rows),
        "checks": [{**asdict(check), "agrees": check.agrees} for check in answer.checks],
        "choices": [choice_row(choice) for choice in answer.choices],
        "changes": [change_row(change) for change in answer.search.changes],
        "changes_complete_to_bytes": answer.search.complete_to,
    }


def sections(answer: Answer) -> list[Section]:
    """Return the whole answer as text and tables."""
    machine, built = answer.machine, answer.choices
    name, kernels = machine.kernel, machine.kernels
    kernel, ram = kernels[name], Regions.of([machine.memory.regions])
    return [
        of_map(machine.memory, machine.sources),
        of_kernel(answer.rows, name, kernel, machine.reason),
        of_counts(answer.checks, name),
        of_choices(built, [choice for choice in built if unsafe(ram, kernels, choice)]),
        of_changes(answer.search, name, kernel.default_model, built[0].reason),
        of_all(answer.rows, kernels),
    ]


def of_map(memory: MemoryMap, sources: Sequence[SourceFile]) -> Section:
    """Describe the file and the RAM that it has."""
    lines = [
        f"{source.file}: {source.kind}, SHA-256 {source.sha256}" if source.sha256 else source.file
        for source in sources
    ]
    notes = [f"Note: {source.file}: {note}." for source in sources for note in source.notes]
    ram = sum(end - start for start, end in memory.regions)
    heads = ("RAM", "size", "hole behind it")
    rows = []
    for (start, end), following in zip(memory.regions, [*memory.regions[1:], None], strict=True):
        gap = amount(following[0] - end) if following else ""
        rows.append((f"[{start:#x}, {end:#x})", amount(end - start), gap))
    parts: list[str | Table] = ["\n".join([*lines, *notes])]
    parts.append(Table(heads, rows[:MOST_LINES]))
    if len(rows) > MOST_LINES:
        parts.append(f"and {len(rows) - MOST_LINES} regions more")
    count = len(memory.regions)
    text = [f"{amount(ram)} of RAM in {count} region{'s' if count > 1 else ''}."]
    if memory.nomap:
        size = amount(sum(end - start for start, end in memory.nomap))
        text.append(f"Of it {size} are not mapped (no-map); they keep their struct pages.")
    if len(memory.nodes) > 1:
        spans = ", ".join(f"{node} [{start:#x}, {end:#x})" for node, start, end in memory.nodes)
        text.append(f"Nodes: {spans}.")
        if any(high > low for (_, _, high), (_, low, _) in pairwise(by_start(memory.nodes))):
            text.append("Nodes interleave.")
    return Section("Memory map", [*parts, "\n".join(text)])


def by_start(nodes: Sequence[tuple[int, int, int]]) -> list[tuple[int, int, int]]:
    """Sort nodes by their addresses."""
    return sorted(nodes, key=lambda node: node[1])


def of_kernel(rows: Sequence[Row], name: str, kernel: Kernel, reason: str) -> Section:
    """Tabulate what each model takes on the machine's kernel; its default model is marked."""
    mine = [row for row in rows if row["kernel"] == name]
    page, section = size_label(kernel.page_size), size_label(kernel.section_size)
    needed = next((row["needed_bytes"] for row in mine if row["feasible"]), None)
    need = f"; needed for RAM alone: {amount(needed)}" if needed is not None else ""
    text = (
        f"{name}: {reason}.\nPages of {page}, sections of {section}, struct page of "
        f"{kernel.struct_page_size} bytes{need}."
    )
    table = model_table(mine, {name: kernel})
    return Section(f"What it takes under {name}, in bytes", [text, table])


def model_table(
    rows: Sequence[Row], kernels: Mapping[str, Kernel], *, several: bool = False
) -> Table:
    """Tabulate the memmap of each row and its parts in bytes; with ``several`` kernels the rows
    name theirs, its section size and what is needed for RAM alone.
    """
    shown = (NAMED["memmap"], NAMED["wasted"], *PARTS)
    if several:
        shown = (NAMED["needed"], *shown)
    heads = ["model", "", *(quantity.label for quantity in shown), "sections, tables", "% of RAM"]
    table = []
    for row in rows:
        kernel = kernels[row["kernel"]]
        cells = [row["model"], mark_of(row, kernel)]
        if row["feasible"]:
            extra = sum(row[part.column] for part in EXTRA)
            sizes = [*(row[quantity.column] for quantity in shown), extra]
            share = 100 * (row["memmap_bytes"] + extra) / row["ram_bytes"]
            cells += [*(f"{size:,}" for size in sizes), f"{share:.2f}"]
        else:
            cells += [FORBIDDEN] * (len(heads) - len(cells))
        if several:
            cells = [row["kernel"], size_text(row["section_bytes"]), *cells]
        table.append(cells)
    if several:
        heads = ["kernel", "section", *heads]
    return Table(heads, table, names=4 if several else 2)


def mark_of(row: Row, kernel: Kernel) -> str:
    """Return the rule that forbids a row, or how the kernel comes by the model."""
    if not row["feasible"]:
        return str(row["reason"])
    if row["model"] == kernel.default_model:
        return "default"
    if row["selectable"]:
        return "can be built"
    return "proposal" if MODELS[row["model"]].proposal else "not selectable"


def of_all(rows: Sequence[Row], kernels: Mapping[str, Kernel]) -> Section:
    """Tabulate the waste of every kernel under every model, each with its own section size."""
    models = list(dict.fromkeys(row["model"] for row in rows))
    wasted = {(row["kernel"], row["model"]): row["wasted_bytes"] for row in rows}
    needed = {row["kernel"]: row["needed_bytes"] for row in rows if row["feasible"]}
    table = []
    for name, kernel in kernels.items():
        cells = [
            (FORBIDDEN if value is None else cell_label(value))
            + ("*" if model == kernel.default_model else "")
            for model in models
            for value in [wasted[name, model]]
        ]
        need = cell_label(needed[name]) if name in needed else FORBIDDEN
        sizes = (cell_label(kernel.page_size), cell_label(kernel.section_size))
        table.append((name, *sizes, need, *cells))
    text = (
        "Wasted memmap (K, M, G: KiB, MiB, GiB; the CSV and JSON have bytes): what stays allocated "
        "and is no struct page of RAM. * is the kernel's default model, "
        f"{FORBIDDEN} what a rule of the kernel forbids. {listed(list(PROPOSALS))} are proposals, "
        "never merged."
    )
    heads = ("kernel", "page", "section", "needed", *models)
    return Section("Every kernel and model", [text, Table(heads, table)])


def of_choices(choices: Sequence[Choice], unsafe: Sequence[Choice]) -> Section:
    """Tabulate what the kernel could be built with instead, the best first in words.

    ``unsafe``: choices that are never recommended
    """
    present = choices[0]
    usable = [choice for choice in choices if choice == present or choice not in unsafe]
    same = [choice for choice in usable if choice.kernel == present.kernel]
    lines = []
    for words, among, edit in (
        ("by its configuration", same, False),
        ("with an edit of SECTION_SIZE_BITS", same, True),
        ("with any page size", usable, True),
    ):
        chosen = best(among, edit=edit)
        if chosen is None:
            lines.append(f"Best {words}: nothing, every choice is forbidden.")
        elif chosen == present:
            lines.append(f"Best {words}: as it is, no other choice takes less.")
        elif present.total is None:
            lines.append(f"Best {words}: {build(chosen)}.")
        else:
            saved = exact(-(chosen.difference or 0))
            lines.append(f"Best {words}: {build(chosen)}; it takes {saved} less.")
    if unsafe:
        lines.append(
            "Left out of the best is FLATMEM: with this start of RAM arm64 writes past its array."
        )
    parts: list[str | Table] = ["\n".join(lines)]
    parts.append(
        "All that stays allocated for struct pages, sections and tables. What larger pages cost "
        "elsewhere is not in it, nor that larger sections make memory blocks larger, in which "
        "memory is added and removed."
    )
    classic = [choice for choice in usable if MODELS[choice.model].family == "sparsemem"]
    if MODELS[present.model].leaf == "kernel" and any(
        choice.total is not None for choice in classic
    ):
        # include/linux/page-flags-layout.h: LAST_CPUPID_NOT_IN_PAGE_FLAGS
        parts.append(
            "Classic SPARSEMEM keeps the section's number in page->flags. With NUMA_BALANCING its "
            "LAST_CPUPID may find no room there, and a struct page of 64 bytes become one of 80: a "
            "quarter more, which is not in it either."
        )
    rows = [
        (
            choice.kernel,
            choice.model,
            "as it is" if choice == present else choice.needs,
            cell_label(choice.section_size),
            f"{choice.total:,}",
            f"{choice.wasted:,}",
            "" if choice.difference is None else f"{choice.difference:+,}",
        )
        for choice in choices
        if choice.total is not None
    ]
    heads = ("kernel", "model", "needs", "section", "takes", "wasted", "more than now")
    if rows:
        parts.append(Table(heads, rows, names=3))
    rules: dict[str, list[str]] = {}
    for choice in choices:
        if choice.reason:
            sizes = rules.setdefault(f"{choice.kernel}, {choice.model}: {choice.reason}", [])
            sizes.append(cell_label(choice.section_size))
    if rules:
        parts.append(
            "Forbidden:\n" + "\n".join(f"{rule} ({', '.join(rules[rule])})" for rule in rules)
        )
    return Section("What another build of this kernel would take, in bytes", parts)


def unsafe(ram: Regions, kernels: Mapping[str, Kernel], choice: Choice) -> bool:
    """Return True where the kernel of a choice writes beside its array."""
    return bool(beside_its_array(ram, kernels[choice.kernel], choice.model)[0])


def build(choice: Choice) -> str:
    """Name a choice in words."""
    section = size_label(choice.section_size)
    return f"{choice.kernel} with {choice.model} and sections of {section}"


def of_changes(search: Search, name: str, model: str, forbidden: str) -> Section:
    """List the changes of the map that save memory."""
    title = "The smallest change of the map"
    if forbidden:
        return Section(title, [f"{name} can't have this map: {forbidden}."])
    about = f"One change at a time, under {name} with {model}"
    if not search.changes:
        return Section(title, [f"{about}: no change of the map saves anything."])
    lines = [f"{sentence(change)[0].upper()}{sentence(change)[1:]}." for change in search.changes]
    parts: list[str | Table] = ["\n".join(lines[:MOST_CHANGES])]
    if len(lines) > MOST_CHANGES:
        parts.append(f"and {len(lines) - MOST_CHANGES} smaller ones, in the CSV and JSON")
    heads = ("change", "moves by", "RAM that moves", "RAM given up", "saves", "in all")
    rows = [
        (
            f"{change.kind} {change.old[0]:#x}",
            *(f"{size:,}" for size in (change.distance, change.moved, change.given_up)),
            *(f"{size:,}" for size in (change.saved, change.net)),
        )
        for change in search.changes[:MOST_CHANGES]
    ]
    text = (
        f"{about}; what moves keeps its size. Less far, or for less RAM, no change saves as much."
    )
    if search.complete_to is not None:
        text += f" All changes below {exact(search.complete_to)} were tried, of larger ones some."
    return Section(title, [text, *parts, Table(heads, rows)])


def of_counts(compared: Sequence[Check], name: str) -> Section:
    """Tabulate the log's own counts beside what is computed."""
    rows = [
        (
            check.quantity,
            check.verdict,
            *("-" if count is None else f"{count:,}" for count in (check.observed, check.computed)),
        )
        for check in compared
    ]
    heads = ("count", "verdict", "in the file", "computed")
    text = f"What the file's own kernel counted, beside what is computed for {name}."
    if not rows:
        return Section("Check", [f"Nothing can be checked: this map can't be of {name}."])
    return Section("Check", [text, Table(heads, rows, names=2)])
