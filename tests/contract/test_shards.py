from chalicelib.domain.shard import MAX_POSITIONS

from .conftest import Edges
from .makers import BASE, OTHER, SHARD, shard


def test_a_new_shard_has_an_empty_state_swept_at_its_creation(edges: Edges) -> None:
    assert edges.shards.create(shard(), swept=BASE)
    state = edges.states.get(SHARD, consistent=True)
    assert state is not None
    assert (state.version, state.config_version, state.swept, dict(state.entries)) == (0, 0, BASE, {})


def test_a_taken_shard_id_is_refused_and_nothing_changes(edges: Edges) -> None:
    edges.shards.create(shard(team_id="team-1"), swept=BASE)
    assert not edges.shards.create(shard(team_id="team-2"), swept=BASE + 60)
    stored, state = edges.shards.get(SHARD), edges.states.get(SHARD, consistent=True)
    assert stored is not None
    assert stored.team_id == "team-1"
    assert state is not None
    assert state.swept == BASE


def test_shards_are_listed_by_id_as_they_were_made(edges: Edges) -> None:
    edges.shards.create(shard(OTHER), swept=BASE)
    edges.shards.create(shard(SHARD), swept=BASE)
    assert edges.shards.all() == [shard(SHARD), shard(OTHER)]


def test_an_unknown_shard_is_none(edges: Edges) -> None:
    assert edges.shards.get(SHARD) is None
    assert edges.states.get(SHARD, consistent=True) is None


def test_positions_begin_at_one_and_are_never_given_twice(edges: Edges) -> None:
    edges.shards.create(shard(), swept=BASE)
    assert [edges.shards.take_position(SHARD) for _ in range(3)] == [1, 2, 3]
    stored = edges.shards.get(SHARD)
    assert stored is not None
    assert stored.last_position == 3


def test_a_shard_gives_no_position_past_its_last(edges: Edges) -> None:
    edges.shards.create(shard(), swept=BASE)
    taken = [edges.shards.take_position(SHARD) for _ in range(MAX_POSITIONS)]
    assert taken[-1] == MAX_POSITIONS
    assert edges.shards.take_position(SHARD) is None


def test_a_shard_that_does_not_exist_gives_no_position(edges: Edges) -> None:
    assert edges.shards.take_position(SHARD) is None
    assert edges.shards.get(SHARD) is None
