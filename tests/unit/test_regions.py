"""Ranges of one layout, merged as memblock does it."""

import itertools

from hypothesis import given
from hypothesis import strategies as st
from memmap_atlas.memmodel.regions import merged


def test_merged() -> None:
    assert merged([(8, 10), (0, 4), (4, 6), (5, 7), (9, 9), (12, 11)]) == ((0, 7), (8, 10))
    assert merged([]) == ()


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 60)), max_size=12))
def test_merged_covers_the_same_addresses(ranges: list[tuple[int, int]]) -> None:
    layout = merged(ranges)
    addresses = [address for start, end in layout for address in range(start, end)]
    assert addresses == sorted({address for start, end in ranges for address in range(start, end)})
    assert all(before[1] < after[0] for before, after in itertools.pairwise(layout))
