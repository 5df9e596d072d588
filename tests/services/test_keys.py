"""Minting API keys."""

import re

import pytest

from chalicelib.domain.api_key import key_digest
from chalicelib.errors import Conflict
from chalicelib.services.keys import mint_key
from tests.fakes import FakeDeps

TEAM = "team_1"


def test_a_minted_key_has_the_contracts_form() -> None:
    deps = FakeDeps()
    minted = mint_key(deps, TEAM, "a key", ["monitors:read"], created_by="user_1")
    assert re.fullmatch("uptime_[0-9a-f]{64}", minted.plaintext)
    assert re.fullmatch("key_[0-9a-f]{32}", minted.key.id)
    assert minted.key.prefix == minted.plaintext[:15]
    assert minted.key.digest == key_digest(minted.plaintext)
    assert (minted.key.name, minted.key.scopes) == ("a key", ("monitors:read",))
    assert (minted.key.created_at, minted.key.expires_at) == (deps.at, None)
    assert deps.keys.of_team(TEAM) == [minted.key]


def test_the_plaintext_is_neither_stored_nor_shown() -> None:
    deps = FakeDeps()
    minted = mint_key(deps, TEAM, "a key", ["monitors:read"])
    assert minted.plaintext not in repr(minted)
    assert minted.plaintext not in repr(dict(deps.store.items))


def test_the_eleventh_key_of_a_team_is_refused_and_other_teams_are_not() -> None:
    deps = FakeDeps()
    minted = [mint_key(deps, TEAM, str(number), ["monitors:read"]) for number in range(10)]
    with pytest.raises(Conflict):
        mint_key(deps, TEAM, "one more", ["monitors:read"])
    assert len(deps.keys.of_team(TEAM)) == 10
    assert len({key.plaintext for key in minted}) == 10
    mint_key(deps, "team_2", "theirs", ["monitors:read"])
