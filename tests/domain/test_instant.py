"""Instants as they are stored."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.instant import from_milliseconds, to_milliseconds, whole_milliseconds

BEGIN = datetime(1970, 1, 1, tzinfo=UTC)
INSTANTS = st.timedeltas(timedelta(0), timedelta(days=80_000)).map(lambda ago: BEGIN + ago)


@given(INSTANTS)
def test_what_is_read_again_is_the_whole_milliseconds(at: datetime) -> None:
    assert from_milliseconds(to_milliseconds(at)) == whole_milliseconds(at)


@given(INSTANTS)
def test_nothing_is_stored_as_later_than_it_was(at: datetime) -> None:
    assert timedelta(0) <= at - whole_milliseconds(at) < timedelta(milliseconds=1)
