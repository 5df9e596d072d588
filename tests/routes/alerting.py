"""What the tests of alerts have in common."""

from typing import Any

from tests.routes.client import Answer, Api

PATH = "/v1/alerts"
EMAIL = {"name": "On call", "strategy": "email", "email": "ops@example.com"}
HOOK = "https://hooks.example.com/T0/B0?k=1"
MINIMAL: dict[str, dict[str, Any]] = {
    "email": {"email": "ops@example.com"},
    "webhook": {"url": HOOK},
    "slack": {"webhookUrl": HOOK},
    "discord": {"webhookUrl": HOOK},
    "telegram": {"botToken": "123456:" + "a" * 35, "chatId": "-1001234"},
    "teams": {"webhookUrl": HOOK},
    "pagerduty": {"routingKey": "R0" * 16},
    "ntfy": {"topic": "uptime_ops"},
}
UNKNOWN = "mon_" + "0" * 32
FIELDS = {
    *("id", "name", "strategy", "notifyOnRecovery", "cooldownMinutes", "monitorId", "createdAt", "updatedAt"),
    *("flappingAfter", "enabled", "disabledReason"),
}
EVENT_FIELDS = {
    *("id", "alertId", "monitorId", "type", "status", "createdAt", "monitorType", "eventType", "sentAt"),
    *("errorMessage", "resourceId", "attempts", "nextAttemptAt", "isTest"),
    *("skipReason", "skippedCount", "until"),
}


def body(strategy: str = "email", **fields: Any) -> dict[str, Any]:
    return {"name": "On call", "strategy": strategy, **MINIMAL[strategy], **fields}


def make(api: Api, strategy: str = "email", **fields: Any) -> dict[str, Any]:
    answer = api.post(PATH, body(strategy, **fields))
    assert answer.status == 201, answer.raw
    made: dict[str, Any] = answer.json
    return made


def path_of(alert: Any) -> str:
    return f"{PATH}/{alert['id']}"


def listed(api: Api) -> list[Any]:
    answer = api.get(PATH)
    assert answer.status == 200
    assert set(answer.json) == {"alerts"}
    found: list[Any] = answer.json["alerts"]
    return found


def refused(answer: Answer) -> tuple[int, str]:
    return answer.status, answer.code


def events(api: Api, path: str, query: Any = None) -> list[Any]:
    answer = api.get(path, query)
    assert answer.status == 200, answer.raw
    assert set(answer.json) == {"events"}
    found: list[Any] = answer.json["events"]
    assert all(set(event) == EVENT_FIELDS for event in found)
    return found
