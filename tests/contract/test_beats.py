import random
import zlib
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from chalicelib.domain.beat import Beat
from chalicelib.domain.heartbeat import Caller

from .conftest import Edges
from .jobs import CALLER, NOW, beat

OWNER, OTHER = "cron_1", "cron_11"
SOON = NOW + timedelta(days=1)
LAST = 10_000


def beats(first: int, count: int, at: datetime | None = None) -> tuple[Beat, ...]:
    return tuple(beat(first + n, at) for n in range(count))


def read(edges: Edges, until: int = LAST, now: datetime = SOON) -> list[tuple[int, Sequence[Beat]]]:
    return list(edges.beats.blocks(OWNER, until, now))


def test_blocks_are_read_newest_first_from_where_it_is_asked(edges: Edges) -> None:
    for first in (1, 13, 25, 101, 1001):
        edges.beats.put_block(OWNER, first, beats(first, 12))
    edges.beats.put_block(OTHER, 5, beats(5, 12))
    assert read(edges) == [(first, beats(first, 12)) for first in (1001, 101, 25, 13, 1)]
    assert [first for first, _ in read(edges, until=101)] == [101, 25, 13, 1]
    assert [first for first, _ in read(edges, until=100)] == [25, 13, 1]
    assert read(edges, until=0) == read(edges, until=-5) == []


def test_many_blocks_are_all_read(edges: Edges) -> None:
    for first in range(1, 61):
        edges.beats.put_block(OWNER, first, beats(first, 1))
    assert [first for first, _ in read(edges)] == list(range(60, 0, -1))


def test_a_block_is_replaced_by_a_longer_one_alone(edges: Edges) -> None:
    for count, expected in ((12, 12), (11, 12), (12, 12), (13, 13), (1, 13)):
        edges.beats.put_block(OWNER, 1, beats(1, count))
        assert read(edges) == [(1, beats(1, expected))]


def test_a_block_ends_a_year_after_its_last_beat(edges: Edges) -> None:
    edges.beats.put_block(OWNER, 1, beats(1, 12, NOW))
    edges.beats.put_block(OWNER, 13, beats(13, 12, SOON))
    end = NOW + timedelta(days=365)
    assert [first for first, _ in read(edges, now=end - timedelta(seconds=1))] == [13, 1]
    assert [first for first, _ in read(edges, now=end)] == [13]
    assert edges.beats.oldest(OWNER, end - timedelta(seconds=1)) == (1, beats(1, 12, NOW))
    assert edges.beats.oldest(OWNER, end) == (13, beats(13, 12, SOON))
    assert edges.beats.oldest(OWNER, SOON + timedelta(days=365)) is None


def test_who_has_no_history_has_no_oldest_block(edges: Edges) -> None:
    edges.beats.keep_caller(OWNER, 1, CALLER, NOW)
    edges.beats.keep_body(OWNER, 1, b"x", NOW)
    assert edges.beats.oldest(OWNER, NOW) is None
    assert read(edges) == []


ODD = [
    Caller("", ""),
    Caller("2001:db8::1", 'x"\\\n\x00', "POST", "id"),
    Caller("a", "not \udc80 Unicode \ud83d", "", "\udfff"),
    Caller("a", "Ünïcode \U0001f600", "HEAD", "\u2028"),
]


@pytest.mark.parametrize("caller", ODD)
def test_any_caller_comes_back(edges: Edges, caller: Caller) -> None:
    edges.beats.keep_caller(OWNER, 7, caller, NOW)
    assert edges.beats.callers(OWNER, [6, 7, 8], SOON) == {7: caller}


def named(number: int) -> Caller:
    return Caller(str(number), "")


def test_the_newest_hundred_callers_are_kept(edges: Edges) -> None:
    for number in range(1, 151):
        edges.beats.keep_caller(OWNER, number, named(number), NOW)
    found = edges.beats.callers(OWNER, range(1, 201), SOON)
    assert found == {number: named(number) for number in range(51, 151)}
    assert edges.beats.callers(OWNER, [], SOON) == edges.beats.callers(OTHER, [150], SOON) == {}


def test_a_slow_writer_takes_nothing_from_a_newer_beat(edges: Edges) -> None:
    for number in (107, 7):
        edges.beats.keep_caller(OWNER, number, named(number), NOW)
        edges.beats.keep_body(OWNER, number, str(number).encode(), NOW)
    assert edges.beats.callers(OWNER, [7, 107], SOON) == {107: named(107)}
    assert edges.beats.body(OWNER, 107, SOON) == b"107"
    assert edges.beats.body(OWNER, 7, SOON) is None


def test_what_is_kept_may_be_kept_again(edges: Edges) -> None:
    for _ in range(2):
        edges.beats.keep_caller(OWNER, 7, CALLER, NOW)
        edges.beats.keep_body(OWNER, 7, b"x", NOW)
    assert edges.beats.callers(OWNER, [7], SOON) == {7: CALLER}
    assert edges.beats.body(OWNER, 7, SOON) == b"x"


def test_a_caller_is_forgotten_after_a_month_and_a_body_after_a_year(edges: Edges) -> None:
    edges.beats.keep_caller(OWNER, 7, CALLER, NOW)
    edges.beats.keep_body(OWNER, 7, b"x", NOW)
    for days, callers, body in ((29, 1, b"x"), (30, 0, b"x"), (364, 0, b"x"), (365, 0, None)):
        now = NOW + timedelta(days=days)
        assert len(edges.beats.callers(OWNER, [7], now)) == callers
        assert edges.beats.body(OWNER, 7, now) == body


@pytest.mark.parametrize("size", [0, 1, 100_000])
def test_bytes_of_any_kind_come_back(edges: Edges, size: int) -> None:
    body = zlib.compress(random.Random(1).randbytes(size))
    edges.beats.keep_body(OWNER, 7, body, NOW)
    assert edges.beats.body(OWNER, 7, SOON) == body


def test_an_empty_body_breaks_nothing(edges: Edges) -> None:
    edges.beats.keep_body(OWNER, 7, b"", NOW)
    assert edges.beats.body(OWNER, 7, SOON) == b""
    assert edges.beats.body(OWNER, 8, SOON) is None


def test_nothing_of_an_owner_is_left_and_all_of_another(edges: Edges) -> None:
    for owner in (OWNER, OTHER):
        for number in range(1, 31):
            edges.beats.put_block(owner, number, beats(number, 1))
            edges.beats.keep_caller(owner, number, CALLER, NOW)
        edges.beats.keep_body(owner, 1, b"x", NOW)
    edges.beats.forget(OWNER)
    edges.beats.forget(OWNER)
    assert read(edges) == []
    assert edges.beats.callers(OWNER, range(1, 31), SOON) == {}
    assert edges.beats.body(OWNER, 1, SOON) is None
    assert len(list(edges.beats.blocks(OTHER, LAST, SOON))) == 30
    assert len(edges.beats.callers(OTHER, range(1, 31), SOON)) == 30
    assert edges.beats.body(OTHER, 1, SOON) == b"x"
