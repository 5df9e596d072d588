"""What one run leaves to the next, which is a loop and the certificates of the roots, and nothing else."""

import itertools
import os
import ssl
import threading
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from chalicelib.domain.outcome import Reason
from chalicelib.net.engine import Engine, Gear
from chalicelib.net.exchange import (
    Answer,
    CertificateExchange,
    DnsExchange,
    Exchange,
    HttpAnswer,
    HttpExchange,
    TcpExchange,
)
from chalicelib.net.loop import Loop
from chalicelib.net.policy import Policy, parse_allowances
from chalicelib.net.tcp import TcpCheck
from chalicelib.net.transfer import Transfer

from . import servers
from .running import LOOPBACK, options
from .servers import Connection, DnsServer, Query, Replier, WebServer, answer_from, response, sends

Web = Callable[..., WebServer]
Names = Callable[[Replier], DnsServer]
HOST = "a.test"


@pytest.fixture
def everywhere() -> Iterator[WebServer]:
    """Answers on all addresses of the loopback."""
    with WebServer(sends(response()), address="0.0.0.0") as server:
        yield server


def tls_context(authority: trustme.CA) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1", HOST).configure_cert(context)
    return context


def collect(engine: Engine, exchanges: dict[int, Exchange]) -> dict[int, Answer]:
    with engine.start(exchanges) as run:
        return run.collect()


def ask(engine: Engine, exchange: HttpExchange) -> HttpAnswer:
    answer = collect(engine, {1: exchange})[1]
    assert isinstance(answer, HttpAnswer)
    return answer


def spare(engine: Engine) -> Gear:
    """The only one there is."""
    (gear,) = engine._spare
    return gear


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_a_run_uses_what_the_last_one_gave_back(web: Web) -> None:
    server, engine = web(sends(response())), Engine(options())
    assert ask(engine, HttpExchange(server.url)).status_code == 200
    gear = spare(engine)
    with engine.start({1: HttpExchange(server.url)}) as run:
        assert engine._spare == []
        assert run.collect().keys() == {1}
    assert spare(engine) is gear


def test_nothing_is_kept_for_an_engine_that_nobody_holds(web: Web) -> None:
    before = open_files()
    with WebServer(sends(response())) as server:
        with Engine(options()).start({1: HttpExchange(server.url)}) as run:
            run.collect()
        run.close()
    assert open_files() == before


@pytest.mark.parametrize("place", ["_headers_ended", "reply", "_prepare"])
def test_a_run_with_a_bug_gives_its_gear_up(web: Web, monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    def fails(self: Transfer, *args: object) -> None:
        raise RuntimeError("a bug")

    server, engine = web(sends(response())), Engine(options())
    before = open_files()
    with monkeypatch.context() as patched:
        patched.setattr(Transfer, place, fails)
        assert ask(engine, HttpExchange(server.url, timeout_seconds=1)).fault is Reason.INTERNAL
    is_contained = place == "_headers_ended"  # by the transfer itself, in libcurl's callback
    assert len(engine._spare) == (1 if is_contained else 0)
    assert is_contained or open_files() <= before + 1  # the server's side of it
    assert ask(engine, HttpExchange(server.url)).status_code == 200


def test_a_run_that_is_broken_off_gives_its_gear_up(web: Web, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(self: Loop, until: float | None = None) -> None:
        raise KeyboardInterrupt

    server, engine = web(sends(response())), Engine(options())
    with monkeypatch.context() as patched:
        patched.setattr(Loop, "run_once", interrupted)
        with pytest.raises(KeyboardInterrupt), engine.start({1: HttpExchange(server.url)}) as run:
            run.collect()
    assert engine._spare == []
    assert ask(engine, HttpExchange(server.url)).status_code == 200


def test_a_check_that_cannot_be_closed_costs_the_gear_and_no_other_check(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    genuine = TcpCheck.close

    def fails(self: TcpCheck) -> None:
        genuine(self)
        raise RuntimeError("a bug")

    before = open_files()
    with WebServer(servers.hang) as server:
        engine = Engine(options())
        exchanges: dict[int, Exchange] = {
            1: TcpExchange("127.0.0.1", server.port),
            2: HttpExchange(server.url),
        }
        run = engine.start(exchanges)
        with monkeypatch.context() as patched:
            patched.setattr(TcpCheck, "close", fails)
            run.collect(0.05)
            run.close()
    assert engine._spare == []
    assert "exchange 1 could not be closed" in caplog.text
    assert open_files() == before


def test_nothing_of_a_run_that_is_closed_in_the_middle_is_left(web: Web, authority: trustme.CA) -> None:
    hanging, tls = web(servers.hang), web(servers.hang, tls_context(authority))
    with DnsServer(servers.silent) as resolver, servers.FullListener() as full:
        engine = Engine(options(nameserver=resolver.address))
        collect(engine, {})
        before = open_files()
        exchanges: dict[int, Exchange] = {
            1: HttpExchange(hanging.url),
            2: HttpExchange("http://silent.test/"),
            3: HttpExchange(f"https://127.0.0.1:{hanging.port}/"),
            4: HttpExchange(tls.url, max_body_bytes=10),
            5: TcpExchange("127.0.0.1", full.port),
            6: TcpExchange("silent.test", full.port),
            7: DnsExchange(HOST, "A"),
            8: CertificateExchange("127.0.0.1", hanging.port),
        }
        with engine.start(exchanges) as run:
            run.collect(0.2)
            assert run.pending >= 6
        gear = spare(engine)
        assert gear.loop.watched() == []
        assert gear.loop._timers == []
        assert gear.transfers._active == {}
        theirs = hanging.connections + tls.connections
        assert before <= open_files() <= before + theirs


def test_timers_of_a_closed_run_do_not_come_into_the_next(web: Web) -> None:
    hanging, engine = web(servers.hang), Engine(options())
    with engine.start({1: HttpExchange(hanging.url, timeout_seconds=0.2)}) as first:
        first.collect(0.05)
    with engine.start({2: HttpExchange(hanging.url, timeout_seconds=0.5)}) as second:
        answers = second.collect()
    assert answers.keys() == {2}
    assert answers[2].elapsed_ms >= 500
    assert first.collect() == {}


def test_a_run_that_has_ended_is_not_kept_by_its_gear(web: Web) -> None:
    server, engine = web(sends(response())), Engine(options())
    run = engine.start({1: HttpExchange(server.url), 2: TcpExchange("127.0.0.1", server.port)})
    run.collect()
    run.close()
    gone = weakref.ref(run)
    del run
    assert gone() is None


@pytest.mark.parametrize("kind", ["body", "certificate"])
def test_a_peer_that_never_says_goodbye_is_not_waited_for(
    web: Web, authority: trustme.CA, ca_file: Path, kind: str
) -> None:
    def silent_afterwards(connection: Connection) -> None:
        connection.send(response(body=b"x" * 10))
        servers.hang(connection)

    server = web(silent_afterwards, tls_context(authority))
    engine = Engine(options(ca_file=ca_file))
    collect(engine, {})
    gear = spare(engine)
    for _ in range(3):
        exchange: Exchange = HttpExchange(server.url, max_body_bytes=100)
        if kind == "certificate":
            exchange = CertificateExchange("127.0.0.1", server.port)
        assert collect(engine, {1: exchange})[1].fault is Reason.NONE
        assert spare(engine) is gear
        assert gear.loop.watched() == []
        assert gear.loop._timers == []


def rotating(*addresses: str) -> Replier:
    """Another address with every question for one."""
    following = itertools.cycle(addresses)

    def reply(query: Query, over_tcp: bool) -> list[bytes]:
        found = [f"A {next(following)}"] if servers.kind_of(query) == "A" else []
        return [answer_from({HOST: found}, query).to_wire()]

    return reply


def test_addresses_of_an_earlier_run_are_not_used_again(everywhere: WebServer, names: Names) -> None:
    resolver = names(rotating("127.0.0.1", "127.0.0.2", "127.0.0.3"))
    engine = Engine(options(nameserver=resolver.address))
    exchange = HttpExchange(f"http://{HOST}:{everywhere.port}/")
    seen = [ask(engine, exchange).remote_address for _ in range(6)]
    assert seen == ["127.0.0.1", "127.0.0.2", "127.0.0.3"] * 2
    assert resolver.asked == 12
    assert everywhere.connections == 6


def test_a_name_that_has_gone_bad_does_not_live_on_its_good_address(
    everywhere: WebServer, names: Names
) -> None:
    resolver = names(rotating("127.0.0.1", "127.0.0.2"))
    policy = Policy(parse_allowances("127.0.0.1/32"))
    engine = Engine(options(policy, nameserver=resolver.address))
    exchange = HttpExchange(f"http://{HOST}:{everywhere.port}/")
    faults = [ask(engine, exchange).fault for _ in range(4)]
    assert faults == [Reason.NONE, Reason.BLOCKED] * 2
    assert everywhere.connections == 2


def test_each_check_of_a_name_connects_to_what_it_was_told_itself(
    everywhere: WebServer, names: Names
) -> None:
    resolver = names(rotating("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.4"))
    engine = Engine(options(nameserver=resolver.address))
    url = f"http://{HOST}:{everywhere.port}/"
    for _ in range(2):
        answers = collect(engine, {key: HttpExchange(url) for key in range(40)})
        addresses = [answer.remote_address for answer in answers.values() if isinstance(answer, HttpAnswer)]
        assert {answer.fault for answer in answers.values()} == {Reason.NONE}
        assert {addresses.count(f"127.0.0.{number}") for number in range(1, 5)} == {10}


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_neither_connections_nor_sessions_are_taken_up_again(
    web: Web, authority: trustme.CA, ca_file: Path, version: ssl.TLSVersion
) -> None:
    reused: list[bool | None] = []

    def handle(connection: Connection) -> None:
        assert isinstance(connection.stream, ssl.SSLSocket)
        reused.append(connection.stream.session_reused)
        connection.send(response(body=b"x"))
        connection.read_request()

    context = tls_context(authority)
    context.minimum_version = context.maximum_version = version
    server, engine = web(handle, context), Engine(options(ca_file=ca_file))
    for _ in range(3):
        answer = ask(engine, HttpExchange(server.url, max_body_bytes=10))
        assert (answer.fault, answer.body) == (Reason.NONE, b"x")
    assert reused == [False] * 3
    assert server.connections == 3


def test_what_one_run_sent_is_not_sent_by_the_next(web: Web) -> None:
    server, engine = web(sends(response())), Engine(options())
    secret = (("Authorization", "Bearer s3cret"), ("Cookie", "a=b"))
    ask(engine, HttpExchange(server.url, "POST", headers=secret, body=b"s3cret"))
    ask(engine, HttpExchange(server.url))
    assert b"s3cret" in server.heads[0]
    assert server.heads[1].startswith(b"GET / ")
    assert not {b"s3cret", b"Cookie", b"Content-Length"} & set(server.heads[1].replace(b":", b"").split())


def test_runs_at_the_same_time_have_gear_of_their_own(web: Web) -> None:
    good, hanging = web(sends(response())), web(servers.hang)
    engine = Engine(options())
    first = engine.start({1: HttpExchange(hanging.url, timeout_seconds=0.4), 2: HttpExchange(good.url)})
    second = engine.start({1: HttpExchange(good.url), 3: HttpExchange(hanging.url, timeout_seconds=5)})
    assert first._gear is not second._gear
    assert second.collect(0.1).keys() == {1}
    second.close()
    answers = first.collect()
    assert (answers[1].fault, answers[2].fault) == (Reason.TIMEOUT, Reason.NONE)
    first.close()
    assert {id(gear) for gear in engine._spare} == {id(first._gear), id(second._gear)}


def test_runs_of_several_threads_do_not_meet(web: Web) -> None:
    server, engine = web(sends(response())), Engine(options(LOOPBACK))
    seen: list[dict[int, Answer]] = []

    def work(first: int) -> None:
        for round_ in range(5):
            keys = range(first + 10 * round_, first + 10 * round_ + 5)
            answers = collect(engine, {key: HttpExchange(f"{server.url}/{key}") for key in keys})
            assert answers.keys() == set(keys)
            seen.append(answers)

    threads = [threading.Thread(target=work, args=(100 * number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(servers.STUCK_SECONDS)
    assert len(seen) == 20
    assert {answer.fault for answers in seen for answer in answers.values()} == {Reason.NONE}
    assert 1 <= len(engine._spare) <= 4
