import subprocess
import sys
from collections.abc import Callable, Sequence
from functools import lru_cache

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.dns_values import RECORD_TYPES
from chalicelib.domain.outcome import Reason
from chalicelib.net.dns import MAX_RECORDS, read_records
from chalicelib.net.dns_packet import MalformedPacket
from chalicelib.net.exchange import DnsAnswer, DnsExchange
from chalicelib.net.policy import Policy

from .running import check, options
from .servers import MAX_PACKET, DnsServer, Query, Replier, answer_from, fails_with, silent, zone

Names = Callable[[Replier], DnsServer]

SHORT = 0.4

RECORDS = {
    "a.test": ["A 192.0.2.1", "A 10.0.0.1", "AAAA 2001:db8::1", "MX 10 MX1.a.test.", "MX 20 mx2.a.test."],
    "alias.test": ["CNAME next.test."],
    "next.test": ["CNAME a.test."],
    "txt.test": ['TXT "v=spf1 " "-All"', "TXT single"],
    "_dmarc.a.test": ['TXT "v=DMARC1; p=none"'],
    "ns.test": ["NS NS1.a.test.", "NS ns2.a.test."],
    "nomail.test": ["MX 0 ."],
}


def ask(server: DnsServer, name: str, kind: str = "A", seconds: float = 5.0) -> DnsAnswer:
    """With a policy that permits nothing inside: answers are data."""
    return check(DnsExchange(name, kind, seconds), options(Policy(), nameserver=server.address))


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("a.test", "A", {"192.0.2.1", "10.0.0.1"}),
        ("A.Test.", "A", {"192.0.2.1", "10.0.0.1"}),
        ("a.test", "AAAA", {"2001:db8::1"}),
        ("a.test", "MX", {"10 MX1.a.test", "20 mx2.a.test"}),
        ("nomail.test", "MX", {"0 ."}),
        ("txt.test", "TXT", {"v=spf1 -All", "single"}),
        ("_dmarc.a.test", "TXT", {"v=DMARC1; p=none"}),
        ("ns.test", "NS", {"NS1.a.test", "ns2.a.test"}),
        ("alias.test", "CNAME", {"next.test"}),
        ("alias.test", "A", {"192.0.2.1", "10.0.0.1"}),
    ],
)
def test_the_records_of_the_type_are_the_answer(
    names: Names, name: str, kind: str, records: set[str]
) -> None:
    server = names(zone(RECORDS))
    answer = ask(server, name, kind)
    assert (answer.fault, set(answer.records), answer.code) == (Reason.NONE, records, 0)
    assert answer.elapsed_ms > 0
    assert server.asked == 1


def test_records_that_do_not_belong_to_the_name_are_not_its_own(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        answer = answer_from({"a.test": ["A 192.0.2.1"]}, query)
        answer.answer.append(dns.rrset.from_text("other.test.", 60, "IN", "A", "192.0.2.66"))
        answer.answer.append(dns.rrset.from_text("a.test.", 60, "CH", "TXT", "chaos"))
        answer.additional.append(dns.rrset.from_text("a.test.", 60, "IN", "A", "192.0.2.67"))
        return [answer.to_wire()]

    assert ask(names(reply), "a.test").records == ("192.0.2.1",)


def test_a_ring_of_aliases_ends(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        answer = dns.message.make_response(query)
        for owner, target in (("a", "b"), ("b", "a")):
            answer.answer.append(dns.rrset.from_text(f"{owner}.test.", 60, "IN", "CNAME", f"{target}.test."))
        return [answer.to_wire()]

    assert ask(names(reply), "a.test").fault is Reason.NO_RECORDS


def test_a_text_that_is_no_text_is_told_all_the_same(names: Names) -> None:
    server = names(zone({"a.test": [r'TXT "\195\188 \255"']}))
    assert ask(server, "a.test", "TXT").records == ("ü \\xff",)


def test_a_name_that_is_not_there_is_not_found(names: Names) -> None:
    answer = ask(names(zone({})), "a.test")
    assert (answer.fault, answer.records, answer.code) == (Reason.NAME_NOT_FOUND, (), 3)


@pytest.mark.parametrize(
    ("name", "kind"), [("a.test", "TXT"), ("a.test", "CNAME"), ("ns.test", "A"), ("alias.test", "TXT")]
)
def test_a_name_without_records_of_the_type(names: Names, name: str, kind: str) -> None:
    answer = ask(names(zone(RECORDS)), name, kind)
    assert (answer.fault, answer.code) == (Reason.NO_RECORDS, 0)


@pytest.mark.parametrize(
    "code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR, dns.rcode.BADVERS]
)
def test_an_error_of_the_name_server_is_a_failure(names: Names, code: dns.rcode.Rcode) -> None:
    answer = ask(names(fails_with(code)), "a.test")
    assert (answer.fault, answer.code) == (Reason.NAME_FAILED, code)


def test_a_silent_name_server_is_asked_twice_and_is_a_timeout(names: Names) -> None:
    server = names(silent)
    answer = ask(server, "a.test", seconds=SHORT)
    assert (answer.fault, answer.code) == (Reason.TIMEOUT, None)
    assert server.asked == 2
    assert SHORT * 1000 <= answer.elapsed_ms < SHORT * 1000 + 1000


def test_a_name_server_that_is_not_there_is_a_failure() -> None:
    with DnsServer(silent) as server:
        pass
    answer = ask(server, "a.test", seconds=SHORT)
    assert answer.fault is Reason.NAME_FAILED
    assert answer.elapsed_ms < SHORT * 1000


def test_a_lost_packet_is_asked_again(names: Names) -> None:
    server = names(lambda query, over_tcp: answers(query, over_tcp) if server.asked == 2 else ())
    answers = zone(RECORDS)
    assert ask(server, "ns.test", "NS", seconds=SHORT).fault is Reason.NONE


def test_each_try_has_an_id_and_a_port_of_its_own(names: Names) -> None:
    ids: list[int] = []

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        ids.append(query.id)
        return ()

    server = names(reply)
    for _ in range(3):
        ask(server, "a.test", seconds=0.1)
    assert len(set(ids)) >= 5


def test_the_question_says_how_much_may_come_back(names: Names) -> None:
    queries: list[Query] = []

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        queries.append(query)
        return zone(RECORDS)(query, over_tcp)

    ask(names(reply), "A.test", "MX")
    (query,) = queries
    assert (query.edns, query.payload, query.flags) == (0, 1232, dns.flags.RD)
    assert query.question[0].to_text() == "a.test. IN MX"


def test_forged_answers_are_ignored(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        forged = answer_from({"a.test": ["A 192.0.2.66"]}, query)
        forged.id ^= 1
        other_name = dns.message.make_response(dns.message.make_query("b.test", "A", id=query.id))
        other_type = dns.message.make_response(dns.message.make_query("a.test", "MX", id=query.id))
        headless = fails_with(dns.rcode.NXDOMAIN)(query, over_tcp)[0][:12]
        true = answer_from({"a.test": ["A 192.0.2.1"]}, query).to_wire()
        false = [
            forged.to_wire(),
            b"junk",
            query.to_wire(),
            other_name.to_wire(),
            other_type.to_wire(),
            headless,
        ]
        return [*false, true.replace(b"\1a\4test", b"\1A\4tEST", 1)]

    assert ask(names(reply), "a.test").records == ("192.0.2.1",)


MANY = [f"A 192.0.2.{number}" for number in range(1, 101)]


def truncated(query: Query, over_tcp: bool) -> Sequence[bytes]:
    answer = answer_from({"a.test": MANY}, query)
    if over_tcp:
        return [answer.to_wire(max_size=MAX_PACKET)]
    answer.answer.clear()
    answer.flags |= dns.flags.TC
    return [answer.to_wire()]


def test_an_answer_that_is_cut_off_is_fetched_over_tcp(names: Names) -> None:
    server = names(truncated)
    assert len(ask(server, "a.test").records) == 100
    assert (server.asked, server.asked_over_tcp) == (1, 1)


@pytest.mark.parametrize("over_tcp_packets", [[], [b"junk"]])
def test_a_bad_answer_over_tcp_is_a_failure(names: Names, over_tcp_packets: list[bytes]) -> None:
    server = names(lambda query, over_tcp: over_tcp_packets if over_tcp else truncated(query, False))
    assert ask(server, "a.test").fault is Reason.NAME_FAILED


def test_a_malformed_answer_is_asked_for_again_over_tcp(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        wire = answer_from(RECORDS, query).to_wire()
        return [wire if over_tcp else wire[:-13]]

    assert len(ask(names(reply), "a.test").records) == 2


def test_a_malformed_answer_both_ways_is_a_failure(names: Names) -> None:
    server = names(lambda query, over_tcp: [answer_from(RECORDS, query).to_wire()[:-13]])
    assert ask(server, "a.test").fault is Reason.NAME_FAILED
    assert server.asked_over_tcp == 1


def test_an_answer_that_would_hold_up_the_others_is_not_read(names: Names) -> None:
    many = [f"A 10.0.{number >> 8}.{number & 255}" for number in range(MAX_RECORDS)]
    assert len(ask(names(zone({"a.test": many})), "a.test").records) == 0  # with its OPT it is one too many
    assert len(ask(names(zone({"a.test": many[1:]})), "a.test").records) == MAX_RECORDS - 1


@pytest.mark.parametrize(
    "name", ["", ".", "192.0.2.1", "::1", "a b.test", "127.1", "a..test", "a.test\\", "a@b.test"]
)
def test_what_is_no_name_is_not_asked_for(names: Names, name: str) -> None:
    server = names(zone({}))
    assert ask(server, name).fault is Reason.BLOCKED
    assert server.asked == 0


def test_dnspython_is_imported_only_for_a_dns_exchange() -> None:
    script = (
        "import sys\n"
        "from chalicelib.net.engine import Engine, EngineOptions\n"
        "from chalicelib.net.exchange import DnsExchange, HttpExchange, TcpExchange\n"
        "from chalicelib.net.policy import Policy\n"
        "def run(exchange):\n"
        "    with Engine(EngineOptions(Policy(), ('127.0.0.1', 1))).start({1: exchange}) as started:\n"
        "        started.collect()\n"
        "    return 'dns' in sys.modules\n"
        "print(run(HttpExchange('http://10.0.0.1/')), run(TcpExchange('10.0.0.1', 80)),\n"
        "    run(DnsExchange('10.0.0.1', 'A')))\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.split() == ["False", "False", "True"]


@lru_cache
def wire(kind: str) -> bytes:
    query = dns.message.make_query("a.test", kind, id=7, use_edns=0)
    answer = answer_from(
        {"a.test": ["CNAME b.test."], "b.test": [*RECORDS["a.test"], *RECORDS["txt.test"]]}, query
    )
    return answer.to_wire()


@given(
    st.sampled_from(RECORD_TYPES),
    st.lists(st.tuples(st.integers(min_value=18), st.integers(0, 255)), max_size=6),
    st.integers(0, 40),
)
def test_no_answer_whatever_it_holds_is_more_than_malformed(
    kind: str, changes: list[tuple[int, int]], cut: int
) -> None:
    packet = bytearray(wire(kind))
    for place, value in changes:
        packet[place % len(packet)] = value
    try:
        reading = read_records(bytes(packet[: len(packet) - cut]), 7, "a.test", dns.rdatatype.from_text(kind))
    except MalformedPacket:
        return
    assert reading is None or all(isinstance(record, str) for record in reading.records)
