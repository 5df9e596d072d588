"""Texts: what an outcome says in words, stored before the tick that refers to it."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.domain.outcome import Outcome
from chalicelib.domain.text import TextRef, text_id
from chalicelib.services.deps import Deps

TRUSTED_SECONDS = 86400
"""How long a container relies on its memory of what is stored; the texts live that much longer."""
REMEMBERED = 10_000
"""The most that a container remembers: 3 MB. Then it begins anew, and looks again what is stored."""


def save_texts(deps: Deps, shard: str, outcomes: Mapping[int, Outcome], now: datetime) -> None:
    """No call when the container has seen all of these texts before, as it has while nothing changes."""
    seconds, saved = now.timestamp(), deps.saved_texts
    texts = {TextRef(shard, p, text_id(o.text)): o.text for p, o in outcomes.items() if o.text}
    new = {ref: text for ref, text in texts.items() if saved.get(ref, 0.0) <= seconds - TRUSTED_SECONDS}
    if not new:
        return
    deps.texts.save(new, now)
    if len(saved) + len(new) > REMEMBERED:
        saved.clear()
    saved.update(dict.fromkeys(new, seconds))
