"""The value types that cross the door: what to do (an exchange) and what came back (an answer)."""

from dataclasses import dataclass, field

from chalicelib.domain.outcome import Phases, Reason


@dataclass(frozen=True, slots=True)
class HttpExchange:
    """One HTTP check: a request, its redirects, and how far to read.

    `timeout_seconds` bounds the whole exchange, every hop and name lookup included. With
    `max_body_bytes` 0 nothing after the final response's headers is waited for.
    """

    url: str
    method: str = "GET"
    timeout_seconds: float = 10.0
    follow_redirects: bool = True
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = field(default=None, repr=False)
    max_body_bytes: int = 0


Exchange = HttpExchange


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """What an HTTP exchange came to. `fault` is NONE when a final response arrived.

    `status_code` is 0 without a response. `elapsed_ms` runs from the start of the check to the end of
    the final response's headers, or to the failure. `offset_ms` is the check's start after the run's.
    """

    fault: Reason = Reason.NONE
    status_code: int = 0
    elapsed_ms: float = 0.0
    offset_ms: float = 0.0
    phases: Phases = field(default=Phases())
    body: bytes = field(default=b"", repr=False)
    remote_address: str = ""
    redirects: int = 0


Answer = HttpAnswer
