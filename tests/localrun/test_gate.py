"""Requests share the gate; a step has it alone."""

from threading import Event, Thread

from localrun.gate import Gate
from tests.localrun.running import until

SOON = 0.05
PATIENCE = 10


class Request:
    """A thread that goes through the gate and stays inside until it is told to leave."""

    def __init__(self, gate: Gate) -> None:
        self.entered, self.may_leave = Event(), Event()
        self._gate = gate
        self._thread = Thread(target=self._pass)
        self._thread.start()

    def leave(self) -> None:
        self.may_leave.set()
        self._thread.join(PATIENCE)

    def _pass(self) -> None:
        with self._gate.shared():
            self.entered.set()
            self.may_leave.wait(PATIENCE)


class Step:
    """A thread that waits for the gate to be its own."""

    def __init__(self, gate: Gate) -> None:
        self.done = Event()
        self._gate = gate
        self._thread = Thread(target=self._pass)
        self._thread.start()

    def join(self) -> None:
        self._thread.join(PATIENCE)

    def _pass(self) -> None:
        with self._gate.exclusive():
            self.done.set()


def test_requests_do_not_wait_for_each_other() -> None:
    gate = Gate()
    first, second = Request(gate), Request(gate)
    assert first.entered.wait(PATIENCE)
    assert second.entered.wait(PATIENCE)
    first.leave()
    second.leave()


def test_a_step_waits_for_the_requests_inside_and_later_ones_wait_for_it() -> None:
    gate = Gate()
    early = Request(gate)
    assert early.entered.wait(PATIENCE)
    step = Step(gate)
    until(lambda: gate.is_stepping)
    late = Request(gate)
    assert not late.entered.wait(SOON)
    assert not step.done.is_set()
    early.leave()
    assert step.done.wait(PATIENCE)
    assert late.entered.wait(PATIENCE)
    step.join()
    late.leave()


def test_who_waited_for_a_step_is_inside_before_the_next() -> None:
    gate = Gate()
    with gate.exclusive():
        waiting = Request(gate)
        assert not waiting.entered.wait(SOON)
    next_step = Step(gate)
    assert waiting.entered.wait(PATIENCE)
    assert not next_step.done.wait(SOON)
    waiting.leave()
    assert next_step.done.wait(PATIENCE)
    next_step.join()


def test_steps_get_through_a_crowd_that_never_ends() -> None:
    gate, is_over = Gate(), Event()

    def crowd() -> None:
        while not is_over.is_set():
            with gate.shared():
                pass

    threads = [Thread(target=crowd) for _ in range(8)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        step = Step(gate)
        assert step.done.wait(PATIENCE)
        step.join()
    is_over.set()
    for thread in threads:
        thread.join(PATIENCE)


def test_a_request_that_fails_leaves_the_gate() -> None:
    gate = Gate()
    try:
        with gate.shared():
            raise RuntimeError
    except RuntimeError:
        step = Step(gate)
    assert step.done.wait(PATIENCE)
    step.join()
