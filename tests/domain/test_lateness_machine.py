"""Cron jobs under any mixture of events, beside a model that is written from the contract's words alone."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.lateness import Kind, Pulse, Rules, Signal, begin, hear, judge, reschedule, stop
from chalicelib.domain.recurrence import Schedule

MINUTE = 60_000
EPOCH = datetime(2026, 3, 2, tzinfo=UTC)
RUN_IDS = st.sampled_from(["", "a", "b"])


class Literal:
    """Contract 4.7 as it is written: times are milliseconds, and the job is evaluated every minute.

    A run is due whenever the time is a multiple of `period`. Continuous time may differ from this within the
    minute in which a deadline passes, and, where that is amid a minute and the grace is as long as the
    period, in the occurrence that N has moved to. So all deadlines here are at whole minutes, and evaluated
    are each minute, the millisecond after it and every instant of an event or a look: there the two agree.
    """

    def __init__(self, minutes: tuple[int, int, int | None], failures: int, least: int | None) -> None:
        self.set(minutes, failures, least)
        self.status, self.alarm, self.strikes, self.now = "new", "up", 0, 0
        self.last: int | None = None
        self.success: int | None = None
        self.run: tuple[int, str] | None = None
        self.is_enabled = True
        self.n: int | None = self.following(0)

    def set(self, minutes: tuple[int, int, int | None], failures: int, least: int | None) -> None:
        self.period, self.grace = minutes[0] * MINUTE, minutes[1] * MINUTE
        self.run_grace = None if minutes[2] is None else minutes[2] * MINUTE
        self.failures, self.least = failures, least

    def following(self, at: int) -> int:
        return (at // self.period + 1) * self.period

    def ends(self) -> int | None:
        return self.run[0] + (self.grace if self.run_grace is None else self.run_grace) if self.run else None

    def is_overrun(self, now: int) -> bool:
        ends = self.ends()
        return ends is not None and now > ends

    def is_overdue(self, now: int) -> bool:
        """now > N+g, unless a run counts as having come and still has time."""
        if self.n is None or now <= self.n + self.grace:
            return False
        has_come = self.run is not None and self.run_grace is not None and self.run[0] <= self.n + self.grace
        return not has_come

    def advance(self, now: int) -> bool:
        """now ≥ F and now > N+g: N moves to the latest occurrence."""
        if self.n is None or now < self.following(self.n) or now <= self.n + self.grace:
            return False
        if not self.is_overdue(now) and not self.is_overrun(now):
            return False
        self.n = now // self.period * self.period
        return True

    def evaluate(self, now: int) -> None:
        if not self.is_enabled:
            return
        is_late = self.is_overrun(now) or (self.status != "new" and self.is_overdue(now))
        if is_late and self.status in ("new", "healthy"):
            self.status, self.alarm = "late", "degraded"
        if self.status != "new" and self.advance(now):
            self.status, self.strikes = "missed", self.strikes + 1
            self.alarm = "down" if self.strikes >= self.failures else self.alarm

    def each_minute(self, since: int, now: int, what: Callable[[int], object]) -> None:
        for minute in range(since // MINUTE * MINUTE, now + 1, MINUTE):
            for at in (minute, minute + 1):
                if since <= at < now:
                    what(at)
        what(now)

    def pass_to(self, now: int) -> None:
        self.each_minute(self.now, now, self.evaluate)
        self.now = now

    def ping(self, kind: Kind, run_id: str) -> None:
        if kind is Kind.LOG or not self.is_enabled:
            return
        now = self.now
        if self.n is not None and self.status == "new":  # not evaluated until now
            self.each_minute(self.n, max(now, self.n), self.advance)
        is_on_time = not self.is_overrun(now) and not self.is_overdue(now)
        if kind is Kind.START:
            if is_on_time and self.run and self.n is not None and now > self.n + self.grace:
                self.n = self.following(now)  # what has come is begun again
            self.run = (now, run_id)
            return
        is_open = self.run and self.run[1] != run_id and run_id and kind is Kind.SUCCESS
        self.run = self.run if is_open else None
        self.last, self.n, success = now, self.following(now), self.success
        if kind is Kind.FAIL:
            self.status, self.strikes = "missed", self.strikes + 1
            self.alarm = "down" if self.strikes >= self.failures else self.alarm
            return
        self.strikes, self.success = 0, now
        if self.least is not None and success is not None and now - success < 1000 * self.least:
            self.status, self.alarm = "missed", "down"
        else:
            self.status, self.alarm = ("healthy", "up") if is_on_time else ("late", "degraded")

    def switch(self, is_enabled: bool) -> None:
        self.is_enabled, self.run, self.n = is_enabled, None, None
        if is_enabled:
            self.n, self.success, self.strikes, self.alarm = self.following(self.now), None, 0, "up"
            self.status = "new" if self.last is None else "healthy"


def instant(milliseconds: int | None) -> datetime | None:
    return None if milliseconds is None else EPOCH + timedelta(milliseconds=milliseconds)


def rules_of(minutes: tuple[int, int, int | None], failures: int, least: int | None) -> Rules:
    period, grace, run_grace = minutes
    expression = f"*/{period} * * * *" if period < 60 else f"0 */{period // 60} * * *"
    own = None if run_grace is None else run_grace * 60
    return Rules(Schedule("cron", expression), grace * 60, own, failures, least)


MINUTES = st.tuples(
    st.sampled_from([1, 5, 15, 60, 180]), st.sampled_from([1, 2, 7, 60]), st.sampled_from([None, 1, 20, 200])
)
FAILURES, LEAST = st.integers(1, 3), st.sampled_from([None, 30, 3600])


class Jobs(RuleBasedStateMachine):
    """`pulse` is what is stored: what time has made of it is stored too, or not."""

    @initialize(minutes=MINUTES, failures=FAILURES, least=LEAST)
    def create(self, minutes: tuple[int, int, int | None], failures: int, least: int | None) -> None:
        self.model = Literal(minutes, failures, least)
        self.judged_by = rules_of(minutes, failures, least)
        self.pulse = begin(self.judged_by, Pulse(), EPOCH)

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(milliseconds=self.model.now)

    @rule(step=st.sampled_from([1, 999, 30_000, MINUTE, 5 * MINUTE, 61 * MINUTE, 400 * MINUTE + 1]))
    def wait(self, step: int) -> None:
        self.model.pass_to(self.model.now + step)

    @rule(which=st.integers(0, 2), offset=st.sampled_from([-1, 0, 1]))
    def wait_for_a_deadline(self, which: int, offset: int) -> None:
        model = self.model
        n = model.n if model.n is not None else model.now
        found = (n + model.grace, model.following(n), model.ends() or 0)[which]
        model.pass_to(max(model.now, found + offset))

    @rule()
    def minutes_run(self) -> None:
        self.pulse = judge(self.judged_by, self.pulse, self.now)

    @rule(kind=st.sampled_from([Kind.SUCCESS, Kind.FAIL, Kind.LOG]), run_id=RUN_IDS)
    def ping(self, kind: Kind, run_id: str) -> None:
        stored = kind if self.judged_by.is_enabled else Kind.IGNORED
        is_overrun, is_overdue = self.model.is_overrun(self.model.now), self.model.is_overdue(self.model.now)
        heard = hear(self.judged_by, self.pulse, Signal(stored, self.now, run_id))
        if self.model.status != "new":
            assert heard.is_on_time is not (self.model.is_enabled and (is_overrun or is_overdue))
        self.pulse = heard.pulse
        self.model.ping(kind, run_id)

    @rule(run_id=RUN_IDS)
    def start(self, run_id: str) -> None:
        """At a whole minute, as its deadline must be at one."""
        self.model.pass_to(-(-self.model.now // MINUTE) * MINUTE)
        kind = Kind.START if self.judged_by.is_enabled else Kind.IGNORED
        self.pulse = hear(self.judged_by, self.pulse, Signal(kind, self.now, run_id)).pulse
        self.model.ping(Kind.START, run_id)

    @precondition(lambda self: self.judged_by.is_enabled)
    @rule(minutes=MINUTES, failures=FAILURES, least=LEAST)
    def edit(self, minutes: tuple[int, int, int | None], failures: int, least: int | None) -> None:
        """The schedule among others, so that N is computed anew."""
        self.pulse = judge(self.judged_by, self.pulse, self.now)
        self.judged_by = rules_of(minutes, failures, least)
        self.pulse = reschedule(self.judged_by, self.pulse, self.now)
        self.model.set(minutes, failures, least)
        self.model.n = self.model.following(self.model.now)
        self.model.evaluate(self.model.now)

    @rule()
    def switch(self) -> None:
        is_enabled = not self.judged_by.is_enabled
        pulse = judge(self.judged_by, self.pulse, self.now)
        self.judged_by = replace(self.judged_by, is_enabled=is_enabled)
        self.pulse = begin(self.judged_by, pulse, self.now) if is_enabled else stop(pulse)
        self.model.switch(is_enabled)

    @invariant()
    def agrees(self) -> None:
        if not hasattr(self, "model"):
            return
        model, found = self.model, judge(self.judged_by, self.pulse, self.now)
        assert found.status.name.lower() == model.status
        if found.status.name != "NEW" or not found.run:  # of a new one N is computed at its next ping
            assert found.expected_at == instant(model.n)
        assert (found.last_ping_at, found.last_success_at) == (instant(model.last), instant(model.success))
        run = found.run and (found.run.started_at, found.run.id)
        assert run == (model.run and (instant(model.run[0]), model.run[1]))
        assert {"UP": "up", "DEGRADED": "degraded", "DOWN": "down"}[found.alarm.status.name] == model.alarm
        if model.alarm != "down":
            assert found.strikes == model.strikes


TestJobs = Jobs.TestCase
TestJobs.settings = settings(max_examples=60, stateful_step_count=30)
