"""What is listed of a push monitor: its heartbeats, and what their absence has made of it; newest first."""

import zlib
from dataclasses import dataclass
from typing import Final

from chalicelib.domain.beat import Beat
from chalicelib.domain.push_monitor import PushHeartbeat
from chalicelib.services.beat_history import KEPT_IN_FULL, page_of_beats
from chalicelib.services.deps import Deps

DEFAULT_WORDS: Final = "OK"
SILENCE: Final = "No heartbeat in the time window"
WORDS_LENGTH: Final = 250
MOST_BYTES: Final = 4 * WORDS_LENGTH


@dataclass(frozen=True, slots=True)
class ListedBeat:
    """`words` is None where they are not known any more."""

    beat: Beat
    words: str | None


@dataclass(frozen=True, slots=True)
class Page:
    beats: list[ListedBeat]
    total: int


def list_beats(deps: Deps, heartbeat: PushHeartbeat, *, limit: int, offset: int) -> Page:
    """With the exact total of those that are not older than a year."""
    now, id = deps.now(), heartbeat.id
    page = page_of_beats(deps, heartbeat, limit=limit, offset=offset, now=now)
    asked = [(id, n) for n, beat in page.beats if beat.has_body and n > heartbeat.count - KEPT_IN_FULL]
    own = deps.beats.bodies(asked, now) if asked else {}

    def words(number: int, beat: Beat) -> str | None:
        return words_of(own.get((id, number)), has_own=beat.has_body, is_silence=not beat.is_fine)

    return Page([ListedBeat(beat, words(number, beat)) for number, beat in page.beats], page.total)


def pack_words(words: str) -> bytes:
    """Always so few that they cost one unit. Half a character pair is none."""
    return zlib.compress(words.encode("utf-8", "replace"))


def words_of(packed: bytes | None, *, has_own: bool, is_silence: bool) -> str | None:
    if is_silence:
        return SILENCE
    if not has_own:
        return DEFAULT_WORDS
    return None if packed is None else zlib.decompressobj().decompress(packed, MOST_BYTES).decode()
