"""Cron jobs and their pings (contract, sections 3.6 and 4.7)."""

import re
from collections.abc import Mapping
from itertools import combinations
from typing import Annotated, Any, Final, Literal, cast

from pydantic import AfterValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError

from chalicelib.domain.cron_expression import MAX_LENGTH, BadExpression, normalize
from chalicelib.domain.cron_job import SLUG
from chalicelib.domain.lateness import Rules
from chalicelib.domain.recurrence import MAX_CALENDAR_LENGTH, Schedule, check_timezone, recurrence_of
from chalicelib.errors import Detail
from chalicelib.routes.schemas.fields import (
    WHOLE,
    Count,
    Pagination,
    Public,
    RequestModel,
    ResponseModel,
    Timestamp,
)
from chalicelib.services.cron_jobs import Change, Draft

_SCHEDULES: Final = ("cronExpression", "onCalendar", "periodSeconds")
_LINE_END: Final = re.compile(r"\r\n|\r|\n")
_TERMS: Final = "[0-9a-zA-Z*/,-]+"


def _cron(text: str) -> str:
    try:
        return normalize(text)
    except BadExpression as bad:
        raise PydanticCustomError("schedule", "{reason}", {"reason": str(bad)}) from None


def _calendar(text: str) -> str:
    lines = [" ".join(line.split()) for line in _LINE_END.split(text)]
    collapsed = "\n".join(line for line in lines if line)
    try:
        recurrence_of(Schedule("calendar", collapsed))
    except BadExpression as bad:
        raise PydanticCustomError("schedule", "{reason}", {"reason": str(bad)}) from None
    return collapsed


def _timezone(name: str) -> str:
    try:
        check_timezone(name)
    except BadExpression as bad:
        raise PydanticCustomError("timezone", "{reason}", {"reason": str(bad)}) from None
    return name


def _slug(text: str) -> str:
    if not SLUG.fullmatch(text):
        raise PydanticCustomError("slug", "must be 1 to 100 of a-z, 0-9, _ and -")
    return text


Name = Annotated[str, Field(min_length=1, max_length=100)]
Description = Annotated[str, Field(max_length=500)]
CronExpression = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_LENGTH,
        description="Five fields as in a crontab (minute, hour, day of month, month, weekday), or `@hourly`, "
        "`@daily`, `@midnight`, `@weekly`, `@monthly`, `@yearly`, `@annually`.",
        examples=["0 3 * * *"],
        json_schema_extra={"pattern": rf"^\s*(@[a-zA-Z]+|{_TERMS}(\s+{_TERMS}){{4}})\s*$"},
    ),
    AfterValidator(_cron),
]
OnCalendar = Annotated[
    str,
    Field(
        min_length=1,
        max_length=MAX_CALENDAR_LENGTH,
        description="As systemd timers have it; one or several lines, each with its own zone if need be.",
        examples=["Mon..Fri 03:00"],
        json_schema_extra={"pattern": r"^[\s!-~]*[!-~][\s!-~]*$"},
    ),
    AfterValidator(_calendar),
]
Period = Annotated[
    int, Field(ge=60, le=31_536_000, description="Seconds from one run to the next, by no clock."), WHOLE
]
Grace = Annotated[
    int, Field(ge=60, le=86_400, description="How long after its time a run may still report in."), WHOLE
]
RunGrace = Annotated[
    Annotated[int, Field(ge=60, le=86_400), WHOLE] | None,
    Field(description="How long a run may take that has reported its start. `null`: `gracePeriodSeconds`."),
]
Timezone = Annotated[
    str,
    Field(
        description="The IANA name of the zone in which `cronExpression` and `onCalendar` are meant.",
        examples=["Europe/Riga"],
        json_schema_extra={"pattern": "^[a-zA-Z0-9_+-]+(/[a-zA-Z0-9_+-]+)*$"},
    ),
    AfterValidator(_timezone),
]
AlertOnLate = Annotated[bool, Field(description="Whether alerts are told of `late`, too.")]
Slug = Annotated[
    Annotated[str, Field(json_schema_extra={"pattern": "^[a-z0-9_-]{1,100}$"}), AfterValidator(_slug)] | None,
    Field(description="A name by which the job is pinged with the team's ping key: see `slugUrl`."),
]
Failures = Annotated[
    int,
    Field(ge=1, le=10, description="How many missed or failed runs in a row it takes until alerts are told."),
    WHOLE,
]
MinimumInterval = Annotated[
    Annotated[int, Field(ge=1, le=31_536_000), WHOLE] | None,
    Field(
        description="A run that ends sooner than so many seconds after another makes the job `missed`, with "
        "the reason `too_often`. `null`: none does."
    ),
]

_ABSENT = cast(Any, None)
_JOB_FIELDS: Final = {"name": "name", "description": "description", "alert_on_late": "alert_on_late"}
_RULES_FIELDS: Final = {
    "grace_period_seconds": "grace_seconds",
    "run_grace_seconds": "run_grace_seconds",
    "failures_before_alert": "failures_to_alarm",
    "minimum_interval_seconds": "least_seconds_between",
    "enabled": "is_enabled",
}
_EXAMPLE: Final[dict[str, Any]] = {
    "name": "Backup",
    "cronExpression": "0 3 * * *",
    "timezone": "Europe/Riga",
    "slug": "backup",
}
_ONE_OF: Final[list[Any]] = [{"required": [name]} for name in _SCHEDULES]
_TWO_OF: Final[list[Any]] = [{"required": list(pair)} for pair in combinations(_SCHEDULES, 2)]


def _given(body: Mapping[str, Any]) -> list[str]:
    return [name for name in _SCHEDULES if body.get(name) is not None]


def _more_than_one(body: Mapping[str, Any]) -> list[Detail]:
    given = _given(body)
    if len(given) < 2:
        return []
    return [Detail(name, f"only one of {', '.join(given)} can be given") for name in given]


def _schedule(given: Mapping[str, Any]) -> dict[str, Any]:
    """What of `Schedule` the fields say; a schedule of one sort takes the place of one of another."""
    found: dict[str, Any] = {}
    for name, kind in (("cron_expression", "cron"), ("on_calendar", "calendar")):
        if name in given:
            found = {"kind": kind, "expression": given[name], "period_seconds": 0}
    if "period_seconds" in given:
        found = {"kind": "period", "expression": "", "period_seconds": given["period_seconds"]}
    return {**found, "timezone": given["timezone"]} if "timezone" in given else found


class CronJobCreate(RequestModel):
    """Exactly one of `cronExpression`, `onCalendar` and `periodSeconds` says when it runs."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [_EXAMPLE],
            "oneOf": _ONE_OF,
        }
    )

    name: Name
    cron_expression: CronExpression = _ABSENT
    on_calendar: OnCalendar = _ABSENT
    period_seconds: Period = _ABSENT
    description: Description = _ABSENT
    grace_period_seconds: Grace = 300
    run_grace_seconds: RunGrace = None
    timezone: Timezone = "UTC"
    alert_on_late: AlertOnLate = False
    enabled: bool = True
    slug: Slug = None
    failures_before_alert: Failures = 1
    minimum_interval_seconds: MinimumInterval = None
    public: Public = False

    @classmethod
    def problems(cls, body: Mapping[str, Any]) -> list[Detail]:
        if not any(name in body for name in _SCHEDULES):
            return [Detail("cronExpression", f"one of {', '.join(_SCHEDULES)} is required")]
        return _more_than_one(body)

    def draft(self) -> Draft:
        schedule = Schedule(**_schedule({"timezone": self.timezone, **self.model_dump(exclude_unset=True)}))
        return Draft(
            name=self.name,
            rules=Rules(
                schedule=schedule, **{rule: getattr(self, name) for name, rule in _RULES_FIELDS.items()}
            ),
            description=self.description,
            slug=self.slug or "",
            alert_on_late=self.alert_on_late,
            is_public=self.public,
        )


class CronJobUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. At most one of `cronExpression`, `onCalendar` and
    `periodSeconds`, which takes the place of what there was."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"gracePeriodSeconds": 900}],
            "not": {"anyOf": _TWO_OF},
        }
    )

    name: Name = _ABSENT
    cron_expression: CronExpression = _ABSENT
    on_calendar: OnCalendar = _ABSENT
    period_seconds: Period = _ABSENT
    description: Annotated[Description | None, Field(description="`null` clears it.")] = None
    grace_period_seconds: Grace = _ABSENT
    run_grace_seconds: RunGrace = None
    timezone: Timezone = _ABSENT
    alert_on_late: AlertOnLate = _ABSENT
    enabled: bool = _ABSENT
    slug: Slug = None
    failures_before_alert: Failures = _ABSENT
    minimum_interval_seconds: MinimumInterval = None
    public: Public = _ABSENT

    @classmethod
    def problems(cls, body: Mapping[str, Any]) -> list[Detail]:
        return _more_than_one(body)

    def change(self) -> Change:
        given = self.model_dump(exclude_unset=True)
        job = {field: given[name] for name, field in _JOB_FIELDS.items() if name in given}
        if "public" in given:
            job["is_public"] = given["public"]
        if "slug" in given:
            job["slug"] = given["slug"] or ""
        return Change(
            job=job,
            rules={rule: given[name] for name, rule in _RULES_FIELDS.items() if name in given},
            schedule=_schedule(given),
        )

    @property
    def schedule_field(self) -> str:
        """Which of the fields is to blame for a schedule that does not work."""
        given = self.model_dump(by_alias=True, exclude_unset=True)
        return next((name for name in _SCHEDULES if name in given), "timezone")


JobId = Annotated[
    str, Field(pattern=r"^cron_[a-zA-Z0-9]+$", examples=["cron_01a1fb8928a5711391f17038010f5997"])
]
PingId = Annotated[
    str, Field(pattern=r"^ping_[a-zA-Z0-9]+$", examples=["ping_4f1c2b9c1d7e4c0b8a77e8a1f0c3d5e6"])
]


class CronJob(ResponseModel):
    id: JobId
    name: Name
    cron_expression: Annotated[
        str | None, Field(description="`null` when the job has another sort of schedule.")
    ]
    on_calendar: str | None
    period_seconds: int | None
    schedule_description: Annotated[
        str, Field(description="The schedule in words.", examples=["At 03:00 every day"])
    ]
    description: str | None
    grace_period_seconds: int
    run_grace_seconds: RunGrace
    timezone: str
    alert_on_late: AlertOnLate
    status: Annotated[
        Literal["new", "healthy", "late", "missed"],
        Field(description="As it is now. `new` until the first ping."),
    ]
    status_reason: Annotated[
        Literal["late", "missed", "failed", "overrun", "too_often"] | None,
        Field(
            description="Why it is not healthy. `failed`: a run said so itself; `overrun`: one has begun and "
            "not ended in time."
        ),
    ]
    last_ping_at: Timestamp | None
    next_expected_at: Annotated[Timestamp | None, Field(description="`null` while it is disabled.")]
    enabled_at: Annotated[Timestamp | None, Field(description="`null` while it is disabled.")]
    slug: str | None
    failures_before_alert: Failures
    minimum_interval_seconds: MinimumInterval
    ping_url: Annotated[
        str | None,
        Field(
            description="Where the job reports in; whoever knows it may do so. Shown only to keys with "
            "`cron-jobs:write` or `cron-jobs:ping`."
        ),
    ]
    slug_url: Annotated[
        str | None, Field(description="The same by the team's ping key and the slug, if it has one.")
    ]
    public: Public
    created_at: Timestamp
    updated_at: Timestamp


class CronJobItem(ResponseModel):
    data: CronJob


class CronJobList(ResponseModel):
    data: list[CronJob]


_OF_NEWEST = " Of the newest 100 pings, for 30 days."


class CronPing(ResponseModel):
    id: PingId
    cron_job_id: JobId
    received_at: Timestamp
    status: Literal["on_time", "late"]
    kind: Annotated[
        Literal["success", "start", "fail", "log", "ignored"],
        Field(description="`ignored` came while the job was disabled."),
    ]
    exit_status: Annotated[int | None, Field(ge=0, le=255)]
    duration_ms: Annotated[
        Count | None, Field(description="Of the run that it ended, if that had reported its start.")
    ]
    run_id: Annotated[str | None, Field(description="The caller's own id of the run." + _OF_NEWEST)]
    method: Annotated[str | None, Field(description="Of a ping URL's request." + _OF_NEWEST)]
    source_address: Annotated[str | None, Field(description="Who has called a ping URL." + _OF_NEWEST)]
    user_agent: Annotated[str | None, Field(description="What has called a ping URL." + _OF_NEWEST)]
    has_body: bool


class CronPingItem(ResponseModel):
    data: CronPing


class CronPingPage(ResponseModel):
    data: list[CronPing]
    pagination: Pagination


class CronPingBodyData(ResponseModel):
    ping_id: PingId
    encoding: Annotated[Literal["utf-8", "base64"], Field(description="How `body` is to be read.")]
    body: str
    truncated: Annotated[
        bool,
        Field(description="Whether it has the most that is kept, 100,000 bytes; more may have been sent."),
    ]


class CronPingBody(ResponseModel):
    data: CronPingBodyData


class PingKeyData(ResponseModel):
    ping_key: Annotated[
        str | None, Field(description="`null` until the team has one.", examples=["9f3k2m7q1x8v4b6n0c5z2a"])
    ]
    ping_url: Annotated[
        str | None,
        Field(description="Followed by `/` and a slug, it is where the job of that slug reports in."),
    ]


class PingKey(ResponseModel):
    data: PingKeyData
