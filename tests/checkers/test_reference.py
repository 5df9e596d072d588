"""The reference hosts over real sockets."""

import socket
import time
from collections.abc import Iterator

import pytest

from chalicelib.checkers import reference
from chalicelib.checkers.reference import ReferenceHosts
from chalicelib.net.engine import Engine, EngineOptions
from chalicelib.net.policy import Policy, parse_allowances
from chalicelib.settings import Settings
from chalicelib.wiring import Edges


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.fixture
def dark() -> Iterator[tuple[str, int]]:
    """A listener with no room left, which answers nobody."""
    with socket.socket() as server, socket.socket() as first, socket.socket() as second:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(server.getsockname())
        yield server.getsockname()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def hosts(*which: tuple[str, int], nameserver: tuple[str, int] | None = None) -> ReferenceHosts:
    policy = Policy(parse_allowances("127.0.0.1/32"))
    return ReferenceHosts(Engine(EngineOptions(policy, nameserver, None, None)), which)


def test_one_that_accepts_is_enough_and_nobody_else_is_waited_for(port: int, dark: tuple[str, int]) -> None:
    before = time.monotonic()
    assert hosts(dark, ("127.0.0.1", port), dark).is_reachable()
    assert time.monotonic() - before < reference.TIMEOUT_SECONDS / 2


def test_none_that_answers_is_no_network(dark: tuple[str, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "TIMEOUT_SECONDS", 0.3)
    assert not hosts(dark, dark).is_reachable()


def test_a_name_server_that_does_not_answer_is_no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reference, "TIMEOUT_SECONDS", 0.3)
    assert not hosts(("dns.example", 443), nameserver=("127.0.0.1", free_port())).is_reachable()


def test_a_refusal_came_over_a_network() -> None:
    assert hosts(("127.0.0.1", free_port())).is_reachable()


def test_one_that_the_door_refuses_tells_nothing(
    dark: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference, "TIMEOUT_SECONDS", 0.3)
    forbidden = ("10.0.0.1", 443)
    assert hosts(forbidden).is_reachable()
    assert not hosts(forbidden, dark).is_reachable()


def test_with_none_to_ask_nothing_is_ever_withheld() -> None:
    assert hosts().is_reachable()


def test_a_deployment_asks_those_of_its_settings_through_its_own_door(port: int) -> None:
    there = (("127.0.0.1", port),)
    edges = Edges(Settings(reference_hosts=there, egress_allow="127.0.0.1/32"))
    assert edges.reference.is_reachable()
    assert edges.reference is edges.reference
