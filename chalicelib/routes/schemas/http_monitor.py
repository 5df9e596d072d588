"""HTTP monitors and their results (contract, section 3.3)."""

from typing import Annotated, Any, cast

from pydantic import Field

from chalicelib.domain.explanation import fault_text
from chalicelib.domain.identifier import result_id
from chalicelib.domain.monitor import Monitor
from chalicelib.domain.outcome import Status
from chalicelib.errors import Detail
from chalicelib.routes.schemas.fields import (
    HttpMethod,
    HttpUrl,
    LocationHint,
    Name255,
    RequestModel,
    ResponseModel,
    StatusCode,
    Whole,
    timestamp,
    validate,
)
from chalicelib.services.history import Result
from chalicelib.services.monitors import Change, Draft
from chalicelib.services.readings import Reading

KIND = "http"
PREFIX = "mon"

Interval = Annotated[Whole, Field(ge=60, le=3600)]
DegradedAfter = Annotated[Whole, Field(ge=1000, le=30000)]
Timeout = Annotated[Whole, Field(ge=1, le=60)]
WarningDays = Annotated[Whole, Field(ge=1, le=365)]

_ABSENT = cast(Any, None)
_NOT_YET = ("headers", "body")

_SPEC_FIELDS = (
    "url",
    "method",
    "expectedStatus",
    "degradedAfterMs",
    "timeoutSeconds",
    "locationHint",
    "sslMonitoringEnabled",
    "sslExpiryWarningDays",
)
"""What is stored as the monitor's spec, under the contract's own names."""


class HttpMonitorCreate(RequestModel):
    name: Name255
    url: HttpUrl
    method: HttpMethod = "HEAD"
    expected_status: StatusCode = 200
    interval_seconds: Interval = 60
    degraded_after_ms: DegradedAfter = 5000
    timeout_seconds: Timeout = 10
    location_hint: LocationHint = "wnam"
    ssl_monitoring_enabled: bool = False
    ssl_expiry_warning_days: WarningDays = 30
    enabled: bool = True
    public: bool = False


class HttpMonitorUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged, null is refused."""

    name: Name255 = _ABSENT
    url: HttpUrl = _ABSENT
    method: HttpMethod = _ABSENT
    expected_status: StatusCode = _ABSENT
    interval_seconds: Interval = _ABSENT
    degraded_after_ms: DegradedAfter = _ABSENT
    timeout_seconds: Timeout = _ABSENT
    location_hint: LocationHint = _ABSENT
    ssl_monitoring_enabled: bool = _ABSENT
    ssl_expiry_warning_days: WarningDays = _ABSENT
    enabled: bool = _ABSENT
    public: bool = _ABSENT


class HttpMonitorResponse(ResponseModel):
    id: str
    name: str
    url: str
    method: str
    expected_status: int
    interval_seconds: int
    degraded_after_ms: int
    timeout_seconds: int
    location_hint: str
    ssl_monitoring_enabled: bool
    ssl_expiry_warning_days: int
    status: str
    last_checked_at: str | None
    enabled_at: str | None
    public: bool
    ssl_status: str
    ssl_expires_at: str | None
    ssl_issuer: str | None
    ssl_last_checked_at: str | None
    header_names: list[str]
    has_body: bool
    created_at: str
    updated_at: str


def draft_of(body: dict[str, Any]) -> Draft:
    """Raises InvalidInput."""
    model = validate(HttpMonitorCreate, body, _not_yet(body))
    values = model.model_dump(by_alias=True)
    return Draft(
        kind=KIND,
        name=model.name,
        spec={field: values[field] for field in _SPEC_FIELDS},
        interval_seconds=model.interval_seconds,
        timeout_seconds=model.timeout_seconds,
        is_enabled=model.enabled,
        is_public=model.public,
    )


def change_of(body: dict[str, Any]) -> Change:
    """Raises InvalidInput."""
    model = validate(HttpMonitorUpdate, body, _not_yet(body))
    given = model.model_dump(by_alias=True, exclude_unset=True)
    return Change(
        name=given.get("name"),
        spec={field: given[field] for field in _SPEC_FIELDS if field in given},
        interval_seconds=given.get("intervalSeconds"),
        timeout_seconds=given.get("timeoutSeconds"),
        is_enabled=given.get("enabled"),
        is_public=given.get("public"),
    )


def _not_yet(body: dict[str, Any]) -> list[Detail]:
    return [Detail(field, "not supported yet") for field in _NOT_YET if field in body]


def status_word(reading: Reading) -> str:
    return "pending" if reading.status is None else reading.status.name.lower()


def present_monitor(monitor: Monitor, reading: Reading) -> dict[str, Any]:
    response = HttpMonitorResponse(
        id=monitor.id,
        name=monitor.name,
        url=monitor.spec["url"],
        method=monitor.spec["method"],
        expected_status=monitor.spec["expectedStatus"],
        interval_seconds=monitor.interval_seconds,
        degraded_after_ms=monitor.spec["degradedAfterMs"],
        timeout_seconds=monitor.spec["timeoutSeconds"],
        location_hint=monitor.spec["locationHint"],
        ssl_monitoring_enabled=monitor.spec["sslMonitoringEnabled"],
        ssl_expiry_warning_days=monitor.spec["sslExpiryWarningDays"],
        status=status_word(reading),
        last_checked_at=timestamp(reading.checked_at),
        enabled_at=timestamp(monitor.enabled_at),
        public=monitor.is_public,
        ssl_status="unknown",
        ssl_expires_at=None,
        ssl_issuer=None,
        ssl_last_checked_at=None,
        header_names=[],
        has_body=False,
        created_at=timestamp(monitor.created_at) or "",
        updated_at=timestamp(monitor.updated_at) or "",
    )
    return response.model_dump(by_alias=True)


class HttpResultResponse(ResponseModel):
    id: str
    monitor_id: str
    status: str
    status_code: int
    response_time_ms: int
    region: str
    checked_at: str


def present_result(monitor_id: str, result: Result) -> dict[str, Any]:
    """`error` is there only when nothing answered."""
    outcome = result.outcome
    response = HttpResultResponse(
        id=result_id("chk", monitor_id, result.slot),
        monitor_id=monitor_id,
        status=Status(outcome.status).name.lower(),
        status_code=outcome.status_code,
        response_time_ms=outcome.response_ms,
        region=result.region,
        checked_at=timestamp(result.checked_at) or "",
    ).model_dump(by_alias=True)
    error = fault_text(outcome)
    return response if error is None else {**response, "error": error}
