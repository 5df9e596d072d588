"""Rules and pulse of a push monitor as the short JSON that every push writes and every minute reads."""

import json

from chalicelib.domain.known_time import KnownTime, Tally
from chalicelib.domain.lateness_json import as_text, decode_alarm, encode_alarm, from_instant, instant
from chalicelib.domain.outcome import Reason
from chalicelib.domain.silence import Pulse, PushStatus, Rules, Saying


def encode_rules(rules: Rules) -> str:
    return as_text(
        [
            rules.interval_seconds,
            rules.retries,
            rules.retry_interval_seconds,
            int(rules.is_upside_down),
            int(rules.is_enabled),
        ]
    )


def decode_rules(text: str) -> Rules:
    interval, retries, retry_interval, is_upside_down, is_enabled = json.loads(text)
    return Rules(interval, retries, retry_interval, bool(is_upside_down), bool(is_enabled))


def encode_pulse(pulse: Pulse) -> str:
    known = pulse.known
    return as_text(
        [
            int(pulse.status),
            int(pulse.reason),
            pulse.failures,
            instant(pulse.due_at),
            instant(pulse.changed_at),
            instant(pulse.last_push_at),
            pulse.last_ping_ms,
            int(pulse.saying),
            [known.tally.up_ms, known.tally.known_ms, instant(known.since), instant(known.until)],
            pulse.tallied_hour,
            encode_alarm(pulse.alarm),
        ]
    )


def decode_pulse(text: str) -> Pulse:
    status, reason, failures, due, changed, last, ping, saying, known, hour, alarm = json.loads(text)
    return Pulse(
        status=PushStatus(status),
        reason=Reason(reason),
        failures=failures,
        due_at=from_instant(due),
        changed_at=from_instant(changed),
        last_push_at=from_instant(last),
        last_ping_ms=ping,
        saying=Saying(saying),
        known=KnownTime(Tally(known[0], known[1]), from_instant(known[2]), from_instant(known[3])),
        tallied_hour=hour,
        alarm=decode_alarm(alarm),
    )
