import re
from ipaddress import ip_network

import pytest

from chalicelib.net.policy import Allowance, Policy, parse_allowances


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "126.255.255.255",
        "128.0.0.0",
        "168.63.129.15",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.31.196.1",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "2606:4700:4700::1111",
        "2001:200::1",
        "2a00::1",
        "3ffe::1",
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
    ],
)
def test_public_addresses_are_permitted(address: str) -> None:
    assert Policy(()).permits(address, 443)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "100.127.255.255",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.169.254",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.1.1",
        "198.18.0.1",
        "198.19.255.255",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.1",
        "239.255.255.255",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:a9fe:a9fe",
        "::ffff:0:127.0.0.1",
        "64:ff9b::169.254.169.254",
        "64:ff9b::10.0.0.1",
        "64:ff9b:1::1",
        "100::1",
        "2001::1",
        "2001:10::1",
        "2001:1ff::1",
        "2001:db8::1",
        "2002:a9fe:a9fe::",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700::1%eth0",
        "fec0::1",
        "ff02::1",
        "",
        "localhost",
        "127.1",
        "2130706433",
        "0177.0.0.1",
        "1.1.1.1/32",
        " 1.1.1.1",
    ],
)
def test_all_else_is_refused(address: str) -> None:
    assert not Policy(()).permits(address, 443)


def test_an_allowance_opens_its_network_and_no_other() -> None:
    policy = Policy(parse_allowances("127.0.0.0/8,::1/128"))
    assert policy.permits("127.9.9.9", 1)
    assert policy.permits("::ffff:127.0.0.1", 1)
    assert policy.permits("::1", 65535)
    assert not policy.permits("10.0.0.1", 80)
    assert not policy.permits("::2", 80)


def test_an_allowance_with_a_port_opens_that_port_only() -> None:
    policy = Policy(parse_allowances("10.0.0.0/8:8080"))
    assert policy.permits("10.1.2.3", 8080)
    assert not policy.permits("10.1.2.3", 80)


@pytest.mark.parametrize(
    ("text", "allowances"),
    [
        ("", ()),
        ("  ", ()),
        ("10.0.0.0/8", [("10.0.0.0/8", None)]),
        ("10.0.0.0/8 , fd00::/8", [("10.0.0.0/8", None), ("fd00::/8", None)]),
        ("10.0.0.0/8:8080", [("10.0.0.0/8", 8080)]),
        ("::1/128:80", [("::1/128", 80)]),
        ("[::1/128]:80,[fd00::/8]", [("::1/128", 80), ("fd00::/8", None)]),
    ],
)
def test_allowances_are_read(text: str, allowances: list[tuple[str, int | None]]) -> None:
    expected = tuple(Allowance(ip_network(network), port) for network, port in allowances)
    assert parse_allowances(text) == expected


@pytest.mark.parametrize(
    ("text", "item"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("10.0.0.0/8,nonsense", "nonsense"),
        ("10.0.0.0/8,", "''"),
        ("10.0.0.1/8", "10.0.0.1/8"),
        ("10.0.0.0/33", "10.0.0.0/33"),
        ("10.0.0.0/8:0", "10.0.0.0/8:0"),
        ("10.0.0.0/8:65536", "10.0.0.0/8:65536"),
        ("10.0.0.0/8:http", "10.0.0.0/8:http"),
        ("[::1/128:80", "[::1/128:80"),
        ("example.com/8", "example.com/8"),
    ],
)
def test_a_bad_allowance_is_named(text: str, item: str) -> None:
    with pytest.raises(ValueError, match=re.escape(item)):
        parse_allowances(text)


@pytest.mark.parametrize("port", [25, 465, 587])
def test_the_ports_of_mail_are_refused_to_everybody(port: int) -> None:
    policy = Policy(parse_allowances("127.0.0.0/8"))
    assert not policy.permits("93.184.216.34", port)
    assert not policy.permits("127.0.0.1", port)
    assert policy.permits("127.0.0.1", port + 1)
