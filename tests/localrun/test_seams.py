from pathlib import Path

import pytest

from chalicelib.settings import BadSetting
from localrun.seams import DEFAULT_DATA, DEFAULT_EGRESS, Seams, read_seams


def test_nothing_set() -> None:
    assert read_seams({}) == Seams(
        port=8000,
        egress_allow=DEFAULT_EGRESS,
        is_egress_default=True,
        dns_server=None,
        source_ip_header=None,
        dynamodb_endpoint=None,
        data=DEFAULT_DATA,
    )


def test_everything_set() -> None:
    env = {
        "PORT": "8123",
        "UPTIME_EGRESS_ALLOW": "10.0.0.0/8:443,::1/128",
        "UPTIME_DNS_SERVER": "127.0.0.1:5353",
        "UPTIME_SOURCE_IP_HEADER": "X-Real-Ip",
        "UPTIME_DYNAMODB_ENDPOINT": "http://127.0.0.1:8001",
        "UPTIME_LOCAL_DATA": "/tmp/data",
    }
    assert read_seams(env) == Seams(
        port=8123,
        egress_allow="10.0.0.0/8:443,::1/128",
        is_egress_default=False,
        dns_server=("127.0.0.1", 5353),
        source_ip_header="X-Real-Ip",
        dynamodb_endpoint="http://127.0.0.1:8001",
        data=Path("/tmp/data"),
    )


def test_an_empty_egress_allows_nothing() -> None:
    seams = read_seams({"UPTIME_EGRESS_ALLOW": ""})
    assert (seams.egress_allow, seams.is_egress_default) == ("", False)


def test_empty_values_are_absent_ones() -> None:
    names = ("PORT", "UPTIME_DNS_SERVER", "UPTIME_SOURCE_IP_HEADER", "UPTIME_DYNAMODB_ENDPOINT")
    assert read_seams(dict.fromkeys((*names, "UPTIME_LOCAL_DATA"), "")) == read_seams({})


def test_a_resolver_may_have_an_ipv6_address() -> None:
    assert read_seams({"UPTIME_DNS_SERVER": "[::1]:53"}).dns_server == ("::1", 53)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "0"),
        ("PORT", "65536"),
        ("PORT", "http"),
        ("PORT", "-1"),
        ("PORT", "٨"),
        ("UPTIME_EGRESS_ALLOW", "10.0.0.0/33"),
        ("UPTIME_EGRESS_ALLOW", "10.0.0.0/8,"),
        ("UPTIME_DNS_SERVER", "127.0.0.1"),
        ("UPTIME_DNS_SERVER", "resolver:53"),
        ("UPTIME_DNS_SERVER", ":53"),
        ("UPTIME_DNS_SERVER", "127.0.0.1:dns"),
        ("UPTIME_SOURCE_IP_HEADER", "X Real Ip"),
        ("UPTIME_SOURCE_IP_HEADER", "X_Real_Ip"),
        ("UPTIME_DYNAMODB_ENDPOINT", "127.0.0.1:8001"),
        ("UPTIME_DYNAMODB_ENDPOINT", "ftp://127.0.0.1"),
    ],
)
def test_a_bad_value_names_its_variable_in_one_line(name: str, value: str) -> None:
    with pytest.raises(BadSetting, match=f"^{name}: [^\n]*$"):
        read_seams({name: value})


def test_lambda_is_no_place_for_it() -> None:
    with pytest.raises(BadSetting, match="Lambda"):
        read_seams({"AWS_LAMBDA_FUNCTION_NAME": "uptime-dev-api"})
