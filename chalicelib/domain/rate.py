"""Rate limits in fixed minute windows: what a bucket holds, and whose bucket an address is."""

import math
from dataclasses import dataclass
from datetime import datetime
from ipaddress import IPv6Address, IPv6Network, ip_address

WINDOW_SECONDS = 60
UNKNOWN_ADDRESS = "unknown"
_SUBSCRIBER_BITS = 64


@dataclass(frozen=True, slots=True)
class Bucket:
    """A limit and its window, after this request was counted."""

    limit: int
    used: int
    ends_at: int

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_exceeded(self) -> bool:
        return self.used > self.limit

    def retry_after_seconds(self, now: datetime) -> int:
        """Whole seconds until the window has ended. A faster clock may have opened it, so that it seems to
        end later than any window can: nobody waits longer than one."""
        return min(max(1, math.ceil(self.ends_at - now.timestamp())), WINDOW_SECONDS)


def window_of(now: datetime) -> int:
    """The second at which the window begins."""
    return math.floor(now.timestamp()) // WINDOW_SECONDS * WINDOW_SECONDS


def address_group(text: str) -> str:
    """Whose requests count together: an IPv4 address, or an IPv6 /64, all of which one subscriber has.

    What is no address shares one name, so that nobody gets a fresh bucket by making one up.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return UNKNOWN_ADDRESS
    if not isinstance(address, IPv6Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address), _SUBSCRIBER_BITS), strict=False))
