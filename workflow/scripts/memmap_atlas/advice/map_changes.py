"""The smallest change of a map that saves memmap.

Every number is an evaluation of the models, never an estimate.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from memmap_atlas.advice.search import MOVES, TRIMS, Candidates, Kind, SearchSpace, moves, trims
from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS
from memmap_atlas.memmodel.regions import Ints, LayoutLike, Regions, merged
from memmap_atlas.text.labels import exact, range_text, short


@dataclass(frozen=True)
class Change:
    """One change of a map, and what it saves; addresses and bytes.

    kind:
        "hole": a hole moves between the two regions beside it: one grows by what the other loses,
            and each keeps at least a page
        "region": one region moves between its neighbours: the holes beside it change sizes
        "bank": a region and all above it move together: the hole below them changes its size
        "base": all RAM moves
        "start", "end": a region gives up its first or its last bytes
        "drop": a region is given up
    place: number of the region, from 0 on: the one below the hole, the lowest that moves, the one
        that gives up RAM
    old, new: [start, end) before and after of what the kind names: the hole, the region, or all
        that moves, from its first to its last byte
    by: how far it moves, downwards negative; 0 where RAM is given up
    moved: RAM that gets another address
    given_up: RAM that is lost
    saved: bytes of memmap less than before
    """

    kind: Kind
    place: int
    old: tuple[int, int]
    new: tuple[int, int]
    by: int
    moved: int
    given_up: int
    saved: int

    @property
    def distance(self) -> int:
        """Bytes that it moves by."""
        return abs(self.by)

    @property
    def net(self) -> int:
        """Memmap saved less the RAM given up for it."""
        return self.saved - self.given_up


@dataclass(frozen=True)
class Search:
    """The changes that are worth it, best first, and how far was looked for them.

    complete_to: None where every change was looked at. Else all that move or give up less than so
        many bytes were, and of larger ones only some
    """

    changes: tuple[Change, ...]
    complete_to: int | None


def smallest_changes(ram: LayoutLike, kernel: Kernel, model: str) -> Search:
    """The single changes of a map that are worth it, best first: those for which no other one that
    saves as much moves less far, or gives up less RAM.

    A change either moves RAM and loses none, or gives up RAM and moves none (:class:`Change` has
    the kinds). The first are measured by their distance. The second are measured by the RAM given
    up, and what they save is net of it: they count where they free more memmap than they lose of
    RAM, as with a page that has a section of its own. Neither is weighed against the other. Of two
    that measure and save the same, the one that gives less RAM another address is named, then the
    one that stands first in the list of kinds. RAM that grows, as where a hole is filled, saves no
    memory, and is not looked for.

    A map that a rule forbids has no changes, and none leads to a map that a rule forbids. Maps are
    taken as whole pages, and regions that touch as one, as memblock does it; with ``discontigmem``
    they then share a node, and 4.6's page that a ragged start cuts is left out.

    The result is that of a search over every distance: ``moves`` says which of them are tried, and
    why no other can be better. Raises KeyError for an unknown model.
    """
    regions = pages_of(ram, kernel.page_size)
    if model not in MODELS:
        raise KeyError(model)
    if infeasible(Regions.of([ram]), kernel, model)[0] != FEASIBLE:
        return Search((), None)
    space = SearchSpace.of(regions, kernel, model)
    page = kernel.page_size
    moving, giving = moves(space), trims(space)
    moved = moved_pages(space, moving)
    front = best_first(np.abs(moving.by), moving.saved, moved, moving)
    changes = [move_of(space, moving, row, int(moved[row])) for row in front.tolist()]
    front = best_first(giving.by, giving.saved - giving.by * page, giving.by, giving)
    changes += [trim_of(space, giving, row) for row in front.tolist()]
    changes.sort(key=lambda change: (-change.net, change.given_up, change.distance))
    known = space.complete_to
    return Search(tuple(changes), None if known is None else known * page)


def best_first(measure: Ints, gain: Ints, moved: Ints, some: Candidates) -> Ints:
    """Rows of the candidates that gain more than all that measure less or the same, by measure."""
    order = np.lexsort((some.by, some.place, some.kind, moved, -gain, measure))
    gain = gain[order]
    front: Ints = order[gain > np.maximum.accumulate(np.append(0, gain))[:-1]]
    return front


def moved_pages(space: SearchSpace, some: Candidates) -> Ints:
    """Pages of RAM that get another address by moves."""
    size = space.end - space.start
    with_above = np.cumsum(size[::-1])[::-1]
    number = {kind: MOVES.index(kind) for kind in MOVES}
    alone = np.where(some.kind == number["region"], size[some.place], with_above[some.place])
    return np.where(some.kind == number["hole"], np.abs(some.by), alone)


def move_of(space: SearchSpace, some: Candidates, row: int, moved: int) -> Change:
    """A move, from pages to bytes."""
    page, place, by = space.kernel.page_size, int(some.place[row]), int(some.by[row])
    kind = MOVES[some.kind[row]]
    if kind == "hole":
        old = (int(space.end[place]), int(space.start[place + 1]))
    else:
        old = (int(space.start[place]), int(space.end[place if kind == "region" else -1]))
    return Change(
        kind,
        place,
        old=(old[0] * page, old[1] * page),
        new=((old[0] + by) * page, (old[1] + by) * page),
        by=by * page,
        moved=moved * page,
        given_up=0,
        saved=int(some.saved[row]),
    )


def trim_of(space: SearchSpace, some: Candidates, row: int) -> Change:
    """RAM given up, from pages to bytes."""
    page, place = space.kernel.page_size, int(some.place[row])
    kind, gives = TRIMS[some.kind[row]], int(some.by[row]) * page
    start, end = int(space.start[place]) * page, int(space.end[place]) * page
    new = {"start": (start + gives, end), "end": (start, end - gives), "drop": (start, start)}
    return Change(
        kind,
        place,
        old=(start, end),
        new=new[kind],
        by=0,
        moved=0,
        given_up=gives,
        saved=int(some.saved[row]),
    )


def pages_of(ram: LayoutLike, page_size: int) -> list[tuple[int, int]]:
    """The whole pages of each region, as numbers of pages; regions that then touch are one."""
    return list(merged((-(-start // page_size), end // page_size) for start, end in ram))


def change_row(change: Change) -> dict[str, Any]:
    """A change as a row of a table, in native types: addresses, and bytes."""
    return {
        "kind": change.kind,
        "region": change.place,
        "old_start": change.old[0],
        "old_end": change.old[1],
        "new_start": change.new[0],
        "new_end": change.new[1],
        "by_bytes": change.by,
        "moved_bytes": change.moved,
        "given_up_bytes": change.given_up,
        "saved_bytes": change.saved,
        "net_bytes": change.net,
    }


def sentence(change: Change) -> str:
    """A change in plain words, with addresses in hex and exact sizes."""
    old, new = range_text(change.old), range_text(change.new)
    way = f"{'down' if change.by < 0 else 'up'} by {short(change.distance)}"
    given = short(change.given_up)
    what = {
        "hole": f"move the hole {old} {way} to {new}",
        "region": f"move the region {old} {way} to {new}",
        "bank": f"move all RAM from {change.old[0]:#x} on {way}, to start at {change.new[0]:#x}",
        "base": f"move all RAM {way}, to start at {change.new[0]:#x}",
        "start": f"give up the first {given} of the region {old}",
        "end": f"give up the last {given} of the region {old}",
        "drop": f"give up the region {old}, {given} of RAM",
    }[change.kind]
    if change.kind in MOVES:
        return f"{what}: saves {exact(change.saved)}"
    return (
        f"{what}: saves {exact(change.saved)} of memmap, {exact(change.net)} more than it gives up"
    )
