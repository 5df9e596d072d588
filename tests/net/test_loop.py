import os
import socket
import time
from collections.abc import Iterator

import pytest

from chalicelib.net.loop import READ, Guard, Loop


@pytest.fixture
def loop() -> Iterator[Loop]:
    loop = Loop()
    yield loop
    loop.close()


def test_timers_fire_in_the_order_of_their_times(loop: Loop) -> None:
    fired: list[str] = []
    loop.call_later(0.01, lambda: fired.append("late"))
    loop.call_later(0, lambda: fired.append("first"))
    loop.call_later(0, lambda: fired.append("second"))
    loop.call_later(0, lambda: fired.append("cancelled")).cancel()
    while len(fired) < 3:
        loop.run_once()
    assert fired == ["first", "second", "late"]


def test_a_timer_that_sets_itself_anew_does_not_keep_the_loop(loop: Loop) -> None:
    fired: list[int] = []

    def again() -> None:
        fired.append(1)
        loop.call_later(0, again)

    loop.call_later(0, again)
    loop.run_once()
    assert fired == [1]


def test_a_round_ends_when_it_is_told_to(loop: Loop) -> None:
    loop.call_later(60, lambda: pytest.fail("too early"))
    loop.run_once(time.monotonic() + 0.01)


def test_a_readable_socket_is_told_until_it_is_unwatched(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        seen: list[bytes] = []
        loop.watch(ours.fileno(), READ, lambda events: seen.append(ours.recv(1)))
        theirs.send(b"ab")
        loop.run_once()
        loop.run_once()
        loop.unwatch(ours.fileno())
        loop.unwatch(ours.fileno())
        theirs.send(b"c")
        loop.run_once(time.monotonic())
    assert seen == [b"a", b"b"]


def test_an_event_is_not_given_to_the_next_socket_of_the_same_number(loop: Loop) -> None:
    first, first_peer = socket.socketpair()
    second, second_peer = socket.socketpair()
    fresh, fresh_peer = socket.socketpair()
    handled: list[str] = []

    def swap(name: str, victim: socket.socket) -> None:
        """Both sockets are ready; whichever is handled first gives the other's number to a silent one."""
        handled.append(name)
        number = victim.fileno()
        loop.unwatch(number)
        victim.close()
        replacement = socket.socket(fileno=os.dup(fresh.fileno()))
        assert replacement.fileno() == number
        loop.watch(number, READ, lambda events: handled.append("stale"))
        keep.append(replacement)

    keep: list[socket.socket] = []
    with first, first_peer, second, second_peer, fresh, fresh_peer:
        loop.watch(first.fileno(), READ, lambda events: swap("first", second))
        loop.watch(second.fileno(), READ, lambda events: swap("second", first))
        first_peer.send(b"x")
        second_peer.send(b"x")
        loop.run_once()
        for replacement in keep:
            loop.unwatch(replacement.fileno())
            replacement.close()
    assert handled in (["first"], ["second"])


def test_events_come_before_timers_that_are_due(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    order: list[str] = []
    with ours, theirs:
        loop.call_later(0, lambda: order.append("deadline"))
        theirs.send(b"x")
        loop.watch(ours.fileno(), READ, lambda events: order.append("answer"))
        loop.run_once()
    assert order == ["answer", "deadline"]


def test_a_guard_keeps_an_exception_from_the_others(loop: Loop) -> None:
    happened: list[str] = []
    guard = Guard(loop, lambda: happened.append("crashed"))

    def fail() -> None:
        raise RuntimeError("a bug")

    guard.call_later(0, fail)
    loop.call_later(0, lambda: happened.append("neighbour"))
    loop.run_once()
    assert happened == ["crashed", "neighbour"]
