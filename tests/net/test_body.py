"""Bodies: one content coding at most, and no more kept than was asked for, whatever was sent."""

import gzip
import zlib
from collections.abc import Iterable

import pytest

from chalicelib.net.body import BadCoding, Body

TEXT = b"hello, " * 100


def zipped(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)


def read(chunks: Iterable[bytes], *codings: bytes, limit: int = 1 << 20) -> Body:
    body = Body(limit)
    for coding in codings:
        body.note_codings(coding)
    for chunk in chunks:
        body.add(chunk)
    return body


def bare(data: bytes) -> bytes:
    deflater = zlib.compressobj(wbits=-15)
    return deflater.compress(data) + deflater.flush()


@pytest.mark.parametrize(
    ("coding", "data"),
    [
        (b"", TEXT),
        (b" identity", TEXT),
        (b" gzip", zipped(TEXT)),
        (b" X-GZIP", zipped(TEXT)),
        (b" identity, gzip", zipped(TEXT)),
        (b" deflate", zlib.compress(TEXT)),
        (b" deflate", bare(TEXT)),
    ],
)
@pytest.mark.parametrize("size", [1, 7, 10_000])
def test_a_coding_is_taken_off(coding: bytes, data: bytes, size: int) -> None:
    assert bytes(read((data[at : at + size] for at in range(0, len(data), size)), coding)) == TEXT


@pytest.mark.parametrize(
    ("codings", "data"),
    [
        ([b" br"], b"whatever"),
        ([b" zstd"], b"whatever"),
        ([b" gzip, gzip"], zipped(zipped(TEXT))),
        ([b" gzip", b" gzip"], zipped(zipped(TEXT))),
        ([b" deflate,gzip"], zipped(zlib.compress(TEXT))),
        ([b" gzip"], TEXT),
        ([b" gzip"], zlib.compress(TEXT)),
        ([b" deflate"], b"\xff" * 100),
        ([b" gzip"], zipped(TEXT)[:-8] + b"\0" * 8),
    ],
)
def test_a_coding_that_is_unknown_doubled_or_a_lie_is_told(codings: list[bytes], data: bytes) -> None:
    with pytest.raises(BadCoding):
        read([data], *codings)


def test_what_makes_nothing_at_all_is_garbled() -> None:
    assert read([b"\x1f"], b" gzip").is_garbled
    assert not read([zipped(b"")], b" gzip").is_garbled
    assert not read([], b" gzip").is_garbled
    assert not read([b"x"]).is_garbled


def test_a_coding_of_nothing_is_no_fault() -> None:
    assert bytes(read([b""], b" br")) == b""


def test_a_compressed_body_that_breaks_off_is_what_came_of_it() -> None:
    assert TEXT.startswith(bytes(read([zipped(TEXT)[:-9]], b" gzip")))


def test_what_follows_the_end_is_ignored() -> None:
    body = read([zipped(TEXT) + zipped(b"more"), b"and more"], b" gzip")
    assert bytes(body) == TEXT
    assert body.is_complete


def test_a_bomb_stops_at_the_limit() -> None:
    bomb = zipped(bytes(100_000_000))
    body = read([bomb[:16384], b"never looked at"], b" gzip", limit=1000)
    assert bytes(body) == bytes(1000)
    assert body.is_complete


@pytest.mark.parametrize("coding", [b"", b" gzip"])
def test_what_never_comes_to_anything_ends_by_its_size_on_the_wire(coding: bytes) -> None:
    empty_blocks = zipped(b"")[:10] + b"\0\0\0\xff\xff" * 1000
    body = read([empty_blocks], coding, limit=1000)
    assert body.is_complete


def test_codings_of_an_interim_response_do_not_count() -> None:
    body = Body(1000)
    body.note_codings(b"br")
    body.forget_codings()
    body.add(TEXT)
    assert bytes(body) == TEXT
