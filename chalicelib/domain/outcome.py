"""What a check found out: the words that every kind of monitor shares."""

from dataclasses import dataclass
from enum import IntEnum


class Status(IntEnum):
    """Health of a monitor as stored. The numbers are the storage format: never reuse one."""

    UP = 0
    DEGRADED = 1
    DOWN = 2

    @property
    def is_healthy(self) -> bool:
        return self is Status.UP


class Reason(IntEnum):
    """Why a result is not up. The numbers are the storage format (one byte): never reuse one.

    1-63 are faults of the exchange itself, told by `net`; 64 and above are judgements of a checker.
    """

    NONE = 0
    TIMEOUT = 1
    NAME_NOT_FOUND = 2  # NXDOMAIN, or no address of any family
    NAME_FAILED = 3  # the resolver answered an error or nothing
    BLOCKED = 4  # an address (or the URL itself) that the door refuses
    REFUSED = 5
    UNREACHABLE = 6
    CLOSED = 7  # reset or closed before an answer
    TLS_FAILED = 8  # any handshake fault that has no reason of its own
    TLS_EXPIRED = 9
    TLS_WRONG_HOST = 10
    TLS_UNTRUSTED = 11
    PROTOCOL = 12  # what arrived is not HTTP
    TOO_MANY_REDIRECTS = 13
    BAD_REDIRECT = 14  # a Location that is missing or not an http(s) URL
    TOO_LARGE = 15  # endless headers or the like
    NO_RECORDS = 16  # the name exists, but has no record of the type asked for
    BAD_CODING = 17  # a body in a content coding that is unknown, doubled, or not what it says
    INTERNAL = 63  # our own bug, contained to its check
    WRONG_STATUS = 64
    SLOW = 65
    CONTENT = 66
    CHANGED = 67  # a DNS answer that is not what is expected
    LATE = 68  # a run that has not come by its deadline, or came after it
    MISSED = 69
    FAILED = 70  # a run that said so itself
    OVERRUN = 71  # a run that has begun and not ended
    TOO_OFTEN = 72
    SILENT = 73  # no heartbeat in the time window
    PUSHED_DOWN = 74  # a heartbeat that said so itself
    EXPIRING = 75  # a certificate, within the days of warning
    EXPIRED = 76  # a certificate, at whatever time it was read
    UNREADABLE = 77  # no certificate was read, or one for another host


@dataclass(frozen=True, slots=True)
class Phases:
    """Milliseconds each phase of the last hop took; 0 where it was not reached or not needed."""

    name_ms: int = 0
    connect_ms: int = 0
    tls_ms: int = 0
    wait_ms: int = 0  # request sent to first byte


@dataclass(frozen=True, slots=True)
class Outcome:
    """The judged result of one check, before it has a place in a tick.

    `status_code` is 0 when no response arrived; `response_ms` is the elapsed time, also on failure;
    `offset_ms` is the check's own start after the start of its run. `text` is what was found, where a kind
    reports it. `content_passed` is whether the content checks did; without a response, on an empty body.
    """

    status: Status
    reason: Reason = Reason.NONE
    status_code: int = 0
    response_ms: int = 0
    offset_ms: int = 0
    phases: Phases | None = None
    text: str = ""
    content_passed: bool = True
