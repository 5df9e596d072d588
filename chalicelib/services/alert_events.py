"""What alerts have told, and a test of whether one can tell anything."""

from chalicelib.domain.alert import Alert
from chalicelib.domain.alert_event import PREFIX, AlertEvent
from chalicelib.domain.course import trial
from chalicelib.domain.instant import whole_milliseconds
from chalicelib.domain.monitor import Monitor
from chalicelib.services.alerts import get_alert
from chalicelib.services.announcing import announce
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import fresh_origin
from chalicelib.services.limits import count_alert_test
from chalicelib.services.retrying import retried


def events_of_alert(deps: Deps, alert: Alert, limit: int, *, with_skipped: bool) -> list[AlertEvent]:
    """Newest first."""
    return deps.courses.events(alert.id, limit, deps.now(), with_skipped=with_skipped)


def events_of_monitor(deps: Deps, monitor: Monitor, limit: int, *, with_skipped: bool) -> list[AlertEvent]:
    """Of every alert about an HTTP monitor or its certificate, newest first."""
    return deps.courses.events_about(monitor.id, limit, deps.now(), with_skipped=with_skipped)


def send_test(deps: Deps, team_id: str, alert_id: str) -> AlertEvent:
    """Have a notification sent that is marked as a test; its record. Raises NotFound and TooMany.

    The message is only a hint: a test whose message is lost is sent by the next sweep.
    """
    now = deps.now()
    alert = get_alert(deps, team_id, alert_id)
    count_alert_test(deps, team_id, now)
    course, event = trial(alert, fresh_origin(deps).new_id(PREFIX), whole_milliseconds(now))
    retried(deps, lambda: deps.courses.save(None, course, [event]))
    announce(deps, [course.shard])
    return event
