"""A whole HTTP check: names, redirects, vetting of every hop, one deadline over all of it."""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

from chalicelib.domain.outcome import Phases, Reason
from chalicelib.domain.target import BadTarget, Target, join, parse_url
from chalicelib.net.exchange import HttpAnswer, HttpExchange
from chalicelib.net.loop import Guard, Timer
from chalicelib.net.multi import Transfers
from chalicelib.net.policy import Policy
from chalicelib.net.resolve import Lookup, Resolution, Resolver
from chalicelib.net.transfer import Reply, Request, Transfer

MAX_REDIRECTS: Final = 10

# The monitors of a shard ask for the same URLs every minute.
_parse_url = functools.lru_cache(maxsize=1024)(parse_url)


@dataclass(frozen=True, slots=True)
class Means:
    """What the checks of a run share."""

    policy: Policy
    resolver: Resolver
    transfers: Transfers


class HttpCheck:
    """Runs one exchange. Its own exceptions leave through the guard; `done` is called once, unless closed."""

    def __init__(
        self,
        exchange: HttpExchange,
        means: Means,
        guard: Guard,
        offset_ms: float,
        done: Callable[[HttpAnswer], None],
    ) -> None:
        self._exchange = exchange
        self._means = means
        self._guard = guard
        self._offset_ms = offset_ms
        self._done = done
        self._method = exchange.method
        self._headers = exchange.headers
        self._body = exchange.body
        self._redirects = 0
        self._started_at = time.monotonic()
        self._deadline = self._started_at + exchange.timeout_seconds
        self._timer: Timer | None = None
        self._lookup: Lookup | None = None
        self._transfer: Transfer | None = None
        self._target: Target
        self._lookup_at = 0.0
        self._name_ms = 0

    def start(self) -> None:
        self._timer = self._guard.call_later(self._exchange.timeout_seconds, self._expire)
        try:
            target = _parse_url(self._exchange.url)
        except BadTarget:
            self._fail(Reason.BLOCKED)
            return
        self._visit(target)

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._lookup is not None:
            self._lookup.close()
        if self._transfer is not None:
            self._means.transfers.drop(self._transfer)
        self._timer = self._lookup = self._transfer = None

    def _visit(self, target: Target) -> None:
        """One hop: it is resolved and vetted as if it were the first."""
        self._target = target
        self._lookup_at = time.monotonic()
        known = (target.host,) if target.is_literal else self._means.resolver.known(target.host)
        if known:
            self._connect(known)
        else:
            self._lookup = self._means.resolver.lookup(target.host, self._guard, self._resolved)

    def _resolved(self, resolution: Resolution) -> None:
        self._lookup = None
        if resolution.addresses:
            self._connect(resolution.addresses)
        else:
            self._fail(resolution.fault)

    def _connect(self, addresses: tuple[str, ...]) -> None:
        now = time.monotonic()
        self._name_ms = round((now - self._lookup_at) * 1000)
        # One forbidden address among good ones is enough: such a name is built to get past the door.
        if not all(self._means.policy.permits(address, self._target.port) for address in addresses):
            self._fail(Reason.BLOCKED)
            return
        request = Request(
            target=self._target,
            addresses=addresses,
            method=self._method,
            headers=self._headers,
            body=self._body,
            timeout_seconds=max(0.0, self._deadline - now),
            max_body_bytes=self._exchange.max_body_bytes,
            stop_at_redirect=self._exchange.follow_redirects,
            keeps_headers=self._exchange.keeps_headers,
        )
        self._transfer = self._means.transfers.start(request, self._guard.wrap(self._replied))

    def _replied(self, code: int) -> None:
        assert self._transfer is not None
        reply = self._transfer.reply(code)
        self._means.transfers.drop(self._transfer)
        self._transfer = None
        if reply.fault is Reason.NONE and reply.location is not None:
            self._redirect(reply, reply.location)
        else:
            self._finish(reply)

    def _redirect(self, reply: Reply, location: str) -> None:
        if self._redirects == MAX_REDIRECTS:
            self._finish(replace(reply, fault=Reason.TOO_MANY_REDIRECTS))
            return
        try:
            target = join(self._target, location)
        except BadTarget:
            self._finish(replace(reply, fault=Reason.BAD_REDIRECT))
            return
        self._redirects += 1
        if becomes_get(reply.status_code, self._method):
            self._method, self._body = "GET", None
            self._headers = tuple((n, v) for n, v in self._headers if not n.lower().startswith("content-"))
        if target.origin != self._target.origin:
            # What the user gave was meant for the first origin. It does not come back on a later hop.
            self._headers, self._body = (), None
        self._visit(target)

    def _expire(self) -> None:
        reply = self._transfer.reply() if self._transfer else Reply(Reason.TIMEOUT)
        if reply.location is not None:  # it came in time, what it leads to will not
            reply = replace(reply, fault=Reason.TIMEOUT)
        self._finish(reply)

    def _fail(self, fault: Reason) -> None:
        self._finish(Reply(fault))

    def _finish(self, reply: Reply) -> None:
        self.close()
        ended_at = time.monotonic() if reply.fault else reply.headers_at
        phases = reply.phases
        self._done(
            HttpAnswer(
                fault=reply.fault,
                status_code=reply.status_code,
                elapsed_ms=(ended_at - self._started_at) * 1000,
                offset_ms=self._offset_ms,
                phases=Phases(self._name_ms, phases.connect_ms, phases.tls_ms, phases.wait_ms),
                body=reply.body,
                content_type=reply.content_type,
                remote_address=reply.remote_address,
                redirects=self._redirects,
                headers=reply.headers,
            )
        )


def becomes_get(status_code: int, method: str) -> bool:
    """Whether a redirect turns the request into a GET without a body, as browsers do it."""
    if status_code == 303:
        return method not in ("GET", "HEAD")
    return status_code in (301, 302) and method == "POST"
