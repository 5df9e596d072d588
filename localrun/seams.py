"""Settings that exist only in a local run. Refused inside Lambda."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path

from chalicelib.net.policy import parse_allowances
from chalicelib.settings import BadSetting

DEFAULT_DATA = Path(__file__).resolve().parent.parent / ".local"
DEFAULT_EGRESS = "127.0.0.0/8,::1/128"


@dataclass(frozen=True, slots=True)
class Seams:
    """`source_ip_header` names the header whose value is taken as the caller's address; `data` is the
    folder that survives a restart."""

    port: int
    egress_allow: str
    is_egress_default: bool
    dns_server: tuple[str, int] | None
    source_ip_header: str | None
    dynamodb_endpoint: str | None
    data: Path


def read_seams(env: Mapping[str, str]) -> Seams:
    """Raises BadSetting, which names the variable."""
    if env.get("AWS_LAMBDA_FUNCTION_NAME"):
        raise BadSetting("the local runner does not run inside Lambda")
    egress = env.get("UPTIME_EGRESS_ALLOW")
    try:
        parse_allowances(egress or "")
    except ValueError as bad:
        raise BadSetting(f"UPTIME_EGRESS_ALLOW: {bad}") from None
    return Seams(
        port=_port("PORT", env.get("PORT") or "8000"),
        egress_allow=DEFAULT_EGRESS if egress is None else egress,
        is_egress_default=egress is None,
        dns_server=_server(env.get("UPTIME_DNS_SERVER")),
        source_ip_header=_matching(env, "UPTIME_SOURCE_IP_HEADER", r"[A-Za-z0-9-]+", "a header's name"),
        dynamodb_endpoint=_matching(
            env, "UPTIME_DYNAMODB_ENDPOINT", r"https?://[^/\s]+/?", "http://host:port"
        ),
        data=Path(env.get("UPTIME_LOCAL_DATA") or DEFAULT_DATA),
    )


def _matching(env: Mapping[str, str], name: str, pattern: str, form: str) -> str | None:
    text = env.get(name) or None
    if text is not None and not re.fullmatch(pattern, text):
        raise BadSetting(f"{name}: {text!r} is not {form}")
    return text


def _server(text: str | None) -> tuple[str, int] | None:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        ip_address(host)
    except ValueError:
        raise BadSetting(f"UPTIME_DNS_SERVER: {text!r} is not ip:port") from None
    return host, _port("UPTIME_DNS_SERVER", port)


def _port(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise BadSetting(f"{name}: {text!r} is not a port")
    return int(text)
