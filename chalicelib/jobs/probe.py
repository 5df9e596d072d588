"""One message, one run of a shard's slot."""

from chalice.app import Blueprint, SQSEvent

from chalicelib.domain.job import decode_job
from chalicelib.services import probing
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)

QUEUE_NAME = "uptime-probe"
"""A placeholder: the template points the event at the stack's own queue."""


@bp.on_sqs_message(queue=QUEUE_NAME, batch_size=1, name="probe")
def probe(event: SQSEvent) -> None:
    for record in event:
        run(deps(), record.body)


def run(deps: Deps, message: str) -> int:
    """The number of checks made. Raises UnknownJob on a message of another version, which goes back."""
    return probing.run(deps, decode_job(message))
