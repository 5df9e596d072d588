"""A monitor's extras: what only its check needs and no list shows (request headers, body, content checks)."""

import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from chalicelib.domain.monitor import Monitor, Spec

MAX_CONTENT_CHECKS = 10

_EPOCH = datetime.fromtimestamp(0, UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class ContentCheck:
    """What a response's body must satisfy. Instants are whole milliseconds."""

    id: str
    type: str
    value: str
    case_sensitive: bool
    is_enabled: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Extras:
    """All extras of one monitor. Header values and body are secrets: they stand in no repr."""

    headers: tuple[tuple[str, str], ...] = ()
    body: str | None = None
    content_checks: tuple[ContentCheck, ...] = ()

    def __repr__(self) -> str:
        parts = (f"headers={self.header_names!r}", f"has_body={self.body is not None}")
        return f"Extras({', '.join(parts)}, content_checks={self.content_checks!r})"

    @property
    def header_names(self) -> tuple[str, ...]:
        return tuple(name for name, _ in self.headers)

    def as_spec(self) -> Spec:
        """What a check is given, in the contract's own field names; absent parts are left out."""
        spec: dict[str, Any] = {}
        if self.headers:
            spec["headers"] = dict(self.headers)
        if self.body is not None:
            spec["body"] = self.body
        if self.content_checks:
            spec["contentChecks"] = [
                {
                    "type": check.type,
                    "value": check.value,
                    "caseSensitive": check.case_sensitive,
                    "isEnabled": check.is_enabled,
                }
                for check in self.content_checks
            ]
        return spec


NO_EXTRAS = Extras()


def with_extras(monitor: Monitor, extras: Extras) -> Monitor:
    """The monitor as the write of `monitor.rev` leaves it when that changes its extras to these."""
    return replace(
        monitor,
        header_names=extras.header_names,
        has_body=extras.body is not None,
        extras_rev=0 if extras == NO_EXTRAS else monitor.rev,
    )


def encode_extras(extras: Extras) -> bytes:
    raw = {
        "h": extras.headers,
        "b": extras.body,
        "c": [
            [
                check.id,
                check.type,
                check.value,
                check.case_sensitive,
                check.is_enabled,
                _milliseconds(check.created_at),
                _milliseconds(check.updated_at),
            ]
            for check in extras.content_checks
        ],
    }
    return _packed(raw)


def decode_extras(data: bytes) -> Extras:
    raw = _unpacked(data)
    return Extras(
        headers=tuple((name, value) for name, value in raw["h"]),
        body=raw["b"],
        content_checks=tuple(
            ContentCheck(
                id, type, value, case_sensitive, is_enabled, _instant(created_at), _instant(updated_at)
            )
            for id, type, value, case_sensitive, is_enabled, created_at, updated_at in raw["c"]
        ),
    )


def encode_spec(spec: Spec) -> bytes:
    return _packed(spec)


def decode_spec(data: bytes) -> Spec:
    spec: Spec = _unpacked(data)
    return spec


def _packed(value: Mapping[str, Any]) -> bytes:
    return zlib.compress(json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode(), 6)


def _unpacked(data: bytes) -> Any:
    return json.loads(zlib.decompress(data))


def _milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // _MILLISECOND


def _instant(milliseconds: int) -> datetime:
    return _EPOCH + milliseconds * _MILLISECOND
