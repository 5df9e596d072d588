"""Teams, and what all commands have in common."""

import json
import re

import pytest

import manage
from tests.manage.operator import OWNER, Operator


def test_a_team_is_made_and_listed(local: Operator) -> None:
    made = local.ask("create-team", "Blue Team", "--owner", OWNER)
    assert set(made) == {"id", "name", "slug", "ownerId"}
    assert re.fullmatch("team_[0-9a-f]{32}", made["id"])
    assert local.ask("list-teams") == {"teams": [{"id": made["id"], "name": "Blue Team", "owner": OWNER}]}


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("", OWNER),
        ("x" * 256, OWNER),
        *[
            ("Blue", owner)
            for owner in ("", "owner", "@example.com", "owner@", "a@b@c", "a b@c.d", "a@b,c@d")
        ],
        ("Blue", f"{OWNER}\n"),
    ],
)
def test_a_team_without_a_name_or_an_owner_to_write_to_is_refused(
    local: Operator, name: str, owner: str
) -> None:
    local.fail("create-team", name, "--owner", owner)
    assert local.ask("list-teams") == {"teams": []}


def test_without_json_the_answer_is_plain_text(local: Operator) -> None:
    assert local.read("list-teams") == "no teams\n"
    created = local.read("create-team", "Blue", "--owner", OWNER)
    assert "name: Blue\n" in created
    listed = local.read("list-teams")
    assert OWNER in listed
    assert "Blue" in listed


def test_a_hostile_name_of_a_team_breaks_neither_its_line_nor_the_terminal(local: Operator) -> None:
    created = local.read("create-team", "Blue\n\x1b[31m", "--owner", OWNER)
    assert "name: Blue\\n\\x1b[31m\n" in created
    (line,) = local.read("list-teams").splitlines()
    assert line.isprintable()
    assert "Blue\\n\\x1b[31m  owner@" in line


@pytest.mark.parametrize(
    "words",
    [
        ["--stage", "local", "--json", "list-teams"],
        ["list-teams", "--stage", "local", "--json"],
        ["--json", "list-teams", "--stage", "local"],
        ["--stage", "elsewhere", "list-teams", "--json", "--stage", "local"],
        ["list-teams", "--json"],
    ],
)
def test_stage_and_json_may_stand_before_and_after_the_command(
    local: Operator, capsys: pytest.CaptureFixture[str], words: list[str]
) -> None:
    assert manage.main(words) == 0
    assert json.loads(capsys.readouterr().out) == {"teams": []}


def test_a_wrong_setting_is_named(local: Operator, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UPTIME_REGION", "moon")
    assert "UPTIME_REGION" in local.fail("list-teams")


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["no-such-command"],
        ["create-team"],
        ["create-team", "Blue"],
        ["create-key"],
        ["list-keys"],
        ["revoke-key", "team_0"],
    ],
)
def test_wrong_usage_is_told_by_the_parser(local: Operator, words: list[str]) -> None:
    with pytest.raises(SystemExit):
        manage.main(words)
