import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.positions import from_bytes, members, rank, to_bitmap, to_bytes

sets = st.sets(st.integers(0, 1000))


@given(sets)
def test_a_set_comes_back_from_its_bytes_in_order(positions: set[int]) -> None:
    assert list(members(from_bytes(to_bytes(to_bitmap(positions))))) == sorted(positions)


@given(sets, st.integers(0, 1000))
def test_the_rank_is_the_index_in_ascending_order(positions: set[int], position: int) -> None:
    index = sorted(positions).index(position) if position in positions else None
    assert rank(to_bitmap(positions), position) == index


@pytest.mark.parametrize(("positions", "length"), [([], 0), ([0], 1), ([7], 1), ([8], 2), ([1000], 126)])
def test_the_bytes_end_with_the_highest_position(positions: list[int], length: int) -> None:
    assert len(to_bytes(to_bitmap(positions))) == length


def test_a_position_given_twice_counts_once() -> None:
    assert list(members(to_bitmap([3, 3, 1]))) == [1, 3]
