"""Ad-hoc pings, in a function of their own: it talks to whatever host a caller names, and has no rights."""

from typing import Any

from chalice.app import Blueprint

from chalicelib.domain.outcome_json import outcome_to_json
from chalicelib.services.deps import Deps
from chalicelib.services.pinging import ping
from chalicelib.wiring import deps

bp = Blueprint(__name__)


@bp.lambda_function(name="adhoc")
def adhoc(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return run(deps(), event)


def run(deps: Deps, request: dict[str, Any]) -> dict[str, Any]:
    """The outcome as JSON, or null when the check failed inside our own code."""
    outcome = ping(deps, request["kind"], request["spec"], request["extras"])
    return {"outcome": outcome and outcome_to_json(outcome)}
