"""Version 2 of a tick: results of kinds without HTTP, and results with a text, in any mix with others."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain import positions as bits
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.domain.text import text_id
from chalicelib.domain.tick import MAIN, Tick, build_tick

from .builders import DEGRADED, DOWN, SLOT, UP, instant, positions, u16

texts = st.sampled_from(["", "", "93.184.216.34", "x" * 4096, "v=spf1 -all", "\udc80"]) | st.text()
connected = st.builds(Outcome, status=st.just(UP), response_ms=u16, text=texts)
answered = st.builds(Outcome, status=st.just(UP), status_code=st.just(200), response_ms=u16, text=texts)
accepted = st.builds(Outcome, status=st.just(UP), status_code=st.integers(1, 599), text=texts)
unwell = st.builds(
    Outcome,
    status=st.sampled_from([DEGRADED, DOWN]),
    reason=st.sampled_from(Reason),
    status_code=st.sampled_from([0, 200, 503]),
    phases=st.none() | st.builds(Phases, u16, u16, u16, u16),
    text=texts,
)
mixes = st.dictionaries(positions, connected | answered | accepted | unwell, max_size=200)


def build(rows: dict[int, Outcome]) -> Tick:
    """As a reader has it."""
    return Tick(SLOT, MAIN, bytes(build_tick(SLOT, MAIN, instant(SLOT), rows).data))


@given(mixes)
def test_every_mix_comes_back(rows: dict[int, Outcome]) -> None:
    stored = build(rows)
    assert dict(stored.outcomes()) == {position: replace(row, text="") for position, row in rows.items()}
    ids = {position: stored.text_id(position) for position in range(1001)}
    assert {p: id for p, id in ids.items() if id} == {p: text_id(r.text) for p, r in rows.items() if r.text}


@given(mixes)
def test_a_section_costs_its_bits_and_each_text_eight_bytes(rows: dict[int, Outcome]) -> None:
    plain = {
        position: replace(
            row, text="", status_code=200 if row.status is UP and not row.status_code else row.status_code
        )
        for position, row in rows.items()
    }
    more = len(build(rows).data) - len(build(plain).data)
    if plain == rows:
        assert more == 0
    else:
        bitmap = (len(rows) + 7) // 8
        assert 3 <= more <= 2 + 2 * bitmap + 8 * sum(bool(row.text) for row in rows.values())


@given(mixes)
def test_the_version_is_the_lowest_that_tells_all(rows: dict[int, Outcome]) -> None:
    needs = any(row.text or (row.status is UP and row.status_code == 0) for row in rows.values())
    assert build(rows).data[0] == (2 if needs else 1)


@given(mixes)
def test_tallies_are_those_of_the_outcomes(rows: dict[int, Outcome]) -> None:
    found = [row.status for row in rows.values()]
    everybody = bits.to_bitmap(rows)
    assert build(rows).tally(everybody) == tuple(found.count(status) for status in (UP, DEGRADED, DOWN))


@given(mixes, mixes)
def test_equal_results_make_equal_ticks(rows: dict[int, Outcome], others: dict[int, Outcome]) -> None:
    assert build(rows) == build(dict(reversed(rows.items())))
    is_same = {p: (replace(r, text=""), r.text and text_id(r.text)) for p, r in rows.items()} == {
        p: (replace(r, text=""), r.text and text_id(r.text)) for p, r in others.items()
    }
    assert (build(rows) == build(others)) == is_same


def test_a_tick_of_version_1_with_an_up_result_of_status_0_is_still_read() -> None:
    """So it was written while only HTTP was checked: as an exception."""
    stored = Tick(SLOT, MAIN, bytes.fromhex("01 00000000 01 0100 06 0700 0900 01 02 0100 00 00 0000"))
    assert list(stored.outcomes()) == [
        (1, Outcome(UP, status_code=0, response_ms=7, offset_ms=250)),
        (2, Outcome(UP, status_code=200, response_ms=9, offset_ms=500)),
    ]
    assert stored.text_id(1) is None


def test_the_layout_is_the_documented_one() -> None:
    built = build_tick(
        SLOT,
        MAIN,
        instant(SLOT) + timedelta(milliseconds=1500),
        {
            0: Outcome(UP, status_code=200, response_ms=258, offset_ms=750),
            7: Outcome(UP, response_ms=3, text="93.184.216.34"),
            9: Outcome(DOWN, Reason.CONTENT, 0, 2, text="198.51.100.1"),
            11: Outcome(UP, response_ms=4),
        },
    )
    assert built.data.hex(" ") == (
        "02 dc 05 00 00 02 01 00 "  # version, run start, length of bitmap, exceptions
        "81 0a "  # bitmap
        "02 01 03 00 02 00 04 00 03 00 00 00 "  # response times, quarter seconds
        "09 00 02 42 00 00 "  # position, status, reason, code
        "01 0a "  # ranks 1 and 3: status 0
        "01 06 "  # ranks 1 and 2: with a text
        + text_id("93.184.216.34").hex(" ") + " " + text_id("198.51.100.1").hex(" ")
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rows", "size"),
    [
        (dict.fromkeys(range(1, 201), Outcome(UP, status_code=200)), 8 + 26 + 600),
        (dict.fromkeys(range(1, 201), Outcome(UP)), 8 + 26 + 600 + 27),
        ({n: Outcome(UP, status_code=n % 2 * 200) for n in range(1, 201)}, 8 + 26 + 600 + 27),
        (dict.fromkeys(range(1, 201), Outcome(UP, text="a")), 8 + 26 + 600 + 26 + 26 + 1600),
        ({801: Outcome(UP)}, 8 + 101 + 3 + 3),
        ({801: Outcome(UP, text="a")}, 8 + 101 + 3 + 2 + 2 + 8),
    ],
    ids=["HTTP", "TCP", "both", "DNS", "one TCP", "one DNS"],
)
def test_what_a_tick_weighs(rows: dict[int, Outcome], size: int) -> None:
    assert len(build(rows).data) == size


@pytest.mark.parametrize("absent", [0, 2, 1000])
def test_an_absent_result_has_no_text(absent: int) -> None:
    assert build({1: Outcome(Status.UP, text="a")}).text_id(absent) is None
