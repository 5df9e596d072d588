"""Reading certificates (contract, section 4.3). No check: it says nothing of a monitor's status."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_readings import CertificateTarget
from chalicelib.net.exchange import CertificateAnswer, CertificateExchange

if TYPE_CHECKING:
    from chalicelib.net.engine import Engine

TIMEOUT_SECONDS: Final = 10.0


class CertificateReader:
    """Satisfies `Certificates`. What failed inside our own code is no reading."""

    def __init__(self, engine: "Engine") -> None:
        self._engine = engine

    def read(self, targets: Mapping[int, CertificateTarget]) -> dict[int, CertificateReading]:
        exchanges = {p: CertificateExchange(t.host, t.port, TIMEOUT_SECONDS) for p, t in targets.items()}
        with self._engine.start(exchanges) as run:
            answers = run.collect()
        return {
            position: _reading(answer)
            for position, answer in answers.items()
            if isinstance(answer, CertificateAnswer) and answer.fault is not Reason.INTERNAL
        }


def _reading(answer: CertificateAnswer) -> CertificateReading:
    return CertificateReading(answer.fault, answer.not_after, answer.issuer, answer.verify_reason)
