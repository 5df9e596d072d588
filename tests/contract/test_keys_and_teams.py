from datetime import timedelta

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM, SCOPES, ApiKey
from chalicelib.domain.team import Team

from .conftest import Edges
from .makers import BASE, NOW


def key(n: int = 1, team_id: str = "team-1", expires_in: int | None = None) -> ApiKey:
    return ApiKey(
        id=f"key_{n}",
        team_id=team_id,
        name=f"Key {n}",
        digest=f"digest-{n}",
        prefix="uptime_12345678",
        scopes=SCOPES[:2],
        created_at=NOW + timedelta(seconds=n),
        expires_at=None if expires_in is None else NOW + timedelta(seconds=expires_in),
    )


def team(n: int = 1) -> Team:
    return Team(f"team-{n}", f"Team {n}", f"team-{n}", "user-1", "owner@example.com", NOW)


def test_a_teams_keys_are_listed_newest_first(edges: Edges) -> None:
    for n in (1, 2):
        assert edges.keys.mint(key(n))
    edges.keys.mint(key(3, team_id="team-2"))
    assert edges.keys.of_team("team-1") == [key(2), key(1)]


def test_a_team_has_ten_keys_at_most(edges: Edges) -> None:
    minted = [edges.keys.mint(key(n)) for n in range(MAX_KEYS_PER_TEAM + 1)]
    assert minted == [True] * MAX_KEYS_PER_TEAM + [False]
    assert edges.key_uses.use(f"digest-{MAX_KEYS_PER_TEAM}", NOW) is None


def test_a_key_that_is_minted_again_after_a_lost_answer_takes_no_second_slot(edges: Edges) -> None:
    assert [edges.keys.mint(key()) for _ in range(2)] == [True, True]
    assert edges.keys.of_team("team-1") == [key()]


def test_uses_are_counted_in_minute_windows(edges: Edges) -> None:
    edges.keys.mint(key())
    uses = [edges.key_uses.use("digest-1", NOW + timedelta(seconds=s)) for s in (0, 59, 60)]
    assert [(use.used_in_window, use.window_ends_at) for use in uses if use] == [
        (1, BASE + 60),
        (2, BASE + 60),
        (1, BASE + 120),
    ]


def test_a_use_tells_whose_the_key_is_and_what_it_may(edges: Edges) -> None:
    edges.keys.mint(key())
    use = edges.key_uses.use("digest-1", NOW)
    assert use is not None
    assert (use.key_id, use.team_id, use.scopes) == ("key_1", "team-1", SCOPES[:2])


def test_a_clock_that_is_behind_counts_in_the_stored_window(edges: Edges) -> None:
    edges.keys.mint(key())
    edges.key_uses.use("digest-1", NOW + timedelta(seconds=60))
    use = edges.key_uses.use("digest-1", NOW)
    assert use is not None
    assert (use.used_in_window, use.window_ends_at) == (2, BASE + 120)


def test_an_unknown_or_expired_key_is_none(edges: Edges) -> None:
    edges.keys.mint(key(expires_in=30))
    assert edges.key_uses.use("digest-9", NOW) is None
    assert edges.key_uses.use("digest-1", NOW + timedelta(seconds=29)) is not None
    assert edges.key_uses.use("digest-1", NOW + timedelta(seconds=30)) is None


def test_teams_are_found_and_listed(edges: Edges) -> None:
    assert edges.teams.all() == []
    for n in (1, 2):
        edges.teams.create(team(n))
    assert edges.teams.get("team-1") == team(1)
    assert edges.teams.get("team-3") is None
    assert edges.teams.all() == [team(1), team(2)]
