"""Every error that our code raises on purpose, and what an API caller is told about it.

    AppError
    ├── InvalidInput      400  VALIDATION_ERROR     always with details
    ├── LimitExceeded     400  LIMIT_EXCEEDED       a resource limit of the team is reached
    ├── InvalidDateRange  400  INVALID_DATE_RANGE   a maintenance window that ends before it starts
    ├── AlreadyEnded      400  ALREADY_ENDED        a maintenance window that is to be ended
    ├── NotStarted        400  NOT_STARTED          likewise
    ├── Unauthenticated   401  UNAUTHORIZED
    ├── Forbidden         403  FORBIDDEN
    ├── NotFound          404  NOT_FOUND            also for what belongs to another team
    ├── Conflict          409  CONFLICT
    │   └── QuotaReached  409  LIMIT_EXCEEDED       the same for keys and alerts (contract R14)
    ├── PayloadTooLarge   413  PAYLOAD_TOO_LARGE
    └── TooMany           429  RATE_LIMITED         says when to come back
        └── TooManyPings  429  RATE_LIMIT_EXCEEDED  the own limit of ad-hoc pings (contract R15)

Anything else that escapes is our bug: 500 INTERNAL_ERROR with nothing but a request id.
`code` is contract (reference: HTTP contract, section 1); the wording of `message` is not.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class Detail:
    """One bad field: its JSON key (dotted when nested), its query parameter's name, or `body`."""

    field: str
    message: str


class AppError(Exception):
    """An expected refusal. `details` is non-empty on VALIDATION_ERROR and empty otherwise."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "INTERNAL_ERROR"

    def __init__(self, message: str, details: Sequence[Detail] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)


class InvalidInput(AppError):
    status, code = 400, "VALIDATION_ERROR"

    def __init__(self, details: Sequence[Detail], message: str = "The request is not valid.") -> None:
        super().__init__(message, details)


class LimitExceeded(AppError):
    status, code = 400, "LIMIT_EXCEEDED"


class InvalidDateRange(AppError):
    status, code = 400, "INVALID_DATE_RANGE"


class AlreadyEnded(AppError):
    status, code = 400, "ALREADY_ENDED"


class NotStarted(AppError):
    status, code = 400, "NOT_STARTED"


class Unauthenticated(AppError):
    status, code = 401, "UNAUTHORIZED"


class Forbidden(AppError):
    status, code = 403, "FORBIDDEN"


class NotFound(AppError):
    status, code = 404, "NOT_FOUND"


class Conflict(AppError):
    status, code = 409, "CONFLICT"


class QuotaReached(Conflict):
    code = "LIMIT_EXCEEDED"


class PayloadTooLarge(AppError):
    status, code = 413, "PAYLOAD_TOO_LARGE"


class TooMany(AppError):
    status, code = 429, "RATE_LIMITED"

    def __init__(self, retry_after_seconds: int) -> None:
        unit = "second" if retry_after_seconds == 1 else "seconds"
        super().__init__(f"Too many requests. Try again in {retry_after_seconds} {unit}.")
        self.retry_after_seconds = retry_after_seconds


class TooManyPings(TooMany):
    code = "RATE_LIMIT_EXCEEDED"


class Contended(Exception):
    """Internal: a transaction collided with another (TransactionConflict), was throttled, or its answer was
    lost, so that it may have been written. Read again and retry: every write carries its condition."""
