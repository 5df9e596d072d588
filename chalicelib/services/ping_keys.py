"""A team's ping key: with it, and a slug, its cron jobs are pinged without knowing their tokens."""

import string

from chalicelib.errors import Contended
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import TRIES, pause

LENGTH = 22
_DIGITS = string.digits + string.ascii_lowercase


def get_ping_key(deps: Deps, team_id: str) -> str | None:
    return deps.ping_keys.of_team(team_id)


def ensure_ping_key(deps: Deps, team_id: str) -> str:
    """The team's key, made if there is none."""
    return deps.ping_keys.of_team(team_id) or _replaced(deps, team_id, is_wanted_new=False)


def replace_ping_key(deps: Deps, team_id: str) -> str:
    """A new key; the one before leads nowhere from now on."""
    return _replaced(deps, team_id, is_wanted_new=True)


def _replaced(deps: Deps, team_id: str, *, is_wanted_new: bool) -> str:
    new = new_ping_key(deps.random_bits(192))
    for attempt in range(TRIES):
        pause(deps, attempt)
        before = deps.ping_keys.of_team(team_id)
        if before == new or (before is not None and not is_wanted_new):
            return before
        try:
            if deps.ping_keys.replace(team_id, before, new):
                return new
        except Contended:
            continue
    raise Contended("ping key")


def new_ping_key(random_bits: int) -> str:
    """Of 192 random bits, so that no digit is likelier than another by anything that counts."""
    digits = []
    for _ in range(LENGTH):
        random_bits, digit = divmod(random_bits, len(_DIGITS))
        digits.append(_DIGITS[digit])
    return "".join(digits)
