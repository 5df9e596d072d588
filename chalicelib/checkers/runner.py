"""Runs the checks of a shard: each kind plans and judges, the engine performs."""

import logging
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from chalicelib.checkers import CHECKERS
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Reason

if TYPE_CHECKING:
    from chalicelib.net.engine import Engine, Run
    from chalicelib.net.exchange import Exchange

log = logging.getLogger(__name__)


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
    name = CHECKERS[kind]
    # `import_module` takes as long as making the connection's socket, even for what is there.
    return sys.modules.get(name) or import_module(name)


class JudgedRun:
    """Checks under way; answers come out judged. What failed inside our own code never comes out."""

    def __init__(self, run: "Run", planned: Mapping[int, tuple[Any, Any]]) -> None:
        self._run = run
        self._planned = planned

    @property
    def pending(self) -> int:
        return self._run.pending

    def collect(self, until_seconds: float | None = None) -> dict[int, Outcome]:
        judged: dict[int, Outcome] = {}
        for position, answer in self._run.collect(until_seconds).items():
            if answer.fault is Reason.INTERNAL:
                continue
            checker, config = self._planned[position]
            try:
                judged[position] = checker.judge(config, answer)
            except Exception:
                log.exception("the answer at position %s could not be judged", position)
        return judged

    def close(self) -> None:
        self._run.close()
