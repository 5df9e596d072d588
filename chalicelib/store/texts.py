"""Texts of results, one item for each that a position ever had."""

import zlib
from collections.abc import Iterable, Mapping
from datetime import datetime

from chalicelib.domain.text import LEAST_LIFE, LIFE, TextRef, text_bytes
from chalicelib.store.tables import TextItem


class TextStore:
    """The id is the text's digest: two that write one item write the same, so no write has a condition, and
    looking first costs a tenth of it."""

    def save(self, texts: Mapping[TextRef, str], now: datetime) -> None:
        keys = {_key(ref): ref for ref in texts}
        found = TextItem.batch_get(list(keys), consistent_read=False, attributes_to_get=["pk", "sk", "ttl"])
        enough = (now + LEAST_LIFE).timestamp()
        lasting = {keys[item.pk, item.sk] for item in found if item.ttl >= enough}
        until = int((now + LIFE).timestamp())
        for ref, text in texts.items():
            if ref not in lasting:
                TextItem(*_key(ref), data=_encode(text), ttl=until).save()

    def pick(self, refs: Iterable[TextRef], *, consistent: bool) -> dict[TextRef, str]:
        keys = {_key(ref): ref for ref in refs}
        found = TextItem.batch_get(
            list(keys), consistent_read=consistent, attributes_to_get=["pk", "sk", "d"]
        )
        return {keys[item.pk, item.sk]: _decode(item.data) for item in found}


def _key(ref: TextRef) -> tuple[str, str]:
    return f"S#{ref.shard}", f"X#{ref.position:04d}#{ref.id.hex()}"


def _encode(text: str) -> bytes:
    """Deflated: a write is paid for by the kilobyte, and long answers are lists of similar records."""
    return zlib.compress(text_bytes(text), 9, wbits=-15)


def _decode(data: bytes) -> str:
    return zlib.decompress(data, wbits=-15).decode()
