from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.domain.tick import MAIN, STRAGGLERS, Tick, build_tick, first_run_part

from .builders import DEGRADED, DOWN, SLOT, UP, instant, outcome, outcomes, positions, tick, ups


def as_stored(row: Outcome) -> Outcome:
    """What a tick keeps of a result: quarter seconds, 16 bits, and of a plain up nothing else."""
    is_plain = row.status is UP and row.status_code in (0, 200)
    return Outcome(
        status=row.status,
        reason=Reason.NONE if is_plain else row.reason,
        status_code=row.status_code,
        response_ms=min(row.response_ms, 65_535),
        offset_ms=min(row.offset_ms // 250, 255) * 250,
        phases=None if row.status is UP else row.phases,
    )


@given(st.dictionaries(positions, outcomes, max_size=200))
def test_what_is_packed_comes_back_quantised_and_clipped(rows: dict[int, Outcome]) -> None:
    built = build_tick(SLOT, MAIN, instant(SLOT), rows)
    adopted = Tick(SLOT, MAIN, bytes(built.data))
    assert dict(adopted.outcomes()) == {position: as_stored(row) for position, row in rows.items()}


@given(st.integers(0, 300_000), outcomes)
def test_a_check_is_dated_true_to_a_quarter_second(start_ms: int, row: Outcome) -> None:
    started_at = instant(SLOT) + timedelta(milliseconds=start_ms)
    built = build_tick(SLOT, MAIN, started_at, {5: row})
    assert built.started_at == started_at
    late = started_at + timedelta(milliseconds=min(row.offset_ms, 63_999)) - built.checked_at(5)
    assert timedelta(0) <= late < timedelta(milliseconds=250)


def test_a_run_that_starts_before_its_slot_is_dated_at_the_slot() -> None:
    assert build_tick(SLOT, MAIN, instant(SLOT - 1), {}).started_at == instant(SLOT)


@pytest.mark.parametrize("absent", [0, 2, 4, 1000])
def test_an_absent_position_has_no_data(absent: int) -> None:
    assert tick(SLOT, {1: UP, 3: DOWN}).outcome(absent) is None


def test_an_empty_tick_is_a_tick() -> None:
    empty = build_tick(SLOT, STRAGGLERS, instant(SLOT), {})
    assert list(empty.outcomes()) == []
    assert len(empty.data) == 8


@pytest.mark.parametrize(("status", "is_kept"), [(UP, False), (DEGRADED, True), (DOWN, True)])
@pytest.mark.parametrize("status_code", [0, 200, 404])
def test_phases_are_kept_for_results_that_are_not_up(status: Status, status_code: int, is_kept: bool) -> None:
    row = Outcome(status, Reason.SLOW, status_code, phases=Phases(1, 2, 3, 4))
    stored = build_tick(SLOT, MAIN, instant(SLOT), {1: row}).outcome(1)
    assert stored is not None
    assert (stored.phases == Phases(1, 2, 3, 4)) is is_kept


def test_an_up_result_keeps_its_own_status_code() -> None:
    row = Outcome(UP, status_code=204, response_ms=7)
    assert build_tick(SLOT, MAIN, instant(SLOT), {1: row}).outcome(1) == row


def test_200_ordinary_results_cost_at_most_3_7_bytes_each() -> None:
    sparse = {position: outcome(UP) for position in range(0, 1000, 5)}
    sparse[1000] = sparse.pop(0)
    built = build_tick(SLOT, MAIN, instant(SLOT), sparse)
    assert len(sparse) == 200
    assert len(built.data) <= 200 * 3.7
    assert len(built.data) < 1024


def test_the_worst_tick_is_four_write_units() -> None:
    worst = Outcome(DOWN, Reason.WRONG_STATUS, 599, 99_999, 99_999, Phases(65_535, 65_535, 65_535, 65_535))
    built = build_tick(SLOT, MAIN, instant(SLOT), dict.fromkeys(range(801, 1001), worst))
    assert len(built.data) == 8 + 126 + 200 * (3 + 6 + 8)
    assert len(built.data) < 4000


def test_negative_times_count_as_zero() -> None:
    row = Outcome(UP, status_code=200, response_ms=-1, offset_ms=-1)
    stored = build_tick(SLOT, MAIN, instant(SLOT), {1: row}).outcome(1)
    assert stored == replace(row, response_ms=0, offset_ms=0)


def test_the_order_of_arrival_leaves_no_trace() -> None:
    assert tick(SLOT, {1: UP, 9: DOWN, 4: DEGRADED}) == tick(SLOT, {9: DOWN, 4: DEGRADED, 1: UP})


def test_an_adopted_tick_equals_the_one_that_was_put() -> None:
    own = ups(SLOT, [1, 2])
    read = Tick(SLOT, MAIN, bytes(own.data))
    assert own.bitmap == 0b110
    assert own == read
    assert hash(own) == hash(read)
    assert own != ups(SLOT, [1, 2], STRAGGLERS)
    assert own != ups(SLOT, [1])


def test_the_format_says_its_version() -> None:
    assert ups(SLOT, [1]).data[0] == 1


def test_the_layout_is_the_documented_one() -> None:
    built = build_tick(
        SLOT,
        MAIN,
        instant(SLOT) + timedelta(milliseconds=1500),
        {
            0: Outcome(UP, status_code=200, response_ms=258, offset_ms=750),
            9: Outcome(DOWN, Reason.WRONG_STATUS, 503, 2, 0, Phases(1, 2, 3, 4)),
        },
    )
    assert built.data.hex(" ") == (
        "01 dc 05 00 00 02 01 00 "  # version, run start, length of bitmap, exceptions
        "01 02 "  # bitmap
        "02 01 02 00 03 00 "  # response times, quarter seconds
        "09 00 82 40 f7 01 01 00 02 00 03 00 04 00"  # position, status with phases, reason, code, phases
    )


def test_the_parts_of_a_slot_sort_main_stragglers_first_runs() -> None:
    parts = [MAIN, STRAGGLERS, first_run_part(7), first_run_part(1000)]
    assert parts == sorted(parts)
    assert [ups(SLOT, [1], part).is_main for part in parts] == [True, False, False, False]
