"""The runner: each kind plans and judges; a bug of ours is no result, and never its neighbour's."""

import logging
import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, cast

import pytest

from chalicelib.checkers import CHECKERS
from chalicelib.checkers.runner import CheckRunner
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.net.engine import Engine
from chalicelib.net.exchange import Exchange, HttpAnswer, HttpExchange

SPEC = {
    "url": "https://example.com/",
    "method": "GET",
    "expectedStatus": 200,
    "degradedAfterMs": 1000,
    "timeoutSeconds": 7,
}


@dataclass
class ScriptedEngine:
    """Answers by position, one batch a collect."""

    batches: list[dict[int, Any]] = field(default_factory=list)
    exchanges: dict[int, Exchange] = field(default_factory=dict)
    collected: list[float | None] = field(default_factory=list)
    is_closed: bool = False

    def start(self, exchanges: Mapping[int, Exchange]) -> "ScriptedEngine":
        self.exchanges = dict(exchanges)
        return self

    @property
    def pending(self) -> int:
        return sum(len(batch) for batch in self.batches)

    def collect(self, until_seconds: float | None = None) -> dict[int, Any]:
        self.collected.append(until_seconds)
        return self.batches.pop(0)

    def close(self) -> None:
        self.is_closed = True


def runner(engine: ScriptedEngine) -> CheckRunner:
    return CheckRunner(cast(Engine, engine))


def member(position: int, kind: str = "http", spec: Mapping[str, Any] = SPEC) -> Member:
    return Member(position, f"mon_{position}", "team_1", kind, spec, 60, 0, True)


def test_exchanges_start_in_the_order_of_the_members() -> None:
    engine = ScriptedEngine()
    runner(engine).start([member(5), member(1), member(3)], {})
    assert list(engine.exchanges) == [5, 1, 3]
    exchange = engine.exchanges[5]
    assert isinstance(exchange, HttpExchange)
    assert exchange.url == SPEC["url"]


def test_answers_come_out_judged() -> None:
    engine = ScriptedEngine([{1: HttpAnswer(Reason.NONE, 200, 12.0)}, {2: HttpAnswer(Reason.TIMEOUT)}])
    run = runner(engine).start([member(1), member(2)], {})
    assert run.pending == 2
    assert run.collect(12.0) == {1: Outcome(Status.UP, Reason.NONE, 200, 12, 0, HttpAnswer().phases)}
    assert run.pending == 1
    assert run.collect()[2].reason is Reason.TIMEOUT
    assert engine.collected == [12.0, None]
    run.close()
    assert engine.is_closed


def test_a_member_that_cannot_be_planned_has_no_result_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = ScriptedEngine([{3: HttpAnswer(Reason.NONE, 200, 1.0)}])
    with caplog.at_level(logging.ERROR):
        run = runner(engine).start([member(1, kind="carrier-pigeon"), member(2, spec={}), member(3)], {})
    assert list(engine.exchanges) == [3]
    assert list(run.collect()) == [3]
    assert [record.args for record in caplog.records] == [("mon_1",), ("mon_2",)]


def test_an_answer_that_cannot_be_judged_has_no_result_and_harms_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    engine = ScriptedEngine([{1: HttpAnswer(Reason.NONE, 200, "soon"), 2: HttpAnswer(Reason.NONE, 200, 1.0)}])  # type: ignore[arg-type]
    with caplog.at_level(logging.ERROR):
        judged = runner(engine).start([member(1), member(2)], {}).collect()
    assert list(judged) == [2]
    assert len(caplog.records) == 1


def test_a_failure_inside_the_engine_is_no_result() -> None:
    """The contract forbids recording our own faults as the target's."""
    engine = ScriptedEngine([{1: HttpAnswer(Reason.INTERNAL), 2: HttpAnswer(Reason.REFUSED)}])
    assert list(runner(engine).start([member(1), member(2)], {}).collect()) == [2]


@pytest.mark.parametrize("kind", CHECKERS)
def test_every_registered_kind_has_its_three_functions(kind: str) -> None:
    checker = import_module(CHECKERS[kind])
    assert all(callable(getattr(checker, name)) for name in ("parse", "plan", "judge"))


def test_what_takes_long_to_judge_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """The answer of position 2 comes while the body of position 1 is still being judged."""
    http = import_module(CHECKERS["http"])
    may_end = threading.Event()
    judge = http.judge

    def slow(config: Any, answer: HttpAnswer) -> Outcome:
        if config.rules:
            assert may_end.wait(10)
        return cast(Outcome, judge(config, answer))

    monkeypatch.setattr(http, "judge", slow)
    body = HttpAnswer(Reason.NONE, 200, 12.0, body=b"ab")
    engine = ScriptedEngine([{1: body}, {2: HttpAnswer(Reason.NONE, 200, 13.0)}, {}])
    extras = {1: {"contentChecks": [{"type": "regex", "value": "a"}]}}
    run = runner(engine).start([member(1), member(2)], extras)
    assert set(run.collect(0.2)) == {2}
    assert run.pending == 1
    may_end.set()
    engine.batches.append({})
    assert run.collect()[1].status is Status.UP
    assert run.pending == 0
    run.close()


def test_a_kind_is_loaded_once_and_whole() -> None:
    """Several threads at once, as the local queue's workers are."""
    with ThreadPoolExecutor(8) as threads:
        runs = list(threads.map(lambda _: runner(ScriptedEngine()).start([member(1)], {}), range(8)))
    assert all(run.pending == 0 for run in runs)
