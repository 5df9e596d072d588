"""GET /v1/status: the rules of section 4.10 as a table."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chalicelib.domain.job import ProbeJob
from chalicelib.domain.outcome import Outcome, Status
from chalicelib.domain.state import Entry, State
from chalicelib.services import probing
from tests.fakes import FakeDeps
from tests.routes.client import START, Api, People

SHARD = "enam.normal.00001"
SLOT = int(START.timestamp())
WORDS = {"up": Status.UP, "down": Status.DOWN, "degraded": Status.DEGRADED}

TABLE = [
    ("", "unknown"),
    ("unknown", "unknown"),
    ("unknown unknown", "unknown"),
    ("off", "unknown"),
    ("off unknown", "unknown"),
    ("off:down", "unknown"),
    ("up", "operational"),
    ("up up", "operational"),
    ("up unknown", "operational"),
    ("up off", "operational"),
    ("up off:down", "operational"),
    ("degraded", "degraded"),
    ("degraded degraded", "degraded"),
    ("up degraded", "degraded"),
    ("degraded unknown off", "degraded"),
    ("up off:degraded", "operational"),
    ("down", "major_outage"),
    ("down down", "major_outage"),
    ("down down off", "major_outage"),
    ("down off:up", "major_outage"),
    ("down up", "partial_outage"),
    ("down degraded", "partial_outage"),
    ("down up degraded unknown off", "partial_outage"),
]


def arrange(deps: FakeDeps, owner: Api, words: str) -> list[Any]:
    """Monitors in these states; `off:x` is a disabled one whose last status was x."""
    made, entries = [], {}
    for position, word in enumerate(words.split(), start=1):
        is_off, last = word.startswith("off"), word.removeprefix("off").removeprefix(":")
        made.append(owner.create(name=word, enabled=not is_off))
        deps.at += timedelta(milliseconds=1)
        if last in WORDS:
            entries[position] = Entry(WORDS[last], SLOT, SLOT, response_ms=10 * position)
    state: State | None = deps.store.items["state"].get(SHARD)
    if state is not None:
        deps.store.write(("state", SHARD, replace(state, entries=entries)))
    return made


@pytest.mark.parametrize(("words", "overall"), TABLE)
def test_the_overall_word_follows_from_the_enabled_monitors(
    deps: FakeDeps, owner: Api, words: str, overall: str
) -> None:
    arrange(deps, owner, words)
    answer = owner.get("/v1/status")
    assert answer.status == 200
    assert answer.json["status"] == overall


@pytest.mark.parametrize(("words", "overall"), TABLE)
def test_the_summary_counts_every_monitor_and_adds_up(
    deps: FakeDeps, owner: Api, words: str, overall: str
) -> None:
    arrange(deps, owner, words)
    document = owner.get("/v1/status").json
    shown = [monitor["status"] for monitor in document["monitors"]]
    summary = document["summary"]
    assert summary == {
        "total": len(words.split()),
        **{word: shown.count(word) for word in ("up", "down", "degraded", "unknown")},
    }
    assert summary["total"] == sum(summary.values()) - summary["total"]


def test_the_document_has_exactly_the_contracts_keys(deps: FakeDeps, owner: Api) -> None:
    arrange(deps, owner, "up off:down unknown")
    document = owner.get("/v1/status").json
    assert set(document) == {"status", "monitors", "summary"}
    assert set(document["summary"]) == {"total", "up", "down", "degraded", "unknown"}
    for monitor in document["monitors"]:
        assert set(monitor) == {"id", "name", "status", "enabled", "lastCheck", "responseTimeMs"}


def test_disabled_and_never_checked_monitors_are_unknown_and_keep_their_last_values(
    deps: FakeDeps, owner: Api
) -> None:
    checked, disabled, new = arrange(deps, owner, "down off:up unknown")
    at = "2026-03-01T12:00:00Z"
    assert owner.get("/v1/status").json["monitors"] == [
        entry(new, "unknown", True, None, None),
        entry(disabled, "unknown", False, at, 20),
        entry(checked, "down", True, at, 10),
    ]


def entry(monitor: Any, status: str, enabled: bool, last_check: str | None, ms: int | None) -> Any:
    return {
        "id": monitor["id"],
        "name": monitor["name"],
        "status": status,
        "enabled": enabled,
        "lastCheck": last_check,
        "responseTimeMs": ms,
    }


def test_a_failed_check_shows_its_elapsed_milliseconds(deps: FakeDeps, owner: Api) -> None:
    created = owner.create()
    deps.at += timedelta(seconds=65)
    deps.checks.outcomes[created["id"]] = Outcome(Status.DOWN, response_ms=10_000)
    probing.run(deps, ProbeJob(SHARD, SLOT + 60))
    (shown,) = owner.get("/v1/status").json["monitors"]
    assert shown == entry(created, "down", True, "2026-03-01T12:01:05Z", 10_000)


def test_it_tells_of_the_callers_team_only(people: People) -> None:
    people.stranger.create()
    assert people.owner.get("/v1/status").json == {
        "status": "unknown",
        "monitors": [],
        "summary": {"total": 0, "up": 0, "down": 0, "degraded": 0, "unknown": 0},
    }
