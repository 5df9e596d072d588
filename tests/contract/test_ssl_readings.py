from datetime import timedelta

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.outcome import Reason
from chalicelib.domain.ssl_readings import SslReading, SslReadings

from .conftest import Edges
from .makers import BASE, NOW, OTHER, SHARD

GOOD = CertificateReading(not_after=NOW + timedelta(days=60), issuer="Söhne, Töchter & Co")
READINGS = {
    1: SslReading(b"\x00\x01\x02\xff", GOOD, BASE, BASE + 60),
    1000: SslReading(b"abcd", CertificateReading(Reason.TLS_FAILED), BASE, BASE),
}


def test_a_shard_without_any_has_version_0(edges: Edges) -> None:
    assert edges.ssl_readings.get(SHARD, consistent=True) == SslReadings(0, {})
    assert edges.ssl_readings.get(SHARD, consistent=False) == SslReadings(0, {})


def test_what_is_saved_is_read_and_counted(edges: Edges) -> None:
    store = edges.ssl_readings
    assert store.save(SHARD, SslReadings(), READINGS)
    first = store.get(SHARD, consistent=True)
    assert first == SslReadings(1, READINGS)
    assert store.save(SHARD, first, {1: READINGS[1]})
    assert store.get(SHARD, consistent=False) == SslReadings(2, {1: READINGS[1]})
    assert store.save(SHARD, store.get(SHARD, consistent=True), {})
    assert store.get(SHARD, consistent=True) == SslReadings(3, {})
    assert store.get(OTHER, consistent=True) == SslReadings()


def test_of_two_that_read_the_same_one_is_told_that_it_lost(edges: Edges) -> None:
    store = edges.ssl_readings
    for expected in (SslReadings(), SslReadings(1, READINGS)):
        read = store.get(SHARD, consistent=True)
        assert read == expected
        assert store.save(SHARD, read, READINGS)
        assert not store.save(SHARD, read, {})
    assert store.get(SHARD, consistent=True) == SslReadings(2, READINGS)
