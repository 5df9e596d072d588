"""Uptime: the Lambda functions of the deployment, as Chalice sees them."""

from chalice.app import Chalice

from chalicelib.jobs import adhoc, authorize, probe, tick
from chalicelib.routes import (
    api_keys,
    badges,
    content_checks,
    dns_monitors,
    monitors,
    ping,
    reference,
    status,
    tcp_monitors,
)
from chalicelib.routes.http import reshape

app = Chalice(app_name="uptime")
app.debug = False
app.register_middleware(reshape, "http")

for blueprint in (
    authorize.bp,
    tick.bp,
    probe.bp,
    adhoc.bp,
    monitors.bp,
    content_checks.bp,
    dns_monitors.bp,
    tcp_monitors.bp,
    ping.bp,
    status.bp,
    api_keys.bp,
    badges.bp,
    reference.bp,
):
    app.register_blueprint(blueprint)
