from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.monitor import Leftover
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.ssl_alarm import VALID, SslAlarm
from chalicelib.domain.ssl_readings import MOST_TURNS, SslReading, SslReadings
from chalicelib.store.outbox import OutboxStore
from tests.fake_courses import FakeOutbox
from tests.fakes import FakeStore

from .conftest import Edges
from .makers import BASE, NOW, OTHER, SHARD

GOOD = CertificateReading(not_after=NOW + timedelta(days=60), issuer="Söhne, Töchter & Co")
READINGS = {
    1: SslReading(b"\x00\x01\x02\xff", GOOD, BASE, BASE + 60, VALID),
    2: SslReading(b"\x00\x01\x02\xff", GOOD, BASE, BASE + 60),
    3: SslReading(b"\x00\x01\x02\xff", GOOD, BASE, BASE, SslAlarm("expiring", 365, BASE, BASE + 60)),
    1000: SslReading(b"abcd", CertificateReading(Reason.TLS_FAILED), BASE, BASE, SslAlarm("error", 0, BASE)),
}


def row(number: int = 1, at: int = BASE) -> OutboxRow:
    return OutboxRow(
        shard=SHARD,
        monitor_id=f"mon_{number}",
        team_id="team-1",
        kind="ssl",
        seq=at,
        opened_seq=at,
        before=None,
        after=Status.DEGRADED,
        slot=at,
        at=at,
        reason=Reason.EXPIRING,
        status_code=13,
        response_ms=0,
    )


def outbox(edges: Edges) -> list[OutboxRow]:
    store: Any = edges.ssl_readings
    is_fake = isinstance(getattr(store, "store", None), FakeStore)
    return (FakeOutbox(store.store) if is_fake else OutboxStore()).of_shard(SHARD, 100)


def test_a_shard_without_any_has_version_0(edges: Edges) -> None:
    assert edges.ssl_readings.get(SHARD, consistent=True) == SslReadings(0, {})
    assert edges.ssl_readings.get(SHARD, consistent=False) == SslReadings(0, {})


def test_what_is_saved_is_read_and_counted(edges: Edges) -> None:
    store = edges.ssl_readings
    assert store.save(SHARD, SslReadings(), READINGS)
    first = store.get(SHARD, consistent=True)
    assert first == SslReadings(1, READINGS)
    assert store.save(SHARD, first, {1: READINGS[1]})
    assert store.get(SHARD, consistent=False) == SslReadings(2, {1: READINGS[1]})
    assert store.save(SHARD, store.get(SHARD, consistent=True), {})
    assert store.get(SHARD, consistent=True) == SslReadings(3, {})
    assert store.get(OTHER, consistent=True) == SslReadings()


def test_of_two_that_read_the_same_one_is_told_that_it_lost(edges: Edges) -> None:
    store = edges.ssl_readings
    for expected in (SslReadings(), SslReadings(1, READINGS)):
        read = store.get(SHARD, consistent=True)
        assert read == expected
        assert store.save(SHARD, read, READINGS)
        assert not store.save(SHARD, read, {})
    assert store.get(SHARD, consistent=True) == SslReadings(2, READINGS)


def test_rows_are_written_with_the_readings_and_read_as_they_were(edges: Edges) -> None:
    store = edges.ssl_readings
    rows = [row(), replace(row(2), before=Status.DOWN, after=Status.UP, opened_seq=BASE - 60)]
    assert store.save(SHARD, SslReadings(), READINGS, rows)
    assert store.get(SHARD, consistent=True) == SslReadings(1, READINGS)
    later = [row(1, BASE + 60)]
    assert store.save(SHARD, SslReadings(1, READINGS), {}, later)
    assert store.get(SHARD, consistent=True) == SslReadings(2, {})
    assert outbox(edges) == [rows[0], *later, rows[1]]


@pytest.mark.parametrize("stored", [0, 1])
def test_of_two_with_rows_only_the_winners_are_there(edges: Edges, stored: int) -> None:
    store = edges.ssl_readings
    if stored:
        assert store.save(SHARD, SslReadings(), READINGS)
    read = store.get(SHARD, consistent=True)
    assert store.save(SHARD, read, READINGS, [row()])
    assert not store.save(SHARD, read, {}, [row(2)])
    assert store.get(SHARD, consistent=True) == SslReadings(stored + 1, READINGS)
    assert outbox(edges) == [row()]


def test_a_row_that_is_there_keeps_the_readings_from_being_written(edges: Edges) -> None:
    store = edges.ssl_readings
    assert store.save(SHARD, SslReadings(), READINGS, [row()])
    assert not store.save(SHARD, SslReadings(1, READINGS), {}, [row(2), replace(row(), after=Status.DOWN)])
    assert store.get(SHARD, consistent=True) == SslReadings(1, READINGS)
    assert outbox(edges) == [row()]


def test_as_many_rows_as_a_run_may_leave(edges: Edges) -> None:
    rows = [row(n) for n in range(MOST_TURNS)]
    assert edges.ssl_readings.save(SHARD, SslReadings(), READINGS, rows)
    assert {found.monitor_id for found in outbox(edges)} == {f"mon_{n}" for n in range(MOST_TURNS)}


def test_a_deleted_monitors_rows_are_forgotten_and_no_others(edges: Edges) -> None:
    assert edges.ssl_readings.save(SHARD, SslReadings(), READINGS, [row(1), row(1, BASE + 60), row(11)])
    edges.monitors.forget(Leftover("mon_1", "team-1", (SHARD,)))
    assert outbox(edges) == [row(11)]


def test_an_alert_that_is_gone_has_left_no_rows(edges: Edges) -> None:
    assert edges.ssl_readings.save(SHARD, SslReadings(), READINGS, [row()])
    edges.monitors.forget(Leftover("alt_1", "team-1", ()))
    assert outbox(edges) == [row()]
