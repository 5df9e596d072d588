import gc
import logging
import os
from collections.abc import Callable

import pytest

from chalicelib.domain.outcome import Reason
from chalicelib.net import engine
from chalicelib.net.engine import Engine
from chalicelib.net.exchange import (
    DnsAnswer,
    DnsExchange,
    Exchange,
    HttpAnswer,
    HttpExchange,
    TcpAnswer,
    TcpExchange,
)
from chalicelib.net.transfer import Transfer

from . import servers
from .running import options, run
from .servers import DnsServer, Replier, WebServer, response, sends, zone

Web = Callable[..., WebServer]
Names = Callable[[Replier], DnsServer]


def test_a_run_of_nothing_ends_at_once() -> None:
    assert run({}) == {}


def test_one_that_hangs_does_not_hold_up_the_others(web: Web) -> None:
    good, bad = web(sends(response())), web(servers.hang)
    exchanges = {key: HttpExchange(good.url, timeout_seconds=5) for key in range(50)}
    exchanges[20] = HttpExchange(bad.url, timeout_seconds=0.3)
    answers = run(exchanges)
    assert answers.keys() == exchanges.keys()
    assert answers.pop(20).fault is Reason.TIMEOUT
    assert {answer.status_code for answer in answers.values()} == {200}


def test_kinds_run_side_by_side_and_none_holds_up_another(web: Web, names: Names) -> None:
    good, bad = web(sends(response())), web(servers.hang)
    zones = zone({"a.test": ["A 127.0.0.1", "TXT found"]})
    resolver = names(lambda query, over_tcp: () if is_slow(query) else zones(query, over_tcp))
    exchanges: dict[int, Exchange] = {}
    for key in range(0, 40, 4):
        exchanges[key] = HttpExchange(f"http://a.test:{good.port}/")
        exchanges[key + 1] = TcpExchange("a.test", good.port)
        exchanges[key + 2] = DnsExchange("a.test", "TXT")
        exchanges[key + 3] = TcpExchange("127.0.0.1", good.port)
    with servers.FullListener() as full:
        hanging: dict[int, Exchange] = {
            97: HttpExchange(bad.url, timeout_seconds=2),
            98: TcpExchange("127.0.0.1", full.port, timeout_seconds=2),
            99: DnsExchange("slow.test", "A", timeout_seconds=2),
        }
        with Engine(options(nameserver=resolver.address)).start(hanging | exchanges) as started:
            answers = started.collect(1.5)
            assert answers.keys() == exchanges.keys()
            rest = started.collect()
    assert {answer.fault for answer in answers.values()} == {Reason.NONE}
    assert {answer.fault for answer in rest.values()} == {Reason.TIMEOUT}
    assert all(answer.elapsed_ms < 1500 for answer in answers.values())
    kinds = [type(answers[key]) for key in range(4)]
    assert kinds == [HttpAnswer, TcpAnswer, DnsAnswer, TcpAnswer]


def is_slow(query: servers.Query) -> bool:
    return query.question[0].name.to_text() == "slow.test."


def test_a_kind_that_cannot_be_imported_costs_only_its_own_answers(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(engine._KINDS, DnsExchange, ("chalicelib.net.nothing:Check", DnsAnswer))
    exchanges: dict[int, Exchange] = {
        1: DnsExchange("a.test", "A"),
        2: HttpExchange(web(sends(response())).url),
    }
    answers = run(exchanges)
    assert isinstance(answers[1], DnsAnswer)
    assert (answers[1].fault, answers[2].fault) == (Reason.INTERNAL, Reason.NONE)
    assert "the checks of DnsExchange could not be imported" in caplog.text


def test_names_of_many_exchanges_are_looked_up_side_by_side(web: Web, names: Names) -> None:
    server = web(sends(response()))
    resolver = names(zone({f"{key}.test": ["A 127.0.0.1"] for key in range(40)}))
    exchanges = {key: HttpExchange(f"http://{key}.test:{server.port}/") for key in range(40)}
    answers = run(exchanges, options(nameserver=resolver.address))
    assert {answer.status_code for answer in answers.values()} == {200}


def test_collecting_early_leaves_the_stragglers_for_later(web: Web) -> None:
    good, bad = web(sends(response())), web(servers.hang)
    exchanges = {1: HttpExchange(bad.url, timeout_seconds=0.5), 2: HttpExchange(good.url)}
    with Engine(options()).start(exchanges) as started:
        assert started.pending == 2
        assert started.collect(0.2).keys() == {2}
        assert started.pending == 1
        assert started.collect(0.1) == {}
        assert started.collect()[1].fault is Reason.TIMEOUT
        assert started.pending == 0
        assert started.collect() == {}


def test_starts_are_paced_in_the_order_given(web: Web) -> None:
    server = web(sends(response()))
    keys = [5, 3, 9, 1, 7, 2, 8, 0, 6, 4]
    exchanges = {key: HttpExchange(f"{server.url}/{key}") for key in keys}
    answers = run(exchanges, options(starts_per_second=100))
    offsets = [answers[key].offset_ms for key in keys]
    assert offsets == sorted(offsets)
    assert offsets[0] < 50
    assert all(offset >= 10 * place for place, offset in enumerate(offsets))


def test_a_limit_of_open_files_delays_starts_and_loses_none(
    web: Web, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chalicelib.net.engine._sockets_allowed", lambda: 3)
    server = web(sends(response()))
    answers = run({key: HttpExchange(server.url) for key in range(20)})
    assert [answer.status_code for answer in answers.values()] == [200] * 20


def test_an_exchange_that_cannot_be_sent_is_contained(web: Web, caplog: pytest.LogCaptureFixture) -> None:
    server = web(sends(response()))
    exchanges = {
        1: HttpExchange(server.url, headers=(("X-Bad", "a\r\nHost: b"),)),
        2: HttpExchange(server.url, headers=(("Bad name", "x"),)),
        3: HttpExchange(server.url, method="GET / HTTP/1.1\r\nHost:"),
        4: HttpExchange(server.url),
    }
    with caplog.at_level(logging.ERROR):
        answers = run(exchanges)
    assert [answers[key].fault for key in (1, 2, 3, 4)] == [Reason.INTERNAL] * 3 + [Reason.NONE]
    assert "exchange 1 failed" in caplog.text
    assert server.connections == 1


@pytest.mark.parametrize("place", ["_headers_ended", "reply", "_prepare"])
def test_a_bug_costs_its_own_exchange_only(
    web: Web, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, place: str
) -> None:
    server = web(sends(response()))
    genuine: Callable[..., object] = getattr(Transfer, place)
    calls: list[Transfer] = []

    def fails_once(self: Transfer, *args: object) -> object:
        calls.append(self)
        if len(calls) == 1:
            raise RuntimeError("a bug")
        return genuine(self, *args)

    monkeypatch.setattr(Transfer, place, fails_once)
    answers = run({key: HttpExchange(server.url, timeout_seconds=1) for key in range(5)})
    assert sorted(answer.fault for answer in answers.values()) == [Reason.NONE] * 4 + [Reason.INTERNAL]
    assert "a bug" in caplog.text


def test_a_bug_in_a_lookup_costs_its_own_exchange_only(
    web: Web, names: Names, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*args: object, **named: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr("chalicelib.net.dns_packet.read_answer", fails)
    server = web(sends(response()))
    resolver = names(zone({"a.test": ["A 127.0.0.1"]}))
    exchanges = {1: HttpExchange("http://a.test/"), 2: HttpExchange(server.url)}
    answers = run(exchanges, options(nameserver=resolver.address))
    assert answers[1].fault is Reason.INTERNAL
    assert answers[2].status_code == 200
    assert "a bug" in caplog.text


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))  # noqa: PTH208


def test_nothing_stays_open() -> None:
    before = open_files()
    with (
        WebServer(servers.hang) as hanging,
        WebServer(sends(response(body=b"x" * 100))) as good,
        DnsServer(servers.silent) as resolver,
        servers.FullListener() as full,
    ):
        exchanges: dict[int, Exchange] = {
            1: HttpExchange(hanging.url),
            2: HttpExchange("http://a.test/"),
            3: HttpExchange(good.url, max_body_bytes=1000),
            4: HttpExchange(f"https://127.0.0.1:{hanging.port}/"),
            5: TcpExchange("127.0.0.1", good.port),
            6: TcpExchange("127.0.0.1", full.port),
            7: TcpExchange("a.test", good.port),
            8: DnsExchange("a.test", "A"),
        }
        with Engine(options(nameserver=resolver.address)).start(exchanges) as started:
            assert started.collect(0.2).keys() == {3, 5}
        assert started.pending == 0
    assert open_files() == before


def test_a_finished_run_leaves_no_garbage_cycles(web: Web) -> None:
    server = web(sends(response(body=b"x" * 100)))
    gc.collect()
    gc.disable()
    try:
        with Engine(options()).start({1: HttpExchange(server.url, max_body_bytes=50)}) as started:
            started.collect()
            assert not [found for found in gc.get_objects() if isinstance(found, Transfer)]
    finally:
        gc.enable()


def test_a_run_can_be_closed_twice() -> None:
    started = Engine(options()).start({})
    started.close()
    started.close()
    assert started.collect() == {}


def test_the_answer_is_a_plain_value(web: Web) -> None:
    server = web(sends(response()))
    answer = run({1: HttpExchange(server.url)})[1]
    assert isinstance(answer, HttpAnswer)
    assert answer.offset_ms >= 0
