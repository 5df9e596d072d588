"""What notifications are about: every kind, as it is configured and as it is now."""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.event_type import EventType
from chalicelib.domain.finding import Finding
from chalicelib.domain.heartbeat import place_of
from chalicelib.domain.lateness import Kind, Rules
from chalicelib.domain.notice import compose
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.recurrence import Schedule
from chalicelib.domain.silence import Rules as PushRules
from chalicelib.domain.snapshot import (
    CronSnapshot,
    DnsSnapshot,
    HttpSnapshot,
    PushSnapshot,
    SslSnapshot,
    TcpSnapshot,
)
from chalicelib.domain.ssl_readings import SslReading, certificate_target
from chalicelib.services import cron_jobs, push_monitors
from chalicelib.services.delivering.subjects import Subject, find_subjects
from chalicelib.services.monitors import delete_monitor
from chalicelib.services.pinging_jobs import Ping, ping_job
from chalicelib.services.pushing import Said, take_push
from tests.channels.notices import notice
from tests.fakes import FakeDeps
from tests.services.life import TEAM, Life

UP, DOWN, DEGRADED = EventType.UP, EventType.DOWN, EventType.DEGRADED
HTTP = {
    "url": "https://shop.example/",
    "method": "GET",
    "expectedStatus": 200,
    "degradedAfterMs": 5000,
    "sslMonitoringEnabled": True,
    "sslExpiryWarningDays": 30,
}
DNS = {"domain": "shop.example", "recordType": "A", "expectedValue": "192.0.2.1"}
TCP = {"host": "db.example", "port": 5432, "timeoutMs": 2000}
GOOD = Outcome(Status.UP, status_code=200, response_ms=20)
WRONG = Outcome(Status.DOWN, Reason.WRONG_STATUS, 503, 120)
SLOW = Outcome(Status.DEGRADED, Reason.SLOW, 200, 6000)
HOURLY = Rules(Schedule("cron", "0 * * * *", "Europe/Paris"), grace_seconds=300)
SHARD = "HB00"
"""Of what reports in, it does not matter which."""


class Answering(Life):
    """Every check finds the same, until it is said otherwise."""

    found = GOOD

    def outcome(self, monitor_id: str) -> Outcome:
        return self.found


def subject(deps: FakeDeps, name: str, shard: str = SHARD, *, with_current: bool = True) -> Subject:
    found = find_subjects(deps, TEAM, shard, [name], with_current=with_current)
    assert list(found) == [name]
    return found[name]


def checked(found: Outcome = GOOD, minutes: int = 2, **fields: object) -> tuple[Answering, str]:
    life = Answering()
    monitor_id = life.born(**{"spec": HTTP, **fields})
    life.found = found
    life.minutes(minutes)
    return life, monitor_id


def of(life: Life, monitor_id: str) -> Subject:
    return subject(life.deps, monitor_id, life.monitor(monitor_id).placement.shard)


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-03-01T{text}+00:00")


@pytest.mark.parametrize(("found", "event"), [(WRONG, DOWN), (SLOW, DEGRADED)])
def test_an_http_monitor_that_something_is_wrong_with(found: Outcome, event: EventType) -> None:
    life, monitor_id = checked(found, interval_seconds=120)
    shown = of(life, monitor_id)
    assert (shown.monitor_id, shown.name, shown.kind) == (monitor_id, "Front page", "http")
    assert (shown.is_enabled, shown.every_seconds, shown.alerts_on_late) == (True, 120, True)
    newest = life.results(monitor_id)[0]
    assert shown.current == Finding(
        event, newest.checked_at, found.reason, found.status_code, found.response_ms
    )
    assert shown.notice_snapshot(shown.current) == HttpSnapshot(
        found.status_code, found.response_ms, 200, "https://shop.example/"
    )
    assert shown.reason(shown.current)
    assert shown.quiet_until is None


def test_one_that_nothing_is_wrong_with() -> None:
    life, monitor_id = checked()
    assert of(life, monitor_id).current is None
    assert of(life, monitor_id).reason(Finding(UP, life.deps.at, status_code=200)) == ""


def test_one_that_was_never_checked() -> None:
    life, monitor_id = checked(minutes=0)
    assert of(life, monitor_id).current is None


def test_what_is_not_asked_for_is_not_read() -> None:
    life, monitor_id = checked(WRONG)
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    found = find_subjects(life.deps, TEAM, SHARD, [monitor_id], with_current=False)
    assert found[monitor_id].current is None
    assert calls == ["monitors.get"]


def test_the_status_that_counts_is_the_confirmed_one() -> None:
    life, monitor_id = checked(WRONG, spec={**HTTP, "confirmations": 2, "recoveryConfirmations": 3})
    life.found = GOOD
    life.minutes(1)
    current = of(life, monitor_id).current
    assert current is not None
    assert (current.event, current.status_code, current.reason) == (DOWN, 200, Reason.NONE)
    assert "not confirmed" in of(life, monitor_id).reason(current)
    life.minutes(2)
    assert of(life, monitor_id).current is None


def test_a_disabled_monitor_has_nothing_wrong_now() -> None:
    life, monitor_id = checked(WRONG)
    life.change(monitor_id, is_enabled=False)
    shown = of(life, monitor_id)
    assert (shown.is_enabled, shown.current) == (False, None)


def test_a_dns_monitor_tells_what_it_has_found() -> None:
    changed = Outcome(Status.DEGRADED, Reason.CHANGED, response_ms=30, text="192.0.2.7")
    life, monitor_id = checked(changed, kind="dns", spec=DNS)
    shown = of(life, monitor_id)
    assert shown.kind == "dns"
    assert shown.current is not None
    assert (shown.current.event, shown.current.text) == (DEGRADED, "192.0.2.7")
    of_a_row = Finding(DEGRADED, life.deps.at, Reason.CHANGED)
    for found in (shown.current, of_a_row):
        assert shown.notice_snapshot(found) == DnsSnapshot("changed", "shop.example", "A", "192.0.2.7")
        assert shown.reason(found) == "The records are not the expected ones: 192.0.2.1"
    life.found = Outcome(Status.UP, response_ms=30, text="192.0.2.1")
    life.minutes(1)
    ok = of(life, monitor_id).notice_snapshot(Finding(UP, life.deps.at))
    assert ok == DnsSnapshot("ok", "shop.example", "A", "192.0.2.1")


def test_a_tcp_monitor() -> None:
    life, monitor_id = checked(
        Outcome(Status.DOWN, Reason.TIMEOUT, response_ms=2000), kind="tcp", spec=TCP, interval_seconds=60
    )
    shown = of(life, monitor_id)
    assert shown.current is not None
    assert shown.notice_snapshot(shown.current) == TcpSnapshot("timeout", "db.example", 5432)


def test_many_at_once_are_found_with_one_look_at_their_shard() -> None:
    life = Answering()
    ids = [life.born(spec=HTTP, name=f"Page {number}") for number in range(5)]
    life.found = WRONG
    life.minutes(5)
    shard = life.monitor(ids[0]).placement.shard
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    subjects = find_subjects(life.deps, TEAM, shard, ids, with_current=True)
    assert {s.name for s in subjects.values()} == {f"Page {number}" for number in range(5)}
    assert all(s.current and s.current.event is DOWN for s in subjects.values())
    assert calls == ["monitors.get"] * 5 + ["states.get", "ticks.newest"]


def test_what_is_gone_or_anothers_is_absent() -> None:
    life, monitor_id = checked(WRONG)
    deps = life.deps
    job = cron_jobs.create_job(deps, TEAM, cron_jobs.Draft("Backup", HOURLY))
    push = push_monitors.create_push_monitor(deps, TEAM, push_monitors.Draft("Host", PushRules())).monitor
    names = [monitor_id, f"ssl#{monitor_id}", job.id, push.id]
    assert set(find_subjects(deps, TEAM, SHARD, names, with_current=True)) == set(names)
    assert find_subjects(deps, "team_2", SHARD, names, with_current=True) == {}
    delete_monitor(deps, TEAM, "http", monitor_id)
    cron_jobs.delete_job(deps, TEAM, job.id)
    push_monitors.delete_push_monitor(deps, TEAM, push.id)
    deps.store.lag = lambda: 2  # whoever reads eventually still sees them
    for with_current in (False, True):
        assert find_subjects(deps, TEAM, SHARD, names, with_current=with_current) == {}
    assert (
        find_subjects(deps, TEAM, SHARD, ["", "ssl#", "mon_1", "cron_1", "push_1"], with_current=True) == {}
    )


def test_a_notification_leads_to_where_the_setting_says() -> None:
    life, monitor_id = checked()
    assert of(life, monitor_id).link == ""
    life.deps.settings = replace(life.deps.settings, alert_link="https://ops.example/#/m/{id}?tab=1")
    for name in (monitor_id, f"ssl#{monitor_id}"):
        link = subject(life.deps, name).link
        assert link == f"https://ops.example/#/m/{monitor_id}?tab=1"
        assert compose(notice(link=link)).link == link


# Cron jobs, pinged at 12:00:10: due by 13:05, missed from 14:00 on.


def job_of(deps: FakeDeps, *pings: tuple[str, Kind], **fields: object) -> str:
    deps.at = at("12:00:00")
    draft = cron_jobs.Draft("Backup", HOURLY, **fields)  # type: ignore[arg-type]
    job = cron_jobs.create_job(deps, TEAM, draft)
    for text, kind in (("12:00:10", Kind.SUCCESS), *pings):
        deps.at = at(text)
        assert ping_job(deps, job.place, Ping(kind, None)) is not None
    return job.id


def test_a_cron_job_is_judged_as_it_is_now_though_nobody_has_looked() -> None:
    deps = FakeDeps()
    job_id = job_of(deps)
    deps.at = at("13:05")
    assert subject(deps, job_id).current is None
    deps.at = at("13:06")
    shown = subject(deps, job_id)
    assert shown.current == Finding(DEGRADED, at("13:06"), Reason.LATE)
    assert (shown.kind, shown.is_enabled, shown.every_seconds, shown.link) == ("cron", True, 60, "")
    deps.at = at("14:00:01")
    shown = subject(deps, job_id)
    assert shown.current == Finding(DOWN, at("14:00:01"), Reason.MISSED)
    assert shown.notice_snapshot(shown.current) == CronSnapshot(
        "missed", "0 * * * *", "Europe/Paris", at("12:00:10"), at("14:00")
    )
    assert shown.reason(shown.current) == "A run has been missed"
    assert shown.quiet_until is None


@pytest.mark.parametrize("alert_on_late", [False, True])
def test_a_job_says_whether_late_is_told(*, alert_on_late: bool) -> None:
    deps = FakeDeps()
    job_id = job_of(deps, alert_on_late=alert_on_late)
    assert subject(deps, job_id).alerts_on_late is alert_on_late


@pytest.mark.parametrize("ping", [("13:20", Kind.SUCCESS), ("13:01", Kind.FAIL)])
def test_an_alarm_without_an_overdue_run_is_quiet_until_the_next_could_be(ping: tuple[str, Kind]) -> None:
    deps = FakeDeps()
    job_id = job_of(deps, ping)
    shown = subject(deps, job_id)
    assert shown.current is not None  # to be told once, if it could not be told before
    assert shown.quiet_until == at("14:05:01")
    deps.at = at("14:05")
    assert subject(deps, job_id).quiet_until == at("14:05:01")
    deps.at = at("14:05:01")
    shown = subject(deps, job_id)
    assert shown.current is not None
    assert shown.quiet_until is None


def test_a_healthy_job_is_neither_wrong_nor_quiet() -> None:
    deps = FakeDeps()
    shown = subject(deps, job_of(deps))
    assert (shown.current, shown.quiet_until) == (None, None)


def test_a_disabled_job_has_nothing_wrong_now() -> None:
    deps = FakeDeps()
    job_id = job_of(deps)
    deps.at = at("14:01")
    cron_jobs.update_job(deps, TEAM, job_id, cron_jobs.Change({}, {"is_enabled": False}, {}))
    shown = subject(deps, job_id)
    assert (shown.is_enabled, shown.current, shown.quiet_until) == (False, None, None)


# Push monitors, which hear from theirs every minute.


def pushed(deps: FakeDeps, said: Said, **rules: object) -> str:
    deps.at = at("12:00")
    draft = push_monitors.Draft("Host", PushRules(**rules))  # type: ignore[arg-type]
    monitor = push_monitors.create_push_monitor(deps, TEAM, draft).monitor
    deps.at = at("12:00:10")
    take_push(deps, monitor.push_token, said)
    return monitor.id


def test_a_push_monitor_that_was_told_to_be_down() -> None:
    deps = FakeDeps()
    monitor_id = pushed(deps, Said("down", "disk full"))
    shown = subject(deps, monitor_id)
    assert (shown.kind, shown.every_seconds, shown.alerts_on_late) == ("push", 60, True)
    assert shown.current == Finding(DOWN, at("12:00:10"), Reason.PUSHED_DOWN)
    assert shown.notice_snapshot(shown.current) == PushSnapshot("down", at("12:00:10"), "disk full")
    assert shown.reason(shown.current) == "A heartbeat has said down"


def test_a_push_monitor_that_is_silent_though_nobody_has_looked() -> None:
    deps = FakeDeps()
    monitor_id = pushed(deps, Said("up", "all is well"))
    assert subject(deps, monitor_id).current is None
    recovery = subject(deps, monitor_id).notice_snapshot(Finding(UP, deps.at))
    assert recovery == PushSnapshot("up", at("12:00:10"), "all is well")
    deps.at = at("12:01:12")
    shown = subject(deps, monitor_id)
    assert shown.current == Finding(DOWN, at("12:01:12"), Reason.SILENT)
    assert shown.notice_snapshot(shown.current) == PushSnapshot("down", at("12:00:10"))


def test_ordinary_words_cost_no_read_and_lost_ones_are_left_out() -> None:
    deps = FakeDeps()
    plain, lost = pushed(deps, Said()), pushed(deps, Said(msg="hello"))
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    snapshot = subject(deps, plain).notice_snapshot(Finding(UP, deps.at))
    assert snapshot == PushSnapshot("up", at("12:00:10"), "OK")
    assert calls == ["push_monitors.get", "heartbeats.get"]
    deps.beats.forget(lost)
    assert subject(deps, lost).notice_snapshot(Finding(UP, deps.at)) == PushSnapshot("up", at("12:00:10"))


def test_a_monitor_that_moves_while_it_is_read_is_found() -> None:
    deps = FakeDeps()
    monitor_id = pushed(deps, Said("down"))
    change = push_monitors.Change({"push_token": "from-an-old_Kuma"}, {})

    def on_call(verb: str, phase: str) -> None:
        if (verb, phase) == ("push_monitors.get", "after"):
            deps.store.on_call = lambda verb, phase: None
            push_monitors.update_push_monitor(deps, TEAM, monitor_id, change)

    deps.store.on_call = on_call
    assert subject(deps, monitor_id).current is not None
    assert deps.heartbeats.get(place_of("from-an-old_Kuma"), consistent=True)


# Certificates, read with the monitors of a shard.

END = datetime(2026, 3, 8, 12, 0, tzinfo=UTC)


def certified(life: Life, monitor_id: str, found: CertificateReading) -> str:
    """The shard that knows the certificate."""
    place = life.monitor(monitor_id).placement
    target = certificate_target(life.monitor(monitor_id).spec)
    assert target is not None
    seconds = int(life.deps.at.timestamp())
    stored = life.deps.ssl_readings.get(place.shard, consistent=True)
    reading = SslReading(target.digest, found, seconds, seconds)
    assert life.deps.ssl_readings.save(place.shard, stored, {place.position: reading})
    return place.shard


def test_a_certificate_is_told_by_its_monitor() -> None:
    life, monitor_id = checked(WRONG)
    shard = certified(life, monitor_id, CertificateReading(not_after=END))
    shown = subject(life.deps, f"ssl#{monitor_id}", shard)
    assert (shown.monitor_id, shown.name, shown.kind) == (monitor_id, "Front page", "ssl")
    assert (shown.is_enabled, shown.every_seconds, shown.current) == (True, 60, None)
    found = Finding(DEGRADED, END - timedelta(days=6, hours=20), Reason.EXPIRING, 6)
    assert shown.notice_snapshot(found) == SslSnapshot("expiring", "shop.example", END, 6)
    assert shown.reason(found) == "The certificate expires in 6 days"


def test_a_monitor_that_has_left_the_shard_is_told_of_in_both() -> None:
    life, monitor_id = checked(WRONG)
    before = certified(life, monitor_id, CertificateReading(not_after=END))
    life.change(monitor_id, timeout_seconds=30.0)
    after = life.monitor(monitor_id).placement.shard
    assert after != before
    found = Finding(DEGRADED, END - timedelta(days=6, hours=20), Reason.EXPIRING, 6)
    told = [subject(life.deps, f"ssl#{monitor_id}", s).notice_snapshot(found) for s in (before, after)]
    assert told == [SslSnapshot("expiring", "shop.example", END, 6)] * 2


def disable(life: Life, monitor_id: str) -> None:
    life.change(monitor_id, is_enabled=False)


def look_away(life: Life, monitor_id: str) -> None:
    life.change(monitor_id, spec={**HTTP, "sslMonitoringEnabled": False})


@pytest.mark.parametrize("change", [disable, look_away])
def test_a_certificate_that_nobody_wants_to_be_read_is_disabled(
    change: Callable[[Life, str], None],
) -> None:
    life, monitor_id = checked()
    change(life, monitor_id)
    assert not subject(life.deps, f"ssl#{monitor_id}").is_enabled


def test_monitor_and_certificate_together_read_the_monitor_once() -> None:
    life, monitor_id = checked(WRONG, minutes=5)
    names: Collection[str] = [monitor_id, f"ssl#{monitor_id}"]
    shard = life.monitor(monitor_id).placement.shard
    calls: list[str] = []
    life.deps.store.on_call = lambda verb, phase: calls.append(verb) if phase == "before" else None
    found = find_subjects(life.deps, TEAM, shard, names, with_current=True)
    assert [found[name].kind for name in names] == ["http", "ssl"]
    assert calls == ["monitors.get", "ssl_readings.get", "states.get", "ticks.newest"]
