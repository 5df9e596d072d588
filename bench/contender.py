"""What is measured: something that makes checks, and the processor time of its process."""

import resource
from collections.abc import Callable
from dataclasses import dataclass

CONCURRENT = 100


def own_seconds() -> float:
    """User + system time of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


@dataclass(frozen=True)
class Contender:
    """`check` makes so many checks, at most 100 at a time, and raises when one of them fails."""

    check: Callable[[int], None]
    cpu_seconds: Callable[[], float] = own_seconds


class CheckFailed(Exception):
    pass
