import string
from ipaddress import IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.domain.target import BadTarget, Host, Target, join, parse_host, parse_url


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("http://example.com", Target("http", "example.com", 80, "/", False)),
        ("HTTPS://Example.COM/A", Target("https", "example.com", 443, "/A", False)),
        ("https://example.com:8443/a?b=c#d", Target("https", "example.com", 8443, "/a?b=c", False)),
        ("http://example.com?q", Target("http", "example.com", 80, "/?q", False)),
        ("http://example.com./", Target("http", "example.com", 80, "/", False)),
        ("http://a_b.r3---sn.example/", Target("http", "a_b.r3---sn.example", 80, "/", False)),
        ("http://intranet/", Target("http", "intranet", 80, "/", False)),
        ("http://faß.de/", Target("http", "xn--fa-hia.de", 80, "/", False)),
        ("http://BÜCHER.example/ü?ü", Target("http", "xn--bcher-kva.example", 80, "/%C3%BC?%C3%BC", False)),
        ("http://例え。テスト/", Target("http", "xn--r8jz45g.xn--zckzah", 80, "/", False)),
        ("http://192.0.2.1:81/", Target("http", "192.0.2.1", 81, "/", True)),
        ("http://[2001:DB8:0::1]:81/x", Target("http", "2001:db8::1", 81, "/x", True)),
        ("http://[::FFFF:7f00:1]/", Target("http", str(IPv6Address("::ffff:127.0.0.1")), 80, "/", True)),
        ('http://a.test/%zz<">{}^`|', Target("http", "a.test", 80, "/%zz%3C%22%3E%7B%7D%5E%60|", False)),
        ("http://a.test/a/./b/../../../c/..", Target("http", "a.test", 80, "/", False)),
        ("http://a.test/a/..b/.c?x=/../y", Target("http", "a.test", 80, "/a/..b/.c?x=/../y", False)),
        ("http://a.test//b//", Target("http", "a.test", 80, "//b//", False)),
    ],
)
def test_a_good_url_is_taken_apart(text: str, target: Target) -> None:
    assert parse_url(text) == target


@pytest.mark.parametrize(
    "text",
    [
        "",
        "example.com",
        "//example.com/",
        "ftp://example.com/",
        "file:///proc/self/environ",
        "gopher://example.com/",
        "http:/example.com",
        "http:example.com",
        "http://",
        "http:///path",
        "http://?q",
        "http://:80/",
        "http://user@example.com/",
        "http://user:pass@example.com/",
        "http://@example.com/",
        "http://example.com:/",
        "http://example.com:0/",
        "http://example.com:65536/",
        "http://example.com:99999999999/",
        "http://example.com:+80/",
        "http://example.com:８０/",
        "http://example.com:80:80/",
        " http://example.com/",
        "http://example.com/ ",
        "http://exa mple.com/",
        "http://example.com/a b",
        "http://example.com/\u00a0",
        "http://example.com/\u2028",
        "http://example.com/a\tb",
        "http://example.com/a\r\nHost: x",
        "\x00http://example.com/",
        "http://example.com/\x00",
        "http://example.com/\x7f",
        "http://example.com/\x85",
        "http://example.com/#\n",
        "http://example.com/\ud800",
        "http://good.com\\@169.254.169.254/",
        "http://good.com\\.evil.com/",
        "http://[::1]evil.com/",
        "http://[::1].evil.com/",
        "http://evil.com[::1]/",
        "http://[::1",
        "http://::1/",
        "http://[]/",
        "http://[1.2.3.4]/",
        "http://[fe80::1%eth0]/",
        "http://[fe80::1%25eth0]/",
        "http://[v1.x]/",
        "http://[::1]:x/",
        "http://[12345::]/",
        "http://0177.0.0.1/",
        "http://0177.1/",
        "http://127.1/",
        "http://127.0.1/",
        "http://2130706433/",
        "http://0x7f.1/",
        "http://0x7f000001/",
        "http://0X7F.0.0.1/",
        "http://0x/",
        "http://127.0.0.0x1/",
        "http://127.0.0.01/",
        "http://127.0.0.256/",
        "http://1.2.3.4.5/",
        "http://evil.com.1/",
        "http://127.0.0.1./",
        "http://127.0.0.1%2f@evil.com/",
        "http://①②⑦.⓪.⓪.①/",
        "http://１２７.0.0.1/",
        "http://127。0。0。1/",
        "http://例え.1/",
        "http://a\u200db.com/",
        "http://℀.com/",
        "http://％41.com/",
        "http://%65xample.com/",
        "http://ex*mple.com/",
        "http://example..com/",
        "http://.example.com/",
        "http://./",
        "http://-example.com/",
        "http://example-.com/",
        f"http://{'a' * 64}.com/",
        f"http://{'a.' * 127}com/",
        f"http://example.com/{'a' * 2048}",
    ],
)
def test_a_doubtful_url_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        parse_url(text)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Example.COM", Host("example.com", False)),
        ("example.com.", Host("example.com", False)),
        ("_dmarc.example.com", Host("_dmarc.example.com", False)),
        ("faß.de", Host("xn--fa-hia.de", False)),
        ("com", Host("com", False)),
        ("192.0.2.1", Host("192.0.2.1", True)),
        ("2001:DB8:0::1", Host("2001:db8::1", True)),
        ("::1", Host("::1", True)),
    ],
)
def test_a_host_by_itself(text: str, host: Host) -> None:
    assert parse_host(text) == host


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "[::1]",
        "::1%eth0",
        "fe80::1%25eth0",
        "12345::",
        "::1.2.3.256",
        "example.com:80",
        "192.0.2.1:80",
        "user@example.com",
        "good.com\\@169.254.169.254",
        "good.com\\.evil.com",
        "example.com/",
        "example.com#x",
        "http://example.com",
        "exa mple.com",
        " example.com",
        "example.com\n",
        "example.com\x00",
        "a\u00a0b.com",
        "a\u200db.com",
        "\ud800.com",
        "0177.0.0.1",
        "127.1",
        "2130706433",
        "0x7f.1",
        "127.0.0.1.",
        "①②⑦.⓪.⓪.①",
        "127。0。0。1",
        "1：：1",
        "example..com",
        "-example.com",
        "ä" * 256,
        "a." * 130,
    ],
)
def test_a_doubtful_host_is_refused(text: str) -> None:
    with pytest.raises(BadTarget):
        parse_host(text)


def test_2048_code_points_are_accepted() -> None:
    head = "http://example.com/"
    assert parse_url(head + "ü" * (2048 - len(head))).path_and_query.endswith("%C3%BC")


def test_a_target_is_written_back_without_its_default_port() -> None:
    assert parse_url("https://a.test:443/x").url == "https://a.test/x"
    assert parse_url("http://a.test:443/x").url == "http://a.test:443/x"
    assert parse_url("http://[::1]:80/").url == "http://[::1]/"


@pytest.mark.parametrize(
    ("location", "url"),
    [
        ("https://other.test/x", "https://other.test/x"),
        ("HTTP://other.test", "http://other.test/"),
        ("//other.test:8080/x", "http://other.test:8080/x"),
        ("/x?y#z", "http://a.test/x?y"),
        ("x", "http://a.test/dir/x"),
        ("./x", "http://a.test/dir/x"),
        ("../x", "http://a.test/x"),
        ("../../../x", "http://a.test/x"),
        ("?q=1", "http://a.test/dir/page?q=1"),
        ("#top", "http://a.test/dir/page?old"),
        ("", "http://a.test/dir/page?old"),
        ("/a b", "http://a.test/a%20b"),
        ("/ü", "http://a.test/%C3%BC"),
        ("x:y", None),
        ("javascript:alert(1)", None),
        ("file:///etc/passwd", None),
        ("http:x", None),
        ("//", None),
        ("///x", None),
        ("//user@other.test/", None),
        ("/\\other.test", None),
        ("\\\\other.test", None),
        ("/x\ty", None),
        ("http://127.1/", None),
        ("/" + "x" * 8192, None),
    ],
)
def test_a_location_is_read_from_where_it_was_found(location: str, url: str | None) -> None:
    base = parse_url("http://a.test/dir/page?old")
    if url is None:
        with pytest.raises(BadTarget):
            join(base, location)
    else:
        assert join(base, location).url == url


HOST_CHARACTERS = set(string.ascii_lowercase + string.digits + "-_.:")
WIRE_CHARACTERS = set(string.ascii_letters + string.digits + "!$%&'()*+,-./:;=?@[]_|~")
URL_LIKE = st.one_of(
    st.text(),
    st.builds(
        "{}://{}{}{}".format,
        st.sampled_from(["http", "https", "HTTP"]),
        st.text(alphabet=st.one_of(st.characters(), st.sampled_from("a.1x0:[]@%。１")), max_size=20),
        st.sampled_from(["", ":80", ":8443", ":0"]),
        st.text(alphabet=st.one_of(st.characters(), st.sampled_from("/?#.%")), max_size=20),
    ),
)


@given(URL_LIKE)
def test_whatever_parses_is_clean_and_reads_the_same_again(text: str) -> None:
    try:
        target = parse_url(text)
    except BadTarget:
        return
    assert set(target.host) <= HOST_CHARACTERS
    assert (":" in target.host) <= target.is_literal
    assert set(target.path_and_query) <= WIRE_CHARACTERS
    assert target.path_and_query.startswith("/")
    assert 1 <= target.port <= 65535
    assert parse_url(target.url) == target


@given(URL_LIKE)
def test_whatever_a_redirect_leads_to_is_clean(location: str) -> None:
    try:
        target = join(parse_url("http://a.test/b?c"), location)
    except BadTarget:
        return
    assert set(target.host) <= HOST_CHARACTERS
    assert set(target.path_and_query) <= WIRE_CHARACTERS
    assert parse_url(target.url) == target


@given(st.text(alphabet=st.one_of(st.characters(), st.sampled_from("a.1x0:[]@%。１")), max_size=30))
def test_whatever_host_parses_is_the_one_that_a_url_of_it_has(text: str) -> None:
    try:
        host = parse_host(text)
    except BadTarget:
        return
    target = parse_url(f"http://[{text}]/" if ":" in host.name else f"http://{text}/")
    assert (target.host, target.is_literal) == (host.name, host.is_literal)
    assert parse_host(host.name) == host
