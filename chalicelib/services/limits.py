"""Limits on callers that have no valid key. A key's own bucket comes with its `Caller`."""

from datetime import datetime

from chalicelib.domain.rate import WINDOW_SECONDS, Bucket, address_group, window_of
from chalicelib.services.deps import Deps


def count_address(deps: Deps, source_ip: str, now: datetime) -> Bucket:
    """Count a request without a valid key in its address's bucket."""
    window = window_of(now)
    used = deps.addresses.count(address_group(source_ip), window)
    return Bucket(deps.settings.address_requests_per_minute, used, window + WINDOW_SECONDS)
