"""What was found wrong with a monitor, or right again, as far as a notification tells it."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.domain.event_type import EventType
from chalicelib.domain.outcome import Reason


@dataclass(frozen=True, slots=True)
class Finding:
    """`at` is when it was seen. `text` is the answer in words, where a kind has any (DNS)."""

    event: EventType
    at: datetime
    reason: Reason = Reason.NONE
    status_code: int = 0
    response_ms: int = 0
    text: str = ""
