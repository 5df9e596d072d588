"""The webhook of the contract (section 4.8), signed by https://www.standardwebhooks.com or as before."""

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from chalicelib.channels.fields import BadConfig
from chalicelib.channels.webhook import Config, judge, parse, render
from chalicelib.domain.message import DELIVERED, HttpMessage, failed, retry
from tests.channels.notices import HOSTILE, SNAPSHOTS, hostile, notice, payload_of

URL = "https://hooks.example/uptime?key=1"
KEY = b"0123456789abcdef01234567"
ENCODED = f"whsec_{base64.b64encode(KEY).decode()}"


def signed(secret: str, scheme: str = "standard", **changes: object) -> HttpMessage:
    now = datetime.now(UTC)
    config = parse({"url": URL, "secret": secret, "signatureScheme": scheme})
    return render(config, notice(**{"attempted_at": now, **changes}))


def test_the_payload_is_the_contracts() -> None:
    message = render(Config(URL), notice())
    assert message.url == URL
    assert message.headers == (("Content-Type", "application/json"),)
    assert payload_of(message) == {
        "eventId": "evt_1",
        "monitorId": "mon_1",
        "monitorType": "http",
        "monitorName": "Shop",
        "eventType": "down",
        "snapshot": {
            "type": "http",
            "responseStatus": 503,
            "responseTimeMs": 120,
            "expectedStatus": 200,
            "url": "https://shop.example/",
        },
        "message": "HTTP monitor Shop is down: Status 503 instead of 200",
        "timestamp": "2026-11-21T08:05:00Z",
        "sent": 0,
        "heldBack": 0,
        "since": "2026-11-21T08:00:00Z",
    }


@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_the_snapshot_says_its_kind(kind: str) -> None:
    payload = payload_of(render(Config(URL), notice(snapshot=SNAPSHOTS[kind])))
    assert payload["monitorType"] == payload["snapshot"]["type"] == kind


def test_a_test_says_so() -> None:
    assert payload_of(render(Config(URL), notice(is_test=True)))["isTest"] is True


def test_a_name_is_said_as_it_is_but_for_what_is_no_unicode() -> None:
    name = "Shop\r\n\u202e@everyone <b> 👩‍👩‍👧‍👦"
    assert payload_of(render(Config(URL), notice(name=name)))["monitorName"] == name
    assert payload_of(render(Config(URL), notice(name="a\ud800b")))["monitorName"] == "a?b"


@pytest.mark.parametrize("secret", [ENCODED, ENCODED.rstrip("=")])
def test_a_secret_of_the_standard_is_the_key_in_base64(secret: str) -> None:
    message = signed(secret)
    assert Webhook(ENCODED).verify(message.body, dict(message.headers)) == json.loads(message.body)


@pytest.mark.parametrize("secret", ["correct horse", "clé 👍", "aGVsbG8=", "Whsec_x"])
def test_any_other_secret_is_the_key_as_it_stands(secret: str) -> None:
    message = signed(secret)
    Webhook(secret.encode()).verify(message.body, dict(message.headers))


def test_another_secret_does_not_verify() -> None:
    message = signed("one")
    with pytest.raises(WebhookVerificationError):
        Webhook(b"other").verify(message.body, dict(message.headers))


def test_the_id_is_the_events_and_the_time_the_attempts() -> None:
    now = datetime.now(UTC)
    first, second = (dict(signed("s", attempted_at=now + timedelta(minutes=m)).headers) for m in (0, 4))
    assert first["webhook-id"] == second["webhook-id"] == "evt_1"
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 240
    assert first["webhook-signature"] != second["webhook-signature"]


@pytest.mark.parametrize("secret", ["correct horse", ENCODED, "whsec_ not base64"])
def test_the_older_scheme_takes_every_secret_as_it_stands(secret: str) -> None:
    message = signed(secret, "sha256")
    expected = hmac.new(secret.encode(), message.body, hashlib.sha256).hexdigest()
    assert message.headers[1:] == (("Webhook-Signature", f"sha256={expected}"),)


@pytest.mark.parametrize("scheme", ["standard", "sha256"])
def test_there_is_never_more_than_one_signature(scheme: str) -> None:
    names = [name.lower() for name, _ in signed("s", scheme).headers]
    assert names.count("webhook-signature") == 1
    assert ("webhook-id" in names) == (scheme == "standard")


@pytest.mark.parametrize("scheme", ["standard", "sha256"])
def test_without_a_secret_nothing_is_signed(scheme: str) -> None:
    assert signed("", scheme).headers == (("Content-Type", "application/json"),)


@pytest.mark.parametrize("secret", ["whsec_", "whsec_===", "whsec_a", "whsec_ñ", "whsec_a b c", "whsec_-_-_"])
def test_a_secret_that_is_no_base64_though_it_says_so_is_refused(secret: str) -> None:
    with pytest.raises(BadConfig) as caught:
        parse({"url": URL, "secret": secret})
    assert [detail.field for detail in caught.value.details] == ["secret"]


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_whatever_the_texts_the_signature_holds_and_no_header_carries_them(text: str) -> None:
    for each in hostile(text):
        message = signed("s", name=each.name, reason=each.reason, snapshot=each.snapshot)
        Webhook(b"s").verify(message.body, dict(message.headers))
        assert all(value.isascii() and value.isprintable() for _, value in message.headers)
        assert "\n" not in payload_of(message)["message"]


def test_answers() -> None:
    assert judge(200, b"", {}) == judge(204, b"", {}) == DELIVERED
    assert judge(301, b"", {"location": "https://elsewhere.example"}) == failed("HTTP status 301")
    assert judge(410, b"", {}) == failed("HTTP status 410")
    assert judge(503, b"", {"retry-after": "120"}) == retry("HTTP status 503", 120)
