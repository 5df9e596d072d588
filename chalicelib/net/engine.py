"""The check engine: many exchanges at a time in one thread and one loop."""

import functools
import logging
import resource
import time
import weakref
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from importlib import import_module
from types import TracebackType
from typing import Final, Protocol, Self

from chalicelib.domain.outcome import Reason
from chalicelib.net.exchange import (
    Answer,
    CertificateAnswer,
    CertificateExchange,
    DnsAnswer,
    DnsExchange,
    Exchange,
    HttpAnswer,
    HttpExchange,
    TcpAnswer,
    TcpExchange,
)
from chalicelib.net.http import Means
from chalicelib.net.loop import Guard, Loop, Timer
from chalicelib.net.multi import Transfers
from chalicelib.net.policy import Policy
from chalicelib.net.question import Nameserver
from chalicelib.net.resolve import Resolver
from chalicelib.net.transfer import Settings

logger = logging.getLogger(__name__)

# A run that lags more than this behind its pace does not catch up: a burst would falsify its timings.
_MAX_LAG_SECONDS: Final = 0.05


# What runs each kind of exchange, imported with the first run that has one, and what it answers.
_KINDS: Final[Mapping[type[Exchange], tuple[str, type[Answer]]]] = {
    HttpExchange: ("chalicelib.net.http:HttpCheck", HttpAnswer),
    TcpExchange: ("chalicelib.net.tcp:TcpCheck", TcpAnswer),
    DnsExchange: ("chalicelib.net.dns:DnsCheck", DnsAnswer),
    CertificateExchange: ("chalicelib.net.certificate:CertificateCheck", CertificateAnswer),
}


class Check(Protocol):
    def start(self) -> None: ...
    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """`starts_per_second` None starts all at once, which costs least and makes the timings untrue."""

    policy: Policy
    nameserver: Nameserver | None = None
    ca_file: str | None = None
    starts_per_second: float | None = 100.0
    user_agent: str = "Uptime/1.0"


@dataclass(frozen=True, slots=True)
class Gear:
    """What one run uses at a time, and the next may use again: it has read the certificates of the roots."""

    loop: Loop
    transfers: Transfers

    def is_at_rest(self) -> bool:
        """Once all checks are closed: whether nothing of them is left."""
        self.transfers.settle()
        return self.loop.is_idle()

    def close(self) -> None:
        self.transfers.close()
        self.loop.close()


class Engine:
    def __init__(self, options: EngineOptions) -> None:
        self._options = options
        self._settings = Settings(options.policy.permits, options.user_agent, options.ca_file)
        self._spare: list[Gear] = []

    def start(self, exchanges: Mapping[int, Exchange]) -> "Run":
        """Begin a run; its exchanges start in the mapping's order, the first at once."""
        return Run(self, self._options, exchanges)

    def lend(self) -> Gear:
        try:
            return self._spare.pop()
        except IndexError:
            loop = Loop()
            return Gear(loop, Transfers(loop, self._settings))

    def take_back(self, gear: Gear) -> None:
        if gear.is_at_rest():
            self._spare.append(gear)
        else:
            gear.close()


class Run:
    """Time only passes for a run inside `collect`; what arrives between two calls is stamped late."""

    def __init__(self, engine: Engine, options: EngineOptions, exchanges: Mapping[int, Exchange]) -> None:
        # With an engine that nobody else holds, nothing is kept for another run.
        self._engine = weakref.ref(engine)
        self._gear = engine.lend()
        self._loop = self._gear.loop
        self._means = Means(options.policy, Resolver(options.nameserver), self._gear.transfers)
        self._interval = 1 / options.starts_per_second if options.starts_per_second else 0.0
        self._room = _sockets_allowed()
        self._waiting = deque(exchanges.items())
        # Now, since no check's time passes yet.
        self._checks = _import_checks({type(exchange) for exchange in exchanges.values()})
        self._running: dict[int, Check] = {}
        self._answers: dict[int, Answer] = {}
        self._started_at = self._next_start_at = time.monotonic()
        self._starter: Timer | None = None
        self._is_closed = False
        self._has_crashed = False
        self._schedule_start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pending(self) -> int:
        """How many exchanges have not ended yet."""
        return len(self._waiting) + len(self._running)

    def collect(self, until_seconds: float | None = None) -> dict[int, Answer]:
        """Run until every exchange has ended, or the run is `until_seconds` old; what arrived since last."""
        until = None if until_seconds is None else self._started_at + until_seconds
        try:
            while self.pending and (until is None or time.monotonic() < until):
                self._loop.run_once(until)
        except BaseException:
            self._has_crashed = True
            raise
        answers, self._answers = self._answers, {}
        return answers

    def close(self) -> None:
        """Abandon what still runs and let go of every socket. Closing twice does nothing."""
        if self._is_closed:
            return
        self._is_closed = True
        self._waiting.clear()
        for key, check in self._running.items():
            self._close_check(key, check)
        self._running.clear()
        if self._starter is not None:
            self._starter.cancel()
        engine = self._engine()
        if engine is None or self._has_crashed:
            self._gear.close()
        else:
            engine.take_back(self._gear)

    def _schedule_start(self) -> None:
        if self._waiting and self._starter is None and len(self._running) < self._room:
            delay = max(0.0, self._next_start_at - time.monotonic())
            self._starter = self._loop.call_later(delay, self._start_due)

    def _start_due(self) -> None:
        self._starter = None
        now = time.monotonic()
        self._next_start_at = max(self._next_start_at, now - _MAX_LAG_SECONDS)
        while self._waiting and len(self._running) < self._room and self._next_start_at <= now:
            self._next_start_at += self._interval
            self._start(*self._waiting.popleft())
        self._schedule_start()

    def _start(self, key: int, exchange: Exchange) -> None:
        offset_ms = (time.monotonic() - self._started_at) * 1000
        crashed = functools.partial(self._crashed, key, type(exchange), offset_ms)
        done = functools.partial(self._ended, key)
        try:
            make = self._checks[type(exchange)]
            check = make(exchange, self._means, Guard(self._loop, crashed), offset_ms, done)
            self._running[key] = check
            check.start()
        except Exception:
            crashed()

    def _ended(self, key: int, answer: Answer) -> None:
        self._running.pop(key, None)
        self._answers[key] = answer
        self._schedule_start()

    def _crashed(self, key: int, kind: type[Exchange], offset_ms: float) -> None:
        """Our own bug, while it is being handled: it costs this exchange its answer and no other."""
        logger.exception("exchange %s failed inside the engine", key)
        self._has_crashed = True
        check = self._running.get(key)
        if check is not None:
            self._close_check(key, check)
        elapsed_ms = (time.monotonic() - self._started_at) * 1000 - offset_ms
        answer = _KINDS[kind][1]
        self._ended(key, answer(fault=Reason.INTERNAL, elapsed_ms=elapsed_ms, offset_ms=offset_ms))

    def _close_check(self, key: int, check: Check) -> None:
        try:
            check.close()
        except Exception:
            logger.exception("exchange %s could not be closed", key)
            self._has_crashed = True


def _import_checks(kinds: Iterable[type[Exchange]]) -> dict[type[Exchange], Callable[..., Check]]:
    """What cannot be imported is left out, which costs that kind its answers and no other."""
    found: dict[type[Exchange], Callable[..., Check]] = {}
    for kind in kinds:
        module, _, name = _KINDS[kind][0].partition(":")
        try:
            found[kind] = getattr(import_module(module), name)
        except Exception:
            logger.exception("the checks of %s could not be imported", kind.__name__)
    return found


def _sockets_allowed() -> int:
    """How many exchanges may be under way: each may hold two sockets, and Lambda allows 1024 files."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, (limit - 64) // 2) if limit > 0 else 10_000
