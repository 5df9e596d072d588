"""When a run is suspicious, and when the reference hosts say that it is our own fault."""

from typing import Any

import pytest

from chalicelib.domain.monitor import Spec
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.own_fault import NO_NETWORK, host_of, is_cut_off, is_suspicious

THREE: list[Spec] = [
    {"url": "https://a.example/"},
    {"host": "b.example", "port": 22},
    {"domain": "c.example"},
]


def down(*reasons: Reason) -> list[Outcome]:
    return [Outcome(Status.DOWN, reason) for reason in reasons]


@pytest.mark.parametrize("reason", Reason)
def test_only_what_a_missing_network_looks_like_is_suspicious(reason: Reason) -> None:
    expected = {Reason.TIMEOUT, Reason.UNREACHABLE, Reason.NAME_FAILED, Reason.NAME_NOT_FOUND}
    assert is_suspicious(down(reason, reason, reason), THREE) is (reason in expected)


def test_its_faces_may_be_mixed() -> None:
    assert is_suspicious(down(*NO_NETWORK), THREE)


@pytest.mark.parametrize(
    "other",
    [
        Outcome(Status.UP, status_code=200),
        Outcome(Status.DEGRADED, Reason.SLOW, 200),
        Outcome(Status.DOWN, Reason.WRONG_STATUS, 500),
        Outcome(Status.DOWN, Reason.REFUSED),
    ],
)
def test_one_that_was_answered_clears_them_all(other: Outcome) -> None:
    assert not is_suspicious([*down(Reason.TIMEOUT, Reason.TIMEOUT), other], THREE)


def test_two_hosts_are_not_enough() -> None:
    assert not is_suspicious(down(Reason.TIMEOUT, Reason.TIMEOUT), THREE[:2])


def test_the_hosts_of_those_that_have_not_answered_count() -> None:
    assert is_suspicious(down(Reason.TIMEOUT), THREE)


def test_nothing_is_not_suspicious() -> None:
    assert not is_suspicious([], THREE)


def test_ports_paths_and_letters_make_no_other_host() -> None:
    targets: list[Spec] = [
        *({"url": "https://a.example/"}, {"url": "http://A.example:8080/x"}, {"url": "https://a.example./"}),
        *({"host": "a.example", "port": 22}, {"domain": "A.EXAMPLE"}, {"host": "b.example", "port": 22}),
    ]
    assert {host_of(target) for target in targets} == {"a.example", "b.example"}
    assert not is_suspicious(down(*[Reason.TIMEOUT] * len(targets)), targets)


@pytest.mark.parametrize("spec", [{}, {"url": "nonsense"}, {"url": 5}, {"host": "a b"}, {"domain": None}])
def test_what_cannot_be_read_is_no_host(spec: dict[str, Any]) -> None:
    assert host_of(spec) == ""
    assert not is_suspicious(down(Reason.TIMEOUT), [*THREE[:2], spec])


@pytest.mark.parametrize(
    ("faults", "expected"),
    [
        ([Reason.TIMEOUT, Reason.UNREACHABLE, Reason.NAME_FAILED], True),
        ([Reason.NAME_NOT_FOUND] * 3, True),
        ([Reason.TIMEOUT, Reason.NONE], False),
        ([Reason.TIMEOUT, Reason.REFUSED], False),
        ([Reason.TIMEOUT, Reason.BLOCKED, Reason.INTERNAL], True),
        ([Reason.BLOCKED, Reason.INTERNAL], False),
        ([], False),
    ],
)
def test_the_reference_hosts_say_that_we_are_cut_off_when_they_fail_alike(
    faults: list[Reason], expected: bool
) -> None:
    assert is_cut_off(faults) is expected
