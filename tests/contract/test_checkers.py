"""One list that every registered kind of check passes, through the real engine, against real peers.

A kind that is refused, kept waiting, answered wrongly or cut off has a result, and never an exception.
"""

import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from importlib import import_module
from typing import Any

import pytest

from chalicelib.checkers import CHECKERS
from chalicelib.checkers.runner import CheckRunner
from chalicelib.checkers.spec import BadSpec
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.engine import Engine, EngineOptions
from tests.net import servers
from tests.net.running import options, run

SECRET = "canary-7f3a"
SHORT_SECONDS = 0.4

Verdict = tuple[Status, Reason]
Spec = dict[str, Any]


@dataclass(frozen=True)
class Peer:
    """Where a check is pointed: at a port of this host, and at a name server for its names."""

    port: int
    nameserver: tuple[str, int]


@dataclass(frozen=True)
class Case:
    """A kind, as this list needs to know it."""

    spec: Callable[[Peer], Spec]
    bad: Mapping[str, Any]
    """A value for each field that the field may not have."""
    verdicts: Mapping[str, Verdict]
    """What is to be said of each peer."""
    extras: Mapping[str, Any] | None = None
    """With the SECRET wherever a secret may be."""


UP = (Status.UP, Reason.NONE)

CASES = {
    "http": Case(
        spec=lambda peer: {
            "url": f"http://127.0.0.1:{peer.port}/",
            "method": "POST",
            "expectedStatus": 200,
            "degradedAfterMs": 5000,
            "timeoutSeconds": 5,
        },
        bad={
            "url": "",
            "method": "BREW",
            "expectedStatus": 99,
            "degradedAfterMs": 0,
            "timeoutSeconds": 61,
        },
        verdicts={
            "good": UP,
            "refused": (Status.DOWN, Reason.REFUSED),
            "slow": (Status.DOWN, Reason.TIMEOUT),
            "wrong": (Status.DOWN, Reason.WRONG_STATUS),
            "closed": (Status.DOWN, Reason.CLOSED),
            "junk": (Status.DOWN, Reason.PROTOCOL),
        },
        extras={"headers": {"Authorization": SECRET}, "body": SECRET},
    ),
    "tcp": Case(
        spec=lambda peer: {"host": "127.0.0.1", "port": peer.port, "timeoutMs": 5000},
        bad={"host": "", "port": 65536, "timeoutMs": 99},
        # Whoever accepts is up, whatever comes after.
        verdicts={
            "good": UP,
            "refused": (Status.DOWN, Reason.REFUSED),
            "slow": UP,
            "wrong": UP,
            "closed": UP,
            "junk": UP,
        },
    ),
    "dns": Case(
        spec=lambda peer: {"domain": "a.test", "recordType": "A", "expectedValue": "192.0.2.1"},
        bad={"domain": "", "recordType": "ANY", "expectedValue": 7},
        verdicts={
            "good": UP,
            "refused": (Status.DOWN, Reason.NAME_FAILED),
            "slow": (Status.DOWN, Reason.TIMEOUT),
            "wrong": (Status.DEGRADED, Reason.CHANGED),
            "closed": (Status.DOWN, Reason.NAME_FAILED),
            "junk": (Status.DOWN, Reason.TIMEOUT),
        },
    ),
}


def cut_off(query: servers.Query, over_tcp: bool) -> list[bytes]:
    """Truncated, and over TCP nothing at all."""
    if over_tcp:
        return []
    answer = servers.answer_from({"a.test": []}, query)
    answer.flags |= 0x0200
    return [answer.to_wire()]


PAGES: dict[str, servers.Handler] = {
    "good": servers.sends(servers.response()),
    "slow": servers.hang,
    "wrong": servers.sends(servers.response(500)),
    "closed": lambda connection: None,
    "junk": servers.sends(b"junk\r\n\r\n"),
}
ZONES: dict[str, servers.Replier] = {
    "good": servers.zone({"a.test": ["A 192.0.2.1"]}),
    "slow": servers.silent,
    "wrong": servers.zone({"a.test": ["A 192.0.2.2"]}),
    "closed": cut_off,
    "junk": lambda query, over_tcp: [b"junk"],
}


@pytest.fixture
def peer_of() -> Iterator[Callable[[str], Peer]]:
    with ExitStack() as stack:

        def start(name: str) -> Peer:
            if name == "refused":
                with servers.WebServer(servers.hang) as web, servers.DnsServer(servers.silent) as names:
                    return Peer(web.port, names.address)
            web = stack.enter_context(servers.WebServer(PAGES[name]))
            return Peer(web.port, stack.enter_context(servers.DnsServer(ZONES[name])).address)

        yield start


@pytest.fixture(params=CHECKERS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


PEER = Peer(80, ("127.0.0.1", 53))
ALL_PEERS = ("good", "refused", "slow", "wrong", "closed", "junk")


def test_every_kind_is_on_this_list_and_has_a_verdict_for_every_peer() -> None:
    assert CASES.keys() == CHECKERS.keys()
    assert all(case.verdicts.keys() == set(ALL_PEERS) for case in CASES.values())


def test_a_kind_is_imported_on_use_and_none_with_the_registry(kind: str) -> None:
    script = (
        "import sys, importlib, chalicelib.checkers as registry\n"
        "print([name for name in registry.CHECKERS.values() if name in sys.modules])\n"
        f"importlib.import_module(registry.CHECKERS[{kind!r}])\n"
        "print([kind for kind, name in registry.CHECKERS.items() if name in sys.modules])\n"
        "print([name for name in ('dns.message', 'pycurl') if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", str([kind]), "[]"]


def test_bad_fields_are_named_one_by_one_and_all_together(kind: str) -> None:
    parse, case = import_module(CHECKERS[kind]).parse, CASES[kind]
    good = case.spec(PEER)
    for field, value in case.bad.items():
        with pytest.raises(BadSpec) as caught:
            parse({**good, field: value}, case.extras)
        assert caught.value.fields == (field,)
    with pytest.raises(BadSpec) as caught:
        parse(case.bad, case.extras)
    assert set(caught.value.fields) == set(case.bad) == set(good)


def test_a_bad_configuration_is_told_without_its_values(kind: str) -> None:
    with pytest.raises(BadSpec) as caught:
        import_module(CHECKERS[kind]).parse({field: [SECRET] for field in CASES[kind].bad}, None)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.args}"


@pytest.mark.parametrize("peer_name", ALL_PEERS)
def test_every_peer_has_a_result(kind: str, peer_name: str, peer_of: Callable[[str], Peer]) -> None:
    checker, case, peer = import_module(CHECKERS[kind]), CASES[kind], peer_of(peer_name)
    config = checker.parse(case.spec(peer), case.extras)
    exchange = replace(checker.plan(config), timeout_seconds=SHORT_SECONDS)
    answer = run({0: exchange}, options(nameserver=peer.nameserver))[0]
    outcome = checker.judge(config, answer)
    assert (outcome.status, outcome.reason) == case.verdicts[peer_name]
    assert 0 <= outcome.response_ms < SHORT_SECONDS * 1000 + 1000


def test_secrets_stand_in_no_repr(kind: str, peer_of: Callable[[str], Peer]) -> None:
    checker, case, peer = import_module(CHECKERS[kind]), CASES[kind], peer_of("good")
    config = checker.parse(case.spec(peer), case.extras)
    exchange = checker.plan(config)
    answer = run({0: exchange}, options(nameserver=peer.nameserver))[0]
    assert SECRET not in repr((config, exchange, answer, checker.judge(config, answer)))


def test_all_kinds_make_one_run(peer_of: Callable[[str], Peer]) -> None:
    peer = peer_of("good")
    members = [
        Member(position, f"mon_{kind}", "team_1", kind, case.spec(peer), 60, 0, True)
        for position, (kind, case) in enumerate(CASES.items())
    ]
    extras = {position: case.extras or {} for position, case in enumerate(CASES.values())}
    outcomes = collect(options(nameserver=peer.nameserver), members, extras)
    assert [(outcomes[m.position].status, outcomes[m.position].reason) for m in members] == [UP] * len(CASES)


def collect(
    using: EngineOptions, members: list[Member], extras: Mapping[int, Mapping[str, Any]]
) -> dict[int, Outcome]:
    judged = CheckRunner(Engine(using)).start(members, extras)
    try:
        return judged.collect()
    finally:
        judged.close()
