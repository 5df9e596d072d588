"""Buckets beside a key's own, which comes with its `Caller`: of addresses, and of pings of both sorts."""

from datetime import datetime

from chalicelib.domain.rate import WINDOW_SECONDS, Bucket, address_group, window_of
from chalicelib.errors import TooMany
from chalicelib.services.deps import Deps


class BucketExceeded(TooMany):
    """Refused by a bucket of its own, which the answer then describes."""

    def __init__(self, bucket: Bucket, now: datetime) -> None:
        super().__init__(bucket.retry_after_seconds(now))
        self.bucket = bucket


def count_ping(deps: Deps, key_id: str, now: datetime) -> Bucket:
    """Count an ad-hoc ping in the bucket that a key has for them beside its own."""
    window = window_of(now)
    used = deps.buckets.count(f"ping {key_id}", window)
    return Bucket(deps.settings.pings_per_minute, used, window + WINDOW_SECONDS)


def count_job_ping(deps: Deps, source_ip: str, job_id: str, now: datetime) -> Bucket:
    """Count a ping in the bucket that an address has for a cron job, whoever the caller is."""
    window = window_of(now)
    used = deps.buckets.count(f"cron ping {address_group(source_ip)} {job_id}", window)
    return Bucket(deps.settings.job_pings_per_minute, used, window + WINDOW_SECONDS)


def count_alert_test(deps: Deps, team_id: str, now: datetime) -> None:
    """Count a test of an alert in the bucket that a team has for them. Raises BucketExceeded."""
    window = window_of(now)
    used = deps.buckets.count(f"alert test {team_id}", window)
    bucket = Bucket(deps.settings.alert_tests_per_minute, used, window + WINDOW_SECONDS)
    if bucket.is_exceeded:
        raise BucketExceeded(bucket, now)


def count_address(deps: Deps, source_ip: str, now: datetime) -> Bucket:
    """Count a request without a valid key in its address's bucket."""
    window = window_of(now)
    used = deps.buckets.count(f"address {address_group(source_ip)}", window)
    return Bucket(deps.settings.address_requests_per_minute, used, window + WINDOW_SECONDS)


def count_heartbeat(deps: Deps, source_ip: str, now: datetime) -> Bucket:
    """Count what reports in by itself in its address's bucket, before anything else is looked at: who
    guesses at tokens is stopped here."""
    window = window_of(now)
    used = deps.buckets.count(f"heartbeat {address_group(source_ip)}", window)
    return Bucket(deps.settings.heartbeats_per_minute, used, window + WINDOW_SECONDS)
