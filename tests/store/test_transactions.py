from collections.abc import Callable

import pytest
from pynamodb.exceptions import TransactWriteError
from pynamodb.transactions import TransactWrite

from chalicelib.errors import Contended
from chalicelib.store.tables import LimitItem
from chalicelib.store.transactions import transact

from .builders import Items
from .wire import Wire

Stored = Callable[[str], Items]


def limit(sk: str, taken: int = 0) -> LimitItem:
    return LimitItem("T#team_1", sk, taken=taken)


def put_if_absent(*sks: str) -> Callable[[TransactWrite], None]:
    def fill(t: TransactWrite) -> None:
        for sk in sks:
            t.save(limit(sk), condition=LimitItem.pk.does_not_exist())

    return fill


def test_a_transaction_that_was_written_lost_nothing(wire: Wire, stored: Stored) -> None:
    assert transact(LimitItem, put_if_absent("a", "b")) is None
    assert set(stored("teams")) == {("T#team_1", "a"), ("T#team_1", "b")}


def test_the_lost_conditions_are_told_and_nothing_is_written(wire: Wire, stored: Stored) -> None:
    limit("b").save()
    assert transact(LimitItem, put_if_absent("a", "b", "c")) == (1,)
    assert set(stored("teams")) == {("T#team_1", "b")}


def test_lost_conditions_are_counted_deletes_puts_updates(wire: Wire) -> None:
    """Whatever the order in which they were added."""

    def fill(t: TransactWrite) -> None:
        t.update(limit("u"), [LimitItem.taken.add(1)], condition=LimitItem.pk.exists())
        t.save(limit("p"), condition=LimitItem.pk.does_not_exist())
        t.delete(limit("d"), condition=LimitItem.pk.exists())
        t.update(limit("v"), [LimitItem.taken.add(1)])

    assert transact(LimitItem, fill) == (0, 2)


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("TransactionCanceledException", ["None", "TransactionConflict"]),
        ("TransactionCanceledException", ["ThrottlingError", "None"]),
        ("TransactionCanceledException", ["ProvisionedThroughputExceeded"]),
        ("TransactionInProgressException", []),
        ("ThrottlingException", []),
        ("ProvisionedThroughputExceededException", []),
        ("RequestLimitExceeded", []),
        ("InternalServerError", []),
    ],
)
def test_a_collision_or_a_throttle_is_contended(
    wire: Wire, stored: Stored, code: str, reasons: list[str]
) -> None:
    with wire.refusing("TransactWriteItems", code, reasons), pytest.raises(Contended):
        transact(LimitItem, put_if_absent("a"))
    assert stored("teams") == {}


def test_a_lost_condition_says_more_than_a_collision(wire: Wire) -> None:
    reasons = ["TransactionConflict", "ConditionalCheckFailed"]
    with wire.refusing("TransactWriteItems", "TransactionCanceledException", reasons):
        assert transact(LimitItem, put_if_absent("a", "b")) == (1,)


def test_no_answer_is_contended_though_it_may_be_written(wire: Wire, stored: Stored) -> None:
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        transact(LimitItem, put_if_absent("a"))
    assert set(stored("teams")) == {("T#team_1", "a")}


def test_a_second_try_of_the_client_is_the_same_transaction(wire: Wire, stored: Stored) -> None:
    def fill(t: TransactWrite) -> None:
        t.update(limit("a"), [LimitItem.taken.add(1)], condition=LimitItem.pk.does_not_exist())

    with wire.losing_one_answer("TransactWriteItems"):
        assert transact(LimitItem, fill) is None
    assert stored("teams")["T#team_1", "a"]["c"] == {"N": "1"}


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("ValidationException", []),
        ("AccessDeniedException", []),
        ("TransactionCanceledException", ["ItemCollectionSizeLimitExceeded"]),
    ],
)
def test_what_no_retry_can_mend_is_raised_as_it_is(wire: Wire, code: str, reasons: list[str]) -> None:
    with wire.refusing("TransactWriteItems", code, reasons), pytest.raises(TransactWriteError):
        transact(LimitItem, put_if_absent("a"))


def test_an_error_while_filling_sends_nothing(wire: Wire) -> None:
    def fill(t: TransactWrite) -> None:
        t.save(limit("a"))
        raise LookupError

    with pytest.raises(LookupError):
        transact(LimitItem, fill)
    assert wire.calls == []
