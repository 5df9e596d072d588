import re
from datetime import datetime, timedelta
from uuid import RFC_4122, UUID

from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.identifier import new_uuid, result_id, with_prefix

from .builders import SLOT, instant

random_bits = st.integers(0, 2**74 - 1)
slots = st.integers(0, 10**9).map(lambda minute: minute * 60)
moments = st.integers(0, 4_000_000_000_000).map(lambda ms: instant(0) + timedelta(milliseconds=ms))


def uuid_of(identifier: str) -> UUID:
    return UUID(identifier.split("_")[1])


@given(moments, random_bits)
def test_an_id_is_a_uuid_of_version_7(now: datetime, bits: int) -> None:
    uuid = new_uuid(now, bits)
    assert (uuid.version, uuid.variant) == (7, RFC_4122)


@given(moments, random_bits)
def test_an_id_holds_its_millisecond_and_all_its_random_bits(now: datetime, bits: int) -> None:
    number = new_uuid(now, bits).int
    assert number >> 80 == (now - instant(0)) // timedelta(milliseconds=1)
    assert (number >> 64 & 0xFFF) << 62 | number & 2**62 - 1 == bits


@given(moments, random_bits, random_bits)
def test_ids_sort_by_time(now: datetime, bits: int, other_bits: int) -> None:
    later = now + timedelta(milliseconds=1)
    assert with_prefix("chk", new_uuid(now, bits)) < with_prefix("chk", new_uuid(later, other_bits))


def test_the_prefix_names_the_kind() -> None:
    identifier = with_prefix("chk", new_uuid(instant(SLOT), 5))
    assert re.fullmatch(r"chk_[a-zA-Z0-9]+", identifier)
    assert re.fullmatch(r"chk_[0-9a-f]{32}", identifier)


@given(slots)
def test_a_slot_has_one_result_of_a_monitor(slot: int) -> None:
    assert result_id("res", "chk_1", slot) == result_id("res", "chk_1", slot)
    assert re.fullmatch(r"res_[0-9a-f]{32}", result_id("res", "chk_1", slot))
    uuid = uuid_of(result_id("res", "chk_1", slot))
    assert (uuid.version, uuid.variant) == (7, RFC_4122)
    assert uuid.int >> 80 == slot * 1000


def test_results_of_other_slots_and_monitors_have_other_ids() -> None:
    ids = {result_id("res", f"chk_{m}", SLOT + 60 * k) for m in range(50) for k in range(50)}
    assert len(ids) == 2500


@given(slots)
def test_result_ids_sort_by_slot(slot: int) -> None:
    assert result_id("res", "chk_1", slot) < result_id("res", "chk_1", slot + 10)
