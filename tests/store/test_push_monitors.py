"""What push monitors cost, and where they lie."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest

from chalicelib.domain.alarm import turned
from chalicelib.domain.beat import MOST_RECENT, Beat
from chalicelib.domain.known_time import KnownTime, Tally
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.push_monitor import PushMonitorWrite
from chalicelib.domain.silence import Pulse, PushStatus, Rules, Saying
from chalicelib.services.push_history import pack_words, words_of
from chalicelib.settings import Settings
from chalicelib.store.beats import BeatStore
from chalicelib.store.heartbeats import HeartbeatStore
from chalicelib.store.push_monitors import PushMonitorStore
from tests.contract.jobs import NOW
from tests.contract.test_push_monitors import heartbeat, monitor

from .builders import Items
from .wire import Call, Wire

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

Stored = Callable[[str], Items]
FULL = Pulse(
    PushStatus.DOWN,
    Reason.PUSHED_DOWN,
    100_000,
    NOW,
    NOW,
    NOW,
    4_294_967_294,
    Saying.OWN,
    KnownTime(Tally(10**12, 10**12), NOW, NOW),
    500_000,
    turned(turned(Pulse().alarm, Status.DEGRADED, NOW), Status.DOWN, NOW),
)
"""Nothing in it is empty."""


def test_a_monitor_lies_with_its_team(settings: Settings, client: "DynamoDBClient", stored: Stored) -> None:
    made = monitor()
    PushMonitorStore().write(PushMonitorWrite(None, made, None, heartbeat(made)), limit=10)
    assert stored("teams")["T#team-1", f"PUSH#{made.id}"] == {
        "pk": {"S": "T#team-1"},
        "sk": {"S": f"PUSH#{made.id}"},
        "n": {"S": "Backup"},
        "ru": {"S": "[60,2,20,0,1]"},
        "pt": {"S": "token-1"},
        "hb": {"S": made.place.name},
        "pub": {"BOOL": False},
        "en": {"N": "1772366400123"},
        "cr": {"N": "1772366400124"},
        "up": {"N": "1772366400123"},
        "r": {"N": "1"},
        "t": {"S": "aa"},
    }
    assert ("T#team-1", "LIMIT#push") in stored("teams")
    BeatStore(settings, client).put_tally(made.id, 492_324, Tally(1, 2))
    assert stored("checks")[f"J#{made.id}", "U#0492324"] == {
        "pk": {"S": f"J#{made.id}"},
        "sk": {"S": "U#0492324"},
        "u": {"N": "1"},
        "k": {"N": "2"},
        "ttl": {"N": str(492_324 * 3600 + 32 * 86_400)},
    }


def test_a_full_heartbeat_is_one_unit_to_write(
    settings: Settings, client: "DynamoDBClient", wire: Wire
) -> None:
    made = monitor(team_id=f"team_{1:032x}", rules=Rules(86_400, 100, 86_400, True, True))
    PushMonitorStore().write(PushMonitorWrite(None, made, None, heartbeat(made)), limit=10)
    beats = tuple(
        Beat(1, NOW + timedelta(minutes=n), True, n.to_bytes(8), milliseconds=n, has_body=True)
        for n in range(MOST_RECENT)
    )
    full = replace(heartbeat(made), pulse=FULL, version=1, count=1_000_000, recent=beats)
    wire.calls.clear()
    store = HeartbeatStore(settings, client)
    assert store.save(full, None)
    assert store.get(full.place, consistent=True) == full
    assert wire.calls == [Call("PutItem", 1.0), Call("GetItem", 1.0)]


@pytest.mark.parametrize(
    "words",
    [
        "x" * 250,
        "\U0010ffff\U00020000\U0001f600\U000e0001\U00013254" * 50,
        "".join(chr(0x4E00 + n * 79 % 20_000) for n in range(250)),
        "".join(chr(0x20000 + n * 167 % 40_000) for n in range(250)),
    ],
)
def test_any_words_are_one_unit_to_keep(
    settings: Settings, client: "DynamoDBClient", wire: Wire, words: str
) -> None:
    BeatStore(settings, client).keep_body(monitor().id, 1, pack_words(words), NOW)
    assert wire.calls == [Call("PutItem", 1.0)]
    assert words_of(pack_words(words), has_own=True, is_silence=False) == words


def test_half_a_pair_is_no_character() -> None:
    assert words_of(pack_words("a\ud800b"), has_own=True, is_silence=False) == "a?b"
