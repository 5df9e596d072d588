from .conftest import Edges
from .makers import BASE


def test_the_requests_of_an_address_add_up_within_their_window(edges: Edges) -> None:
    counts = [edges.buckets.count("203.0.113.7", BASE + seconds) for seconds in (0, 0, 60, 0, 60)]
    assert counts == [1, 2, 1, 3, 2]


def test_addresses_are_counted_apart(edges: Edges) -> None:
    addresses = ("203.0.113.7", "203.0.113.70", "2001:db8::/64", "unknown")
    assert [edges.buckets.count(address, BASE) for address in addresses * 2] == [1] * 4 + [2] * 4
