"""Content checks (contract, sections 3.3 and 4.4)."""

from typing import Annotated, Any, Literal, cast

from pydantic import ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from chalicelib.domain.content import compile_error
from chalicelib.routes.schemas.fields import MonitorId, RequestModel, ResponseModel, Timestamp
from chalicelib.services.content_checks import ContentCheckChange, ContentCheckDraft

RuleType = Literal["contains", "not_contains", "regex"]
CaseSensitive = Annotated[bool, Field(description="Of regular expressions too.")]
Value = Annotated[
    str,
    Field(
        min_length=1,
        max_length=4096,
        description="Text, or a regular expression in RE2's syntax: without back-references and look-around. "
        "Patterns are matched for a bounded time: of a long body a complex one may see the beginning only.",
    ),
]

_ABSENT = cast(Any, None)


class Rule(RequestModel):
    """What is true of rules everywhere: a pattern that RE2 does not take is the fault of its `value`."""

    type: RuleType

    @field_validator("value", check_fields=False)
    @classmethod
    def _compiles(cls, value: str, info: ValidationInfo) -> str:
        problem = compile_error(value) if info.data.get("type") == "regex" else None
        if problem is not None:
            raise PydanticCustomError("pattern", "{reason}", {"reason": problem})
        return value


class PingRule(Rule):
    """A rule of an ad-hoc ping. Unknown keys are refused."""

    model_config = ConfigDict(extra="forbid")

    value: Annotated[Value, Field(max_length=1000)]
    case_sensitive: CaseSensitive = False


class ContentCheckCreate(Rule):
    model_config = ConfigDict(json_schema_extra={"examples": [{"type": "contains", "value": "In stock"}]})

    value: Value
    case_sensitive: CaseSensitive = False
    is_enabled: bool = True

    def draft(self) -> ContentCheckDraft:
        return ContentCheckDraft(self.type, self.value, self.case_sensitive, self.is_enabled)


class ContentCheckUpdate(Rule):
    """Every field optional; absent leaves it unchanged, null is refused."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"isEnabled": False}]})

    type: RuleType = _ABSENT
    value: Value = _ABSENT
    case_sensitive: CaseSensitive = _ABSENT
    is_enabled: bool = _ABSENT

    def change(self) -> ContentCheckChange:
        return ContentCheckChange(self.type, self.value, self.case_sensitive, self.is_enabled)


class ContentCheck(ResponseModel):
    id: str
    monitor_id: MonitorId
    type: RuleType
    value: str
    case_sensitive: bool
    is_enabled: bool
    created_at: Timestamp
    updated_at: Timestamp


class ContentCheckItem(ResponseModel):
    data: ContentCheck


class ContentCheckList(ResponseModel):
    data: list[ContentCheck]
