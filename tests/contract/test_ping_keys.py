from .conftest import Edges


def test_a_team_begins_without_a_key(edges: Edges) -> None:
    assert edges.ping_keys.of_team("team-1") is None
    assert edges.ping_keys.team_of("first") is None
    assert edges.ping_keys.replace("team-1", None, "first")
    assert edges.ping_keys.of_team("team-1") == "first"
    assert edges.ping_keys.team_of("first") == "team-1"
    assert edges.ping_keys.of_team("team-2") is None


def test_a_replaced_key_is_nobodys(edges: Edges) -> None:
    edges.ping_keys.replace("team-1", None, "first")
    assert edges.ping_keys.replace("team-1", "first", "second")
    assert edges.ping_keys.of_team("team-1") == "second"
    assert edges.ping_keys.team_of("first") is None
    assert edges.ping_keys.team_of("second") == "team-1"


def test_a_replacement_of_what_is_not_the_key_is_lost(edges: Edges) -> None:
    assert not edges.ping_keys.replace("team-1", "first", "second")
    edges.ping_keys.replace("team-1", None, "first")
    assert not edges.ping_keys.replace("team-1", None, "second")
    assert not edges.ping_keys.replace("team-1", "another", "second")
    assert edges.ping_keys.of_team("team-1") == "first"
    assert edges.ping_keys.team_of("second") is None


def test_the_same_key_again_is_no_replacement(edges: Edges) -> None:
    edges.ping_keys.replace("team-1", None, "first")
    assert edges.ping_keys.replace("team-1", "first", "first")
    assert edges.ping_keys.team_of("first") == "team-1"


def test_a_key_is_one_teams(edges: Edges) -> None:
    edges.ping_keys.replace("team-1", None, "first")
    assert not edges.ping_keys.replace("team-2", None, "first")
    assert edges.ping_keys.team_of("first") == "team-1"


def test_any_text_may_be_asked_for(edges: Edges) -> None:
    for text in ("", "\udc80", "\x00", "x" * 10_000):
        assert edges.ping_keys.team_of(text) is None
