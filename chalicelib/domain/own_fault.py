"""Faults of our own: a run whose every check failed as if we had no network tells nothing of its targets.

Suspicion is cheap and judged here; the reference hosts, which are asked only then, decide.
"""

from collections.abc import Collection, Iterable
from typing import Final

from chalicelib.domain.monitor import Spec
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.target import BadTarget, parse_host, parse_url

LEAST_HOSTS: Final = 3
"""Fewer may well have gone down together, and their alarm is no mass alarm."""

NO_NETWORK: Final = frozenset(
    (Reason.TIMEOUT, Reason.UNREACHABLE, Reason.NAME_FAILED, Reason.NAME_NOT_FOUND),
)
"""What a missing network, or a name server of ours that fails, looks like from here.

NAME_NOT_FOUND too: a name server that knows no name at all (a DNS firewall, say) is ours, and then it does
not know the reference hosts either. REFUSED, CLOSED and all that comes later have been said by somebody.
"""

_TELLS_NOTHING: Final = frozenset((Reason.BLOCKED, Reason.INTERNAL))


def is_suspicious(outcomes: Collection[Outcome], targets: Iterable[Spec]) -> bool:
    """Whether our own network may be what all of these outcomes have in common.

    `targets` are those that the outcomes stand for, and those that have not even answered yet.
    """
    if not outcomes or not all(o.status is Status.DOWN and o.reason in NO_NETWORK for o in outcomes):
        return False
    return len({host_of(spec) for spec in targets} - {""}) >= LEAST_HOSTS


def host_of(spec: Spec) -> str:
    """The host of a target of any kind; empty when there is none to be read.

    Other ports and paths of a host are the same host.
    """
    url, host = spec.get("url"), spec.get("host", spec.get("domain"))
    try:
        if isinstance(url, str):
            return parse_url(url).host
        return parse_host(host).name if isinstance(host, str) else ""
    except BadTarget:
        return ""


def is_cut_off(faults: Iterable[Reason]) -> bool:
    """Whether the reference hosts, of which each came to one of these, failed as if we had no network.

    One that our own door refuses tells nothing; when none tells anything the results stand.
    """
    told = set(faults) - _TELLS_NOTHING
    return bool(told) and told <= NO_NETWORK
