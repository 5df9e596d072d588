"""HTTP monitors and their results (contract, section 3.3)."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, field_validator

from chalicelib.domain.extras import Extras
from chalicelib.routes.schemas.fields import (
    WHOLE,
    Confirmed,
    Count,
    HttpMethod,
    HttpUrl,
    LocationHint,
    MonitorId,
    Name255,
    Pagination,
    Public,
    RecoveryConfirmed,
    RequestModel,
    ResponseModel,
    Retries,
    StatusCode,
    Timestamp,
)
from chalicelib.routes.schemas.request_parts import (
    NO_BODY_OF_READS,
    NO_BODY_OF_READS_GIVEN,
    RequestBody,
    RequestHeaders,
    pairs_of,
    refuse_body_of_reads,
)
from chalicelib.services.monitors import Change, Draft

KIND = "http"

Interval = Annotated[int, Field(ge=60, le=3600, description="Seconds from one check to the next."), WHOLE]
DegradedAfter = Annotated[
    int, Field(ge=1000, le=30000, description="A slower response makes the monitor `degraded`."), WHOLE
]
Timeout = Annotated[
    int, Field(ge=1, le=60, description="Without a response in this time the monitor is `down`."), WHOLE
]
ExpectedStatus = Annotated[
    StatusCode,
    Field(
        description="Of the final response. Redirects are followed (10 at most) unless this is a 3xx; "
        "another status makes the monitor `down`."
    ),
]
Location = Annotated[LocationHint, Field(description="A preference; a result's `region` says where it was.")]
WarningDays = Annotated[int, Field(ge=1, le=365), WHOLE]

_ABSENT = cast(Any, None)

_SPEC_FIELDS = (
    "url",
    "method",
    "expectedStatus",
    "degradedAfterMs",
    "timeoutSeconds",
    "locationHint",
    "sslMonitoringEnabled",
    "sslExpiryWarningDays",
    "confirmations",
    "recoveryConfirmations",
    "retryIntervalSeconds",
)
"""What is stored as the monitor's spec, under the contract's own names."""


class HttpMonitorCreate(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"name": "Shop", "url": "https://shop.example.com/"}],
            **NO_BODY_OF_READS,
        }
    )

    name: Name255
    url: HttpUrl
    method: HttpMethod = "HEAD"
    expected_status: ExpectedStatus = 200
    interval_seconds: Interval = 60
    degraded_after_ms: DegradedAfter = 5000
    timeout_seconds: Timeout = 10
    location_hint: Location = "wnam"
    ssl_monitoring_enabled: bool = False
    ssl_expiry_warning_days: WarningDays = 30
    enabled: bool = True
    public: Public = False
    confirmations: Confirmed = 1
    recovery_confirmations: RecoveryConfirmed = 1
    retry_interval_seconds: Retries = None
    headers: RequestHeaders = _ABSENT
    body: RequestBody = _ABSENT

    _no_body = field_validator("body")(refuse_body_of_reads)

    def draft(self) -> Draft:
        values = self.model_dump(by_alias=True)
        return Draft(
            kind=KIND,
            name=self.name,
            spec={field: values[field] for field in _SPEC_FIELDS},
            interval_seconds=self.interval_seconds,
            timeout_seconds=self.timeout_seconds,
            is_enabled=self.enabled,
            is_public=self.public,
        )

    def extras(self) -> Extras:
        return Extras(headers=pairs_of(self.headers) or (), body=self.body)


class HttpMonitorUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. `null` clears `retryIntervalSeconds`, and nothing
    else."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"intervalSeconds": 300}], **NO_BODY_OF_READS_GIVEN}
    )

    name: Name255 = _ABSENT
    url: HttpUrl = _ABSENT
    method: HttpMethod = _ABSENT
    expected_status: ExpectedStatus = _ABSENT
    interval_seconds: Interval = _ABSENT
    degraded_after_ms: DegradedAfter = _ABSENT
    timeout_seconds: Timeout = _ABSENT
    location_hint: Location = _ABSENT
    ssl_monitoring_enabled: bool = _ABSENT
    ssl_expiry_warning_days: WarningDays = _ABSENT
    enabled: bool = _ABSENT
    public: Public = _ABSENT
    confirmations: Confirmed = _ABSENT
    recovery_confirmations: RecoveryConfirmed = _ABSENT
    retry_interval_seconds: Retries = None
    headers: RequestHeaders = _ABSENT
    body: RequestBody = _ABSENT

    _no_body = field_validator("body")(refuse_body_of_reads)

    def change(self) -> Change:
        given = self.model_dump(by_alias=True, exclude_unset=True)
        return Change(
            name=given.get("name"),
            spec={field: given[field] for field in _SPEC_FIELDS if field in given},
            interval_seconds=given.get("intervalSeconds"),
            timeout_seconds=given.get("timeoutSeconds"),
            is_enabled=given.get("enabled"),
            is_public=given.get("public"),
            headers=pairs_of(given.get("headers")),
            body=given.get("body"),
        )


class HttpMonitor(ResponseModel):
    id: MonitorId
    name: Name255
    url: str
    method: HttpMethod
    expected_status: StatusCode
    interval_seconds: int
    degraded_after_ms: int
    timeout_seconds: int
    location_hint: LocationHint
    ssl_monitoring_enabled: bool
    ssl_expiry_warning_days: int
    status: Annotated[
        Literal["pending", "up", "degraded", "down"],
        Field(description="`pending` until the first result."),
    ]
    last_checked_at: Timestamp | None
    enabled_at: Annotated[Timestamp | None, Field(description="`null` while it is disabled.")]
    public: Public
    confirmations: Confirmed
    recovery_confirmations: RecoveryConfirmed
    retry_interval_seconds: Retries
    ssl_status: Literal["unknown", "valid", "expiring", "expired", "error"]
    ssl_expires_at: Timestamp | None
    ssl_issuer: str | None
    ssl_last_checked_at: Timestamp | None
    header_names: Annotated[list[str], Field(description="Of the request; their values are never shown.")]
    has_body: bool
    created_at: Timestamp
    updated_at: Timestamp


class HttpMonitorItem(ResponseModel):
    data: HttpMonitor


class HttpMonitorList(ResponseModel):
    data: list[HttpMonitor]


class HttpResult(ResponseModel):
    id: Annotated[
        str, Field(pattern=r"^chk_[a-zA-Z0-9]+$", examples=["chk_01a1fb8b9b207d0fa2f4a3c71e7dd1c9"])
    ]
    monitor_id: MonitorId
    status: Literal["up", "degraded", "down"]
    status_code: Annotated[int, Field(ge=0, le=999, description="0 when nothing answered.")]
    response_time_ms: Annotated[Count, Field(description="Time to the final response's headers.")]
    region: LocationHint
    checked_at: Timestamp
    error: Annotated[str, Field(description="Why nothing answered; there only then.")] = ""


class HttpResultPage(ResponseModel):
    data: list[HttpResult]
    pagination: Pagination
