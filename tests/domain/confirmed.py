"""What confirmation means, for who sees every result in the order of the slots."""

from collections.abc import Sequence
from itertools import takewhile

from chalicelib.domain.outcome import Status


def reference(told: Sequence[Status], worse: int, better: int) -> list[Status]:
    """What a monitor's state is from change to change, beginning with its first result's."""
    states, begin = list(told[:1]), 1
    for end in range(2, len(told) + 1):
        newest = told[begin:end][::-1]
        worsening = list(takewhile(states[-1].__lt__, newest))
        improving = list(takewhile(states[-1].__gt__, newest))
        if len(worsening) >= worse:
            states, begin = [*states, min(worsening)], end
        elif len(improving) >= better:
            states, begin = [*states, max(improving)], end
    return states


def changes(told: Sequence[Status], worse: int, better: int) -> list[Status]:
    """The transitions: nothing of a healthy first result."""
    states = reference(told, worse, better)
    return states[1:] if states and states[0].is_healthy else states


def spec_of(needed: tuple[int, int], retry: int | None = None) -> dict[str, int | None]:
    """How many results in a row make a monitor worse, and better; seconds between retries."""
    numbers = {"confirmations": needed[0], "recoveryConfirmations": needed[1]}
    return {**numbers, "retryIntervalSeconds": retry}
