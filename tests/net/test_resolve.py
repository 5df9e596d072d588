import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dns.flags
import dns.message
import dns.rcode
import pytest

from chalicelib.domain.outcome import Reason
from chalicelib.net.loop import Guard, Loop
from chalicelib.net.resolve import Resolution, Resolver, system_hosts, system_nameserver

from .servers import DnsServer, Query, Replier, answer_from, fails_with, kind_of, silent, zone

Names = Callable[[Replier], DnsServer]


def resolve(host: str, nameserver: tuple[str, int], try_seconds: float = 1.0) -> Resolution:
    loop = Loop()
    results: list[Resolution] = []
    crashes: list[str] = []
    guard = Guard(loop, lambda: crashes.append("crashed"))
    lookup = Resolver(nameserver, try_seconds).lookup(host, guard, results.append)
    while not results and not crashes:
        loop.run_once()
    lookup.close()
    loop.close()
    assert not crashes
    return results[0]


def test_addresses_of_both_families_are_found(names: Names) -> None:
    server = names(zone({"a.test": ["A 192.0.2.1", "A 192.0.2.2", "AAAA 2001:db8::1"]}))
    found = resolve("a.test", server.address)
    assert found == Resolution(("192.0.2.1", "192.0.2.2", "2001:db8::1"))
    assert server.asked == 2


def test_one_family_is_enough(names: Names) -> None:
    server = names(zone({"a.test": ["AAAA 2001:db8::1"]}))
    assert resolve("a.test", server.address) == Resolution(("2001:db8::1",))


def test_aliases_are_followed(names: Names) -> None:
    server = names(
        zone({"a.test": ["CNAME b.test."], "b.test": ["CNAME c.test."], "c.test": ["A 192.0.2.1"]})
    )
    assert resolve("a.test", server.address) == Resolution(("192.0.2.1",))


def test_a_name_that_is_not_there_is_not_found(names: Names) -> None:
    assert resolve("a.test", names(zone({})).address).fault is Reason.NAME_NOT_FOUND


def test_a_name_without_addresses_is_not_found(names: Names) -> None:
    server = names(zone({"a.test": ["TXT hello"]}))
    assert resolve("a.test", server.address).fault is Reason.NAME_NOT_FOUND


@pytest.mark.parametrize("code", [dns.rcode.SERVFAIL, dns.rcode.REFUSED, dns.rcode.FORMERR])
def test_an_error_of_the_name_server_is_a_failure(names: Names, code: dns.rcode.Rcode) -> None:
    assert resolve("a.test", names(fails_with(code)).address).fault is Reason.NAME_FAILED


def test_a_silent_name_server_is_asked_twice(names: Names) -> None:
    server = names(silent)
    assert resolve("a.test", server.address, try_seconds=0.05).fault is Reason.NAME_FAILED
    assert server.asked == 4


def test_a_name_server_that_refuses_packets_is_a_failure(names: Names) -> None:
    with DnsServer(silent) as server:
        pass
    assert resolve("a.test", server.address, try_seconds=0.05).fault is Reason.NAME_FAILED


def only(family: str, otherwise: Replier) -> Replier:
    """Has addresses of one family; what it does when asked for the other is to be chosen."""
    good = zone({"a.test": ["A 192.0.2.1", "AAAA 2001:db8::1"]})
    return lambda query, over_tcp: (good if kind_of(query) == family else otherwise)(query, over_tcp)


@pytest.mark.parametrize(
    "otherwise", [silent, fails_with(dns.rcode.SERVFAIL), fails_with(dns.rcode.NXDOMAIN)]
)
@pytest.mark.parametrize(("family", "address"), [("A", "192.0.2.1"), ("AAAA", "2001:db8::1")])
def test_a_family_that_fails_does_not_spoil_the_other(
    names: Names, family: str, address: str, otherwise: Replier
) -> None:
    assert resolve("a.test", names(only(family, otherwise)).address) == Resolution((address,))


def test_half_an_answer_without_addresses_is_a_failure(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        empty = zone({"a.test": []})
        return (empty if kind_of(query) == "A" else fails_with(dns.rcode.SERVFAIL))(query, over_tcp)

    assert resolve("a.test", names(reply).address).fault is Reason.NAME_FAILED


def test_the_second_try_counts(names: Names) -> None:
    seen: list[str] = []

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        seen.append(kind_of(query))
        return answers(query, over_tcp) if seen.count(kind_of(query)) == 2 else ()

    answers = zone({"a.test": ["A 192.0.2.1"]})
    assert resolve("a.test", names(reply).address, try_seconds=0.1) == Resolution(("192.0.2.1",))


def test_forged_answers_are_ignored(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        forged = answer_from({"a.test": ["A 192.0.2.66", "AAAA 2001:db8::66"]}, query)
        forged.id ^= 1
        other_question = dns.message.make_response(dns.message.make_query("b.test", "A", id=query.id))
        true = answer_from({"a.test": ["A 192.0.2.1"]}, query)
        return [forged.to_wire(), b"junk", query.to_wire(), other_question.to_wire(), true.to_wire()]

    assert resolve("a.test", names(reply).address) == Resolution(("192.0.2.1",))


GOOD = {"a.test": ["A 192.0.2.1", "AAAA 2001:db8::1"]}
BOTH = Resolution(("192.0.2.1", "2001:db8::1"))


def test_an_answer_that_comes_twice_does_not_stand_for_the_other_question(names: Names) -> None:
    server = names(lambda query, over_tcp: [answer_from(GOOD, query).to_wire()] * 3)
    assert resolve("a.test", server.address) == BOTH
    assert server.asked == 2


def test_the_answers_may_come_in_any_order(names: Names) -> None:
    held: list[bytes] = []

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        held.insert(0, answer_from(GOOD, query).to_wire())
        return held if len(held) == 2 else ()

    assert resolve("a.test", names(reply).address) == BOTH


def test_the_id_of_one_question_is_no_key_to_the_other(names: Names) -> None:
    """They go out over one socket: whoever has seen one must not be able to answer both."""
    asked: list[Query] = []

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        asked.append(query)
        if len(asked) < 2:
            return ()
        first, second = asked
        crossed = []
        for query_, other in ((first, second), (second, first)):
            forged = answer_from({"a.test": ["A 192.0.2.66", "AAAA 2001:db8::66"]}, query_)
            forged.id = other.id
            crossed.append(forged.to_wire())
        return [*crossed, *(answer_from(GOOD, query_).to_wire() for query_ in asked)]

    assert resolve("a.test", names(reply).address) == BOTH
    assert asked[0].id != asked[1].id


def test_only_the_name_server_is_listened_to() -> None:
    """Not even to a forger who knows the port, the ids and the questions."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger,
    ):
        server.bind(("127.0.0.1", 0))
        forger.bind(("127.0.0.1", 0))

        def serve() -> None:
            for _ in range(2):
                packet, client = server.recvfrom(4096)
                query = dns.message.from_wire(packet)
                assert isinstance(query, Query)
                bad = {"a.test": ["A 192.0.2.66", "AAAA 2001:db8::66"]}
                forger.sendto(answer_from(bad, query).to_wire(), client)
                server.sendto(answer_from(GOOD, query).to_wire(), client)

        thread = threading.Thread(target=serve)
        thread.start()
        assert resolve("a.test", server.getsockname()) == BOTH
        thread.join()


def test_an_answer_to_a_try_that_was_given_up_is_ignored(names: Names) -> None:
    """The later tries have ports and ids of their own."""
    first: dict[str, bytes] = {}

    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        late = {"a.test": ["A 192.0.2.66", "AAAA 2001:db8::66"]}
        kind = kind_of(query)
        if kind not in first:
            first[kind] = answer_from(late, query).to_wire()
            return ()
        return [first[kind], answer_from(GOOD, query).to_wire()]

    server = names(reply)
    assert resolve("a.test", server.address, try_seconds=0.1) == BOTH
    assert server.asked == 4


@pytest.mark.parametrize("after_seconds", [0.0, 0.05, 0.15])
def test_a_lookup_that_is_closed_in_the_middle_leaves_nothing(names: Names, after_seconds: float) -> None:
    """At once, while half an answer is waited on, and during the second try."""
    server = names(only("A", otherwise=silent) if after_seconds == 0.05 else silent)
    loop = Loop()
    guard = Guard(loop, lambda: pytest.fail("crashed"))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    lookup = Resolver(server.address, 0.1).lookup("a.test", guard, lambda found: pytest.fail("told"))
    until = time.monotonic() + after_seconds
    while time.monotonic() < until:
        loop.run_once(until)
    lookup.close()
    lookup.close()
    assert loop.is_idle()
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208
    loop.close()


MANY = [f"A 192.0.2.{number}" for number in range(1, 101)]


def truncated(query: Query, over_tcp: bool) -> Sequence[bytes]:
    answer = answer_from({"a.test": MANY}, query)
    if over_tcp:
        return [answer.to_wire()]
    answer.answer.clear()
    answer.flags |= dns.flags.TC
    return [answer.to_wire()]


def test_an_answer_that_is_cut_off_is_fetched_over_tcp(names: Names) -> None:
    server = names(truncated)
    assert len(resolve("a.test", server.address).addresses) == 100
    assert server.asked_over_tcp == 2


@pytest.mark.parametrize("over_tcp_packets", [[], [b"junk"]])
def test_a_bad_answer_over_tcp_is_a_failure(names: Names, over_tcp_packets: list[bytes]) -> None:
    server = names(lambda query, over_tcp: over_tcp_packets if over_tcp else truncated(query, False))
    assert resolve("a.test", server.address).fault is Reason.NAME_FAILED


def test_a_malformed_answer_is_asked_for_again_over_tcp(names: Names) -> None:
    def reply(query: Query, over_tcp: bool) -> Sequence[bytes]:
        wire = answer_from({"a.test": ["A 192.0.2.1", "AAAA 2001:db8::1"]}, query).to_wire()
        return [wire if over_tcp else wire[:-3]]

    assert resolve("a.test", names(reply).address) == Resolution(("192.0.2.1", "2001:db8::1"))


def test_localhost_is_known_without_a_question() -> None:
    resolver = Resolver(("192.0.2.53", 53))
    assert resolver.known("localhost") == ("127.0.0.1", "::1")
    assert resolver.known("app.localhost") == ("127.0.0.1", "::1")
    assert resolver.known("localhost.example.com") == ()


def test_the_hosts_file_gives_all_addresses_of_a_name(tmp_path: Path) -> None:
    path = tmp_path / "hosts"
    path.write_text("# comment\n192.0.2.1 a.test A.alias # more\nnonsense b.test\n2001:DB8::1 a.test\n\n")
    assert system_hosts(str(path)) == {"a.test": ("192.0.2.1", "2001:db8::1"), "a.alias": ("192.0.2.1",)}
    assert system_hosts(str(tmp_path / "none")) == {}


def test_the_hosts_file_counts_only_for_the_machines_own_name_server(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chalicelib.net.resolve.system_hosts", lambda: {"a.test": ("192.0.2.1",)})
    assert Resolver().known("a.test") == ("192.0.2.1",)
    assert Resolver(("192.0.2.53", 53)).known("a.test") == ()


def test_the_first_name_server_of_the_machine_is_used(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("; comment\nsearch example.com\nnameserver 192.0.2.53 # one\nnameserver 192.0.2.54\n")
    assert system_nameserver(str(path)) == ("192.0.2.53", 53)
    assert system_nameserver(str(tmp_path / "none")) == ("127.0.0.1", 53)
