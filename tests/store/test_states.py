from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.outcome import Reason
from chalicelib.domain.state import MAX_TRANSITIONS, Entry, State, Transition
from chalicelib.errors import Contended
from chalicelib.store.incidents import INCIDENT_TTL, OUTBOX_TTL
from chalicelib.store.shards import ShardStore
from chalicelib.store.states import StateStore
from chalicelib.store.tables import StateItem

from .builders import DEGRADED, DOWN, SHARD, SLOT, TEAM, UP, Items, at_once, monitor_id, shard, transition
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]

UPS = Entry(UP, SLOT - 600, SLOT, response_ms=120)
FALLEN = Entry(DOWN, SLOT + 62, SLOT + 60, seq=1, opened_seq=1, response_ms=300)
WORSE = Entry(DEGRADED, SLOT + 122, SLOT + 120, seq=2, opened_seq=1)
RISEN = Entry(UP, SLOT + 182, SLOT + 180, seq=3)


@pytest.fixture
def states(client: "DynamoDBClient") -> StateStore:
    """A shard just made."""
    ShardStore().create(shard(), swept=SLOT)
    return StateStore()


def read(states: StateStore) -> State:
    state = states.get(SHARD, consistent=True)
    assert state is not None
    return state


def commit(states: StateStore, as_read: State, *changes: Transition, swept: int | None = None) -> bool:
    entries = {**as_read.entries, **{change.member.position: change.after for change in changes}}
    return states.commit(SHARD, as_read, entries, as_read.swept if swept is None else swept, changes)


def raise_config_version() -> None:
    StateItem(f"S#{SHARD}").update([StateItem.config_version.add(1)])


def full(entry: Entry) -> dict[int, Entry]:
    return dict.fromkeys(range(801, 1001), entry)


def test_a_shard_that_is_not_there_has_no_state(client: "DynamoDBClient") -> None:
    assert StateStore().get(SHARD, consistent=True) is None
    assert StateStore().get(SHARD, consistent=False) is None


@pytest.mark.parametrize("consistent", [True, False])
def test_a_commit_is_read_back(states: StateStore, consistent: bool) -> None:
    raise_config_version()
    assert states.commit(SHARD, read(states), {1: UPS, 1000: FALLEN}, SLOT + 60, [])
    assert states.get(SHARD, consistent=consistent) == State(1, 1, SLOT + 60, {1: UPS, 1000: FALLEN})


def test_a_commit_over_another_version_is_lost(states: StateStore, stored: Stored) -> None:
    as_read = read(states)
    assert commit(states, as_read, transition(1, UPS, FALLEN))
    before = stored("checks"), stored("alerts")
    assert not commit(states, as_read, transition(2, UPS, FALLEN))
    assert (stored("checks"), stored("alerts")) == before


def test_a_commit_with_an_old_pack_is_lost(states: StateStore, stored: Stored) -> None:
    as_read = read(states)
    raise_config_version()
    assert not commit(states, as_read, transition(1, UPS, FALLEN))
    assert stored("alerts") == {}
    assert read(states).entries == {}


def test_a_commit_makes_no_shard(client: "DynamoDBClient", stored: Stored) -> None:
    assert not StateStore().commit(SHARD, State(0, 0, SLOT, {}), {1: UPS}, SLOT, [])
    assert stored("checks") == {}


def test_one_of_many_commits_over_a_version_wins(states: StateStore, stored: Stored) -> None:
    as_read = read(states)

    def attempt(number: int) -> bool:
        try:
            return commit(states, as_read, transition(number + 1, UPS, FALLEN))
        except Contended:
            return False

    won = at_once(20, attempt)
    assert won.count(True) == 1
    assert read(states) == State(1, 0, SLOT, {won.index(True) + 1: FALLEN})
    assert len(stored("alerts")) == 2


def test_a_fault_opens_an_incident_and_leaves_one_row(states: StateStore, stored: Stored) -> None:
    assert commit(states, read(states), transition(7, UPS, FALLEN))
    at = SLOT + 62
    assert stored("alerts") == {
        (f"M#{monitor_id(7)}", "I#00000001"): {
            "pk": {"S": f"M#{monitor_id(7)}"},
            "sk": {"S": "I#00000001"},
            "t": {"S": TEAM},
            "o": {"N": str(at)},
            "st": {"N": str(int(DOWN))},
            "rs": {"N": str(int(Reason.REFUSED))},
            "sc": {"N": "0"},
        },
        (f"OUT#{SHARD}", f"{monitor_id(7)}#00000001"): {
            "pk": {"S": f"OUT#{SHARD}"},
            "sk": {"S": f"{monitor_id(7)}#00000001"},
            "t": {"S": TEAM},
            "k": {"S": "http"},
            "op": {"N": "1"},
            "b": {"N": str(int(UP))},
            "a": {"N": str(int(DOWN))},
            "s": {"N": str(SLOT + 60)},
            "at": {"N": str(at)},
            "rs": {"N": str(int(Reason.REFUSED))},
            "sc": {"N": "0"},
            "ms": {"N": "300"},
            "ttl": {"N": str(at + int(OUTBOX_TTL.total_seconds()))},
        },
    }


def test_the_row_of_a_first_fault_has_nothing_before(states: StateStore, stored: Stored) -> None:
    assert commit(states, read(states), transition(7, None, FALLEN))
    assert "b" not in stored("alerts")[f"OUT#{SHARD}", f"{monitor_id(7)}#00000001"]


def test_an_incident_follows_its_monitor_to_the_recovery(states: StateStore, stored: Stored) -> None:
    changes = [transition(7, UPS, FALLEN), transition(7, FALLEN, WORSE), transition(7, WORSE, RISEN)]
    seen = []
    for change in changes:
        assert commit(states, read(states), change)
        incident = stored("alerts")[f"M#{monitor_id(7)}", "I#00000001"]
        seen.append((incident["st"]["N"], incident.get("re"), incident.get("ttl")))
    ends = SLOT + 182 + int(INCIDENT_TTL.total_seconds())
    assert seen == [
        ("2", None, None),
        ("1", None, None),
        ("0", {"N": str(SLOT + 182)}, {"N": str(ends)}),
    ]
    assert [sk for pk, sk in sorted(stored("alerts")) if pk.startswith("OUT#")] == [
        f"{monitor_id(7)}#{seq:08d}" for seq in (1, 2, 3)
    ]


@pytest.mark.parametrize("repeated", [transition(7, UPS, FALLEN), transition(7, FALLEN, WORSE)])
def test_a_row_is_never_written_twice(states: StateStore, stored: Stored, repeated: Transition) -> None:
    """Not even if a STATE could be read that forgot the transition."""
    for change in (transition(7, UPS, FALLEN), transition(7, FALLEN, WORSE)):
        assert commit(states, read(states), change)
    before = stored("alerts")
    assert not commit(states, replace(read(states), entries={}), repeated)
    assert stored("alerts") == before


def test_a_recovery_makes_no_incident(states: StateStore, stored: Stored) -> None:
    """Of a monitor that was deleted meanwhile with its incidents."""
    assert not commit(states, read(states), transition(7, WORSE, RISEN))
    assert stored("alerts") == {}


@pytest.mark.parametrize("reasons", [["TransactionConflict"], ["None", "ThrottlingError"]])
def test_a_collision_is_contended_and_nothing_is_written(
    states: StateStore, wire: Wire, stored: Stored, reasons: Sequence[str]
) -> None:
    as_read = read(states)
    with (
        wire.refusing("TransactWriteItems", "TransactionCanceledException", reasons),
        pytest.raises(Contended),
    ):
        commit(states, as_read, transition(7, UPS, FALLEN))
    assert read(states) == as_read
    assert stored("alerts") == {}


def test_after_a_lost_answer_the_same_commit_is_lost(states: StateStore, wire: Wire) -> None:
    as_read = read(states)
    with wire.losing_answers("TransactWriteItems"), pytest.raises(Contended):
        commit(states, as_read, transition(7, UPS, FALLEN))
    assert not commit(states, as_read, transition(7, UPS, FALLEN))
    assert read(states) == State(1, 0, SLOT, {7: FALLEN})


def test_a_second_try_of_the_client_is_the_same_commit(states: StateStore, wire: Wire) -> None:
    as_read = read(states)
    with wire.losing_one_answer("TransactWriteItems"):
        assert commit(states, as_read, transition(7, UPS, FALLEN))
    assert read(states).version == 1


def test_the_state_of_a_full_shard_is_one_strong_read_unit(states: StateStore, wire: Wire) -> None:
    assert states.commit(SHARD, read(states), full(UPS), SLOT, [])
    wire.calls.clear()
    assert read(states).entries == full(UPS)
    assert wire.calls == [Call("GetItem", 1.0)]
    states.get(SHARD, consistent=False)
    assert wire.calls[1] == Call("GetItem", 0.5)


def test_a_full_batch_is_one_transaction(states: StateStore, wire: Wire, stored: Stored) -> None:
    assert states.commit(SHARD, read(states), full(UPS), SLOT, [])
    as_read = read(states)
    wire.calls.clear()
    assert commit(states, as_read, *(transition(801 + n, UPS, FALLEN) for n in range(MAX_TRANSITIONS)))
    (call,) = wire.calls
    assert call.operation == "TransactWriteItems"
    assert call.units == 2 * (4 + 2 * MAX_TRANSITIONS)
    assert len(stored("alerts")) == 2 * MAX_TRANSITIONS


def test_a_sweep_of_a_full_shard_is_eight_write_units(states: StateStore, wire: Wire) -> None:
    as_read = read(states)
    wire.calls.clear()
    assert states.commit(SHARD, as_read, full(UPS), SLOT + 3600, [])
    assert wire.calls == [Call("TransactWriteItems", 8.0)]
