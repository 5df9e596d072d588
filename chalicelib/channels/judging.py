"""What an answer means for a message, where a vendor says nothing else."""

import json
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from chalicelib.domain.message import DELIVERED, Verdict, failed, retry
from chalicelib.domain.outcome import Reason

MAX_PAUSE_SECONDS: Final = 3600
"""Asked for more, we come back after this."""

Headers = Mapping[str, str]
"""By lower-case name."""

_PASSING: Final = frozenset((408, 421, 425, 429))
"""Refusals that are not of the message."""
_SECONDS: Final = re.compile(r"[0-9]{1,12}")


def by_status(status: int, headers: Headers, after_seconds: int | None = None) -> Verdict:
    """2xx has it; the passing and the server's own errors are worth another try; the rest, redirects
    included, will not change. The header comes first, `after_seconds` is what the body asks for."""
    if 200 <= status < 300:
        return DELIVERED
    problem = f"HTTP status {status}"
    if status in _PASSING or 500 <= status < 600:
        asked = retry_after(headers)
        return retry(problem, after_seconds if asked is None else asked)
    return failed(problem)


def by_fault(reason: Reason) -> Verdict:
    """No answer at all. An address that is refused today may be right tomorrow, but not in this hour."""
    problem = reason.name.lower()
    return failed(problem) if reason is Reason.BLOCKED else retry(problem)


def retry_after(headers: Headers) -> int | None:
    """In seconds. A date counts from the answer's own, since clocks differ; without that it is ignored."""
    value = headers.get("retry-after", "").strip()
    if _SECONDS.fullmatch(value):
        return min(int(value), MAX_PAUSE_SECONDS)
    until, answered_at = _instant(value), _instant(headers.get("date", ""))
    if until is None or answered_at is None:
        return None
    return pause((until - answered_at).total_seconds())


def pause(seconds: Any) -> int | None:
    """Of a number as JSON has it, fractions included; None of anything else."""
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or seconds != seconds:  # NaN
        return None
    return math.ceil(min(max(0, seconds), MAX_PAUSE_SECONDS))


def json_object(body: bytes) -> Mapping[str, Any]:
    """What an answer says in JSON; empty when it says something else."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _instant(value: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
