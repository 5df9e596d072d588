"""A ping whose write meets something: it is counted once, and what came along is kept."""

from chalicelib.domain.beat import MOST_RECENT
from chalicelib.domain.cron_job import CronHeartbeat
from chalicelib.domain.lateness import Kind
from chalicelib.errors import Contended
from chalicelib.services.pinging_jobs import Ping, ping_job
from tests.contract.jobs import CALLER, created, job, where
from tests.fakes import AFTER, BEFORE, FakeDeps

PING = Ping(Kind.SUCCESS, CALLER, body=b"done")


def with_job() -> FakeDeps:
    deps = FakeDeps()
    deps.cron_jobs.write(created(job()), limit=10)
    return deps


def once(deps: FakeDeps, verb: str, phase: str) -> None:
    """The next such call collides, or its answer is lost."""

    def on_call(called: str, at: str) -> None:
        if (called, at) == (verb, phase):
            deps.store.on_call = lambda verb, phase: None
            raise Contended(verb)

    deps.store.on_call = on_call


def ping(deps: FakeDeps) -> CronHeartbeat:
    found = ping_job(deps, where(1), PING)
    assert found is not None
    return found[0]


def test_a_ping_whose_answer_was_lost_is_counted_once_and_kept_whole() -> None:
    for phase in (BEFORE, AFTER):
        deps = with_job()
        once(deps, "heartbeats.save", phase)
        assert ping(deps).count == 1
        assert deps.beats.callers(job().id, [1], deps.now()) == {1: CALLER}
        assert deps.beats.body(job().id, 1, deps.now()) is not None


def test_a_block_that_is_throttled_is_tried_again_with_its_ping() -> None:
    for phase in (BEFORE, AFTER):
        deps = with_job()
        for _ in range(MOST_RECENT):
            ping(deps)
        once(deps, "beats.put_block", phase)
        after = ping(deps)
        assert (after.count, len(after.recent)) == (MOST_RECENT + 1, 1)
        ((first, beats),) = deps.beats.blocks(job().id, after.count, deps.now())
        assert (first, len(beats)) == (1, MOST_RECENT)
