"""Runs the checks of a shard: each kind plans and judges, the engine performs."""

import logging
import time
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final

from chalicelib.checkers import CHECKERS
from chalicelib.checkers.aside import Aside
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Reason

if TYPE_CHECKING:
    from chalicelib.net.engine import Engine, Run
    from chalicelib.net.exchange import Exchange

LOOK_SECONDS: Final = 0.1
JUDGING_SECONDS: Final = 15.0
"""What judging may take after the last check has ended, well within the time of a run."""

log = logging.getLogger(__name__)
_loaded: dict[str, Any] = {}


class CheckRunner:
    """Satisfies `Checks`. A bug of ours in one check is no result: never its target's fault."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> "JudgedRun":
        planned: dict[int, tuple[Any, Any]] = {}
        exchanges: dict[int, Exchange] = {}
        for member in members:
            try:
                checker = _checker_of(member.kind)
                config = checker.parse(member.spec, extras.get(member.position))
                exchanges[member.position] = checker.plan(config)
            except Exception:
                log.exception("the check of monitor %s could not be planned", member.monitor_id)
                continue
            planned[member.position] = (checker, config)
        return JudgedRun(self._engine.start(exchanges), planned)


def _checker_of(kind: str) -> Any:
    """`import_module` takes as long as making the connection's socket, even for what is there; what
    `sys.modules` has may be half made, while another thread is importing it."""
    module = _loaded.get(kind)
    if module is None:
        module = _loaded[kind] = import_module(CHECKERS[kind])
    return module


class JudgedRun:
    """Checks under way; answers come out judged. What failed inside our own code never comes out."""

    def __init__(self, run: "Run", planned: Mapping[int, tuple[Any, Any]]) -> None:
        self._run = run
        self._planned = planned
        self._costs = {
            position: cost
            for position, (checker, config) in planned.items()
            if (cost := getattr(checker, "judging_cost", _nothing)(config))
        }
        self._aside = Aside(self._judge) if self._costs else None
        self._started_at = time.monotonic()

    @property
    def pending(self) -> int:
        return self._run.pending + (self._aside.left if self._aside else 0)

    def collect(self, until_seconds: float | None = None) -> dict[int, Outcome]:
        if self._aside is None:
            return self._judge_all(self._run.collect(until_seconds))
        judged: dict[int, Outcome] = {}
        until = None if until_seconds is None else self._started_at + until_seconds
        while self._run.pending and not _is_past(until):
            age_seconds = time.monotonic() - self._started_at + LOOK_SECONDS
            step = age_seconds if until_seconds is None else min(age_seconds, until_seconds)
            judged |= self._judge_all(self._run.collect(step))
        judged |= self._judge_all(self._run.collect(until_seconds))
        self._aside.wait(JUDGING_SECONDS if until is None else max(0.0, until - time.monotonic()))
        if until is None and self._aside.left:
            log.error("%s answers took too long to judge and are given up", self._aside.left)
            self._aside.close()
        return judged | self._aside.take()

    def close(self) -> None:
        self._run.close()
        if self._aside is not None:
            self._aside.close()

    def _judge_all(self, answers: Mapping[int, Any]) -> dict[int, Outcome]:
        """At once, but for those that are judged aside."""
        judged: dict[int, Outcome] = {}
        for position, answer in answers.items():
            if self._aside is not None and position in self._costs and answer.fault is Reason.NONE:
                if not self._aside.give(position, answer, self._costs[position] * len(answer.body)):
                    log.error("no room for the body at position %s, which is given up", position)
                continue
            outcome = self._judge(position, answer)
            if outcome is not None:
                judged[position] = outcome
        return judged

    def _judge(self, position: int, answer: Any) -> Outcome | None:
        if answer.fault is Reason.INTERNAL:
            return None
        checker, config = self._planned[position]
        try:
            outcome: Outcome = checker.judge(config, answer)
        except Exception:
            log.exception("the answer at position %s could not be judged", position)
            return None
        return outcome


def _nothing(config: Any) -> int:
    return 0


def _is_past(until: float | None) -> bool:
    return until is not None and time.monotonic() >= until
