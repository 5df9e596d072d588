"""Webhook: the event as JSON to an address of one's own, signed if there is a secret.

A secret `whsec_…` is the key in base64, as Standard Webhooks writes it; any other is taken as it stands, in
UTF-8. By the older scheme `sha256` every secret is taken as it stands.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from typing import Any, Final

from chalicelib.channels.fields import BadConfig, Field, Fields, one_of, read, text, url
from chalicelib.channels.judging import Headers, by_status
from chalicelib.domain.message import HttpMessage, Verdict, post_json
from chalicelib.domain.notice import Notice, compose
from chalicelib.domain.snapshot import rfc3339
from chalicelib.errors import Detail

STANDARD: Final = "standard"
SHA256: Final = "sha256"
_ENCODED: Final = "whsec_"

FIELDS: Final[Fields] = {
    "url": Field(url, is_required=True, is_secret=True),
    "secret": Field(text(0, 512), is_secret=True),
    "signatureScheme": Field(one_of(STANDARD, SHA256)),
}


@dataclass(frozen=True, slots=True)
class Config:
    """Without a secret nothing is signed."""

    url: str = field(repr=False)
    secret: str = field(default="", repr=False)
    scheme: str = STANDARD


def parse(config: Mapping[str, Any]) -> Config:
    """Raises BadConfig."""
    given = read(FIELDS, config)
    parsed = Config(given["url"], given.get("secret", ""), given.get("signatureScheme", STANDARD))
    try:
        signing_key(parsed)
    except ValueError:
        raise BadConfig([Detail("secret", f"must be base64 after {_ENCODED}")]) from None
    return parsed


def render(config: Config, notice: Notice) -> HttpMessage:
    payload: dict[str, Any] = {
        "eventId": notice.event_id,
        "monitorId": notice.monitor_id,
        "monitorType": notice.kind,
        "monitorName": notice.name,
        "eventType": notice.event.value,
        "snapshot": notice.snapshot.payload(),
        "message": compose(notice).sentence,
        "timestamp": rfc3339(notice.at),
        "sent": notice.sent,
        "heldBack": notice.held_back,
        "since": rfc3339(notice.since),
    }
    if notice.flips:
        payload["flips"] = notice.flips
    if notice.is_test:
        payload["isTest"] = True
    message = post_json(config.url, payload)
    signature = _signature(config, notice, message.body) if config.secret else ()
    return HttpMessage(message.url, (*message.headers, *signature), message.body)


def judge(status: int, body: bytes, headers: Headers) -> Verdict:
    return by_status(status, headers)


def signing_key(config: Config) -> bytes:
    """Raises ValueError for what is not base64 where it must be."""
    secret = config.secret
    if config.scheme != STANDARD or not secret.startswith(_ENCODED):
        return secret.encode()
    encoded = secret.removeprefix(_ENCODED).rstrip("=")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    if not key:
        raise ValueError("an empty key")
    return key


def _signature(config: Config, notice: Notice, body: bytes) -> tuple[tuple[str, str], ...]:
    key = signing_key(config)
    if config.scheme == SHA256:
        return (("Webhook-Signature", f"sha256={hmac.new(key, body, hashlib.sha256).hexdigest()}"),)
    from standardwebhooks import Webhook

    # The attempt's time, not the event's: receivers refuse what is older than five minutes.
    at = notice.attempted_at.astimezone(UTC)
    return (
        ("webhook-id", notice.event_id),
        ("webhook-timestamp", str(int(at.timestamp()))),
        ("webhook-signature", Webhook(key).sign(notice.event_id, at, body.decode())),
    )
