from datetime import timedelta

import pytest

from chalicelib.domain.text import LEAST_LIFE, LIFE, TextRef, text_id

from .conftest import Edges
from .makers import NOW, OTHER, SHARD

ADDRESS, OTHER_ADDRESS = "93.184.216.34", "198.51.100.1"


def ref(text: str, position: int = 1, shard: str = SHARD) -> TextRef:
    return TextRef(shard, position, text_id(text))


def test_what_is_saved_is_picked_and_the_absent_left_out(edges: Edges) -> None:
    stored = {ref(ADDRESS): ADDRESS, ref(OTHER_ADDRESS, 1000): OTHER_ADDRESS, ref("", 2, OTHER): ""}
    edges.texts.save(stored, NOW)
    absent = [ref(OTHER_ADDRESS), ref(ADDRESS, 2), ref(ADDRESS, 1, OTHER)]
    assert edges.texts.pick([*stored, *absent], consistent=True) == stored
    assert edges.texts.pick([*stored, *absent], consistent=False) == stored
    assert edges.texts.pick(absent, consistent=True) == {}
    assert edges.texts.pick([], consistent=True) == {}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("v=DKIM1; p=" + "MIIBIjANBg" * 400, None),
        ("\u00fcml\u00e4ut \U0001f600\x00\n", None),
        ("not \udc80 Unicode", "not ? Unicode"),
    ],
    ids=["long", "beyond ASCII", "lone surrogate"],
)
def test_any_text_comes_back(edges: Edges, text: str, expected: str | None) -> None:
    edges.texts.save({ref(text): text}, NOW)
    assert edges.texts.pick([ref(text)], consistent=True) == {ref(text): expected or text}


def test_more_than_one_batch(edges: Edges) -> None:
    stored = {ref(str(number), number): str(number) for number in range(1, 121)}
    edges.texts.save(stored, NOW)
    edges.texts.save(stored, NOW)
    assert edges.texts.pick(stored, consistent=False) == stored


@pytest.mark.parametrize(
    ("days", "lives"), [(0, 130), (29, 101), (30, 100), (31, 130), (129, 130), (200, 130)]
)
def test_a_text_is_renewed_before_it_has_less_than_the_least_life(
    edges: Edges, days: int, lives: int
) -> None:
    edges.texts.save({ref(ADDRESS): ADDRESS}, NOW)
    assert edges.text_ends_at(ref(ADDRESS)) == NOW + LIFE
    later = NOW + timedelta(days=days)
    edges.texts.save({ref(ADDRESS): ADDRESS, ref(OTHER_ADDRESS): OTHER_ADDRESS}, later)
    assert edges.text_ends_at(ref(ADDRESS)) - later == timedelta(days=lives) >= LEAST_LIFE
    assert edges.text_ends_at(ref(OTHER_ADDRESS)) == later + LIFE
    assert edges.texts.pick([ref(ADDRESS)], consistent=True) == {ref(ADDRESS): ADDRESS}
