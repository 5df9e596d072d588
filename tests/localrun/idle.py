"""A schedule with nothing to do."""

from chalicelib.domain.delivery import encode_delivery
from chalicelib.domain.job import encode_job
from localrun.clock import Clock
from localrun.gate import Gate
from localrun.queue import LocalQueue
from localrun.scheduler import Scheduler


def idle_scheduler(clock: Clock, gate: Gate | None = None) -> Scheduler:
    probes = LocalQueue(lambda body: 1, encode_job)
    deliveries = LocalQueue(lambda body: 1, encode_delivery)
    return Scheduler(clock, probes, deliveries, lambda at: 0, lambda: 0, gate)
