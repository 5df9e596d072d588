import contextlib
import struct

import dns.flags
import dns.message
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.net.dns_packet import AAAA, A, MalformedPacket, build_query, read_answer

NAME = "www.example.com"


def answer(*rrsets: tuple[str, str, str], name: str = NAME, kind: str = "A") -> dns.message.Message:
    message = dns.message.make_response(dns.message.make_query(name, kind, id=77))
    message.answer = [dns.rrset.from_text(owner, 60, "IN", what, data) for owner, what, data in rrsets]
    return message


def test_a_query_is_what_dnspython_reads() -> None:
    query = dns.message.from_wire(build_query(513, NAME, AAAA))
    assert query.id == 513
    assert query.flags == dns.flags.RD
    assert query.question[0].to_text() == "www.example.com. IN AAAA"


def test_all_addresses_of_the_name_are_read_once_each() -> None:
    packet = answer(("www.example.com.", "A", "192.0.2.1"), ("www.example.com.", "A", "192.0.2.2")).to_wire()
    read = read_answer(packet, 77, NAME, A)
    assert read is not None
    assert read.addresses == ("192.0.2.1", "192.0.2.2")


def test_aliases_are_followed_whatever_their_order_and_case() -> None:
    packet = answer(
        ("b.test.", "AAAA", "2001:db8::1"),
        ("c.test.", "AAAA", "2001:db8::2"),
        ("A.test.", "CNAME", "B.test."),
        ("WWW.example.com.", "CNAME", "a.TEST."),
        kind="AAAA",
    ).to_wire()
    read = read_answer(packet, 77, NAME, AAAA)
    assert read is not None
    assert read.addresses == ("2001:db8::1",)


def test_a_ring_of_aliases_ends() -> None:
    packet = answer(
        ("www.example.com.", "CNAME", "b.test."), ("b.test.", "CNAME", "www.example.com.")
    ).to_wire()
    read = read_answer(packet, 77, NAME, A)
    assert read is not None
    assert read.addresses == ()


def test_another_id_name_type_or_a_query_is_no_answer() -> None:
    packet = answer(("www.example.com.", "A", "192.0.2.1")).to_wire()
    assert read_answer(packet, 78, NAME, A) is None
    assert read_answer(packet, 77, "www.example.net", A) is None
    assert read_answer(packet, 77, NAME, AAAA) is None
    assert read_answer(packet[:20], 77, NAME, A) is None
    assert read_answer(build_query(77, NAME, A), 77, NAME, A) is None


def test_the_echoed_name_may_differ_in_case() -> None:
    packet = answer(name="WWW.Example.COM").to_wire()
    assert read_answer(packet, 77, NAME, A) is not None


def test_a_cut_answer_says_so() -> None:
    message = answer()
    message.flags |= dns.flags.TC
    read = read_answer(message.to_wire(), 77, NAME, A)
    assert read is not None
    assert read.is_truncated


def header_and_question(answers: int) -> bytes:
    query = build_query(77, NAME, A)
    return query[:2] + struct.pack("!5H", 0x8180, 1, answers, 0, 0) + query[12:]


@pytest.mark.parametrize(
    "records",
    [
        b"",
        b"\xc0",
        b"\xc0\x0c\x00\x01",
        b"\xc0\xff" + bytes(14),  # a pointer past the end
        b"\xc0\x21" + bytes(14),  # a pointer to itself
        b"\x40" + bytes(30),  # a reserved kind of label
        b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x04\x7f\x00",
        b"\xc0\x0c\x00\x01\x00\x01\x00\x00\x00\x00\x00\x05\x7f\x00\x00\x01\x00",
        b"\x3f" + b"a" * 63 + (b"\x3f" + b"a" * 63) * 4 + bytes(20),
    ],
)
def test_a_broken_record_is_malformed(records: bytes) -> None:
    with pytest.raises(MalformedPacket):
        read_answer(header_and_question(1) + records, 77, NAME, A)


@given(st.binary(max_size=200), st.integers(0, 5))
def test_no_packet_does_worse_than_malformed(records: bytes, count: int) -> None:
    with contextlib.suppress(MalformedPacket):
        read_answer(header_and_question(count) + records, 77, NAME, A)
    assert read_answer(records, 77, NAME, A) is None
