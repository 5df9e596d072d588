"""TCP monitors (contract, section 3.5)."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.errors import LimitExceeded
from chalicelib.routes.http import Call, route
from chalicelib.routes.monitor_resource import MonitorResource
from chalicelib.routes.presenting.tcp_monitor import present_monitor, present_result
from chalicelib.routes.query import page_of

bp = Blueprint(__name__)

_TCP = MonitorResource("tcp", "tcpm", present_monitor, present_result)


@route(bp, ["GET"], "/v1/tcp-monitors", "tcp-monitors:read", answer="tcp_monitor:TcpMonitorList")
def list_tcp_monitors(call: Call) -> Any:
    """List all TCP monitors, newest first."""
    return _TCP.list(call)


@route(
    bp,
    ["POST"],
    "/v1/tcp-monitors",
    "tcp-monitors:write",
    status=201,
    body="tcp_monitor:TcpMonitorCreate",
    answer="tcp_monitor:TcpMonitorItem",
    errors=[LimitExceeded],
)
def create_tcp_monitor(call: Call) -> Any:
    """Create a TCP monitor. Its first check runs at once. Unknown keys are refused."""
    return _TCP.create(call)


@route(
    bp,
    ["GET"],
    "/v1/tcp-monitors/{id}",
    "tcp-monitors:read",
    answer="tcp_monitor:TcpMonitorItem",
    ids=_TCP.ids,
)
def get_tcp_monitor(call: Call, id: str) -> Any:
    """Get one TCP monitor with its last result."""
    return _TCP.get(call, id)


@route(
    bp,
    ["PUT"],
    "/v1/tcp-monitors/{id}",
    "tcp-monitors:write",
    body="tcp_monitor:TcpMonitorUpdate",
    answer="tcp_monitor:TcpMonitorItem",
    ids=_TCP.ids,
)
def update_tcp_monitor(call: Call, id: str) -> Any:
    """Change a TCP monitor: what the body leaves out stays as it is. Unknown keys are refused."""
    return _TCP.update(call, id)


@route(bp, ["DELETE"], "/v1/tcp-monitors/{id}", "tcp-monitors:write", status=204, ids=_TCP.ids)
def delete_tcp_monitor(call: Call, id: str) -> None:
    """Delete a TCP monitor with its results."""
    _TCP.delete(call, id)


@route(
    bp,
    ["GET"],
    "/v1/tcp-monitors/{id}/results",
    "tcp-monitors:read",
    query=page_of(default=50, most=200),
    answer="tcp_monitor:TcpResultPage",
    ids=_TCP.ids,
)
def list_tcp_results(call: Call, id: str) -> Any:
    """List a TCP monitor's results, newest first. They are kept for 90 days."""
    return _TCP.page(call, id)
