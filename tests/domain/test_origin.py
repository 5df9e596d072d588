import hashlib
import hmac
import re
from datetime import datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.origin import Origin, origin_of

from .builders import SLOT, instant

moments = st.integers(0, 4_000_000_000_000_000).map(lambda us: instant(0) + timedelta(microseconds=us))
random_bits = st.integers(0, 2**256 - 1)
origins = st.builds(origin_of, moments, random_bits)
prefixes = st.from_regex(r"[a-z]{1,8}", fullmatch=True)
MILLISECOND = timedelta(milliseconds=1)


@given(moments, random_bits)
def test_an_origin_is_its_millisecond_and_its_bytes(now: datetime, bits: int) -> None:
    origin = origin_of(now, bits)
    assert origin.at == instant(0) + (now - instant(0)) // MILLISECOND * MILLISECOND
    assert len(origin.seed) == 32
    assert int.from_bytes(origin.seed) == bits


@given(origins, prefixes)
def test_an_id_is_a_uuid_of_the_origins_time_and_always_the_same(origin: Origin, prefix: str) -> None:
    identifier = origin.new_id(prefix)
    assert re.fullmatch(rf"{prefix}_[0-9a-f]{{32}}", identifier)
    uuid = UUID(identifier.removeprefix(f"{prefix}_"))
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == (origin.at - instant(0)) // MILLISECOND
    assert Origin(origin.at, origin.seed).new_id(prefix) == identifier


def test_kinds_and_seeds_have_suffixes_of_their_own() -> None:
    made = [
        origin_of(instant(SLOT), n).new_id(prefix) for n in range(200) for prefix in ("mon", "key", "team")
    ]
    assert len({identifier.split("_")[1] for identifier in made}) == 600


@given(origins, st.text(st.characters(exclude_categories=["Cs"])))
def test_a_secret_is_an_hmac_keyed_by_its_owner(origin: Origin, owner: str) -> None:
    secret = origin.secret(owner)
    assert secret == hmac.new(owner.encode(), b"secret " + origin.seed, hashlib.sha256).digest()
    assert len(secret) == 32


def test_neither_the_seed_nor_the_owner_alone_makes_the_secret() -> None:
    secrets = {origin_of(instant(SLOT), n).secret(owner) for n in range(20) for owner in ("", "a", "b", "ab")}
    assert len(secrets) == 80


def test_a_secret_does_not_depend_on_the_time() -> None:
    assert Origin(instant(0), bytes(32)).secret("a") == Origin(instant(1), bytes(32)).secret("a")


@given(origins)
def test_the_seed_is_not_shown(origin: Origin) -> None:
    assert repr(origin) == f"Origin(at={origin.at!r})"
