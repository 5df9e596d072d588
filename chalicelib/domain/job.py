"""The messages that hand work to the probe."""

import json
from dataclasses import dataclass

_VERSION = 1


@dataclass(frozen=True, slots=True)
class ProbeJob:
    """Run one slot of one shard; with `first_position`, a new monitor's first run alone."""

    shard: str
    slot: int
    first_position: int | None = None


class UnknownJob(ValueError):
    """A message of another version: it goes back to the queue and is never dropped (deploy skew)."""


def encode_job(job: ProbeJob) -> str:
    raw = {"v": _VERSION, "shard": job.shard, "slot": job.slot}
    if job.first_position is not None:
        raw["first"] = job.first_position
    return json.dumps(raw, separators=(",", ":"))


def decode_job(text: str) -> ProbeJob:
    raw = json.loads(text)
    if raw.get("v") != _VERSION:
        raise UnknownJob(f"message version {raw.get('v')!r}")
    return ProbeJob(raw["shard"], raw["slot"], raw.get("first"))
