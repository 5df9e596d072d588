"""Cron jobs and their pings (contract, section 3.6)."""

import codecs
from base64 import b64encode
from dataclasses import dataclass
from typing import Any, Final

from chalicelib.domain.beat import Beat, beat_id
from chalicelib.domain.cron_job import CronJob
from chalicelib.domain.heartbeat import Caller
from chalicelib.domain.lateness import Kind, Pulse
from chalicelib.domain.outcome import Reason
from chalicelib.domain.recurrence import recurrence_of
from chalicelib.routes.presenting.instant import timestamp
from chalicelib.services.pinging_jobs import BODY_BYTES

_REASONS: Final = {
    Reason.LATE: "late",
    Reason.MISSED: "missed",
    Reason.FAILED: "failed",
    Reason.OVERRUN: "overrun",
    Reason.TOO_OFTEN: "too_often",
}


@dataclass(frozen=True, slots=True)
class PingUrls:
    """Where this team's jobs report in, as far as the caller may know; it may know nothing."""

    base: str | None = None
    ping_key: str | None = None

    def of_token(self, token: str) -> str | None:
        return None if self.base is None else f"{self.base}/{token}"

    def of_slug(self, slug: str | None) -> str | None:
        return f"{self.of_team}/{slug}" if slug and self.of_team else None

    @property
    def of_team(self) -> str | None:
        return f"{self.base}/{self.ping_key}" if self.base is not None and self.ping_key else None


def present_job(job: CronJob, pulse: Pulse, urls: PingUrls) -> dict[str, Any]:
    schedule, rules = job.rules.schedule, job.rules
    return {
        "id": job.id,
        "name": job.name,
        "cronExpression": schedule.expression if schedule.kind == "cron" else None,
        "onCalendar": schedule.expression if schedule.kind == "calendar" else None,
        "periodSeconds": schedule.period_seconds if schedule.kind == "period" else None,
        "scheduleDescription": recurrence_of(schedule).describe(),
        "description": job.description,
        "gracePeriodSeconds": rules.grace_seconds,
        "runGraceSeconds": rules.run_grace_seconds,
        "timezone": schedule.timezone,
        "alertOnLate": job.alert_on_late,
        "status": pulse.status.name.lower(),
        "statusReason": _REASONS.get(pulse.reason),
        "lastPingAt": timestamp(pulse.last_ping_at),
        "nextExpectedAt": timestamp(pulse.expected_at),
        "enabledAt": timestamp(job.enabled_at),
        "slug": job.slug or None,
        "failuresBeforeAlert": rules.failures_to_alarm,
        "minimumIntervalSeconds": rules.least_seconds_between,
        "pingUrl": urls.of_token(job.ping_token),
        "slugUrl": urls.of_slug(job.slug),
        "public": job.is_public,
        "createdAt": timestamp(job.created_at),
        "updatedAt": timestamp(job.updated_at),
    }


def present_ping(job_id: str, beat: Beat, caller: Caller | None = None) -> dict[str, Any]:
    return {
        "id": beat_id("ping", job_id, beat),
        "cronJobId": job_id,
        "receivedAt": timestamp(beat.at),
        "status": "on_time" if beat.is_fine else "late",
        "kind": Kind(beat.kind).name.lower(),
        "exitStatus": beat.code,
        "durationMs": beat.milliseconds,
        "runId": (caller.run_id or None) if caller else None,
        "method": (caller.method or None) if caller else None,
        "sourceAddress": (caller.address or None) if caller else None,
        "userAgent": (caller.user_agent or None) if caller else None,
        "hasBody": beat.has_body,
    }


def present_body(ping_id: str, body: bytes) -> dict[str, Any]:
    """As JSON, so that no browser takes what somebody has sent for a page. A character that was cut off at
    the end is left out."""
    is_cut = len(body) >= BODY_BYTES
    try:
        text, encoding = codecs.getincrementaldecoder("utf-8")().decode(body, final=not is_cut), "utf-8"
    except UnicodeDecodeError:
        text, encoding = b64encode(body).decode(), "base64"
    return {"pingId": ping_id, "encoding": encoding, "body": text, "truncated": is_cut}
