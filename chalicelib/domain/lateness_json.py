"""Rules and pulse of a cron job as the short JSON that every ping writes and every minute reads."""

import json
from datetime import datetime
from typing import Any

from chalicelib.domain.alarm import Alarm
from chalicelib.domain.instant import from_milliseconds, to_milliseconds
from chalicelib.domain.lateness import JobStatus, Pulse, Rules, Run
from chalicelib.domain.outcome import Reason, Status
from chalicelib.domain.recurrence import Schedule


def encode_rules(rules: Rules) -> str:
    schedule = rules.schedule
    return as_text(
        [
            schedule.kind,
            schedule.expression,
            schedule.timezone,
            schedule.period_seconds,
            rules.grace_seconds,
            rules.run_grace_seconds,
            rules.failures_to_alarm,
            rules.least_seconds_between,
            int(rules.is_enabled),
        ]
    )


def decode_rules(text: str) -> Rules:
    kind, expression, timezone, period, grace, run_grace, failures, least, is_enabled = json.loads(text)
    return Rules(
        schedule=Schedule(kind, expression, timezone, period),
        grace_seconds=grace,
        run_grace_seconds=run_grace,
        failures_to_alarm=failures,
        least_seconds_between=least,
        is_enabled=bool(is_enabled),
    )


def encode_pulse(pulse: Pulse) -> str:
    run = pulse.run
    return as_text(
        [
            int(pulse.status),
            int(pulse.reason),
            instant(pulse.expected_at),
            instant(pulse.last_ping_at),
            instant(pulse.last_success_at),
            None if run is None else [instant(run.started_at), run.id],
            pulse.strikes,
            encode_alarm(pulse.alarm),
        ]
    )


def decode_pulse(text: str) -> Pulse:
    status, reason, expected, last, success, run, strikes, alarm = json.loads(text)
    return Pulse(
        status=JobStatus(status),
        reason=Reason(reason),
        expected_at=from_instant(expected),
        last_ping_at=from_instant(last),
        last_success_at=from_instant(success),
        run=None if run is None else Run(from_milliseconds(run[0]), run[1]),
        strikes=strikes,
        alarm=decode_alarm(alarm),
    )


def encode_alarm(alarm: Alarm) -> list[Any]:
    return [
        int(alarm.status),
        instant(alarm.since),
        alarm.seq,
        alarm.opened_seq,
        instant(alarm.opened_at),
    ]


def decode_alarm(row: list[Any]) -> Alarm:
    status, since, seq, opened_seq, opened_at = row
    return Alarm(Status(status), from_instant(since), seq, opened_seq, from_instant(opened_at))


def instant(at: datetime | None) -> int | None:
    return None if at is None else to_milliseconds(at)


def from_instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else from_milliseconds(milliseconds)


def as_text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))  # ASCII: a run's id is whatever its caller says
