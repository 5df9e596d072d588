"""One message, one look at what the outbox of a shard has to tell."""

import logging
from collections.abc import Mapping
from typing import Any

from chalice.app import Blueprint, SQSEvent

from chalicelib.domain.delivery import decode_delivery
from chalicelib.services.deps import Deps
from chalicelib.wiring import deps

bp = Blueprint(__name__)

QUEUE_NAME = "uptime-delivery"
"""A placeholder: the template points the event at the stack's own queue."""
log = logging.getLogger(__name__)


@bp.on_sqs_message(queue=QUEUE_NAME, batch_size=1, name="deliver")
def deliver(event: SQSEvent) -> dict[str, Any]:
    """The partial batch response: which messages are to come back. One at a time, since a slow channel of one
    shard is to hold up no other."""
    failed = run_all(deps(), {record.to_dict()["messageId"]: record.body for record in event})
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


def run_all(deps: Deps, messages: Mapping[str, str]) -> list[str]:
    """Each by itself; the ids of those that failed."""
    failed = []
    for message_id, message in messages.items():
        try:
            run(deps, message)
        except Exception:
            log.exception("message %s comes back: %s", message_id, message)
            failed.append(message_id)
    return failed


def run(deps: Deps, message: str) -> int:
    """The number of attempts made. Raises UnknownJob on a message of another version, which goes back."""
    from chalicelib.services.delivering.run import deliver  # half of what the API would load in vain

    return deliver(deps, decode_delivery(message).shard)
