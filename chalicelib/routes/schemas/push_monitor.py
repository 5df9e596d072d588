"""Push monitors, their results, and the answers of the push URL, which are Uptime Kuma's."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field

from chalicelib.domain.push_monitor import TOKEN
from chalicelib.domain.silence import Rules
from chalicelib.routes.schemas.fields import (
    WHOLE,
    Count,
    Name255,
    Pagination,
    Public,
    RequestModel,
    ResponseModel,
    Timestamp,
)
from chalicelib.services.push_monitors import Change, Draft

Interval = Annotated[int, Field(ge=20, le=86400, description="A push is due in so many seconds."), WHOLE]
Retries = Annotated[
    int,
    Field(
        ge=0,
        le=100,
        description="How many failures in a row, pushed or by silence, leave it `pending` before it is down.",
    ),
    WHOLE,
]
RetryInterval = Annotated[
    Annotated[int, Field(ge=20, le=86400), WHOLE] | None,
    Field(
        description="Seconds from one failure by silence to the next while it is `pending`. `null`: "
        "`intervalSeconds`."
    ),
]
UpsideDown = Annotated[
    bool, Field(description="Whether `up` and `down` change places in what is pushed, and silence is `up`.")
]
PushToken = Annotated[
    str,
    Field(
        pattern=f"^{TOKEN.pattern}$",
        description="The secret of the push URL. Bring your own to keep the URLs of a Kuma that you had.",
        examples=["pT4kPq0rVbX2mZ7nA1sD9fG3hJ5kL6wE"],
    ),
]

_ABSENT = cast(Any, None)
_RULES = {
    "interval_seconds": "interval_seconds",
    "retries": "retries",
    "retry_interval_seconds": "retry_interval_seconds",
    "upside_down": "is_upside_down",
    "is_enabled": "is_enabled",
}
_FIELDS = {"name": "name", "public": "is_public", "push_token": "push_token"}


class PushMonitorCreate(RequestModel):
    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"name": "Backup", "intervalSeconds": 60}]}
    )

    name: Name255
    interval_seconds: Interval = 60
    retries: Retries = 0
    retry_interval_seconds: RetryInterval = None
    upside_down: UpsideDown = False
    is_enabled: bool = True
    public: Public = False
    push_token: PushToken = _ABSENT

    def draft(self) -> Draft:
        rules = Rules(**{rule: getattr(self, name) for name, rule in _RULES.items()})
        return Draft(self.name, rules, self.public, self.push_token)


class PushMonitorUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. `null` clears `retryIntervalSeconds`, and nothing
    else."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"retries": 2}]})

    name: Name255 = _ABSENT
    interval_seconds: Interval = _ABSENT
    retries: Retries = _ABSENT
    retry_interval_seconds: RetryInterval = None
    upside_down: UpsideDown = _ABSENT
    is_enabled: bool = _ABSENT
    public: Public = _ABSENT
    push_token: PushToken = _ABSENT

    def change(self) -> Change:
        given = self.model_dump(exclude_unset=True)
        return Change(
            {field: given[name] for name, field in _FIELDS.items() if name in given},
            {rule: given[name] for name, rule in _RULES.items() if name in given},
        )


MonitorId = Annotated[
    str, Field(pattern=r"^push_[a-zA-Z0-9]+$", examples=["push_01a1fb8928a5711391f17038010f5997"])
]
Status = Literal["pending", "up", "down"]
Percent = Annotated[float, Field(ge=0, le=100)] | None
_SECRET = " Shown only to keys with `cron-jobs:write` or `cron-jobs:ping`."


class PushUptime(ResponseModel):
    """Percent of the time that it was known to be up, two decimals; `pending` is not up. `null` where nothing
    is known. Begins at a full hour."""

    last_24_hours: Annotated[Percent, Field(alias="last24Hours")]
    last_7_days: Annotated[Percent, Field(alias="last7Days")]
    last_30_days: Annotated[Percent, Field(alias="last30Days")]


class PushMonitor(ResponseModel):
    id: MonitorId
    name: Name255
    interval_seconds: int
    retries: Retries
    retry_interval_seconds: RetryInterval
    upside_down: UpsideDown
    is_enabled: bool
    public: Public
    push_token: Annotated[str | None, Field(description="The secret of the push URL." + _SECRET)]
    push_url: Annotated[str | None, Field(description="Where heartbeats go." + _SECRET)]
    status: Annotated[
        Status, Field(description="As it is now. `pending` until the first push, and while failures are few.")
    ]
    last_push_at: Timestamp | None
    last_status_change_at: Timestamp | None
    last_message: Annotated[
        str | None, Field(description="Of the newest result. `null` where it is not known, or not any more.")
    ]
    last_response_time_ms: Annotated[Count | None, Field(description="The `ping` of the newest push.")]
    uptime: PushUptime
    enabled_at: Annotated[Timestamp | None, Field(description="`null` while it is disabled.")]
    created_at: Timestamp
    updated_at: Timestamp


class PushMonitorItem(ResponseModel):
    data: PushMonitor


class PushMonitorList(ResponseModel):
    data: list[PushMonitor]


class PushResult(ResponseModel):
    id: Annotated[str, Field(pattern=r"^beat_[a-zA-Z0-9]+$")]
    status: Annotated[Status, Field(description="What the monitor was from then on.")]
    message: Annotated[
        str | None, Field(description="The first 250 characters; of the newest 100 results, else `null`.")
    ]
    response_time_ms: Annotated[Count | None, Field(description="The `ping` that was pushed.")]
    silent: Annotated[bool, Field(description="Whether it is silence that has changed the status.")]
    checked_at: Annotated[Timestamp, Field(description="When it came in, or silence was due.")]


class PushResultPage(ResponseModel):
    data: list[PushResult]
    pagination: Pagination


class PushTaken(ResponseModel):
    ok: Literal[True]


class PushRefused(ResponseModel):
    ok: Literal[False]
    msg: Annotated[str, Field(examples=["Monitor not found or not active."])]
