"""Which addresses the door opens to. `ipaddress.is_global` and `is_private` are no guard, hence the lists.

(`is_global` holds for multicast, for 168.63.129.16 and for NAT64 forms of private addresses.)
"""

import functools
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Final

_DENIED_V4: Final = (
    "0.0.0.0/8",  # this network
    "10.0.0.0/8",
    "100.64.0.0/10",  # carrier-grade NAT; some clouds' metadata services
    "127.0.0.0/8",
    "168.63.129.16/32",  # Azure's host agent, a public address by its looks
    "169.254.0.0/16",  # link-local; metadata services
    "172.16.0.0/12",
    "192.0.0.0/24",  # protocol assignments
    "192.0.2.0/24",  # documentation
    "192.88.99.0/24",  # 6to4 relays
    "192.168.0.0/16",
    "198.18.0.0/15",  # benchmarking
    "198.51.100.0/24",
    "203.0.113.0/24",
    "224.0.0.0/4",  # multicast
    "240.0.0.0/4",  # reserved, broadcast
)
_GLOBAL_V6: Final = "2000::/3"
_DENIED_V6: Final = (
    "2001::/23",  # protocol assignments: Teredo, ORCHID, ...
    "2001:db8::/32",
    "2002::/16",  # 6to4
    "3fff::/20",  # documentation
)
_MAPPED: Final = 0xFFFF << 32  # ::ffff:0:0/96
_NAT64: Final = 0x64FF9B << 96  # 64:ff9b::/96


def _bounds(text: str) -> tuple[int, int]:
    network = ip_network(text)
    return int(network.network_address), int(network.broadcast_address)


# Plain comparisons of numbers: a network's own `in` costs ten times that.
_DENIED_V4_BOUNDS: Final = tuple(_bounds(text) for text in _DENIED_V4)
_DENIED_V6_BOUNDS: Final = tuple(_bounds(text) for text in _DENIED_V6)
_GLOBAL_V6_BOUNDS: Final = _bounds(_GLOBAL_V6)


@dataclass(frozen=True, slots=True)
class Allowance:
    """A network that is open although the deny list has it; on one port only, if `port` is given."""

    network: IPv4Network | IPv6Network
    port: int | None = None


_ALLOWANCE: Final = re.compile(r"(?:\[([^\[\]]+/\d+)\]|([^\[\]]+/\d+))(?::(\d{1,5}))?")


def parse_allowances(text: str) -> tuple[Allowance, ...]:
    """A comma list of `CIDR` or `CIDR:port`, as an operator writes it; blank text allows nothing."""
    return tuple(_parse_allowance(item.strip()) for item in text.split(",")) if text.strip() else ()


def _parse_allowance(item: str) -> Allowance:
    match = _ALLOWANCE.fullmatch(item)
    if match is None:
        raise ValueError(f"{item!r} is neither CIDR nor CIDR:port")
    port = None if match[3] is None else int(match[3])
    if port is not None and not 1 <= port <= 65535:
        raise ValueError(f"{item!r}: port must be 1 to 65535")
    try:
        return Allowance(ip_network(match[1] or match[2]), port)
    except ValueError as error:
        raise ValueError(f"{item!r}: {error}") from None


# Where mail is handed in: connections from our addresses would count as a spammer's.
MAIL_PORTS: Final = frozenset((25, 465, 587))


@dataclass(frozen=True, slots=True)
class Policy:
    allow: Sequence[Allowance] = ()

    def permits(self, address: str, port: int) -> bool:
        """Whether a connection to this address is allowed. Anything but a plain address is not; nor are the
        ports of mail, wherever they are."""
        if port in MAIL_PORTS:
            return False
        try:
            leads_to, is_public = _judge(address)
        except (OSError, ValueError):
            return False
        return is_public or any(
            leads_to in allowance.network and allowance.port in (None, port) for allowance in self.allow
        )


# An address is vetted up to three times per check, and what it is never changes.
@functools.lru_cache(maxsize=1024)
def _judge(address: str) -> tuple[IPv4Address | IPv6Address, bool]:
    """Where it leads to, and whether that is a public address."""
    version, value = _read(address)
    return (IPv4Address if version == 4 else IPv6Address)(value), _is_public(version, value)


def _read(address: str) -> tuple[int, int]:
    """Version and value of the address that is led to: IPv4 where it is IPv4-mapped or NAT64."""
    # inet_pton is as strict as ipaddress (no zones, no legacy forms) and costs a twentieth of it.
    if ":" not in address:
        return 4, int.from_bytes(socket.inet_pton(socket.AF_INET, address))
    value = int.from_bytes(socket.inet_pton(socket.AF_INET6, address))
    if value >> 32 in (_MAPPED >> 32, _NAT64 >> 32):
        return 4, value & 0xFFFFFFFF
    return 6, value


def _is_public(version: int, value: int) -> bool:
    denied = _DENIED_V6_BOUNDS
    if version == 4:
        denied = _DENIED_V4_BOUNDS
    elif not _GLOBAL_V6_BOUNDS[0] <= value <= _GLOBAL_V6_BOUNDS[1]:
        return False
    return not any(low <= value <= high for low, high in denied)
