from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.text import ID_LENGTH, LEAST_LIFE, LIFE, text_bytes, text_id
from chalicelib.services.probing.texts import TRUSTED_SECONDS
from chalicelib.store.ticks import TICK_TTL


def test_the_id_is_stable() -> None:
    assert text_id("93.184.216.34").hex() == "d127f3bc62e71259"


@given(st.text(), st.text())
def test_other_texts_have_other_ids(one: str, other: str) -> None:
    assert (text_id(one) == text_id(other)) == (text_bytes(one) == text_bytes(other))
    assert len(text_id(one)) == ID_LENGTH


def test_what_is_not_unicode_becomes_a_question_mark() -> None:
    assert text_bytes("a\udc80b") == b"a?b"


def test_a_text_outlives_every_tick_that_refers_to_it() -> None:
    assert LEAST_LIFE.total_seconds() - TRUSTED_SECONDS > TICK_TTL.total_seconds() + 86400
    assert LIFE.days - LEAST_LIFE.days == 30
