"""Settings: read once, checked, and named when they are wrong."""

import dataclasses

import pytest

from chalicelib.settings import (
    LOCATION_HINTS,
    BadSetting,
    Settings,
    SmtpServer,
    from_environment,
    location_hint,
)


def test_an_empty_environment_has_the_defaults() -> None:
    settings = from_environment({})
    assert (settings.teams_table, settings.checks_table) == ("uptime-teams", "uptime-checks")
    assert settings.alerts_table == "uptime-alerts"
    assert (settings.requests_per_minute, settings.monitors_per_team) == (100, 100)
    assert (settings.address_requests_per_minute, settings.pings_per_minute) == (100, 60)
    assert (settings.dns_monitors_per_team, settings.tcp_monitors_per_team) == (20, 100)
    assert (settings.cron_jobs_per_team, settings.job_pings_per_minute, settings.ping_url) == (100, 60, "")
    assert (settings.push_monitors_per_team, settings.push_url) == (100, "")
    assert (settings.aws_region, settings.region) == ("us-east-1", "enam")
    assert (settings.heartbeats_per_minute, settings.ping_prefix) == (1000, "/hb")
    assert settings.ca_file is None
    assert settings.reference_hosts == (
        ("one.one.one.one", 443),
        ("dns.google", 443),
        ("dns.quad9.net", 443),
    )


def test_what_belongs_to_the_local_runner_is_never_read_from_the_environment() -> None:
    env = {
        "UPTIME_EGRESS_ALLOW": "10.0.0.0/8",
        "UPTIME_DNS_SERVER": "127.0.0.1:53",
        "UPTIME_DYNAMODB_ENDPOINT": "http://127.0.0.1:8001",
    }
    settings = from_environment(env)
    assert (settings.egress_allow, settings.dns_server, settings.dynamodb_endpoint) == ("", None, None)


def test_every_variable_is_taken() -> None:
    env = {
        "UPTIME_TEAMS_TABLE": "t",
        "UPTIME_CHECKS_TABLE": "c",
        "UPTIME_ALERTS_TABLE": "a",
        "UPTIME_PROBE_QUEUE_URL": "https://sqs/q",
        "UPTIME_REQUESTS_PER_MINUTE": "7",
        "UPTIME_ADDRESS_REQUESTS_PER_MINUTE": "6",
        "UPTIME_MONITORS_PER_TEAM": "8",
        "UPTIME_DNS_MONITORS_PER_TEAM": "3",
        "UPTIME_TCP_MONITORS_PER_TEAM": "4",
        "UPTIME_CRON_JOBS_PER_TEAM": "2",
        "UPTIME_PUSH_MONITORS_PER_TEAM": "12",
        "UPTIME_PUSH_URL": "https://push.example.com/",
        "UPTIME_JOB_PINGS_PER_MINUTE": "11",
        "UPTIME_ALERT_TESTS_PER_MINUTE": "3",
        "UPTIME_PING_URL": "https://hb.example.com/hb/",
        "UPTIME_PINGS_PER_MINUTE": "5",
        "UPTIME_HEARTBEATS_PER_MINUTE": "11",
        "UPTIME_PING_PREFIX": "/of/jobs-2",
        "UPTIME_ADHOC_FUNCTION": "adhoc",
        "UPTIME_STARTS_PER_SECOND": "9",
        "UPTIME_CA_FILE": "/ca.pem",
        "UPTIME_SMTP_URL": "smtps://us%40er:pass%3Aw%40rd@mail.example.com:2465",
        "UPTIME_MAIL_FROM": "Uptime <alerts@example.com>",
        "UPTIME_ALERT_LINK": "https://ops.example.com/monitors/{id}",
        "UPTIME_REFERENCE_HOSTS": "a.example:443, 192.0.2.1:80,[2001:db8::1]:22",
        "AWS_LAMBDA_FUNCTION_NAME": "uptime-prod-Probe",
        "AWS_REGION": "eu-west-1",
    }
    assert from_environment(env) == Settings(
        teams_table="t",
        checks_table="c",
        alerts_table="a",
        probe_queue_url="https://sqs/q",
        aws_region="eu-west-1",
        region="weur",
        requests_per_minute=7,
        address_requests_per_minute=6,
        monitors_per_team=8,
        dns_monitors_per_team=3,
        tcp_monitors_per_team=4,
        cron_jobs_per_team=2,
        push_monitors_per_team=12,
        job_pings_per_minute=11,
        alert_tests_per_minute=3,
        ping_url="https://hb.example.com/hb",
        push_url="https://push.example.com",
        pings_per_minute=5,
        heartbeats_per_minute=11,
        ping_prefix="/of/jobs-2",
        adhoc_function="adhoc",
        starts_per_second=9.0,
        ca_file="/ca.pem",
        smtp=SmtpServer("mail.example.com", 2465, True, "us@er", "pass:w@rd"),
        mail_from="Uptime <alerts@example.com>",
        alert_link="https://ops.example.com/monitors/{id}",
        reference_hosts=(("a.example", 443), ("192.0.2.1", 80), ("2001:db8::1", 22)),
        function_name="uptime-prod-Probe",
    )


@pytest.mark.parametrize(
    "name",
    [
        "UPTIME_REQUESTS_PER_MINUTE",
        "UPTIME_ADDRESS_REQUESTS_PER_MINUTE",
        "UPTIME_MONITORS_PER_TEAM",
        "UPTIME_DNS_MONITORS_PER_TEAM",
        "UPTIME_TCP_MONITORS_PER_TEAM",
        "UPTIME_PUSH_MONITORS_PER_TEAM",
        "UPTIME_PINGS_PER_MINUTE",
        "UPTIME_HEARTBEATS_PER_MINUTE",
        "UPTIME_STARTS_PER_SECOND",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    ],
)
@pytest.mark.parametrize("text", ["", "0", "-1", "1.5", "many", " 5", "٣"])
def test_a_number_that_is_none_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(BadSetting, match=name):
        from_environment({name: text})


@pytest.mark.parametrize(
    "text",
    ["a.example", "a.example:", ":443", "a.example:0", "a.example:65536", "2001:db8::1:22", "a b:1"],
)
def test_a_reference_host_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_REFERENCE_HOSTS"):
        from_environment({"UPTIME_REFERENCE_HOSTS": text})


@pytest.mark.parametrize("text", ["", " ", ","])
def test_there_may_be_no_reference_host(text: str) -> None:
    assert from_environment({"UPTIME_REFERENCE_HOSTS": text}).reference_hosts == ()


@pytest.mark.parametrize(
    "text",
    [
        *("", "/", "hb", "/hb/", "//hb", "/Hb", "/h_b", "/h b", "/hb\n", "/{hb}", "/hb/*", "/hé"),
        *("/v1", "/v1/hb", "/api/x", "/docs", "/status", "/app/hb"),
    ],
)
def test_a_prefix_that_is_no_free_path_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_PING_PREFIX"):
        from_environment({"UPTIME_PING_PREFIX": text})


def test_a_region_that_is_no_hint_is_refused_by_its_name() -> None:
    with pytest.raises(BadSetting, match="UPTIME_REGION"):
        from_environment({"UPTIME_REGION": "moon"})


@pytest.mark.parametrize("hint", LOCATION_HINTS)
def test_the_region_may_be_said(hint: str) -> None:
    assert from_environment({"UPTIME_REGION": hint, "AWS_REGION": "us-east-1"}).region == hint


@pytest.mark.parametrize(
    ("aws_region", "hint"),
    [
        ("us-west-2", "wnam"),
        ("us-east-1", "enam"),
        ("sa-east-1", "sam"),
        ("eu-west-1", "weur"),
        ("eu-central-1", "eeur"),
        ("ap-southeast-1", "apac"),
        ("ap-southeast-2", "oc"),
        ("af-south-1", "afr"),
        ("me-central-1", "me"),
        ("us-west-1", "wnam"),
        ("us-east-2", "enam"),
        ("ca-central-1", "enam"),
        ("eu-north-1", "weur"),
        ("eu-central-2", "eeur"),
        ("ap-northeast-1", "apac"),
        ("il-central-1", "me"),
        ("xx-new-1", "enam"),
        ("", "enam"),
    ],
)
def test_the_hint_is_the_nearest_one_of_the_aws_region(aws_region: str, hint: str) -> None:
    assert location_hint(aws_region) == hint


def test_the_default_region_stands_in_for_a_missing_one() -> None:
    assert from_environment({"AWS_DEFAULT_REGION": "sa-east-1"}).region == "sam"
    assert from_environment({"AWS_REGION": "me-central-1", "AWS_DEFAULT_REGION": "sa-east-1"}).region == "me"


@pytest.mark.parametrize(("memory", "starts"), [("128", 50.6), ("256", 101.3), ("1769", 700), ("3008", 700)])
def test_the_pace_follows_the_functions_share_of_a_cpu(memory: str, starts: float) -> None:
    settings = from_environment({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": memory})
    assert settings.starts_per_second == pytest.approx(starts, abs=0.1)


def test_settings_cannot_be_changed_by_whom_they_were_given_to() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        from_environment({}).region = "me"  # type: ignore[misc]


@pytest.mark.parametrize(
    "text", ["hb.example.com", "ftp://x", "https://", "https://a b", "https://a/?q=1", "https://a/#x", "//a"]
)
def test_a_ping_url_is_an_address_and_nothing_else(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_PING_URL"):
        from_environment({"UPTIME_PING_URL": text})


@pytest.mark.parametrize(
    "text", ["", "http://127.0.0.1:8000/hb", "https://hb.example.com", "https://[::1]/a/b"]
)
def test_good_ping_urls(text: str) -> None:
    assert from_environment({"UPTIME_PING_URL": text}).ping_url == text


@pytest.mark.parametrize(
    "text",
    [
        "https://ops.example.com/monitors",
        "https://ops.example.com/{name}",
        "https://ops.example.com/{id}/{id}",
        "https://{id}.example.com/",
        "ops.example.com/{id}",
        "javascript:alert({id})",
        "https://ops.example.com/a b/{id}",
        "https://ops.example.com/\u00e9/{id}",
        "https://user@ops.example.com/{id}",
    ],
)
def test_an_alert_link_is_an_address_with_one_place_for_an_id(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_ALERT_LINK"):
        from_environment({"UPTIME_ALERT_LINK": text})


@pytest.mark.parametrize(
    "text", ["", "https://ops.example.com/#/monitors/{id}", "http://[::1]:8000/?monitor={id}&tab=1"]
)
def test_good_alert_links(text: str) -> None:
    assert from_environment({"UPTIME_ALERT_LINK": f" {text} "}).alert_link == text


@pytest.mark.parametrize(
    ("text", "server"),
    [
        ("smtp://mail.example.com", SmtpServer("mail.example.com", 587, False)),
        ("smtps://mail.example.com/", SmtpServer("mail.example.com", 465, True)),
        ("smtp://127.0.0.1:1025", SmtpServer("127.0.0.1", 1025, False)),
        ("smtp://a:b@[2001:db8::1]:25", SmtpServer("2001:db8::1", 25, False, "a", "b")),
        ("smtps://AKIA:a%2Fb+c%3D@mail", SmtpServer("mail", 465, True, "AKIA", "a/b+c=")),
    ],
)
def test_good_mail_servers(text: str, server: SmtpServer) -> None:
    assert from_environment({"UPTIME_SMTP_URL": text, "UPTIME_MAIL_FROM": "a@b"}).smtp == server


@pytest.mark.parametrize(
    "text",
    [
        *("mail.example.com", "http://mail", "smtp://", "smtp://a b", "smtp://mail:0", "smtp://mail:65536"),
        *(
            "smtp://canary@mail",
            "smtp://a:canary%0d%0a@mail",
            "smtp://a:canary%C3%A9@mail",
            "smtp://:canary@mail",
        ),
        *("smtp://a:canary/b@mail", "smtp://mail/path", "smtp://mail\n", "smtp://a:canary@b@mail"),
    ],
)
def test_a_mail_server_that_is_none_is_refused_by_its_name_and_without_its_password(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_SMTP_URL") as caught:
        from_environment({"UPTIME_SMTP_URL": text, "UPTIME_MAIL_FROM": "a@b"})
    assert "canary" not in str(caught.value)


def test_a_mail_server_needs_a_sender() -> None:
    with pytest.raises(BadSetting, match="UPTIME_MAIL_FROM"):
        from_environment({"UPTIME_SMTP_URL": "smtp://mail"})


@pytest.mark.parametrize("text", ["a", "a@b, c@d", "A <a@b>, c@d", "A\r\nBcc: c@d <a@b>", "é <a@b>", "<a@b>"])
def test_a_sender_that_is_none_is_refused_by_its_name(text: str) -> None:
    with pytest.raises(BadSetting, match="UPTIME_MAIL_FROM"):
        from_environment({"UPTIME_MAIL_FROM": text})
