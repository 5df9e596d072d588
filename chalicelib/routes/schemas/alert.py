"""Alerts and their events (contract, section 3.7).

What the fields of a channel may be is for the channel to say, on every way by which they come; here they are
only described.
"""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal, Self, cast

from pydantic import AfterValidator, ConfigDict, Field, GetJsonSchemaHandler, TypeAdapter, WithJsonSchema
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError
from typing_extensions import TypeAliasType

from chalicelib.domain.alert import Alert as StoredAlert
from chalicelib.domain.target import MAX_URL_LENGTH
from chalicelib.errors import Detail
from chalicelib.routes.schemas.fields import (
    WHOLE,
    Count,
    MonitorId,
    RequestModel,
    ResponseModel,
    Timestamp,
    validate,
)
from chalicelib.services.alerts import Draft, chosen, misconfigured, misplaced

AlertStrategy = TypeAliasType(
    "AlertStrategy",
    Literal["email", "webhook", "slack", "discord", "telegram", "teams", "pagerduty", "ntfy"],
)

Name = Annotated[str, Field(min_length=1, max_length=100)]
NotifyOnRecovery = Annotated[bool, Field(description="Whether it is told when a monitor has recovered.")]
CooldownMinutes = Annotated[
    int,
    Field(
        ge=0,
        le=1440,
        description="Least time between two notifications while an outage lasts, 5 minutes at least, and "
        "between two recoveries. The first of an outage is sent at once.",
    ),
    WHOLE,
]
FlappingAfter = Annotated[
    Annotated[int, Field(ge=2, le=1000), WHOLE] | None,
    Field(
        description="After so many changes in 24 hours a monitor is flapping: that is told once, and then no "
        "more than the cooldown allows. `null`: nothing is flapping."
    ),
]
Covered = Annotated[
    str | None,
    Field(
        description="An HTTP monitor of the team, with which the alert will go. `null`: every monitor of "
        "every kind.",
        examples=["mon_01a1fb8928a5711391f17038010f5997"],
    ),
]


def _true(value: bool) -> bool:
    if not value:
        raise PydanticCustomError("true", "can only be set to true")
    return value


Enabled = Annotated[
    bool,
    AfterValidator(_true),
    Field(
        description="`true` enables again what was disabled, as any field of the channel does.",
        json_schema_extra={"const": True},
    ),
]


def _described(description: str, *, is_secret: bool = False, **schema: Any) -> Any:
    """A text of a channel: anything at all, until the channel has judged it."""
    kept = {"writeOnly": True} if is_secret else {}
    return WithJsonSchema({"type": "string", **schema, "description": description, **kept})


_URL: Final = {"format": "uri", "maxLength": MAX_URL_LENGTH}

Email = Annotated[Any, _described("One plain ASCII address.", format="email", maxLength=254)]
SubjectPrefix = Annotated[Any, _described("Stands before every subject.", maxLength=50)]
Url = Annotated[Any, _described("Where the events are posted to.", is_secret=True, **_URL)]
Secret = Annotated[
    Any,
    _described(
        "Signs every request. After `whsec_` stands base64, as Standard Webhooks has it. Empty: unsigned.",
        is_secret=True,
        maxLength=512,
    ),
]
SignatureScheme = Annotated[
    Any,
    _described("`standard`: Standard Webhooks. `sha256`: `Webhook-Signature`.", enum=["standard", "sha256"]),
]
WebhookUrl = Annotated[Any, _described("As the service gives it.", is_secret=True, **_URL)]
Channel = Annotated[Any, _described("Instead of the webhook's own.", maxLength=255)]
BotToken = Annotated[
    Any, _described("As BotFather gives it.", is_secret=True, pattern=r"^[0-9]{1,20}:[A-Za-z0-9_-]{20,100}$")
]
ChatId = Annotated[
    Any,
    _described(
        "A chat's number, or a public channel's `@name`.",
        pattern=r"^(-?[1-9][0-9]{0,18}|@[A-Za-z][A-Za-z0-9_]{3,63})$",
    ),
]
RoutingKey = Annotated[Any, _described("Of Events API v2.", is_secret=True, pattern=r"^[A-Za-z0-9]{32}$")]
Region = Annotated[Any, _described("Of the service; `us` if absent.", enum=["us", "eu"])]
Topic = Annotated[
    Any, _described("Who knows it can read it.", is_secret=True, pattern="^[A-Za-z0-9_-]{1,64}$")
]
ServerUrl = Annotated[Any, _described("Without the topic; `https://ntfy.sh` if absent.", **_URL)]
AccessToken = Annotated[
    Any, _described("Of the server.", is_secret=True, pattern="^[A-Za-z0-9._~+/=-]{1,255}$")
]

_ABSENT = cast(Any, None)
_FIELDS: Final = {
    "name": "name",
    "notify_on_recovery": "notifies_on_recovery",
    "cooldown_minutes": "cooldown_minutes",
    "monitor_id": "monitor_id",
    "flapping_after": "flapping_after",
}


class AlertFields(RequestModel):
    """What all have, whatever the channel."""

    name: Name
    strategy: AlertStrategy
    notify_on_recovery: NotifyOnRecovery = True
    cooldown_minutes: CooldownMinutes = 60
    monitor_id: Covered = None
    flapping_after: FlappingAfter = None


class EmailAlert(AlertFields):
    strategy: Literal["email"]
    email: Email
    subject_prefix: SubjectPrefix = _ABSENT


class WebhookAlert(AlertFields):
    strategy: Literal["webhook"]
    url: Url
    secret: Secret = _ABSENT
    signature_scheme: SignatureScheme = _ABSENT


class SlackAlert(AlertFields):
    strategy: Literal["slack"]
    webhook_url: WebhookUrl
    channel: Channel = _ABSENT


class DiscordAlert(AlertFields):
    strategy: Literal["discord"]
    webhook_url: WebhookUrl


class TelegramAlert(AlertFields):
    strategy: Literal["telegram"]
    bot_token: BotToken
    chat_id: ChatId


class TeamsAlert(AlertFields):
    strategy: Literal["teams"]
    webhook_url: WebhookUrl


class PagerDutyAlert(AlertFields):
    strategy: Literal["pagerduty"]
    routing_key: RoutingKey
    region: Region = _ABSENT


class NtfyAlert(AlertFields):
    strategy: Literal["ntfy"]
    topic: Topic
    server_url: ServerUrl = _ABSENT
    access_token: AccessToken = _ABSENT


AnyAlert = Annotated[
    EmailAlert
    | WebhookAlert
    | SlackAlert
    | DiscordAlert
    | TelegramAlert
    | TeamsAlert
    | PagerDutyAlert
    | NtfyAlert,
    Field(discriminator="strategy"),
]


class AlertCreate(AlertFields):
    """Its `strategy` decides which fields it has.

    Described as one of many, and read as one: of a strategy that is not known a union would say nothing
    about the other fields.
    """

    model_config = ConfigDict(extra="allow")

    @classmethod
    def problems(cls, body: Mapping[str, Any]) -> Sequence[Detail]:
        return misconfigured(body.get("strategy"), body)

    def draft(self) -> Draft:
        common = {field: getattr(self, name) for name, field in _FIELDS.items()}
        config = chosen(self.strategy, self.model_extra or {})
        return Draft(**common, strategy=self.strategy, config=config)

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        example = {
            "name": "On call",
            "strategy": "webhook",
            "url": "https://hooks.example.com/uptime",
            "monitorId": "mon_01a1fb8928a5711391f17038010f5997",
        }
        described = "An alert. Its `strategy` decides which fields it has."
        schema = handler(TypeAdapter[Any](AnyAlert).core_schema)
        return {**schema, "description": described, "examples": [example]}


class AlertUpdate(RequestModel):
    """Every field optional; absent leaves it unchanged. Another `strategy` than the alert's is refused, and
    so are the fields of another."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"cooldownMinutes": 15}]})

    name: Name = _ABSENT
    strategy: AlertStrategy = _ABSENT
    notify_on_recovery: NotifyOnRecovery = _ABSENT
    cooldown_minutes: CooldownMinutes = _ABSENT
    monitor_id: Covered = None
    flapping_after: FlappingAfter = None
    enabled: Enabled = _ABSENT
    email: Email = _ABSENT
    subject_prefix: SubjectPrefix = _ABSENT
    url: Url = _ABSENT
    secret: Secret = _ABSENT
    signature_scheme: SignatureScheme = _ABSENT
    webhook_url: WebhookUrl = _ABSENT
    channel: Channel = _ABSENT
    bot_token: BotToken = _ABSENT
    chat_id: ChatId = _ABSENT
    routing_key: RoutingKey = _ABSENT
    region: Region = _ABSENT
    topic: Topic = _ABSENT
    server_url: ServerUrl = _ABSENT
    access_token: AccessToken = _ABSENT

    @classmethod
    def of(cls, alert: StoredAlert, body: Mapping[str, Any]) -> Self:
        """Every bad field at once, those included that are bad for this alert. Raises InvalidInput."""
        return validate(cls, body, misplaced(alert, body))

    def change(self) -> Mapping[str, Any]:
        given = self.model_dump(exclude_unset=True)
        return {field: given[name] for name, field in _FIELDS.items() if name in given}

    def config(self, strategy: str) -> Mapping[str, Any]:
        return chosen(strategy, self.model_dump(exclude_unset=True, by_alias=True))


class Alert(ResponseModel):
    """Nothing of its channel is shown but the kind."""

    id: Annotated[
        str, Field(pattern=r"^alt_[a-zA-Z0-9]+$", examples=["alt_01a1fc2271b273d6b489ba60da14284e"])
    ]
    name: Name
    strategy: AlertStrategy
    notify_on_recovery: NotifyOnRecovery
    cooldown_minutes: CooldownMinutes
    monitor_id: Annotated[MonitorId | None, Field(description="`null`: every monitor of every kind.")]
    flapping_after: FlappingAfter
    enabled: Annotated[
        bool, Field(description="`false` when notifications could not be delivered, again and again.")
    ]
    disabled_reason: Annotated[str | None, Field(description="What was in the way; `null` while enabled.")]
    created_at: Timestamp
    updated_at: Timestamp


class AlertList(ResponseModel):
    alerts: list[Alert]


class AlertEvent(ResponseModel):
    """A notification with all its attempts, or what was not sent of an outage for one reason."""

    id: Annotated[str, Field(pattern=r"^evt_[a-zA-Z0-9]+$", description="The `eventId` of a webhook.")]
    alert_id: Annotated[str, Field(pattern=r"^alt_[a-zA-Z0-9]+$")]
    monitor_id: Annotated[
        str,
        Field(pattern=r"^mon_[a-zA-Z0-9]+$", description="`mon_` and the digits of `resourceId`."),
    ]
    resource_id: Annotated[
        str | None,
        Field(description="The id of the monitor or job, of whatever kind. `null`: a test about none."),
    ]
    monitor_type: Literal["http", "dns", "tcp", "cron", "ssl", "push"]
    type: Literal["triggered", "recovered"]
    event_type: Literal["down", "degraded", "up"]
    status: Annotated[
        Literal["pending", "delivered", "failed", "skipped"],
        Field(description="`skipped` only when asked for."),
    ]
    sent_at: Timestamp | None
    error_message: Annotated[str | None, Field(description="Of the last attempt, if it failed.")]
    attempts: Count
    next_attempt_at: Timestamp | None
    is_test: bool
    skip_reason: Annotated[
        Literal["maintenance", "cooldown", "late", "flapping", "backlog"] | None,
        Field(description="`null` unless skipped."),
    ]
    skipped_count: Annotated[Count, Field(description="How many from `createdAt` to `until`.")]
    until: Annotated[Timestamp | None, Field(description="`null` while it goes on, and unless skipped.")]
    created_at: Timestamp


class AlertEventList(ResponseModel):
    events: list[AlertEvent]
