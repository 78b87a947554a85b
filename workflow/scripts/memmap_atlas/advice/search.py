"""The changes of a map that can save memmap: which edges to move, how far, and what each saves.

Part of the arithmetic, under ``advice``: addresses are numbers of pages here, and a change is a
column of regions that the models evaluate.

The memmap depends on an edge through the windows that it lies in (``models.EdgeWindows``). So the
distances that are tried are those at which some edge comes into another window. Three facts keep
them few:

- A period further all windows lie the same again. Parts of a map that part share fewer
  windows, never more, so that one period is enough; where parts come to meet, windows are shared
  that were not, and the last four periods before are tried too: parts further from each other than
  a section, a leaf and a block, none longer than a period, share nothing.
- FLATMEM alone saves with every block that its ends come nearer to each other, and is tried all
  along the way.
- The memmap of a map is a sum: of what the last region takes, and of what each other one adds to
  the next above it. So a change is evaluated on the regions beside it, and a move of many regions
  is summed up from pairs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

import numpy as np

from memmap_atlas.memmodel.feasibility import FEASIBLE, infeasible
from memmap_atlas.memmodel.kernel import Kernel
from memmap_atlas.memmodel.models import MODELS, EdgeWindows
from memmap_atlas.memmodel.regions import Ints, Regions

# kinds of change, in the order in which they are named where several do the same
Kind = Literal["hole", "region", "bank", "base", "start", "end", "drop"]
MOVES: tuple[Kind, ...] = ("hole", "region", "bank", "base")
TRIMS: tuple[Kind, ...] = ("start", "end", "drop")
# distances that the edges of a map are tried at in one period, two edges a region
MOST_DISTANCES = 1 << 19
# columns that are evaluated at once, to bound the memory
BLOCK = 1 << 17
# periods before two parts of a map meet in which they can share windows
NEAR = 4


@dataclass(frozen=True)
class Candidates:
    """Changes, arrays of one length: number of the kind in MOVES or TRIMS, number of the region,
    pages moved (downwards negative) or given up, and bytes of memmap saved.
    """

    kind: Ints
    place: Ints
    by: Ints
    saved: Ints

    @classmethod
    def of(cls, kind: Kind, place: Ints | int, by: Ints, saved: Ints) -> "Candidates":
        """Those of one kind that save anything."""
        good = saved > 0
        number = (MOVES if kind in MOVES else TRIMS).index(kind)
        place = np.broadcast_to(np.asarray(place, dtype=np.int64), by.shape)
        return cls(np.full(int(good.sum()), number), place[good], by[good], saved[good])


def joined(some: Sequence[Candidates]) -> Candidates:
    """All of them in one."""
    none = np.zeros(0, dtype=np.int64)
    all_of = [*some, Candidates(none, none, none, none)]
    return Candidates(
        np.concatenate([one.kind for one in all_of]),
        np.concatenate([one.place for one in all_of]),
        np.concatenate([one.by for one in all_of]),
        np.concatenate([one.saved for one in all_of]),
    )


@dataclass(frozen=True)
class SearchSpace:
    """A map that is to be changed, under a kernel and model; lengths in pages.

    start, end: edges of its regions, in order and with a hole between any two
    windows: what matters to a start, and to an end, and after how many pages they repeat
    reach: how far each period is tried, all of it unless the map is large and the windows small
    turns: how many periods are tried where each saves
    trim: how much is given up at most; none is worth it beyond ``worthy``
    above: how far RAM can move up
    """

    start: Ints
    end: Ints
    kernel: Kernel
    model: str
    windows: EdgeWindows
    reach: int
    turns: int
    trim: int
    worthy: int
    above: int

    @classmethod
    def of(cls, regions: Sequence[tuple[int, int]], kernel: Kernel, model: str) -> "SearchSpace":
        """The space of a map in pages that no rule forbids."""
        start = np.array([start for start, _ in regions], dtype=np.int64)
        end = np.array([end for _, end in regions], dtype=np.int64)
        windows = MODELS[model].windows(kernel)
        finest = min(*windows.start, *windows.end)
        each = max(MOST_DISTANCES // len(regions), 64)
        # a page given up saves its struct page and what is wasted, so waste bounds what is worth it
        taken = int(memmap(start[:, None], end[:, None], kernel, model)[0])
        size = end - start
        waste = taken - int(size.sum()) * kernel.struct_page_size
        worthy = int(size.max())
        if kernel.struct_page_size < kernel.page_size:
            worthy = min(worthy, waste // (kernel.page_size - kernel.struct_page_size) + 1)
        highest = 1 << kernel.max_physmem_bits
        if kernel.ram_limit:
            highest = min(highest, kernel.ram_limit)
        return cls(
            start,
            end,
            kernel,
            model,
            windows,
            reach=min(windows.period, int(each * finest)),
            turns=each,
            trim=min(worthy, int(each * finest)),
            worthy=worthy,
            above=highest // kernel.page_size - int(end[-1]),
        )

    @property
    def count(self) -> int:
        """Number of regions."""
        return len(self.start)

    @property
    def holes(self) -> Ints:
        """Sizes of the holes between them."""
        return self.start[1:] - self.end[:-1]

    @property
    def complete_to(self) -> int | None:
        """Pages below which every change that matters is tried, None where all are."""
        bounds = []
        period = self.windows.period
        if self.reach < period:
            bounds.append(self.reach)
        if self.trim < self.worthy:
            bounds.append(self.trim)
        far = self.holes.max(initial=0) >= self.turns * period
        if MODELS[self.model].pays_for_holes and far:
            bounds.append(self.turns * period)
        return min(bounds, default=None)


# --- evaluation -----------------------------------------------------------------------------------


def memmap(start: Ints, end: Ints, kernel: Kernel, model: str) -> Ints:
    """Bytes of memmap that stay for maps in pages, a column each; empty regions count for nothing.

    Where a move closed a hole the two regions are one.
    """
    found = np.zeros(start.shape[1], dtype=np.int64)
    for first in range(0, start.shape[1], BLOCK):
        columns = slice(first, first + BLOCK)
        low, high = start[:, columns] * kernel.page_size, end[:, columns] * kernel.page_size
        if MODELS[model].counts_regions:
            for row in range(len(low) - 1, 0, -1):
                touch = high[row - 1] == low[row]
                high[row - 1] = np.where(touch, high[row], high[row - 1])
                low[row] = np.where(touch, high[row], low[row])
        result = MODELS[model].build(Regions(low, high), kernel)
        found[columns] = result.taken - result.given_back
    return found


def around(space: SearchSpace, place: Ints, below: int, above: int) -> tuple[Ints, Ints]:
    """Edges of the regions from ``below`` before each place to ``above`` behind it, two arrays of
    shape (regions, places); empty regions where the map has none.
    """
    number = np.arange(-below, above + 1)[:, None] + place
    there = (number >= 0) & (number < space.count)
    number = np.where(there, number, 0)
    return np.where(there, space.start[number], 0), np.where(there, space.end[number], 0)


def savings(
    space: SearchSpace, place: Ints, old: tuple[Ints, Ints], new: tuple[Ints, Ints]
) -> Ints:
    """Bytes that each column saves; the old ones of one place are equal."""
    _, first, number = np.unique(place, return_index=True, return_inverse=True)
    before = memmap(old[0][:, first], old[1][:, first], space.kernel, space.model)
    after: Ints = memmap(*new, space.kernel, space.model)
    return before[number] - after


# --- the distances that matter --------------------------------------------------------------------


def crossings(
    edge: Ints, windows: Sequence[Fraction], reach: int, *, is_end: bool, down: bool
) -> tuple[Ints, Ints]:
    """Distances below ``reach`` at which each edge comes into another window, as numbers of edges
    and distances.

    A start lies in the window of its page, an end in that of the page before it.
    """
    owners, distances = [], []
    for window in windows:
        pages, parts = window.numerator, window.denominator
        steps = np.arange(int(reach // window) + 2)
        if down:
            steps = -steps
        if is_end:
            # beyond a multiple when it moves up, on it when it moves down
            first = -(-edge * parts // pages) - down
            at = (first[:, None] + steps) * pages // parts + (not down)
        else:
            # on a multiple when it moves up, before it when it moves down
            first = edge * parts // pages + (not down)
            at = -(-(first[:, None] + steps) * pages // parts) - down
        distance = edge[:, None] - at if down else at - edge[:, None]
        near = distance < reach
        owners.append(np.nonzero(near)[0])
        distances.append(distance[near])
    return np.concatenate(owners), np.concatenate(distances)


def region_crossings(space: SearchSpace, down: bool) -> tuple[Ints, Ints]:
    """Distances at which either edge of a region comes into another window, and 0, as numbers of
    regions and distances, sorted.
    """
    numbers = np.arange(space.count)
    starts = crossings(space.start, space.windows.start, space.reach, is_end=False, down=down)
    ends = crossings(space.end, space.windows.end, space.reach, is_end=True, down=down)
    return unique_pairs(
        np.concatenate([numbers, starts[0], ends[0]]),
        np.concatenate([np.zeros_like(numbers), starts[1], ends[1]]),
    )


def unique_pairs(number: Ints, distance: Ints) -> tuple[Ints, Ints]:
    """Pairs sorted by number and distance, each once."""
    order = np.lexsort((distance, number))
    number, distance = number[order], distance[order]
    new = np.ones(len(number), dtype=bool)
    new[1:] = (np.diff(number) != 0) | (np.diff(distance) != 0)
    return number[new], distance[new]


def stretch(numbers: Ints, number: int) -> slice:
    """Slice of ``number`` in sorted numbers."""
    return slice(*np.searchsorted(numbers, [number, number + 1]).tolist())


def spread(values: Ints, at: Ints, grid: Ints) -> Ints:
    """Values that hold from the sorted places ``at`` on, at the places of ``grid``."""
    held: Ints = values[np.searchsorted(at, grid, side="right") - 1]
    return held


def turns(space: SearchSpace, room: int, *, meets: bool, nearer: bool) -> Ints:
    """Periods of a way of ``room`` pages that are tried, from 0 on.

    meets: whether something stands at its end; nearer: whether the ends of RAM come nearer
    """
    last = room // space.windows.period
    if nearer and MODELS[space.model].pays_for_holes:
        return np.arange(min(last + 1, space.turns))
    if meets:
        return np.unique(np.maximum([0, *range(last - NEAR, last + 1)], 0))
    return np.zeros(1, dtype=np.int64)


# --- what moves -----------------------------------------------------------------------------------


def moves(space: SearchSpace) -> Candidates:
    """All moves that save anything."""
    found = [*moved_bases(space)]
    if space.count > 1:
        found += [*moved_holes(space), *moved_regions(space), closed_holes(space)]
    return joined(found)


def moved_holes(space: SearchSpace) -> Iterator[Candidates]:
    """Each hole moved: what that saves depends on the places of its two edges only."""
    size = space.end - space.start
    for down in (False, True):
        ends = crossings(space.end[:-1], space.windows.end, space.reach, is_end=True, down=down)
        starts = crossings(
            space.start[1:], space.windows.start, space.reach, is_end=False, down=down
        )
        place, way = unique_pairs(
            np.concatenate([ends[0], starts[0]]), np.concatenate([ends[1], starts[1]])
        )
        # the region that shrinks keeps a page
        inside = way < (size[:-1] if down else size[1:])[place]
        place, way = place[inside], way[inside]
        by = -way if down else way
        old = around(space, place, 1, 2)
        start, end = old[0].copy(), old[1].copy()
        end[1] += by
        start[2] += by
        yield Candidates.of("hole", place, by, savings(space, place, old, (start, end)))


def moved_regions(space: SearchSpace) -> Iterator[Candidates]:
    """Each region but the last moved between its neighbours; the last one alone is a bank."""
    for down in (False, True):
        owner, distance = region_crossings(space, down)
        places, ways = [], []
        for number in range(space.count - 1):
            meets = number > 0 or not down
            room = int(space.holes[number - down] if meets else space.start[0])
            own = distance[stretch(owner, number)]
            which = turns(space, room, meets=meets, nearer=number == 0 and not down)
            way = np.append((which[:, None] * space.windows.period + own).ravel(), room)
            ways.append(way[(way > 0) & (way <= room)])
            places.append(np.full(len(ways[-1]), number))
        place, way = np.concatenate(places), np.concatenate(ways)
        by = -way if down else way
        old = around(space, place, 1, 1)
        start, end = old[0].copy(), old[1].copy()
        start[1] += by
        end[1] += by
        yield Candidates.of("region", place, by, savings(space, place, old, (start, end)))


def moved_bases(space: SearchSpace) -> Iterator[Candidates]:
    """Each region with all above it moved, the first of which is all RAM; but for the last step
    that closes a hole.
    """
    kernel, model = space.kernel, space.model
    for down in (False, True):
        owner, distance = region_crossings(space, down)
        grid = np.unique(distance)
        # what a region adds to the next one changes where either comes into another window
        upper = owner > 0
        pair, at = unique_pairs(
            np.concatenate([owner, owner[upper] - 1]), np.concatenate([distance, distance[upper]])
        )
        # a period further up, where no address is negative
        lift = space.windows.period + (-at if down else at)
        start, end = around(space, pair, 0, 1)
        start, end = start + lift, end + lift
        adds = memmap(start, end, kernel, model) - memmap(start[1:], end[1:], kernel, model)
        total = np.zeros(len(grid), dtype=np.int64)
        for number in range(space.count - 1, -1, -1):
            some = stretch(pair, number)
            total = total + spread(adds[some], at[some], grid)
            own = distance[stretch(owner, number)]
            yield moved_bank(space, number, grid, total, own, down)


def moved_bank(
    space: SearchSpace, number: int, grid: Ints, total: Ints, own: Ints, down: bool
) -> Candidates:
    """One region with all above it moved.

    total: their memmap at the distances ``grid`` of one period
    own: those of ``grid`` at which the region itself comes into another window
    """
    kernel, model = space.kernel, space.model
    sign = -1 if down else 1
    # where what moves together, or what it shares with what stays, changes
    turning = np.diff(total, prepend=total[:1]) != 0
    turning[np.searchsorted(grid, own)] = True
    grid, total = grid[turning], total[turning]
    if number == 0:
        near = grid <= (space.start[0] if down else space.above)
        way, saved = grid[near], total[0] - total[near]
    else:
        room = int(space.holes[number - 1]) - 1 if down else space.above
        which = turns(space, room, meets=down, nearer=down)
        events = (which[:, None] * space.windows.period + own).ravel()
        events = events[events <= room]
        start, end = around(space, np.full(len(events), number - 1), 0, 1)
        start[1] += sign * events
        end[1] += sign * events
        beside = memmap(start, end, kernel, model) - memmap(start[1:], end[1:], kernel, model)
        way = (which[:, None] * space.windows.period + grid).ravel()
        after = np.tile(total, len(which))[way <= room]
        way = way[way <= room]
        saved = total[0] + beside[0] - after - spread(beside, events, way)
    # of one bank only what surpasses all nearer places
    further = saved > np.maximum.accumulate(np.append(0, saved))[:-1]
    return Candidates.of("bank" if number else "base", number, sign * way[further], saved[further])


def closed_holes(space: SearchSpace) -> Candidates:
    """Each hole closed by all that is above it, evaluated on whole maps."""
    moving = np.arange(space.count)[:, None] > np.arange(space.count - 1)
    by = np.where(moving, space.holes, 0)
    start, end = space.start[:, None], space.end[:, None]
    before = memmap(start, end, space.kernel, space.model)
    after = memmap(start - by, end - by, space.kernel, space.model)
    return Candidates.of("bank", np.arange(1, space.count), -space.holes, before - after)


# --- what is given up -----------------------------------------------------------------------------


def trims(space: SearchSpace) -> Candidates:
    """All RAM given up, at an edge of a region or a region as a whole, that saves more than it."""
    found = [trimmed(space, "start"), trimmed(space, "end")]
    if space.count > 1:
        place = np.arange(space.count)
        old = around(space, place, 1, 1)
        start = old[0].copy()
        start[1] = old[1][1]
        saved = savings(space, place, old, (start, old[1]))
        found.append(worth(space, "drop", place, space.end - space.start, saved))
    return joined(found)


def trimmed(space: SearchSpace, kind: Kind) -> Candidates:
    """Each region less some of its first or last pages."""
    is_end = kind == "end"
    edge = space.end if is_end else space.start
    windows = space.windows.end if is_end else space.windows.start
    place, gives = unique_pairs(
        *crossings(edge, windows, space.trim + 1, is_end=is_end, down=is_end)
    )
    inside = gives < (space.end - space.start)[place]
    place, gives = place[inside], gives[inside]
    old = around(space, place, 1, 1)
    start, end = old[0].copy(), old[1].copy()
    start[1] += 0 if is_end else gives
    end[1] -= gives if is_end else 0
    return worth(space, kind, place, gives, savings(space, place, old, (start, end)))


def worth(space: SearchSpace, kind: Kind, place: Ints, gives: Ints, saved: Ints) -> Candidates:
    """Those that save more than they give up, and that no rule forbids."""
    page = space.kernel.page_size
    good = saved > gives * page
    place, gives, saved = place[good], gives[good], saved[good]
    last = np.full(len(gives), space.end[-1])
    at_last = place == space.count - 1
    if kind == "end":
        last[at_last] -= gives[at_last]
    elif kind == "drop":
        last[at_last] = space.end[-2]
    # rules look at how much RAM there is and where it ends: one region stands for all
    size = (space.end - space.start).sum() - gives
    one = Regions((last - size)[None] * page, last[None] * page)
    allowed = infeasible(one, space.kernel, space.model) == FEASIBLE
    return Candidates.of(kind, place[allowed], gives[allowed], saved[allowed])
