"""Keys from the command line: minted, listed, revoked."""

import io
import re
import sys
from datetime import UTC, datetime

import pytest

import manage
from chalicelib.domain.api_key import SCOPES
from chalicelib.services.keys import mint_key
from chalicelib.wiring import Edges
from tests.manage.operator import Door, Operator

KEY = re.compile("uptime_[0-9a-f]{64}")
FIELDS = {"id", "name", "scopes", "createdAt", "lastUsedAt", "expiresAt", "keyPrefix"}
"""Those of the API's key object."""
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"


def test_a_key_without_scopes_may_do_everything_and_works(local: Operator, door: Door) -> None:
    team = local.team()
    made = local.ask("create-key", team)
    assert set(made) == {*FIELDS, "team", "key"}
    assert made["team"] == team
    assert KEY.fullmatch(made["key"])
    caller = door.open(made["key"])
    assert caller is not None
    assert (caller.key_id, caller.team_id, caller.scopes) == (made["id"], team, frozenset(SCOPES))


def test_a_key_has_the_scopes_it_was_given(local: Operator, door: Door) -> None:
    made = local.ask("create-key", local.team(), "--scope", "monitors:read", "--scope", "alerts:read")
    assert made["scopes"] == ["monitors:read", "alerts:read"]
    caller = door.open(made["key"])
    assert caller is not None
    assert caller.scopes == {"monitors:read", "alerts:read"}


def test_an_alias_stands_for_its_two_scopes(local: Operator) -> None:
    team = local.team()
    made = local.ask("create-key", team, "--scope", "team:read", "--scope", "invites:read")
    assert made["scopes"] == ["teams:read", "invites:read"]
    made = local.ask("create-key", team, "--scope", "team:write")
    assert made["scopes"] == ["teams:write", "invites:write"]


def test_unknown_scopes_are_named_and_nothing_is_minted(local: Operator) -> None:
    team = local.team()
    words = ["--scope", "monitors:all", "--scope", "alerts:read", "--scope", "teams:\x1b[2J\n"]
    assert "unknown scope: monitors:all, teams:\\x1b[2J\\n" in local.fail("create-key", team, *words)
    assert local.key_ids(team) == []


def test_a_key_ends_at_the_instant_it_was_given(local: Operator, edges: Edges, door: Door) -> None:
    team = local.team()
    made = local.ask("create-key", team, "--expires-at", "2999-01-31T12:00:00.5+02:00")
    assert made["expiresAt"] == "2999-01-31T10:00:00Z"
    assert door.open(made["key"]) is not None
    (key,) = edges.keys.of_team(team)
    assert key.expires_at == datetime(2999, 1, 31, 10, tzinfo=UTC)


@pytest.mark.parametrize(
    "expires_at",
    [
        "",
        "tomorrow",
        "2999-01-31",
        "2999-01-31T12:00:00",
        "2999-02-30T12:00:00Z",
        "2020-01-01T00:00:00Z",
    ],
)
def test_an_expiry_that_is_no_instant_ahead_is_refused(local: Operator, expires_at: str) -> None:
    team = local.team()
    assert "--expires-at" in local.fail("create-key", team, "--expires-at", expires_at)
    assert local.key_ids(team) == []


@pytest.mark.parametrize("name", ["", "x" * 256, "\udcff"])
def test_a_key_without_a_proper_name_is_refused(local: Operator, name: str) -> None:
    team = local.team()
    assert "--name" in local.fail("create-key", team, "--name", name)
    assert local.key_ids(team) == []


def test_a_name_has_up_to_255_characters_which_only_json_shows_in_full(local: Operator) -> None:
    team = local.team()
    local.ask("create-key", team, "--name", "é" * 255)
    (key,) = local.ask("list-keys", team)["keys"]
    assert key["name"] == "é" * 255
    assert f"  {'é' * 37}...  created" in local.read("list-keys", team)


def test_the_eleventh_key_is_refused(local: Operator, edges: Edges) -> None:
    team = local.team()
    for number in range(10):
        mint_key(edges, team, str(number), SCOPES)
    assert "10" in local.fail("create-key", team)


def test_keys_are_listed_as_the_api_shows_them(local: Operator, door: Door) -> None:
    team = local.team()
    assert local.ask("list-keys", team) == {"keys": []}
    assert local.read("list-keys", team) == "no keys\n"
    made = local.ask("create-key", team, "--name", "reader", "--scope", "team:read")
    plaintext = made.pop("key")
    assert made.pop("team") == team
    assert local.ask("list-keys", team) == {"keys": [made]}
    assert made["lastUsedAt"] is None
    assert door.open(plaintext) is not None
    (key,) = local.ask("list-keys", team)["keys"]
    assert set(key) == FIELDS
    assert re.fullmatch(TIME, key["lastUsedAt"])


def test_the_list_has_one_aligned_line_a_key(local: Operator, door: Door) -> None:
    team = local.team()
    first = local.ask("create-key", team, "--name", "日本", "--scope", "team:read")
    second = local.ask("create-key", team, "--expires-at", "2999-01-31T12:00:00Z")
    assert door.open(first["key"]) is not None
    lines = sorted(local.read("list-keys", team).splitlines())
    expected = (
        rf"{first['id']}  {first['keyPrefix']}  日本       created {TIME}  used {TIME}  never expires  "
        r"               teams:read, invites:read",
        rf"{second['id']}  {second['keyPrefix']}  manage\.py  created {TIME}  never used                 "
        r"expires 2999-01-31T12:00:00Z  all scopes",
    )
    for line, pattern in zip(lines, expected, strict=True):
        assert re.fullmatch(pattern, line), line


HOSTILE = "a\nb\r\x1b]0;owned\x07\x9b2J\u2028\u202e\x7f\\"


def test_a_hostile_name_breaks_neither_its_line_nor_the_terminal(local: Operator) -> None:
    team = local.team()
    created = local.read("create-key", team, "--name", HOSTILE)
    assert len(created.splitlines()) == 7
    assert "".join(created.split("\n")).isprintable()
    (line,) = local.read("list-keys", team).split("\n")[:-1]
    assert line.isprintable()
    assert r"  a\nb\r\x1b]0;owned\x07\x9b2J\u2028" in line
    assert local.ask("list-keys", team)["keys"][0]["name"] == HOSTILE


def test_a_terminal_that_knows_few_characters_is_still_told_the_key(
    local: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    team = local.team()
    printed = io.BytesIO()
    terminal = io.TextIOWrapper(printed, encoding="ascii", write_through=True)
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", terminal)
        assert manage.main(["create-key", team, "--name", "né日"]) == 0
    text = printed.getvalue().decode()
    assert r"name: n\xe9\u65e5" in text
    assert KEY.search(text)


def test_a_revoked_key_is_refused_on_the_next_request(local: Operator, door: Door) -> None:
    team = local.team()
    kept, revoked = local.ask("create-key", team), local.ask("create-key", team)
    assert door.open(revoked["key"]) is not None
    assert local.ask("revoke-key", team, revoked["id"]) == {"team": team, "revoked": revoked["id"]}
    assert door.open(revoked["key"]) is None
    assert door.open(kept["key"]) is not None
    assert local.key_ids(team) == [kept["id"]]
    assert revoked["id"] in local.fail("revoke-key", team, revoked["id"])


def test_without_json_a_revoked_key_is_named(local: Operator) -> None:
    team = local.team()
    key_id = local.ask("create-key", team)["id"]
    assert local.read("revoke-key", team, key_id) == f"team: {team}\nrevoked: {key_id}\n"


def test_an_unknown_team_is_named(local: Operator) -> None:
    key_id = local.ask("create-key", local.team())["id"]
    for words in (["create-key"], ["list-keys"], ["revoke-key", key_id]):
        assert "'team_0'" in local.fail(words[0], "team_0", *words[1:])
        local.fail(words[0], "team\n\x1b[2J", *words[1:])


def test_an_unknown_key_and_another_teams_are_not_revoked(local: Operator, door: Door) -> None:
    blue, red = local.team(), local.team()
    made = local.ask("create-key", blue)
    for key_id in ("key_0", "", made["keyPrefix"], "key\n\x1b[2J"):
        assert blue in local.fail("revoke-key", blue, key_id)
    assert made["id"] in local.fail("revoke-key", red, made["id"])
    assert local.key_ids(blue) == [made["id"]]
    assert door.open(made["key"]) is not None
