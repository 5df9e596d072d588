"""The messages that hand work to the delivery."""

import json
from dataclasses import dataclass

from chalicelib.domain.job import UnknownJob

_VERSION = 1


@dataclass(frozen=True, slots=True)
class DeliveryJob:
    """Look what the outbox of a shard has to tell. Only a hint: what is due is in the table."""

    shard: str


def encode_delivery(job: DeliveryJob) -> str:
    return json.dumps({"v": _VERSION, "shard": job.shard}, separators=(",", ":"))


def decode_delivery(text: str) -> DeliveryJob:
    """Raises UnknownJob."""
    raw = json.loads(text)
    if raw.get("v") != _VERSION:
        raise UnknownJob(f"message version {raw.get('v')!r}")
    return DeliveryJob(raw["shard"])
