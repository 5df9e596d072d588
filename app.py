"""Uptime: the Lambda functions of the deployment, as Chalice sees them."""

from chalice.app import Chalice

from chalicelib.jobs import adhoc, authorize, deadlines, deliver, probe, sweep, tick
from chalicelib.routes import (
    alerts,
    api_keys,
    badges,
    content_checks,
    cron_jobs,
    dns_monitors,
    heartbeats,
    maintenance,
    monitors,
    ping,
    ping_keys,
    push,
    push_monitors,
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
    deadlines.bp,
    probe.bp,
    deliver.bp,
    sweep.bp,
    adhoc.bp,
    monitors.bp,
    content_checks.bp,
    dns_monitors.bp,
    tcp_monitors.bp,
    cron_jobs.bp,
    ping_keys.bp,
    push_monitors.bp,
    ping.bp,
    alerts.bp,
    maintenance.bp,
    status.bp,
    api_keys.bp,
    badges.bp,
    heartbeats.bp,
    push.bp,
    reference.bp,
):
    app.register_blueprint(blueprint)
