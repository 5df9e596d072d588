"""What a channel sends, and what became of it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final


@dataclass(frozen=True, slots=True)
class HttpMessage:
    """A POST. Its address and headers are secrets: who has them can send in the channel's name."""

    url: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(repr=False)
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mail:
    """To one address. `event_id` makes its Message-ID, the same for every attempt."""

    to: str
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    event_id: str
    at: datetime


Message = HttpMessage | Mail


class Fate(StrEnum):
    DELIVERED = "delivered"
    RETRY = "retry"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of an attempt. `problem` is a short word of ours, and never what the other side said.

    `retry_after_seconds` is what the other side asked for; None leaves the pause to the caller.
    """

    fate: Fate
    problem: str = ""
    retry_after_seconds: int | None = None


DELIVERED = Verdict(Fate.DELIVERED)
OUR_FAULT: Final = "internal error"
"""The problem of what failed by a bug of ours, which no channel is to blame for."""


def retry(problem: str, after_seconds: int | None = None) -> Verdict:
    return Verdict(Fate.RETRY, problem, after_seconds)


def failed(problem: str) -> Verdict:
    return Verdict(Fate.FAILED, problem)


def post_json(url: str, payload: Mapping[str, Any], *headers: tuple[str, str]) -> HttpMessage:
    """What is not Unicode in it (a lone surrogate) becomes a question mark, and never an error."""
    body = json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    return HttpMessage(url, (("Content-Type", "application/json"), *headers), body)
