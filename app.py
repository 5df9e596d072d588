"""Uptime: the Lambda functions of the deployment, as Chalice sees them."""

from chalice.app import Chalice

from chalicelib.jobs import authorize, probe, tick
from chalicelib.routes import api_keys, badges, monitors, reference, status
from chalicelib.routes.http import reshape

app = Chalice(app_name="uptime")
app.debug = False
app.register_middleware(reshape, "http")

for blueprint in (
    authorize.bp,
    tick.bp,
    probe.bp,
    monitors.bp,
    status.bp,
    api_keys.bp,
    badges.bp,
    reference.bp,
):
    app.register_blueprint(blueprint)
