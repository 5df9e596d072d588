"""Ad-hoc pings (contract, section 3.2). Bodies with unknown keys are refused."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, RootModel, field_validator

from chalicelib.routes.body import MAX_NUMBER
from chalicelib.routes.schemas.content_check import PingRule
from chalicelib.routes.schemas.fields import (
    WHOLE,
    Count,
    HttpMethod,
    HttpUrl,
    LocationHint,
    RecordType,
    RequestModel,
    ResponseModel,
    StatusCode,
    Timestamp,
)
from chalicelib.routes.schemas.request_parts import (
    NO_BODY_OF_READS,
    RequestBody,
    RequestHeaders,
    refuse_body_of_reads,
)
from chalicelib.services.pinging import MAX_SECONDS

MAX_RULES = 100
"""The contract names no bound, but thousands of patterns take longer to compile than a request may last."""

_ABSENT = cast(Any, None)


class Strict(RequestModel):
    model_config = ConfigDict(extra="forbid")

    def extras(self) -> dict[str, Any]:
        return {}


class HttpPing(Strict):
    model_config = ConfigDict(json_schema_extra=NO_BODY_OF_READS)

    type: Literal["http"]
    url: HttpUrl
    method: HttpMethod = "GET"
    expected_status: StatusCode = 200
    timeout_seconds: Annotated[int, Field(ge=1, le=60, description="25 at most are waited."), WHOLE] = 10
    degraded_after_ms: Annotated[int, Field(ge=1, le=MAX_NUMBER), WHOLE] = 5000
    region: Annotated[LocationHint, Field(description="A preference.")] = "wnam"
    headers: RequestHeaders = _ABSENT
    body: RequestBody = _ABSENT
    content_checks: list[PingRule] = Field(default=[], max_length=MAX_RULES)

    _no_body = field_validator("body")(refuse_body_of_reads)

    def spec(self) -> dict[str, Any]:
        return {
            "url": self.url,
            "method": self.method,
            "expectedStatus": self.expected_status,
            "degradedAfterMs": self.degraded_after_ms,
            "timeoutSeconds": min(self.timeout_seconds, MAX_SECONDS),
        }

    def extras(self) -> dict[str, Any]:
        checks = [{**rule.model_dump(by_alias=True), "isEnabled": True} for rule in self.content_checks]
        given = {"headers": self.headers, "body": self.body, "contentChecks": checks}
        return {name: value for name, value in given.items() if value}


class DnsPing(Strict):
    type: Literal["dns"]
    domain: Annotated[str, Field(min_length=1, max_length=255)]
    record_type: RecordType = "A"
    expected_value: Annotated[str, Field(max_length=1000, description="Comma-separated.")] = _ABSENT

    def spec(self) -> dict[str, Any]:
        values = self.model_dump(by_alias=True)
        return {name: values[name] for name in ("domain", "recordType", "expectedValue")}


class TcpPing(Strict):
    type: Literal["tcp"]
    host: Annotated[str, Field(min_length=1, max_length=255)]
    port: Annotated[int, Field(ge=1, le=65535), WHOLE]
    timeout_ms: Annotated[int, Field(ge=100, le=60000, description="25000 at most are waited."), WHOLE] = 5000

    def spec(self) -> dict[str, Any]:
        return {
            "host": self.host,
            "port": self.port,
            "timeoutMs": min(self.timeout_ms, MAX_SECONDS * 1000),
        }


class PingBody(RootModel[Annotated[HttpPing | DnsPing | TcpPing, Field(discriminator="type")]]):
    """One probe, made at once. Its `type` decides which fields it has."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"type": "http", "url": "https://example.com/"}]}
    )


PingId = Annotated[str, Field(pattern=r"^ping_[a-zA-Z0-9]+$", description="Not addressable.")]


class HttpPingResult(ResponseModel):
    id: PingId
    type: Literal["http"]
    status: Literal["up", "degraded", "down"]
    checked_at: Timestamp
    response_status: Annotated[int | None, Field(description="`null` when nothing answered.")]
    response_time_ms: Count | None
    content_checks_passed: Annotated[bool, Field(description="`true` when none were given.")]
    error_message: Annotated[str | None, Field(description="Why nothing answered.")]


class DnsPingResult(ResponseModel):
    id: PingId
    type: Literal["dns"]
    status: Literal["ok", "changed", "error"]
    checked_at: Timestamp
    resolved_value: str | None
    response_time_ms: Count | None
    error_message: str | None


class TcpPingResult(ResponseModel):
    id: PingId
    type: Literal["tcp"]
    status: Literal["up", "down", "timeout"]
    checked_at: Timestamp
    response_time_ms: Count | None
    error_message: str | None


class PingData(ResponseModel):
    ping: Annotated[HttpPingResult | DnsPingResult | TcpPingResult, Field(discriminator="type")]


class PingMeta(ResponseModel):
    request_id: str
    timestamp: Timestamp


class PingAnswer(ResponseModel):
    data: PingData
    meta: PingMeta
