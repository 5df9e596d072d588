"""DNS monitors and their results (contract, section 3.4)."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field

from chalicelib.routes.schemas.fields import (
    WHOLE,
    Confirmed,
    Count,
    Name255,
    Public,
    RecordType,
    RecoveryConfirmed,
    RequestModel,
    ResponseModel,
    Retries,
    Timestamp,
)
from chalicelib.services.monitors import Change, Draft

KIND = "dns"
TIMEOUT_SECONDS = 10.0

Domain = Annotated[str, Field(min_length=1, max_length=255)]
Expected = Annotated[
    str,
    Field(
        max_length=1024,
        description="Comma-separated. When the answer is another set, the monitor is `changed`; without it "
        "any answer is `ok`.",
    ),
]
Interval = Annotated[int, Field(ge=60, le=86400, description="Seconds from one check to the next."), WHOLE]

_ABSENT = cast(Any, None)
_SPEC_FIELDS = (
    "domain",
    "recordType",
    "expectedValue",
    "confirmations",
    "recoveryConfirmations",
    "retryIntervalSeconds",
)


class DnsMonitorCreate(RequestModel):
    model_config = ConfigDict(
        json_schema_extra={"examples": [{"name": "Zone", "domain": "example.com", "recordType": "A"}]}
    )

    name: Name255
    domain: Domain
    record_type: RecordType
    expected_value: Expected = _ABSENT
    interval_seconds: Interval = 3600
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
            timeout_seconds=TIMEOUT_SECONDS,
            is_enabled=self.is_enabled,
            is_public=self.public,
        )


class DnsMonitorUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. `null` clears `expectedValue` and
    `retryIntervalSeconds`, and nothing else."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"expectedValue": "192.0.2.1, 192.0.2.2"}]})

    name: Name255 = _ABSENT
    domain: Domain = _ABSENT
    record_type: RecordType = _ABSENT
    expected_value: Expected | None = None
    interval_seconds: Interval = _ABSENT
    is_enabled: bool = _ABSENT
    public: Public = _ABSENT
    confirmations: Confirmed = _ABSENT
    recovery_confirmations: RecoveryConfirmed = _ABSENT
    retry_interval_seconds: Retries = None

    def change(self) -> Change:
        given = self.model_dump(by_alias=True, exclude_unset=True)
        return Change(
            name=given.get("name"),
            spec={field: given[field] for field in _SPEC_FIELDS if field in given},
            interval_seconds=given.get("intervalSeconds"),
            is_enabled=given.get("isEnabled"),
            is_public=given.get("public"),
        )


class DnsMonitor(ResponseModel):
    id: str
    name: Name255
    domain: Domain
    record_type: RecordType
    expected_value: str | None
    interval_seconds: int
    is_enabled: bool
    last_checked_at: Timestamp | None
    last_status: Annotated[
        Literal["ok", "changed", "error"] | None, Field(description="`null` until the first result.")
    ]
    last_value: Annotated[str | None, Field(description="The last answer, sorted; `null` without one.")]
    public: Public
    confirmations: Confirmed
    recovery_confirmations: RecoveryConfirmed
    retry_interval_seconds: Retries
    created_at: Timestamp
    updated_at: Timestamp


class DnsMonitorItem(ResponseModel):
    data: DnsMonitor


class DnsMonitorList(ResponseModel):
    data: list[DnsMonitor]


class DnsResult(ResponseModel):
    id: str
    status: Literal["ok", "changed", "error"]
    value: str | None
    response_time_ms: Count | None
    error_message: str | None
    checked_at: Timestamp


class DnsResultList(ResponseModel):
    data: list[DnsResult]
