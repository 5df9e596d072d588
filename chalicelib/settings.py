"""Every setting of a deployment. The only reader of environment variables in the package."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote

_HINT_OF_AWS_REGION = {
    "us-west-2": "wnam",
    "us-east-1": "enam",
    "sa-east-1": "sam",
    "eu-west-1": "weur",
    "eu-central-1": "eeur",
    "ap-southeast-1": "apac",
    "ap-southeast-2": "oc",
    "af-south-1": "afr",
    "me-central-1": "me",
}
_HINT_OF_AWS_AREA = {
    "us-west": "wnam",
    "us-gov": "wnam",
    "us": "enam",
    "ca": "enam",
    "mx": "enam",
    "sa": "sam",
    "eu-central": "eeur",
    "eu": "weur",
    "ap": "apac",
    "af": "afr",
    "me": "me",
    "il": "me",
}
DEFAULT_REFERENCE_HOSTS = "one.one.one.one:443,dns.google:443,dns.quad9.net:443"
"""Three operators. Names, as targets have: a name server of ours that fails is a fault of ours too."""
_HOST_AND_PORT = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([A-Za-z0-9._-]+)):([0-9]{1,5})")
_URL = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+(/[!-\"$->@-~]*)?")
_LINK = re.compile(r"https?://[A-Za-z0-9.:\[\]-]+/[!-\[\]-z|~]*\{id\}[!-\[\]-z|~]*")
_SMTP_URL = re.compile(
    r"(?P<scheme>smtps?)://(?:(?P<user>[^:@/\s]+):(?P<password>[^@/\s]+)@)?"
    r"(?P<host>\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::(?P<port>[0-9]{1,5}))?/?"
)
_MAIL_ADDRESS = r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9.-]+"
_MAIL_FROM = re.compile(rf"{_MAIL_ADDRESS}|[A-Za-z0-9 .'-]+ <{_MAIL_ADDRESS}>")
PING_PREFIX = "UPTIME_PING_PREFIX"
DEFAULT_PING_PREFIX = "/hb"
_PREFIX = re.compile(r"(/[a-z0-9-]+)+")
_TAKEN = ("v1", "api", "docs", "status", "app")
"""First parts of paths that are other routes'."""
LOCATION_HINTS = ("wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me")


class BadSetting(ValueError):
    """A setting that cannot be used; the text names it."""


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """`is_tls`: from the first byte on. Without a user nobody signs in."""

    host: str
    port: int
    is_tls: bool
    user: str = ""
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """Typed settings. The egress, resolver and endpoint fields are filled by the local runner only."""

    teams_table: str = "uptime-teams"
    checks_table: str = "uptime-checks"
    alerts_table: str = "uptime-alerts"
    probe_queue_url: str = ""
    delivery_queue_url: str = ""
    adhoc_function: str = ""
    aws_region: str = "us-east-1"
    region: str = "enam"
    requests_per_minute: int = 100
    address_requests_per_minute: int = 100
    pings_per_minute: int = 60
    heartbeats_per_minute: int = 1000
    ping_prefix: str = DEFAULT_PING_PREFIX
    monitors_per_team: int = 100
    dns_monitors_per_team: int = 20
    tcp_monitors_per_team: int = 100
    cron_jobs_per_team: int = 100
    push_monitors_per_team: int = 100
    job_pings_per_minute: int = 60
    alert_tests_per_minute: int = 10
    ping_url: str = ""
    push_url: str = ""
    starts_per_second: float | None = 100.0
    ca_file: str | None = None
    smtp: SmtpServer | None = None
    mail_from: str = ""
    alert_link: str = ""
    reference_hosts: tuple[tuple[str, int], ...] = ()
    function_name: str = ""
    dynamodb_endpoint: str | None = None
    egress_allow: str = ""
    dns_server: tuple[str, int] | None = None


def from_environment(env: Mapping[str, str]) -> Settings:
    """Read and check the variables of a deployed function; BadSetting names a wrong one."""
    aws_region = env.get("AWS_REGION") or env.get("AWS_DEFAULT_REGION") or "us-east-1"
    region = env.get("UPTIME_REGION") or location_hint(aws_region)
    if region not in LOCATION_HINTS:
        raise BadSetting(f"UPTIME_REGION: {region!r} is none of {', '.join(LOCATION_HINTS)}")
    return Settings(
        teams_table=env.get("UPTIME_TEAMS_TABLE", "uptime-teams"),
        checks_table=env.get("UPTIME_CHECKS_TABLE", "uptime-checks"),
        alerts_table=env.get("UPTIME_ALERTS_TABLE", "uptime-alerts"),
        probe_queue_url=env.get("UPTIME_PROBE_QUEUE_URL", ""),
        delivery_queue_url=env.get("UPTIME_DELIVERY_QUEUE_URL", ""),
        adhoc_function=env.get("UPTIME_ADHOC_FUNCTION", ""),
        aws_region=aws_region,
        region=region,
        requests_per_minute=_positive(env, "UPTIME_REQUESTS_PER_MINUTE", 100),
        address_requests_per_minute=_positive(env, "UPTIME_ADDRESS_REQUESTS_PER_MINUTE", 100),
        pings_per_minute=_positive(env, "UPTIME_PINGS_PER_MINUTE", 60),
        heartbeats_per_minute=_positive(env, "UPTIME_HEARTBEATS_PER_MINUTE", 1000),
        ping_prefix=ping_prefix(env),
        monitors_per_team=_positive(env, "UPTIME_MONITORS_PER_TEAM", 100),
        dns_monitors_per_team=_positive(env, "UPTIME_DNS_MONITORS_PER_TEAM", 20),
        tcp_monitors_per_team=_positive(env, "UPTIME_TCP_MONITORS_PER_TEAM", 100),
        cron_jobs_per_team=_positive(env, "UPTIME_CRON_JOBS_PER_TEAM", 100),
        push_monitors_per_team=_positive(env, "UPTIME_PUSH_MONITORS_PER_TEAM", 100),
        job_pings_per_minute=_positive(env, "UPTIME_JOB_PINGS_PER_MINUTE", 60),
        alert_tests_per_minute=_positive(env, "UPTIME_ALERT_TESTS_PER_MINUTE", 10),
        ping_url=_url(env, "UPTIME_PING_URL"),
        push_url=_url(env, "UPTIME_PUSH_URL"),
        starts_per_second=_starts_per_second(env),
        ca_file=env.get("UPTIME_CA_FILE") or None,
        smtp=_smtp(env),
        mail_from=_mail_from(env),
        alert_link=_alert_link(env),
        reference_hosts=_hosts(env, "UPTIME_REFERENCE_HOSTS", DEFAULT_REFERENCE_HOSTS),
        function_name=env.get("AWS_LAMBDA_FUNCTION_NAME", ""),
    )


def location_hint(aws_region: str) -> str:
    """The nearest of the nine hints (contract R68): by the region, else by its area."""
    if aws_region in _HINT_OF_AWS_REGION:
        return _HINT_OF_AWS_REGION[aws_region]
    parts = aws_region.split("-")
    return _HINT_OF_AWS_AREA.get("-".join(parts[:2])) or _HINT_OF_AWS_AREA.get(parts[0], "enam")


def ping_prefix(env: Mapping[str, str]) -> str:
    """Where ping URLs begin. Read when routes are declared, at packaging too, where it must be the same."""
    text = env.get(PING_PREFIX, DEFAULT_PING_PREFIX)
    if not _PREFIX.fullmatch(text) or text.split("/")[1] in _TAKEN:
        raise BadSetting(
            f"{PING_PREFIX}: {text!r} is not a free path of a-z, 0-9 and - such as {DEFAULT_PING_PREFIX}"
        )
    return text


def _starts_per_second(env: Mapping[str, str]) -> float:
    """Half the function's CPU share divided by the cost of a check: 700 a second on a whole vCPU."""
    if "UPTIME_STARTS_PER_SECOND" in env:
        return float(_positive(env, "UPTIME_STARTS_PER_SECOND", 0))
    memory_mb = _positive(env, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", 256)
    return 700.0 * min(1.0, memory_mb / 1769)


def _positive(env: Mapping[str, str], name: str, default: int) -> int:
    text = env.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or int(text) == 0:
        raise BadSetting(f"{name}: {text!r} is not a positive whole number")
    return int(text)


def _url(env: Mapping[str, str], name: str) -> str:
    """Without a slash at its end; empty when there is none."""
    text = env.get(name, "").rstrip("/")
    if text and not _URL.fullmatch(text):
        raise BadSetting(f"{name}: {text!r} is not an http(s) URL without query and fragment")
    return text


def _smtp(env: Mapping[str, str]) -> SmtpServer | None:
    """`smtp[s]://[user:password@]host[:port]`, escaped as in any URL; None to send by SES."""
    text = env.get("UPTIME_SMTP_URL", "")
    if not text:
        return None
    match = _SMTP_URL.fullmatch(text)
    user, password = (unquote(match[part] or "") if match else "" for part in ("user", "password"))
    port = int(match["port"]) if match and match["port"] else None
    is_plain = user.isascii() and password.isascii() and (user + password).isprintable()
    if match is None or not is_plain or (port is not None and not 1 <= port <= 65535):
        # Without the text, which may have a password in it.
        raise BadSetting(
            "UPTIME_SMTP_URL: not smtp://user:password@host:port or smtps://user:password@host:port"
        )
    is_tls = match["scheme"] == "smtps"
    return SmtpServer(match["host"].strip("[]"), port or (465 if is_tls else 587), is_tls, user, password)


def _mail_from(env: Mapping[str, str]) -> str:
    """An address, or a name with one: `Uptime <alerts@example.com>`."""
    text = env.get("UPTIME_MAIL_FROM", "").strip()
    if text and not _MAIL_FROM.fullmatch(text):
        raise BadSetting(f"UPTIME_MAIL_FROM: {text!r} is neither an address nor a name with <address>")
    if not text and env.get("UPTIME_SMTP_URL"):
        raise BadSetting("UPTIME_MAIL_FROM: is needed with UPTIME_SMTP_URL")
    return text


def _alert_link(env: Mapping[str, str]) -> str:
    """With `{id}`, once, where a monitor's id goes; empty when there is nowhere to lead to."""
    text = env.get("UPTIME_ALERT_LINK", "").strip()
    if text and not _LINK.fullmatch(text):
        raise BadSetting(f"UPTIME_ALERT_LINK: {text!r} is not an http(s) URL with {{id}} in it")
    return text


def _hosts(env: Mapping[str, str], name: str, default: str) -> tuple[tuple[str, int], ...]:
    """A comma list of host:port, an IPv6 address in brackets; empty for none."""
    found = []
    for part in filter(None, (part.strip() for part in env.get(name, default).split(","))):
        match = _HOST_AND_PORT.fullmatch(part)
        if match is None or not 1 <= int(match[3]) <= 65535:
            raise BadSetting(f"{name}: {part!r} is not host:port")
        found.append((match[1] or match[2], int(match[3])))
    return tuple(found)
