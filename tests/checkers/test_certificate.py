import pytest

from chalicelib.checkers.certificate import CertificateReader
from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_readings import CertificateTarget
from chalicelib.net import certificate
from chalicelib.net.engine import Engine
from chalicelib.settings import Settings
from chalicelib.wiring import Edges
from tests.net.running import options
from tests.net.test_http import closed_port


def test_targets_are_read_by_their_keys() -> None:
    reader = CertificateReader(Engine(options()))
    targets = {7: CertificateTarget("127.0.0.1", closed_port()), 9: CertificateTarget("10.0.0.1", 443)}
    assert reader.read(targets) == {
        7: CertificateReading(Reason.REFUSED),
        9: CertificateReading(Reason.BLOCKED),
    }
    assert reader.read({}) == {}


def test_what_fails_inside_our_own_code_is_no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr(certificate, "parse_host", broken)
    assert CertificateReader(Engine(options())).read({1: CertificateTarget("127.0.0.1", 443)}) == {}


def test_the_deployments_own_keeps_to_the_door() -> None:
    edges = Edges(Settings())
    assert edges.certificates is edges.certificates
    target = CertificateTarget("127.0.0.1", closed_port())
    assert edges.certificates.read({1: target}) == {1: CertificateReading(Reason.BLOCKED)}
