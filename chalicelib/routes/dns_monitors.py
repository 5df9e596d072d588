"""DNS monitors (contract, section 3.4)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import LimitExceeded
from chalicelib.routes.http import Call, route
from chalicelib.routes.monitor_resource import MonitorResource
from chalicelib.routes.presenting.dns_monitor import present_monitor, present_result
from chalicelib.routes.query import limit_of

bp = Blueprint(__name__)

_DNS = MonitorResource("dns", "dns", present_monitor, present_result)


@route(bp, ["GET"], "/v1/dns-monitors", "dns-monitors:read", answer="dns_monitor:DnsMonitorList")
def list_dns_monitors(call: Call) -> Any:
    """List all DNS monitors, newest first."""
    return _DNS.list(call)


@route(
    bp,
    ["POST"],
    "/v1/dns-monitors",
    "dns-monitors:write",
    status=201,
    body="dns_monitor:DnsMonitorCreate",
    answer="dns_monitor:DnsMonitorItem",
    errors=[LimitExceeded],
)
def create_dns_monitor(call: Call) -> Any:
    """Create a DNS monitor. Its first check runs at once."""
    return _DNS.create(call)


@route(
    bp,
    ["GET"],
    "/v1/dns-monitors/{id}",
    "dns-monitors:read",
    answer="dns_monitor:DnsMonitorItem",
    ids=_DNS.ids,
)
def get_dns_monitor(call: Call, id: str) -> Any:
    """Get one DNS monitor with its last answer."""
    return _DNS.get(call, id)


@route(
    bp,
    ["PUT"],
    "/v1/dns-monitors/{id}",
    "dns-monitors:write",
    body="dns_monitor:DnsMonitorUpdate",
    answer="dns_monitor:DnsMonitorItem",
    ids=_DNS.ids,
)
def update_dns_monitor(call: Call, id: str) -> Any:
    """Change a DNS monitor: what the body leaves out stays as it is."""
    return _DNS.update(call, id)


@route(bp, ["DELETE"], "/v1/dns-monitors/{id}", "dns-monitors:write", status=204, ids=_DNS.ids)
def delete_dns_monitor(call: Call, id: str) -> None:
    """Delete a DNS monitor with its results."""
    _DNS.delete(call, id)


@route(
    bp,
    ["GET"],
    "/v1/dns-monitors/{id}/results",
    "dns-monitors:read",
    query=limit_of(default=50, most=200),
    answer="dns_monitor:DnsResultList",
    ids=_DNS.ids,
)
def list_dns_results(call: Call, id: str) -> Any:
    """List a DNS monitor's newest results. They are kept for 90 days."""
    return _DNS.newest(call, id)
