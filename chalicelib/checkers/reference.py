"""The reference hosts: whether anything at all can be reached from here."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from chalicelib.domain.outcome import Reason
from chalicelib.domain.own_fault import is_cut_off

if TYPE_CHECKING:
    from chalicelib.net.engine import Engine

TIMEOUT_SECONDS: Final = 3.0
LOOK_SECONDS: Final = 0.1
"""How often it is looked whether one has answered: the checks of the run stand still meanwhile."""


class ReferenceHosts:
    """Satisfies `Reference`: connects to all at once, through the door that checks take."""

    def __init__(self, engine: "Engine", hosts: Sequence[tuple[str, int]]) -> None:
        self._engine = engine
        self._hosts = hosts

    def is_reachable(self) -> bool:
        """Whether any can be reached. With none to ask, it is taken for granted."""
        from chalicelib.net.exchange import TcpExchange

        exchanges = {
            number: TcpExchange(host, port, TIMEOUT_SECONDS)
            for number, (host, port) in enumerate(self._hosts)
        }
        if not exchanges:
            return True
        faults: set[Reason] = set()
        age_seconds = 0.0
        with self._engine.start(exchanges) as run:
            while run.pending and Reason.NONE not in faults:
                age_seconds += LOOK_SECONDS
                faults |= {answer.fault for answer in run.collect(age_seconds).values()}
        return not is_cut_off(faults)
