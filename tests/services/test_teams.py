"""Teams are made out of band, by the operator."""

import re

import pytest

from chalicelib.services.teams import create_team
from tests.fakes import FakeDeps


def test_a_team_has_one_owner_and_is_stored() -> None:
    deps = FakeDeps()
    team = create_team(deps, "Blue Team", "Owner@Example.com")
    assert re.fullmatch("team_[0-9a-f]{32}", team.id)
    assert re.fullmatch("user_[0-9a-f]{32}", team.owner_id)
    assert (team.name, team.owner_email, team.created_at) == ("Blue Team", "Owner@Example.com", deps.at)
    assert deps.teams.get(team.id) == team
    assert deps.teams.all() == [team]


@pytest.mark.parametrize(
    ("name", "stem"),
    [("Blue Team", "blue-team"), ("  A & B!  ", "a-b"), ("Ünïcödé", "n-c-d"), ("!!!", "team"), ("", "team")],
)
def test_a_slug_is_made_of_the_name_and_is_safe_in_a_url(name: str, stem: str) -> None:
    slug = create_team(FakeDeps(), name, "owner@example.com").slug
    assert re.fullmatch(rf"{stem}-[0-9a-f]{{6}}", slug)


def test_two_teams_of_one_name_have_different_slugs() -> None:
    deps = FakeDeps()
    assert create_team(deps, "Same", "a@example.com").slug != create_team(deps, "Same", "b@example.com").slug
