import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.member import (
    Member,
    Pack,
    decode_member,
    decode_pack,
    encode_member,
    encode_pack,
    member_of,
)
from chalicelib.domain.monitor import Monitor, Placement

from .builders import SLOT, instant, member

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
any_member = st.builds(
    Member,
    position=st.integers(0, 1000),
    monitor_id=st.text(max_size=36),
    team_id=st.text(max_size=36),
    kind=st.sampled_from(["http", "dns", "tcp"]),
    spec=st.dictionaries(st.text(max_size=8), json_values, max_size=3),
    interval_seconds=st.integers(10, 86_400),
    anchor=st.integers(0, 9_999_999_999),
    is_enabled=st.booleans(),
    extras_rev=st.integers(0, 99),
    enabled_slot=st.integers(0, 9_999_999_999),
)


@given(any_member)
def test_a_member_comes_back_from_its_bytes(one: Member) -> None:
    assert decode_member(encode_member(one)) == one


@given(st.lists(any_member, unique_by=lambda m: m.position, max_size=4), st.integers(0, 10**9))
def test_a_pack_comes_back_from_its_bytes(some: list[Member], version: int) -> None:
    pack = Pack(version, {m.position: m for m in some})
    assert decode_pack(version, encode_pack(pack)) == pack


def test_text_is_not_escaped_since_its_bytes_are_counted() -> None:
    one = replace(member(1), spec={"url": "https://exämple.com/ü"})
    assert "ä".encode() in encode_member(one)
    assert b" " not in encode_member(one)


def test_the_usual_member_says_nothing_of_its_flags() -> None:
    assert set(json.loads(encode_member(member(1)))) == {"p", "i", "t", "k", "n", "a", "s"}
    odd = replace(member(1), is_enabled=False, extras_rev=3)
    assert set(json.loads(encode_member(odd))) == {"p", "i", "t", "k", "n", "a", "s", "off", "x"}


def test_a_full_pack_of_ordinary_monitors_stays_small() -> None:
    """Of each monitor hardly more than its random id is left; read once a warm container and version."""
    everyone = {
        p: replace(
            member(p),
            monitor_id=f"chk_{p * 0x9E3779B97F4A7C15F39CC0605CEDC835 % 2**128:032x}",
            spec={
                "url": f"https://www.example.com/products/{p}/reviews",
                "method": "GET",
                "timeoutSeconds": 30,
                "followRedirects": True,
            },
        )
        for p in range(1, 201)
    }
    assert len(encode_pack(Pack(1, everyone))) < 8192


@pytest.mark.parametrize(
    ("slot", "is_enabled", "is_due"),
    [
        (SLOT - 300, True, False),
        (SLOT, True, True),
        (SLOT + 60, True, False),
        (SLOT + 300, True, True),
        (SLOT, False, False),
        (SLOT + 300, False, False),
    ],
)
def test_an_enabled_member_is_due_by_its_schedule(slot: int, is_enabled: bool, is_due: bool) -> None:
    assert member(1, interval_seconds=300, is_enabled=is_enabled).is_due(slot, 60) is is_due


def test_a_member_is_its_monitor_at_its_current_place() -> None:
    monitor = Monitor(
        id="chk_1",
        team_id="team_1",
        kind="http",
        name="Home",
        spec={"url": "https://example.com"},
        interval_seconds=90,
        timeout_seconds=5,
        is_enabled=False,
        is_public=True,
        enabled_at=None,
        created_at=instant(SLOT),
        updated_at=instant(SLOT),
        placements=(
            Placement("enam.slow.00001", 3, SLOT, 60, to_slot=SLOT + 60),
            Placement("enam.normal.00001", 7, SLOT + 60, 90),
        ),
        extras_rev=4,
    )
    assert member_of(monitor) == Member(
        position=7,
        monitor_id="chk_1",
        team_id="team_1",
        kind="http",
        spec={"url": "https://example.com"},
        interval_seconds=90,
        anchor=SLOT + 60,
        is_enabled=False,
        extras_rev=4,
    )
    assert member_of(monitor).has_extras
    assert not member_of(replace(monitor, extras_rev=0)).has_extras


def test_where_changes_need_confirmation_a_member_knows_the_slot_of_its_enable() -> None:
    """So does its encoding; every other member's bytes are as ever."""
    monitor = Monitor(
        id="chk_1",
        team_id="team_1",
        kind="http",
        name="Home",
        spec={"url": "https://example.com"},
        interval_seconds=90,
        timeout_seconds=5,
        is_enabled=True,
        is_public=True,
        enabled_at=instant(SLOT + 59),
        created_at=instant(SLOT - 600),
        updated_at=instant(SLOT + 59),
        placements=(Placement("enam.normal.00001", 7, SLOT + 60, 90),),
    )
    confirming = replace(monitor, spec={**monitor.spec, "confirmations": 2})
    assert member_of(monitor).enabled_slot == 0
    assert b'"e"' not in encode_member(member_of(monitor))
    assert member_of(confirming).enabled_slot == SLOT
    assert member_of(replace(confirming, enabled_at=None)).enabled_slot == 0
    assert member_of(replace(confirming, interval_seconds=10)).enabled_slot == SLOT + 50
