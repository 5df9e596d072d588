"""One list that every registered channel passes, whatever it speaks to."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import pytest

from chalicelib.channels import CHANNELS
from chalicelib.channels.fields import BadConfig
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import Fate, HttpMessage, Mail
from chalicelib.domain.request_headers import header_problem
from chalicelib.domain.target import parse_url
from tests.channels.notices import HOSTILE, SNAPSHOTS, hostile, notice, payload_of

SECRET = "CANARY7f3a"
URL = f"https://hooks.example/{SECRET}"


@dataclass(frozen=True)
class Case:
    """A channel, as this list needs to know it. `good` has every field, with SECRET in each secret one."""

    good: Mapping[str, Any]
    bad: Mapping[str, Any]


CASES = {
    "email": Case(
        good={"email": "ops@example.com", "subjectPrefix": "[x]"},
        bad={"email": "a@b, c@d", "subjectPrefix": "x" * 51},
    ),
    "webhook": Case(
        good={"url": URL, "secret": SECRET, "signatureScheme": "sha256"},
        bad={"url": "ftp://x", "secret": 5, "signatureScheme": "md5"},
    ),
    "slack": Case(
        good={"webhookUrl": URL, "channel": "#ops"}, bad={"webhookUrl": "https://u:p@x", "channel": 5}
    ),
    "discord": Case(good={"webhookUrl": URL}, bad={"webhookUrl": "https://"}),
    "telegram": Case(
        good={"botToken": f"1:{SECRET}-ABCDEFGHIJKLMNOP", "chatId": "-100"},
        bad={"botToken": "1:x/../y", "chatId": 5},
    ),
    "teams": Case(good={"webhookUrl": URL}, bad={"webhookUrl": "x" * 3000}),
    "pagerduty": Case(
        good={"routingKey": SECRET.ljust(32, "0"), "region": "eu"}, bad={"routingKey": "x", "region": "moon"}
    ),
    "ntfy": Case(
        good={"topic": SECRET, "serverUrl": "https://ntfy.example/", "accessToken": SECRET},
        bad={"topic": "a b", "serverUrl": "ntfy.example", "accessToken": "a\nb"},
    ),
}


@pytest.fixture(params=CHANNELS)
def strategy(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def channel(strategy: str) -> Any:
    return import_module(CHANNELS[strategy])


@pytest.fixture
def case(strategy: str) -> Case:
    return CASES[strategy]


def fields_of(error: BadConfig) -> set[str]:
    return {detail.field for detail in error.details}


def test_every_channel_is_on_this_list_with_all_of_its_fields() -> None:
    assert CASES.keys() == CHANNELS.keys()
    for strategy, case in CASES.items():
        fields = import_module(CHANNELS[strategy]).FIELDS
        assert case.good.keys() == case.bad.keys() == fields.keys()


def test_a_channel_is_imported_on_use_and_nothing_heavy_with_it(strategy: str) -> None:
    script = (
        "import sys, importlib, chalicelib.channels as registry\n"
        "print([name for name in registry.CHANNELS.values() if name in sys.modules])\n"
        f"importlib.import_module(registry.CHANNELS[{strategy!r}])\n"
        "print([kind for kind, name in registry.CHANNELS.items() if name in sys.modules])\n"
        "heavy = ('botocore', 'pycurl', 'smtplib', 'ssl', 'standardwebhooks')\n"
        "print([name for name in heavy if name in sys.modules])\n"
    )
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert result.stdout.splitlines() == ["[]", str([strategy]), "[]"]


def test_bad_fields_are_named_one_by_one_and_all_together(channel: Any, case: Case) -> None:
    for field, value in case.bad.items():
        wrongs: list[Any] = [value, None, [SECRET], {}, True, "\ud800" * 600]
        for wrong in wrongs:
            with pytest.raises(BadConfig) as caught:
                channel.parse({**case.good, field: wrong})
            assert fields_of(caught.value) == {field}
            assert all(detail.message for detail in caught.value.details)
    with pytest.raises(BadConfig) as caught:
        channel.parse(case.bad)
    assert fields_of(caught.value) == set(case.bad)


def test_what_is_missing_is_named(channel: Any) -> None:
    with pytest.raises(BadConfig) as caught:
        channel.parse({})
    assert fields_of(caught.value) == {name for name, field in channel.FIELDS.items() if field.is_required}


def test_the_required_fields_are_enough_and_others_are_ignored(channel: Any, case: Case) -> None:
    least = {name: case.good[name] for name, field in channel.FIELDS.items() if field.is_required}
    assert channel.parse({**least, "unknown": 1}) == channel.parse(least)


def test_a_bad_configuration_is_told_without_its_values(channel: Any, case: Case) -> None:
    with pytest.raises(BadConfig) as caught:
        channel.parse(dict.fromkeys(case.bad, f"{SECRET}\n" * 500))
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.args} {caught.value.details}"


def test_secrets_stand_in_no_repr(channel: Any, case: Case) -> None:
    secret_fields = {name for name, field in channel.FIELDS.items() if field.is_secret}
    assert secret_fields == {name for name, value in case.good.items() if SECRET in value}
    config = channel.parse(case.good)
    message = channel.render(config, notice())
    assert SECRET not in repr((config, message, channel.judge(500, SECRET.encode(), {"x": SECRET})))


@pytest.mark.parametrize("event", EventType)
@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_every_event_of_every_kind_is_rendered(channel: Any, case: Case, kind: str, event: EventType) -> None:
    config = channel.parse(case.good)
    for is_test in (False, True):
        each = notice(snapshot=SNAPSHOTS[kind], event=event, is_test=is_test, sent=2, held_back=3)
        message = channel.render(config, each)
        assert message == channel.render(config, each)
        assert_sendable(message)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_no_text_stops_a_message_or_turns_it(channel: Any, case: Case, text: str) -> None:
    config = channel.parse(case.good)
    for event in EventType:
        for each in hostile(text, event):
            assert_sendable(channel.render(config, each))


def assert_sendable(message: HttpMessage | Mail) -> None:
    if isinstance(message, Mail):
        assert message.subject.strip()
        assert message.text.strip()
        return
    parse_url(message.url)
    assert [
        header_problem(name, value) for name, value in message.headers if header_problem(name, value)
    ] == []
    assert dict(message.headers)["Content-Type"] == "application/json"
    assert payload_of(message)


@pytest.mark.parametrize(
    ("status", "fate"),
    [
        *((status, Fate.DELIVERED) for status in (200, 202, 204)),
        *((status, Fate.FAILED) for status in (301, 302, 308, 400, 401, 403, 404, 410)),
        *((status, Fate.RETRY) for status in (408, 429, 500, 502, 503)),
    ],
)
@pytest.mark.parametrize("body", [b"", b"ok", b"{}", b'{"ok": false, "parameters": 5}', b"\xff" * 4096])
def test_answers_are_judged_by_their_status(channel: Any, status: int, fate: Fate, body: bytes) -> None:
    verdict = channel.judge(status, body, {})
    assert verdict.fate is fate
    assert bool(verdict.problem) == (fate is not Fate.DELIVERED)


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_is_asked_for_is_kept(channel: Any, status: int) -> None:
    headers = {"retry-after": "Sat, 21 Nov 2026 08:00:30 GMT", "date": "Sat, 21 Nov 2026 08:00:00 GMT"}
    assert channel.judge(status, b"", {"retry-after": "42"}).retry_after_seconds == 42
    assert channel.judge(status, b"", headers).retry_after_seconds == 30
