"""What a notification says."""

from datetime import timedelta

import pytest

from chalicelib.domain.event_type import EventType
from chalicelib.domain.notice import compose, duration
from tests.channels.notices import AT, HOSTILE, LINK, SNAPSHOTS, hostile, notice, recovered


def test_a_notice_in_words() -> None:
    composed = compose(notice())
    assert composed.title == "DOWN: Shop"
    assert composed.sentence == "HTTP monitor Shop is down: Status 503 instead of 200"
    assert composed.link == LINK
    assert composed.lines[:3] == (
        "Monitor: Shop (HTTP monitor)",
        "Status: DOWN",
        "Reason: Status 503 instead of 200",
    )
    assert composed.lines[-2:] == ("Since: 2026-11-21 08:00:00 UTC", "Time: 2026-11-21 08:05:00 UTC")


@pytest.mark.parametrize(
    ("event", "title", "sentence"),
    [
        (EventType.DOWN, "DOWN: Shop", "HTTP monitor Shop is down"),
        (EventType.DEGRADED, "DEGRADED: Shop", "HTTP monitor Shop is degraded"),
        (EventType.UP, "RECOVERED: Shop", "HTTP monitor Shop has recovered after 5 min"),
    ],
)
def test_the_words_of_each_event(event: EventType, title: str, sentence: str) -> None:
    composed = compose(notice(event=event, reason=""))
    assert (composed.title, composed.sentence) == (title, sentence)
    tested = compose(notice(event=event, reason="", is_test=True))
    assert (tested.title, tested.sentence) == (f"[TEST] {title}", f"[TEST] {sentence}")


def test_the_first_notice_says_one_time_only() -> None:
    assert "Since" not in dict(compose(notice(since=AT)).facts)


def test_a_recovery_says_how_long_it_took() -> None:
    facts = dict(compose(recovered()).facts)
    assert facts["Duration"] == "5 min"
    assert "Since" not in facts


@pytest.mark.parametrize("event", EventType)
def test_counts_are_told_when_any_were_held_back(event: EventType) -> None:
    told = dict(compose(notice(event=event, sent=4, held_back=1)).facts)
    assert told["Notifications"] == "4 sent, 1 held back"
    assert "Notifications" not in dict(compose(notice(event=event, sent=4)).facts)


@pytest.mark.parametrize(("event", "word"), [(EventType.DOWN, "DOWN"), (EventType.UP, "RECOVERED")])
def test_flapping_is_told_in_the_title_and_as_a_fact(event: EventType, word: str) -> None:
    composed = compose(notice(event=event, flips=7))
    assert composed.title == f"{word} (FLAPPING): Shop"
    assert dict(composed.facts)["Flapping"] == "7 changes in 24 hours; from now on it is told less often"
    assert compose(notice(event=event, flips=7, is_test=True)).title == f"[TEST] {word} (FLAPPING): Shop"
    assert "Flapping" not in dict(compose(notice(event=event)).facts)


@pytest.mark.parametrize("kind", SNAPSHOTS)
def test_every_kind_has_a_name(kind: str) -> None:
    each = notice(snapshot=SNAPSHOTS[kind])
    assert each.kind == kind
    assert compose(each).facts


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_nothing_is_empty_or_more_than_a_line(text: str) -> None:
    for event in EventType:
        for each in hostile(text, event):
            composed = compose(each)
            texts = [composed.title, composed.sentence, *(value for fact in composed.facts for value in fact)]
            assert all(shown.splitlines() == [shown] and shown.strip() for shown in texts)
            assert all(len(shown) <= 800 for shown in texts)
            "".join(texts).encode()


@pytest.mark.parametrize("name", ["", " \r\n", "\u202e"])
def test_without_a_name_the_id_stands_for_it(name: str) -> None:
    assert compose(notice(name=name)).title == "DOWN: mon_1"


@pytest.mark.parametrize("link", ["", "javascript:alert(1)", "https://x y/", "https://x/\r\n", "/relative"])
def test_a_link_that_is_no_address_is_left_out(link: str) -> None:
    assert compose(notice(link=link)).link == ""


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "0 s"),
        (0, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3600, "1 h"),
        (3605, "1 h"),
        (7500, "2 h 5 min"),
        (86_400 * 3 + 3600, "3 d 1 h"),
    ],
)
def test_durations_have_two_units(seconds: int, shown: str) -> None:
    assert duration(timedelta(seconds=seconds)) == shown
