import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence

import pytest

from chalicelib.domain.outcome import Reason
from chalicelib.net import tcp
from chalicelib.net.exchange import TcpAnswer, TcpExchange
from chalicelib.net.policy import Policy, parse_allowances

from .running import check, options, run
from .servers import STUCK_SECONDS, DnsServer, FullListener, Query, Replier, fails_with, silent, zone

Names = Callable[[Replier], DnsServer]

SHORT = 0.3


class Listener:
    """Accepts, and leaves each connection alone until its end, of which it keeps what it was sent."""

    def __init__(self, address: str = "127.0.0.1", port: int = 0) -> None:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self._listener = socket.create_server((address, port), family=family, backlog=256)
        self._listener.settimeout(STUCK_SECONDS)
        self.port: int = self._listener.getsockname()[1]

    def received(self) -> bytes:
        """All that the next connection says until it closes."""
        stream, _ = self._listener.accept()
        with stream:
            stream.settimeout(STUCK_SECONDS)
            return stream.recv(1000)

    def has_connections(self) -> bool:
        self._listener.setblocking(False)
        try:
            self._listener.accept()[0].close()
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        self._listener.close()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.close()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def test_a_connection_that_is_accepted_is_an_answer(listener: Listener) -> None:
    began_at = time.monotonic()
    answer = check(TcpExchange("127.0.0.1", listener.port))
    assert (answer.fault, answer.remote_address) == (Reason.NONE, "127.0.0.1")
    assert 0 < answer.elapsed_ms <= (time.monotonic() - began_at) * 1000
    assert answer.offset_ms >= 0


def test_it_is_closed_at_once_without_a_word(listener: Listener) -> None:
    check(TcpExchange("127.0.0.1", listener.port))
    assert listener.received() == b""


def test_an_ipv6_literal_is_connected_to() -> None:
    listener = Listener("::1")
    try:
        assert check(TcpExchange("::1", listener.port)).remote_address == "::1"
    finally:
        listener.close()


def test_localhost_needs_no_name_server(listener: Listener) -> None:
    answer = check(TcpExchange("localhost", listener.port), options(nameserver=("127.0.0.1", 1)))
    assert answer.remote_address == "127.0.0.1"


def test_a_closed_port_is_refused() -> None:
    assert check(TcpExchange("127.0.0.1", free_port())).fault is Reason.REFUSED


def test_whoever_accepts_and_resets_has_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:

        def serve() -> None:
            for _ in range(30):
                stream, _ = server.accept()
                stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                stream.close()

        thread = threading.Thread(target=serve)
        thread.start()
        answers = run({key: TcpExchange("127.0.0.1", server.getsockname()[1]) for key in range(30)})
        thread.join(STUCK_SECONDS)
    assert {answer.fault for answer in answers.values()} == {Reason.NONE}


def test_nothing_within_the_deadline_is_a_timeout() -> None:
    with FullListener() as full:
        answer = check(TcpExchange("127.0.0.1", full.port, SHORT))
    assert answer.fault is Reason.TIMEOUT
    assert SHORT * 1000 <= answer.elapsed_ms < SHORT * 1000 + 1000
    assert answer.remote_address == ""


def test_a_lost_first_packet_is_part_of_the_time() -> None:
    with FullListener() as full:
        drain = threading.Timer(0.2, full.drain)
        drain.start()
        answer = check(TcpExchange("127.0.0.1", full.port, STUCK_SECONDS))
        drain.join()
    assert answer.fault is Reason.NONE
    assert answer.elapsed_ms > 200


def test_the_kernels_time_counts_when_we_come_late(listener: Listener) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connected:
        assert 0 < tcp._connect_ms(connected, 60_000.0) < 60_000
        assert tcp._connect_ms(connected, 0.0) == 0.0
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as no_tcp:
        assert tcp._connect_ms(no_tcp, 12.0) == 12.0


def test_a_name_is_looked_up_once_and_that_is_not_in_the_time(names: Names, listener: Listener) -> None:
    answers = zone({"a.test": ["A 127.0.0.1"]})

    def slowly(query: Query, over_tcp: bool) -> Sequence[bytes]:
        time.sleep(0.1)
        return answers(query, over_tcp)

    resolver = names(slowly)
    answer = check(TcpExchange("A.test.", listener.port), options(nameserver=resolver.address))
    assert answer.remote_address == "127.0.0.1"
    assert resolver.asked == 2
    assert answer.phases.name_ms >= 100
    assert answer.elapsed_ms < 100


def test_the_next_address_is_tried(names: Names, listener: Listener) -> None:
    resolver = names(zone({"a.test": ["A 127.0.0.2", "A 127.0.0.3", "A 127.0.0.1"]}))
    answer = check(TcpExchange("a.test", listener.port), options(nameserver=resolver.address))
    assert (answer.fault, answer.remote_address) == (Reason.NONE, "127.0.0.1")


def test_when_all_addresses_fail_a_refusal_is_told(names: Names) -> None:
    resolver = names(zone({"a.test": ["A 127.0.0.2", "A 127.0.0.1", "AAAA ::1"]}))
    answer = check(TcpExchange("a.test", free_port()), options(nameserver=resolver.address))
    assert answer.fault is Reason.REFUSED
    assert answer.elapsed_ms > 0


def test_a_name_that_is_not_there_is_a_fault(names: Names) -> None:
    resolver = names(zone({}))
    answer = check(TcpExchange("a.test", 80), options(nameserver=resolver.address))
    assert answer.fault is Reason.NAME_NOT_FOUND


def test_a_name_server_that_fails_is_a_fault(names: Names) -> None:
    resolver = names(fails_with(2))  # type: ignore[arg-type]
    answer = check(TcpExchange("a.test", 80), options(nameserver=resolver.address))
    assert answer.fault is Reason.NAME_FAILED


def test_a_silent_name_server_is_bounded_by_the_deadline(names: Names) -> None:
    answer = check(TcpExchange("a.test", 80, SHORT), options(nameserver=names(silent).address))
    assert answer.fault is Reason.TIMEOUT
    assert answer.elapsed_ms < SHORT * 1000 + 1000


@pytest.mark.parametrize(
    "host",
    [
        "",
        "127.1",
        "0177.0.0.1",
        "2130706433",
        "0x7f000001",
        "[127.0.0.1]",
        "[::1]",
        "::1%lo",
        "user@127.0.0.1",
        "127.0.0.1:80",
        "good.test\\@127.0.0.1",
        "127.0.0.1/",
        " 127.0.0.1",
        "127.0.0.1\n",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "http://127.0.0.1",
    ],
)
def test_a_host_that_the_door_cannot_read_is_blocked(names: Names, listener: Listener, host: str) -> None:
    resolver = names(zone({}))
    answer = check(TcpExchange(host, listener.port), options(nameserver=resolver.address))
    assert answer.fault is Reason.BLOCKED
    assert resolver.asked == 0
    assert not listener.has_connections()


@pytest.mark.parametrize("host", ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "localhost", "a.test"])
def test_a_forbidden_address_is_never_connected_to(names: Names, listener: Listener, host: str) -> None:
    resolver = names(zone({"a.test": ["A 127.0.0.1"]}))
    using = options(policy=Policy(), nameserver=resolver.address)
    assert check(TcpExchange(host, listener.port), using).fault is Reason.BLOCKED
    assert not listener.has_connections()


@pytest.mark.parametrize("forbidden", ["A 10.0.0.1", "A 169.254.169.254", "AAAA fd00::1"])
def test_one_forbidden_address_spoils_a_name(names: Names, listener: Listener, forbidden: str) -> None:
    resolver = names(zone({"a.test": ["A 127.0.0.1", forbidden]}))
    answer = check(TcpExchange("a.test", listener.port), options(nameserver=resolver.address))
    assert answer.fault is Reason.BLOCKED
    assert not listener.has_connections()


@pytest.mark.parametrize("port", [25, 465, 587])
@pytest.mark.parametrize("host", ["127.0.0.1", "a.test"])
def test_mail_ports_are_refused_before_anything_is_asked(names: Names, host: str, port: int) -> None:
    resolver = names(zone({"a.test": ["A 127.0.0.1"]}))
    answer = check(TcpExchange(host, port), options(nameserver=resolver.address))
    assert answer.fault is Reason.BLOCKED
    assert resolver.asked == 0


def test_a_name_that_turns_inward_is_never_followed(names: Names, listener: Listener) -> None:
    """127.0.0.2 stands for a public address here; the listener at 127.0.0.1 is the one to reach."""
    seen: list[str] = []
    outward, inward = zone({"a.test": ["A 127.0.0.2"]}), zone({"a.test": ["A 127.0.0.1"]})

    def rebinds(query: Query, over_tcp: bool) -> Sequence[bytes]:
        seen.append("asked")
        return (outward if len(seen) <= 2 else inward)(query, over_tcp)

    public = Policy(parse_allowances("127.0.0.2/32"))
    using = options(policy=public, nameserver=names(rebinds).address)
    exchange = TcpExchange("a.test", listener.port)
    assert check(exchange, using).fault is Reason.REFUSED
    assert len(seen) == 2
    assert check(exchange, using).fault is Reason.BLOCKED
    assert not listener.has_connections()


def test_who_was_connected_to_is_checked_again(listener: Listener, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_connection(("127.0.0.1", listener.port)) as connected:
        assert tcp._is_connected_to(connected, "127.0.0.1")
        assert not tcp._is_connected_to(connected, "127.0.0.2")
    genuine = tcp._is_connected_to
    monkeypatch.setattr(tcp, "_is_connected_to", lambda connected, address: genuine(connected, "127.0.0.2"))
    assert check(TcpExchange("127.0.0.1", listener.port)).fault is Reason.BLOCKED


def test_an_ipv4_mapped_literal_is_the_address_it_maps(listener: Listener) -> None:
    answer = check(TcpExchange("::ffff:127.0.0.1", listener.port))
    assert answer.fault is Reason.NONE


def test_a_bug_costs_its_own_exchange_only(listener: Listener, caplog: pytest.LogCaptureFixture) -> None:
    answers = run({1: TcpExchange("127.0.0.1", 70_000), 2: TcpExchange("127.0.0.1", listener.port)})
    assert isinstance(answers[1], TcpAnswer)
    assert (answers[1].fault, answers[2].fault) == (Reason.INTERNAL, Reason.NONE)
    assert "exchange 1 failed" in caplog.text
