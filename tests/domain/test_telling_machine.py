"""What must hold of an alert whatever happens to its monitor, its channel and its deliverers."""

from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from chalicelib.domain.alert_event import EventStatus, Skip
from chalicelib.domain.course import Step, Waiting
from chalicelib.domain.event_type import EventType
from chalicelib.domain.message import DELIVERED, Verdict, failed, retry
from chalicelib.domain.telling import MAX_WAITING, News, Policy

from .teller import DAY, DEGRADED, DOWN, MINUTE, UP, Teller

ANSWERS = (DELIVERED, retry("timeout"), retry("HTTP status 429", 600), failed("HTTP status 404"))
MOST = MAX_WAITING + 1
"""A recovery finds room."""


class Watched(Teller):
    """Remembers every notification that ever waited, and when each was known to have arrived."""

    def __init__(self, policy: Policy, every_seconds: int) -> None:
        super().__init__(policy, every_seconds)
        self.known: dict[str, Waiting] = {}
        self.succeeded_at: dict[str, datetime] = {}

    def take(self, step: Step) -> None:
        super().take(step)
        for waiting in self.course.waiting:
            self.known.setdefault(waiting.event_id, waiting)
        for event in step.events:
            if event.status is EventStatus.DELIVERED:
                assert event.id not in self.succeeded_at, "settled twice"
                self.succeeded_at[event.id] = self.now

    def send(self, waiting: Waiting) -> Verdict:
        assert not self.is_suppressed
        assert self.is_watched
        self.check_stable(waiting)
        self.check_distance(waiting)
        self.check_counts(waiting)
        return super().send(waiting)

    def check_stable(self, waiting: Waiting) -> None:
        """One id on every attempt, and for nothing else."""
        first = self.known[waiting.event_id]
        changing = {"attempts": 0, "began_at": None, "retry_at": None, "sent": 0}
        assert replace(waiting, **changing) == replace(first, **changing)  # type: ignore[arg-type]

    def check_distance(self, waiting: Waiting) -> None:
        """A repeat keeps it to the last success of its event type, by the minutes of their evaluation."""
        if waiting.attempts > 1 or waiting.is_recovery:
            return
        for other in self.of_incident(waiting):
            at = self.succeeded_at.get(other.event_id)
            if at is not None and other.finding.event is waiting.finding.event:
                assert self.now >= at.replace(second=0, microsecond=0) + self.policy.floor

    def check_counts(self, waiting: Waiting) -> None:
        its_own = self.of_incident(waiting)
        assert waiting.sent == sum(w.event_id in self.succeeded_at for w in its_own)
        if waiting.is_recovery:
            unhealthy = round((waiting.finding.at - waiting.since).total_seconds() / self.every_seconds)
            assert waiting.held_back == max(0, unhealthy - len(its_own))

    def of_incident(self, waiting: Waiting) -> list[Waiting]:
        """What was told of it, but for its recovery."""
        return [w for w in self.known.values() if w.opened_seq == waiting.opened_seq and not w.is_recovery]


class Telling(RuleBasedStateMachine):
    @initialize(
        cooldown=st.sampled_from([0, 1, 5, 60, 300]),
        tells_recovery=st.sampled_from([True, True, False]),
        flapping_after=st.sampled_from([None, 2, 3, 5]),
        every_seconds=st.sampled_from([10, 60, 300]),
        is_silent=st.booleans(),
    )
    def create(
        self,
        cooldown: int,
        tells_recovery: bool,
        flapping_after: int | None,
        every_seconds: int,
        is_silent: bool,
    ) -> None:
        policy = Policy(timedelta(minutes=cooldown), tells_recovery, flapping_after=flapping_after)
        self.teller = Watched(policy, every_seconds)
        self.is_silent = is_silent
        self.status: EventType = UP
        self.rows: list[News] = []
        self.heard: list[News] = []

    @rule(event=st.sampled_from(EventType), is_heard=st.booleans())
    def turn(self, event: EventType, is_heard: bool) -> None:
        if event is self.status:
            return
        self.status = event
        skip = Skip.LATE if self.is_silent and event is DEGRADED else None
        self.rows.append(self.teller.unheard(event, skip))
        if is_heard:
            self.hear()

    @rule()
    def hear(self) -> None:
        self.heard += self.rows
        rows, self.rows = self.rows, []
        if rows:
            self.teller.hear(*rows)

    @precondition(lambda self: self.heard and not self.rows)
    @rule(number=st.integers(0, 50))
    def hear_again(self, number: int) -> None:
        """Its rows were not removed."""
        before = self.teller.course.incident, self.teller.course.flips, len(self.teller.known)
        if self.teller.course.is_leased(self.teller.now):
            self.teller.hear(*self.heard[-number:])
            assert before == (self.teller.course.incident, self.teller.course.flips, len(self.teller.known))
        else:
            self.teller.hear(*self.heard[-number:])

    @rule(minutes=st.sampled_from([1, 1, 1, 2, 5, 7, 30, 61, 400]))
    def wait(self, minutes: int) -> None:
        self.teller.wait(minutes)

    @rule(milliseconds=st.integers(1, 59_999))
    def go_on(self, milliseconds: int) -> None:
        """Amid a minute nobody looks of himself."""
        self.teller.now += timedelta(milliseconds=milliseconds, microseconds=milliseconds % 1000)

    @rule()
    def look(self) -> None:
        """A message that nobody needed."""
        if self.teller.is_due() and not self.teller.course.is_leased(self.teller.now):
            self.teller.look()

    @rule(answer=st.sampled_from(ANSWERS))
    def answer(self, answer: Verdict) -> None:
        self.teller.answer = lambda waiting, at: answer

    @rule(dies=st.sampled_from(["before", "after"]))
    def die(self, dies: str) -> None:
        self.teller.dies = dies

    @rule(is_suppressed=st.booleans())
    def suppress(self, is_suppressed: bool) -> None:
        self.teller.is_suppressed = is_suppressed

    @rule(is_watched=st.sampled_from([True, True, False]))
    def watch(self, is_watched: bool) -> None:
        self.teller.is_watched = is_watched

    @invariant()
    def what_waits_is_bounded_and_will_be_looked_at(self) -> None:
        course = self.teller.course
        assert len(course.waiting) <= MOST
        incident = course.incident
        is_silent = incident is not None and incident.finding.event is DEGRADED and self.is_silent
        if course.waiting or (incident is not None and not is_silent):
            assert course.next_at is not None
        else:
            assert course.next_at is None or course.is_leased(self.teller.now)

    @invariant()
    def incidents_are_told_in_their_order_and_end_with_their_recovery(self) -> None:
        places = [(a.waiting.opened_seq, a.waiting.is_recovery) for a in self.teller.attempts]
        assert places == sorted(places)

    @invariant()
    def what_waits_is_recorded_so_and_nothing_else_is(self) -> None:
        waiting = {w.event_id for w in self.teller.course.waiting}
        for id, event in self.teller.records.items():
            is_on_its_way = event.status is EventStatus.PENDING or event.next_attempt_at is not None
            assert is_on_its_way == (id in waiting) or (id in waiting and event.status is EventStatus.FAILED)
        assert waiting <= self.teller.records.keys()

    def teardown(self) -> None:
        """When all is well for a day, everything has arrived or failed for good, and the truth came last."""
        if not hasattr(self, "teller"):
            return
        teller = self.teller
        teller.is_suppressed, teller.is_watched, teller.dies = False, True, ""
        teller.answer = lambda waiting, at: DELIVERED
        self.hear()
        teller.wait(DAY)
        assert all(w.finding.event is self.status for w in teller.course.waiting)
        for id, waiting in teller.known.items():
            event = teller.records[id]
            assert event.next_attempt_at is None
            if event.status is EventStatus.FAILED:
                assert event.problem
            elif event.status is EventStatus.SKIPPED:
                assert waiting.is_recovery
            else:
                assert event.status is EventStatus.DELIVERED
                assert id in {attempt.waiting.event_id for attempt in teller.delivered}
        if self.status is UP:
            assert all(event.until for event in teller.with_status(EventStatus.SKIPPED))
        self.check_the_last_word()

    def check_the_last_word(self) -> None:
        teller, is_told = self.teller, {attempt.waiting.event_id for attempt in self.teller.delivered}
        if self.status is DOWN or (self.status is DEGRADED and not self.is_silent):
            assert teller.delivered[-1].waiting.finding.event is self.status
            assert (teller.now - teller.succeeded_at[teller.delivered[-1].waiting.event_id]) <= 301 * MINUTE
        lost = [w for id, w in teller.known.items() if w.is_recovery and id not in is_told]
        lost = [w for w in lost if teller.records[w.event_id].status is EventStatus.FAILED]
        if self.status is UP and teller.delivered and teller.policy.tells_recovery and not lost:
            assert teller.delivered[-1].waiting.is_recovery


TestTelling = Telling.TestCase
TestTelling.settings = settings(max_examples=60, stateful_step_count=40)
