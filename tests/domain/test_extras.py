from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.extras import (
    NO_EXTRAS,
    ContentCheck,
    Extras,
    decode_extras,
    decode_spec,
    encode_extras,
    encode_spec,
    with_extras,
)
from chalicelib.domain.monitor import Monitor, Placement
from chalicelib.domain.monitor_write import MonitorWrite

from .builders import SLOT, instant

CHECK = ContentCheck(
    "cc_1",
    "regex",
    "Wel+come",
    case_sensitive=True,
    is_enabled=False,
    created_at=instant(0),
    updated_at=instant(1),
)
EXTRAS = Extras((("Authorization", "Bearer s3cret"), ("X-Env", "prod")), "p4yload", (CHECK,))
MONITOR = Monitor(
    id="mon_1",
    team_id="team_1",
    kind="http",
    name="Home",
    spec={"url": "https://example.com"},
    interval_seconds=60,
    timeout_seconds=5,
    is_enabled=True,
    is_public=False,
    enabled_at=instant(SLOT),
    created_at=instant(SLOT),
    updated_at=instant(SLOT),
    rev=3,
    placements=(Placement("enam.normal.00001", 7, SLOT, 60),),
)

texts = st.text(st.characters(codec="utf-8"), max_size=20)
instants = st.integers(0, 4_000_000_000_000).map(lambda ms: instant(0) + timedelta(milliseconds=ms))
checks = st.builds(
    ContentCheck,
    id=texts,
    type=st.sampled_from(["contains", "not_contains", "regex"]),
    value=texts,
    case_sensitive=st.booleans(),
    is_enabled=st.booleans(),
    created_at=instants,
    updated_at=instants,
)
any_extras = st.builds(
    Extras,
    headers=st.lists(st.tuples(texts, texts), max_size=3).map(tuple),
    body=st.none() | texts,
    content_checks=st.lists(checks, max_size=3).map(tuple),
)


@given(any_extras)
def test_extras_come_back_from_their_bytes(extras: Extras) -> None:
    assert decode_extras(encode_extras(extras)) == extras
    assert decode_spec(encode_spec(extras.as_spec())) == extras.as_spec()


def test_a_check_is_given_the_contracts_own_names() -> None:
    assert EXTRAS.as_spec() == {
        "headers": {"Authorization": "Bearer s3cret", "X-Env": "prod"},
        "body": "p4yload",
        "contentChecks": [{"type": "regex", "value": "Wel+come", "caseSensitive": True, "isEnabled": False}],
    }


@pytest.mark.parametrize("part", ["headers", "body", "content_checks"])
def test_absent_parts_are_left_out(part: str) -> None:
    only = replace(NO_EXTRAS, **{part: getattr(EXTRAS, part)})
    name = {"content_checks": "contentChecks"}.get(part, part)
    assert only.as_spec() == {name: EXTRAS.as_spec()[name]}
    assert NO_EXTRAS.as_spec() == {}


def test_secrets_stand_in_no_repr() -> None:
    write = MonitorWrite(None, with_extras(MONITOR, EXTRAS), extras=EXTRAS)
    for text in (repr(EXTRAS), str(EXTRAS), f"{EXTRAS}", repr([EXTRAS]), repr(write)):
        assert "s3cret" not in text
        assert "prod" not in text
        assert "p4yload" not in text
        assert "Authorization" in text
        assert "has_body=True" in text


def test_the_largest_extras_fit_into_an_item_many_times() -> None:
    """Of characters of four bytes that hardly compress."""
    glyphs = [chr(0x10000 + n * 7919 % 0xFFFFF) for n in range(60_000)]
    filled = replace(CHECK, value="".join(glyphs[:4096]))
    checks = tuple(
        replace(filled, value="".join(glyphs[4096 * n : 4096 * (n + 1)]), id=f"cc_{n}") for n in range(10)
    )
    largest = Extras((("X-Large", "h" * 16_384),), "".join(glyphs[:10_000]), checks)
    assert len(encode_extras(largest)) < 250_000
    assert len(encode_extras(replace(largest, body="b" * 10_000, content_checks=()))) < 500


def test_a_monitor_tells_of_its_extras_what_lists_show() -> None:
    monitor = with_extras(MONITOR, EXTRAS)
    assert (monitor.header_names, monitor.has_body) == (("Authorization", "X-Env"), True)
    assert (monitor.has_extras, monitor.extras_rev) == (True, 3)
    assert with_extras(replace(monitor, rev=4), NO_EXTRAS) == replace(MONITOR, rev=4)
    assert with_extras(MONITOR, Extras(content_checks=(CHECK,))) == replace(MONITOR, extras_rev=3)


def at(monitor: Monitor, shard: str, position: int) -> Monitor:
    return replace(monitor, placements=(*monitor.placements, Placement(shard, position, SLOT + 60, 60)))


BARE = replace(MONITOR, rev=2)
OLD = replace(MONITOR, rev=2, extras_rev=1)
HERE, THERE = ("enam.normal.00001", 7), ("enam.slow.00001", 2)


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (None, MONITOR, (False, None, None)),
        (None, with_extras(MONITOR, EXTRAS), (True, None, HERE)),
        (BARE, MONITOR, (False, None, None)),
        (BARE, None, (False, None, None)),
        (BARE, with_extras(MONITOR, EXTRAS), (True, None, HERE)),
        (BARE, at(with_extras(MONITOR, EXTRAS), *THERE), (True, None, THERE)),
        (BARE, at(MONITOR, *THERE), (False, None, None)),
        (OLD, replace(MONITOR, extras_rev=1), (False, None, None)),
        (OLD, with_extras(MONITOR, EXTRAS), (True, None, HERE)),
        (OLD, MONITOR, (True, HERE, None)),
        (OLD, None, (True, HERE, None)),
        (OLD, at(replace(MONITOR, extras_rev=1), *THERE), (False, HERE, THERE)),
        (OLD, at(with_extras(MONITOR, EXTRAS), *THERE), (True, HERE, THERE)),
        (OLD, at(MONITOR, *THERE), (True, HERE, None)),
    ],
)
def test_extras_are_written_when_they_change_or_move(
    before: Monitor | None, after: Monitor | None, expected: object
) -> None:
    """Management's copy; from where the probe's goes; where the probe's is put."""
    write = MonitorWrite(before, after)
    assert (write.changes_extras, write.old_extras_place, write.new_extras_place) == expected
