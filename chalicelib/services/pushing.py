"""A heartbeat of a push monitor: the push protocol of Uptime Kuma, in its own words."""

import logging
import math
import re
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from chalicelib.domain.beat import MARK_BYTES, MOST_MILLISECONDS, Beat
from chalicelib.domain.heartbeat import place_of, with_beat
from chalicelib.domain.push_monitor import KIND, TOKEN, PushHeartbeat
from chalicelib.domain.silence import Push, hear
from chalicelib.errors import Contended, NotFound
from chalicelib.services.beating import save_beats, take_beat
from chalicelib.services.deps import Deps
from chalicelib.services.judging import judged
from chalicelib.services.push_history import DEFAULT_WORDS, WORDS_LENGTH, pack_words

NOT_FOUND: Final = "Monitor not found or not active."
MOST_PING_MS: Final = 100_000_000_000
BAD_PING: Final = f"Invalid ping value. Must be between 0 and {MOST_PING_MS} ms."

_NUMBER = re.compile(r"[+-]?(?:Infinity|(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)")
"""What JavaScript reads off the beginning of a text."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Said:
    """The parameters of a push URL as they came; what is empty is as if it were absent."""

    status: str = ""
    msg: str = ""
    ping: str = ""


def take_push(deps: Deps, token: str, said: Said) -> None:
    """Store a heartbeat. Raises NotFound with Kuma's words whatever is wrong, and then has stored nothing.

    It has happened once it is counted: its words may be lost.
    """
    ping_ms, words = _ping_ms(said.ping), said.msg[:WORDS_LENGTH]
    has_words = words not in ("", DEFAULT_WORDS)
    mark = deps.random_bits(8 * MARK_BYTES).to_bytes(MARK_BYTES)
    is_up = said.status in ("", "up")

    def heard(read: PushHeartbeat, now: datetime) -> PushHeartbeat:
        if not read.rules.is_enabled:
            raise NotFound(NOT_FOUND)
        at = max([now, *(beat.at for beat in read.recent[-1:])])  # two functions' clocks differ
        before = _judged(deps, read, at)
        pulse = hear(before.rules, before.pulse, Push(is_up, at, ping_ms, has_words))
        beat = Beat(int(pulse.status), at, True, mark, milliseconds=ping_ms, has_body=has_words)
        return with_beat(replace(before, pulse=pulse), beat)

    taken = take_beat(deps, place_of(token), KIND, mark, heard) if TOKEN.fullmatch(token) else None
    if taken is None:
        raise NotFound(NOT_FOUND)
    if has_words:
        _keep(deps, taken.heartbeat.id, taken.number, words)


def _judged(deps: Deps, read: PushHeartbeat, now: datetime) -> PushHeartbeat:
    """An alarm that silence has raised since anybody looked is a turn of its own, before this heartbeat
    ends it: it is told first. Raises Contended, which is to read again."""
    found = judged(read, now)
    if found.pulse.alarm.seq != read.pulse.alarm.seq:
        save_beats(deps, read, found)
        raise Contended("silence")
    return found


def _keep(deps: Deps, monitor_id: str, number: int, words: str) -> None:
    try:
        deps.beats.keep_body(monitor_id, number, pack_words(words), deps.now())
    except Exception:  # the push is counted; who sends it again would be counted twice
        log.exception("the words of beat %s of %s are lost", number, monitor_id)


def _ping_ms(text: str) -> int | None:
    """As Kuma reads it: a number at the beginning; none, and zero, are no measurement."""
    found = _NUMBER.match(text.lstrip(" \t\n\v\f\r\ufeff"))
    ping = float(found[0].replace("Infinity", "inf")) if found else 0.0
    if not 0 <= ping <= MOST_PING_MS:
        raise NotFound(BAD_PING)
    return min(math.floor(ping + 0.5), MOST_MILLISECONDS) if ping else None
