from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.counts import Counts, add_ticks, decode_counts, encode_counts
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick

from .builders import SLOT, positions, ups

histories = st.lists(
    st.tuples(
        st.integers(0, 30), st.sampled_from([MAIN, STRAGGLERS]), st.sets(st.integers(0, 5), min_size=1)
    ),
    unique_by=lambda row: row[:2],
    max_size=30,
)


def ticks_of(history: list[tuple[int, str, set[int]]]) -> list[Tick]:
    return [ups(SLOT + 60 * k, answered, part) for k, part, answered in history]


def brute_force(history: list[tuple[int, str, set[int]]], low: int, high: int) -> Counter[int]:
    return Counter(p for k, _, answered in history if low <= SLOT + 60 * k < high for p in answered)


@given(st.dictionaries(positions, st.integers(0, 0xFFFF_FFFF), max_size=200))
def test_counts_come_back_from_their_bytes(by_position: dict[int, int]) -> None:
    counts = Counts(SLOT, by_position)
    assert decode_counts(SLOT, encode_counts(counts)) == counts


def test_full_counts_are_one_write_unit() -> None:
    assert len(encode_counts(Counts(SLOT, dict.fromkeys(range(801, 1001), 0xFFFF_FFFF)))) < 1000


@given(histories, st.integers(0, 31), st.integers(0, 31))
def test_adding_counts_the_ticks_of_the_stretch(
    history: list[tuple[int, str, set[int]]], low: int, width: int
) -> None:
    before = Counts(SLOT + 60 * low, {2: 7, 9: 1})
    upto = SLOT + 60 * (low + width)
    expected = Counter({2: 7, 9: 1}) + brute_force(history, before.upto, upto)
    assert add_ticks(before, ticks_of(history), upto) == Counts(upto, expected)


@given(st.data(), histories)
def test_a_chain_of_sweeps_counts_every_tick_once(
    data: st.DataObject, history: list[tuple[int, str, set[int]]]
) -> None:
    """Each sweep reads more than it counts, and may be repeated over the same ticks."""
    counts = Counts(upto=0)
    for k in [*sorted(data.draw(st.lists(st.integers(0, 31), max_size=5))), 31]:
        before = counts
        counts = add_ticks(before, data.draw(st.permutations(ticks_of(history))), SLOT + 60 * k)
        assert counts == add_ticks(before, ticks_of(history), SLOT + 60 * k)
    assert counts == Counts(SLOT + 60 * 31, brute_force(history, 0, SLOT + 60 * 31))


def test_the_counts_of_before_are_left_as_they_were() -> None:
    before = Counts(SLOT, {1: 1})
    add_ticks(before, [ups(SLOT, [1])], SLOT + 60)
    assert before == Counts(SLOT, {1: 1})
