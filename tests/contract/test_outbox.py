"""The outbox, and what is due in a shard."""

from dataclasses import replace

import pytest

from chalicelib.domain.outcome import Reason, Status

from .makers import NOW, OTHER, SHARD
from .tellings import SECOND, Tellings, course, fake_tellings, later, real_tellings, row


@pytest.fixture(params=["fake", "real"])
def stores(request: pytest.FixtureRequest) -> Tellings:
    if request.param == "fake":
        return fake_tellings()
    request.getfixturevalue("client")
    return real_tellings()


def test_what_a_transition_leaves_is_read_again(stores: Tellings) -> None:
    first = replace(row(), before=None, after=Status.DEGRADED, reason=Reason.SLOW, status_code=200)
    stores.put(first)
    assert stores.outbox.of_shard(SHARD, 10) == [first]


def test_rows_come_by_subject_and_then_by_seq(stores: Tellings) -> None:
    """A certificate's are counted apart from its monitor's."""
    rows = [row(1, 2), row(1, 10), row(10, 1), row(2, 1), row(1, 1, "ssl"), row(1, 3, "ssl")]
    for each in reversed(rows):
        stores.put(each)
    stores.put(row(3, shard=OTHER))
    assert stores.outbox.of_shard(SHARD, 10) == rows
    assert stores.outbox.of_shard(SHARD, 2) == rows[:2]
    assert [(each.subject, each.monitor_id) for each in rows[3:5]] == [
        ("mon_2", "mon_2"),
        ("ssl#mon_1", "mon_1"),
    ]


def test_what_everybody_has_heard_is_removed(stores: Tellings) -> None:
    rows = [row(1, seq) for seq in range(1, 31)]
    for each in rows:
        stores.put(each)
    stores.outbox.remove(rows[:28])
    assert stores.outbox.of_shard(SHARD, 100) == rows[28:]
    stores.outbox.remove(rows[:29])
    assert stores.outbox.of_shard(SHARD, 100) == rows[29:]
    stores.outbox.remove([])


def test_a_shard_with_a_row_has_something_due(stores: Tellings) -> None:
    assert not stores.outbox.is_anything_due(SHARD, NOW)
    stores.put(row())
    assert stores.outbox.is_anything_due(SHARD, NOW)
    assert not stores.outbox.is_anything_due(OTHER, NOW)
    stores.outbox.remove([row()])
    assert not stores.outbox.is_anything_due(SHARD, NOW)


def test_a_shard_with_a_look_by_now_has_something_due(stores: Tellings) -> None:
    made = course(next_at=NOW + 60 * SECOND)
    assert stores.courses.save(None, made)
    assert not stores.outbox.is_anything_due(SHARD, NOW + 59 * SECOND)
    assert stores.outbox.is_anything_due(SHARD, NOW + 60 * SECOND)
    assert not stores.outbox.is_anything_due(OTHER, NOW + 60 * SECOND)
    assert stores.courses.save(made, later(made, next_at=None))
    assert not stores.outbox.is_anything_due(SHARD, NOW + 60 * SECOND)
