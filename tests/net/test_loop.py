import os
import socket
import time
import weakref
from collections.abc import Iterator

import pytest

from chalicelib.net.loop import READ, WRITE, Guard, Loop


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


def test_a_guard_is_told_of_what_a_watch_raises(loop: Loop) -> None:
    happened: list[str] = []
    guard = Guard(loop, lambda: happened.append("crashed"))
    ours, theirs = socket.socketpair()

    def fail(events: int) -> None:
        ours.recv(1)
        raise RuntimeError("a bug")

    with ours, theirs:
        guard.watch(ours.fileno(), READ, fail)
        theirs.send(b"x")
        loop.run_once()
        guard.forget(ours.fileno())
    assert happened == ["crashed"]


def test_without_a_guard_an_exception_reaches_whoever_runs_the_loop(loop: Loop) -> None:
    def fail() -> None:
        raise RuntimeError("a bug")

    loop.call_later(0, fail)
    with pytest.raises(RuntimeError, match="a bug"):
        loop.run_once()


def test_what_is_closed_and_forgotten_is_told_no_more_nor_is_its_number(loop: Loop) -> None:
    fresh, fresh_peer = socket.socketpair()
    ours, theirs = socket.socketpair()
    seen: list[bytes] = []
    with fresh, fresh_peer, theirs:
        number = ours.fileno()
        loop.watch(number, READ, lambda events: pytest.fail("told"))
        theirs.send(b"x")
        loop.forget(number)
        ours.close()
        loop.run_once(time.monotonic())
        assert loop.is_idle()
        with socket.socket(fileno=os.dup(fresh.fileno())) as successor:
            assert successor.fileno() == number
            loop.watch(number, READ, lambda events: seen.append(successor.recv(1)))
            fresh_peer.send(b"y")
            loop.run_once()
            loop.unwatch(number)
    assert seen == [b"y"]


def test_a_socket_may_be_watched_for_something_else(loop: Loop) -> None:
    ours, theirs = socket.socketpair()
    seen: list[str] = []
    with ours, theirs:
        loop.watch(ours.fileno(), READ, lambda events: pytest.fail("nothing to read"))
        loop.watch(ours.fileno(), WRITE, lambda events: seen.append("writable"))
        loop.run_once()
        loop.unwatch(ours.fileno())
    assert seen == ["writable"]


def test_a_loop_is_idle_when_nothing_is_waited_for(loop: Loop) -> None:
    assert loop.is_idle()
    timer = loop.call_later(60, lambda: None)
    assert not loop.is_idle()
    timer.cancel()
    assert loop.is_idle()
    ours, theirs = socket.socketpair()
    with ours, theirs:
        loop.watch(ours.fileno(), READ, lambda events: None)
        assert loop.watched() == [ours.fileno()]
        assert not loop.is_idle()
        loop.unwatch(ours.fileno())
    assert loop.is_idle()


def test_a_cancelled_timer_keeps_nothing_alive(loop: Loop) -> None:
    class Owner:
        def crashed(self) -> None: ...

        def expire(self) -> None: ...

    owner = Owner()
    gone = weakref.ref(owner)
    Guard(loop, owner.crashed).call_later(60, owner.expire).cancel()
    del owner
    assert gone() is None
