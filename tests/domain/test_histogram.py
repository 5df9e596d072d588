"""Percentiles true to 2 % of the exact ones, and parts that add up to the whole."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.histogram import RELATIVE_ERROR, Histogram

MILLISECONDS = st.one_of(
    st.integers(0, 120), st.integers(90, 700), st.integers(0, 65_535), st.integers(0, 10_000_000)
)
SAMPLES = st.lists(MILLISECONDS, min_size=1, max_size=300)


def histogram_of(samples: list[int]) -> Histogram:
    histogram = Histogram()
    for ms in samples:
        histogram.add(ms)
    return histogram


def exact(samples: list[int], percent: int) -> int:
    """The smallest sample that at least `percent` in a hundred do not exceed."""
    return next(
        ms for ms in sorted(samples) if 100 * sum(other <= ms for other in samples) >= percent * len(samples)
    )


@given(SAMPLES, st.integers(0, 100))
def test_every_percentile_is_true_to_2_percent(samples: list[int], percent: int) -> None:
    true = exact(samples, percent)
    assert abs(histogram_of(samples).percentile(percent) - true) <= RELATIVE_ERROR * true


def test_every_single_value_is_told_true_to_2_percent() -> None:
    """Among others, so that neither the minimum nor the maximum gives it away."""
    for ms in range(66_000):
        histogram = histogram_of([0, ms, 10_000_000])
        assert abs(histogram.percentile(50) - ms) <= RELATIVE_ERROR * ms


@pytest.mark.parametrize("ms", [*range(101), 12_345, 65_535])
def test_equal_values_and_all_up_to_100_ms_are_told_exactly(ms: int) -> None:
    assert histogram_of([ms, ms]).percentile(50) == ms
    if ms <= 100:
        assert histogram_of([0, ms, 500]).percentile(50) == ms


@given(st.lists(MILLISECONDS, max_size=300))
def test_count_sum_least_and_most_are_exact(samples: list[int]) -> None:
    histogram = histogram_of(samples)
    assert (histogram.count, histogram.sum_ms) == (len(samples), sum(samples))
    assert (histogram.min_ms, histogram.max_ms) == (min(samples, default=0), max(samples, default=0))
    assert sum(histogram.buckets.values()) == len(samples)


@given(st.lists(st.lists(MILLISECONDS, max_size=50), max_size=6), st.randoms(use_true_random=False))
def test_parts_merged_in_any_order_are_the_whole(parts: list[list[int]], dice: random.Random) -> None:
    whole = histogram_of([ms for part in parts for ms in part])
    dice.shuffle(parts)
    merged = Histogram()
    for part in parts:
        merged.merge(histogram_of(part))
    assert merged == whole
    assert [merged.percentile(p) for p in (50, 95, 99)] == [whole.percentile(p) for p in (50, 95, 99)]


@given(SAMPLES)
def test_percentiles_rise_and_lie_between_the_least_and_the_most(samples: list[int]) -> None:
    histogram = histogram_of(samples)
    found = [histogram.percentile(percent) for percent in range(101)]
    assert found == sorted(found)
    assert histogram.min_ms <= found[0]
    assert found[-1] <= histogram.max_ms


def test_the_rank_of_a_percentile_is_a_whole_number_without_rounding_faults() -> None:
    """The 95th of a hundred values is the 95th, not the 96th."""
    histogram = histogram_of(list(range(1, 101)))
    assert [histogram.percentile(p) for p in (1, 50, 95, 99, 100)] == [1, 50, 95, 99, 100]


def test_nothing_measured_is_zero_everywhere() -> None:
    empty = Histogram()
    assert [empty.percentile(p) for p in (0, 50, 99, 100)] == [0, 0, 0, 0]
    assert (empty.mean_ms, empty.min_ms, empty.max_ms) == (0, 0, 0)


@pytest.mark.parametrize(("samples", "mean"), [([1, 2], 2), ([1, 1, 2], 1), ([0, 0], 0), ([10, 20, 31], 20)])
def test_the_mean_is_rounded_half_up(samples: list[int], mean: int) -> None:
    assert histogram_of(samples).mean_ms == mean


def test_a_month_of_any_response_times_needs_a_few_hundred_buckets() -> None:
    assert len(histogram_of(list(range(65_536))).buckets) < 320
