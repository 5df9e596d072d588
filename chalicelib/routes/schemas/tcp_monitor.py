"""TCP monitors and their results (contract, section 3.5). Bodies with unknown keys are refused."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field

from chalicelib.routes.schemas.fields import (
    RETRIES,
    WHOLE,
    Confirmed,
    Count,
    Name255,
    Pagination,
    Public,
    RecoveryConfirmed,
    RequestModel,
    ResponseModel,
    Timestamp,
)
from chalicelib.services.monitors import Change, Draft

KIND = "tcp"

Host = Annotated[
    str, Field(min_length=1, max_length=255, description="A host name, an IPv4 or an IPv6 address.")
]
Port = Annotated[int, Field(ge=1, le=65535), WHOLE]
TimeoutMs = Annotated[
    int, Field(ge=100, le=60000, description="Without a connection in this time: `timeout`."), WHOLE
]
Interval = Annotated[int, Field(ge=10, le=86400, description="Seconds from one check to the next."), WHOLE]
Retries = Annotated[
    Annotated[int, Field(ge=10, le=86400), WHOLE] | None,
    Field(
        description=f"{RETRIES} Counted in whole minutes, rounded up, so once a minute at most; in tens of "
        "seconds where `intervalSeconds` is less than 60."
    ),
]

_ABSENT = cast(Any, None)
_SPEC_FIELDS = ("host", "port", "timeoutMs", "confirmations", "recoveryConfirmations", "retryIntervalSeconds")


class TcpMonitorCreate(RequestModel):
    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Mail", "host": "mail.example.com", "port": 993}]},
    )

    name: Name255
    host: Host
    port: Port
    timeout_ms: TimeoutMs = 5000
    interval_seconds: Interval = 60
    is_enabled: bool = True
    public: Public = False
    confirmations: Confirmed = 1
    recovery_confirmations: RecoveryConfirmed = 1
    retry_interval_seconds: Retries = None

    def draft(self) -> Draft:
        values = self.model_dump(by_alias=True)
        return Draft(
            kind=KIND,
            name=self.name,
            spec={field: values[field] for field in _SPEC_FIELDS},
            interval_seconds=self.interval_seconds,
            timeout_seconds=self.timeout_ms / 1000,
            is_enabled=self.is_enabled,
            is_public=self.public,
        )


class TcpMonitorUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. `null` clears `retryIntervalSeconds`, and nothing
    else."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"intervalSeconds": 10}]})

    name: Name255 = _ABSENT
    host: Host = _ABSENT
    port: Port = _ABSENT
    timeout_ms: TimeoutMs = _ABSENT
    interval_seconds: Interval = _ABSENT
    is_enabled: bool = _ABSENT
    public: Public = _ABSENT
    confirmations: Confirmed = _ABSENT
    recovery_confirmations: RecoveryConfirmed = _ABSENT
    retry_interval_seconds: Retries = None

    def change(self) -> Change:
        given = self.model_dump(by_alias=True, exclude_unset=True)
        timeout_ms = given.get("timeoutMs")
        return Change(
            name=given.get("name"),
            spec={field: given[field] for field in _SPEC_FIELDS if field in given},
            interval_seconds=given.get("intervalSeconds"),
            timeout_seconds=None if timeout_ms is None else timeout_ms / 1000,
            is_enabled=given.get("isEnabled"),
            is_public=given.get("public"),
        )


class TcpMonitor(ResponseModel):
    id: Annotated[str, Field(pattern=r"^tcpm_[a-zA-Z0-9]+$")]
    name: Name255
    host: Host
    port: int
    timeout_ms: int
    interval_seconds: int
    is_enabled: bool
    last_checked_at: Timestamp | None
    last_status: Annotated[
        Literal["up", "down", "timeout"] | None, Field(description="`null` until the first result.")
    ]
    last_response_time_ms: Annotated[Count | None, Field(description="`null` unless it was up.")]
    public: Public
    confirmations: Confirmed
    recovery_confirmations: RecoveryConfirmed
    retry_interval_seconds: Retries
    created_at: Timestamp
    updated_at: Timestamp


class TcpMonitorItem(ResponseModel):
    data: TcpMonitor


class TcpMonitorList(ResponseModel):
    data: list[TcpMonitor]


class TcpResult(ResponseModel):
    id: Annotated[str, Field(pattern=r"^tcpr_[a-zA-Z0-9]+$")]
    status: Literal["up", "down", "timeout"]
    response_time_ms: Annotated[Count | None, Field(description="Time to connect; `null` unless up.")]
    error: Annotated[str, Field(description="Why it is not up; there only then.")] = ""
    checked_at: Timestamp


class TcpResultPage(ResponseModel):
    data: list[TcpResult]
    pagination: Pagination
