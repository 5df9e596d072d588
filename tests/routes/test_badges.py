"""Status badges: what they show, and that they tell strangers nothing (Uptime Kuma's paths)."""

import re
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chalicelib.domain.outcome import Status
from chalicelib.domain.state import Entry, State
from tests.fakes import FakeDeps
from tests.routes.client import START, Answer, Api, People

SHARD = "enam.normal.00001"
SLOT = int(START.timestamp())
ANYBODY = Api()
TEXTS = re.compile(r"<title>(.*?)</title>")


def badge(monitor_id: str, query: Any = None, headers: dict[str, str] | None = None) -> Answer:
    answer = ANYBODY.get(f"/api/badge/{monitor_id}/status", query, headers)
    if answer.status == 200:
        assert answer.headers["content-type"] == "image/svg+xml; charset=utf-8"
        ElementTree.fromstring(answer.raw.decode())
    return answer


def title(answer: Answer) -> str:
    found = TEXTS.search(answer.raw.decode())
    assert found is not None
    return found[1]


def public_monitor(deps: FakeDeps, owner: Api, status: Status | None, **fields: Any) -> str:
    created = owner.create(**{"public": True, **fields})
    if status is not None:
        position = len(deps.store.items["member", SHARD])
        state: State = deps.store.items["state"][SHARD]
        entries = {**state.entries, position: Entry(status, SLOT, SLOT)}
        deps.store.write(("state", SHARD, State(1, state.config_version, SLOT, entries)))
    return str(created["id"])


@pytest.mark.parametrize(
    ("status", "text", "colour"),
    [
        (Status.UP, "Status: Up", "#66c20a"),
        (Status.DOWN, "Status: Down", "#c2290a"),
        (Status.DEGRADED, "Status: Degraded", "#eed202"),
        (None, "Status: Pending", "#f8a306"),
    ],
)
def test_a_public_monitor_shows_its_state(
    deps: FakeDeps, owner: Api, status: Status | None, text: str, colour: str
) -> None:
    answer = badge(public_monitor(deps, owner, status))
    assert answer.status == 200
    assert title(answer) == text
    assert colour.encode() in answer.raw


@pytest.mark.parametrize("status", [Status.UP, Status.DOWN, Status.DEGRADED, None])
def test_a_disabled_monitor_is_pending_whatever_it_was(
    deps: FakeDeps, owner: Api, status: Status | None
) -> None:
    monitor_id = public_monitor(deps, owner, status)
    owner.put(f"/v1/monitors/{monitor_id}", {"enabled": False})
    assert title(badge(monitor_id)) == "Status: Pending"


def test_making_a_monitor_private_or_public_or_deleting_it_shows_at_once(deps: FakeDeps, owner: Api) -> None:
    monitor_id = public_monitor(deps, owner, Status.UP)
    path = f"/v1/monitors/{monitor_id}"
    assert title(badge(monitor_id)) == "Status: Up"
    owner.put(path, {"public": False})
    assert title(badge(monitor_id)) == "N/A"
    owner.put(path, {"public": True})
    assert title(badge(monitor_id)) == "Status: Up"
    owner.delete(path)
    assert title(badge(monitor_id)) == "N/A"


ODD_IDS = [
    "mon_" + "0" * 32,
    "mon_",
    "1",
    "12abc",
    "tcpm_" + "0" * 32,
    "chk_" + "0" * 32,
    "key_" + "0" * 32,
    "team_" + "0" * 32,
    "MON_" + "0" * 32,
    "%00",
    "%20",
    "%0A",
    "%ED%A0%80",
    "%3Csvg%3E",
    "x" * 3000,
    "mon_" + "0" * 32 + "%0A",
]


@pytest.mark.parametrize("odd", ODD_IDS, ids=range(len(ODD_IDS)))
@pytest.mark.parametrize("query", [{}, {"label": "Mine", "upColor": "red"}, {"style": "flat"}])
def test_private_unknown_and_malformed_are_one_grey_badge_byte_for_byte(
    deps: FakeDeps, people: People, odd: str, query: dict[str, str]
) -> None:
    private = badge(public_monitor(deps, people.stranger, Status.DOWN, public=False), query)
    assert title(private) == "N/A"
    assert b"#999" in private.raw
    assert badge(odd, query) == private


def test_an_id_of_the_owners_other_things_shows_nothing(deps: FakeDeps, people: People) -> None:
    for other in (people.owner.team_id, *(key.id for key in deps.keys.of_team(people.owner.team_id))):
        assert title(badge(other)) == "N/A"


def test_a_key_changes_nothing(deps: FakeDeps, owner: Api) -> None:
    monitor_id = public_monitor(deps, owner, Status.UP, public=False)
    with_key = owner.get(f"/api/badge/{monitor_id}/status")
    assert with_key == badge(monitor_id)


def test_labels_and_colours_are_parameters(deps: FakeDeps, owner: Api) -> None:
    up = public_monitor(deps, owner, Status.UP)
    assert title(badge(up, {"label": "Shop"})) == "Shop: Up"
    assert title(badge(up, {"label": ""})) == "Up"
    assert title(badge(up, {"upLabel": "fine", "downLabel": "broken"})) == "Status: fine"
    assert b"#e05d44" in badge(up, {"upColor": "red", "downColor": "blue"}).raw
    assert b"#abcdef" in badge(up, {"upColor": "abcdef"}).raw
    assert b"#4c1" in badge(up, {"upColor": "no such colour"}).raw


def test_unknown_parameters_and_styles_change_nothing(deps: FakeDeps, owner: Api) -> None:
    up = public_monitor(deps, owner, Status.UP)
    plain = badge(up)
    assert badge(up, {"style": "plaid", "nonsense": "1", "value": "0"}) == plain
    assert badge(up, {"style": ""}) == plain


def test_of_a_repeated_parameter_the_last_one_counts(deps: FakeDeps, owner: Api) -> None:
    up = public_monitor(deps, owner, Status.UP)
    assert title(badge(up, "label=a&label=b")) == "b: Up"


def test_the_headers_let_everybody_cache_and_show_it_and_run_nothing(deps: FakeDeps, owner: Api) -> None:
    headers = badge(public_monitor(deps, owner, Status.UP)).headers
    assert headers["cache-control"] == "public, max-age=60"
    assert headers["access-control-allow-origin"] == "*"
    assert headers["cross-origin-resource-policy"] == "cross-origin"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert re.fullmatch(r'W/"[0-9a-f]+"', headers["etag"])


def test_head_is_get_without_the_body(deps: FakeDeps, owner: Api) -> None:
    up = public_monitor(deps, owner, Status.UP)
    get, head = badge(up), ANYBODY.send("HEAD", f"/api/badge/{up}/status")
    assert (head.status, head.raw) == (200, b"")
    assert head.headers == get.headers


@pytest.mark.parametrize(
    "form", ["{}", '"other", {}', '{}, "other"', "*", "{strong}", '"other",{strong}', "  {}  "]
)
def test_a_known_etag_is_304_without_a_body(deps: FakeDeps, owner: Api, form: str) -> None:
    """If-None-Match compares weakly: `"x"` and `W/"x"` are one."""
    up = public_monitor(deps, owner, Status.UP)
    etag = badge(up).headers["etag"]
    value = form.replace("{strong}", etag.removeprefix("W/")).replace("{}", etag)
    answer = badge(up, headers={"If-None-Match": value})
    assert (answer.status, answer.raw) == (304, b"")
    assert answer.headers["etag"] == etag
    assert answer.headers["cache-control"] == "public, max-age=60"


@pytest.mark.parametrize("value", ['W/"other"', '""', "", "W/", '"', "W"])
def test_another_etag_is_200(deps: FakeDeps, owner: Api, value: str) -> None:
    up = public_monitor(deps, owner, Status.UP)
    assert badge(up, headers={"If-None-Match": value}).status == 200


def test_the_etag_changes_with_the_state_and_with_the_looks(deps: FakeDeps, owner: Api) -> None:
    up, down = public_monitor(deps, owner, Status.UP), public_monitor(deps, owner, Status.DOWN)
    etags = {badge(i, q).headers["etag"] for i in (up, down) for q in ({}, {"label": "x"})}
    assert len(etags) == 4


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        '"><svg onload=alert(1)>',
        "'/><!--",
        "]]>",
        "&amp;&#x3c;",
        "a\r\nSet-Cookie: x=1",
        "\x00\x01\x1b",
        "x" * 5000,
        "%ED%A0%80",
        "\u202e\u2028\ufffe",
        "😀" * 100,
        "{{7*7}}${7*7}",
    ],
)
@pytest.mark.parametrize("name", ["label", "upLabel", "upColor", "style"])
def test_hostile_parameters_stay_text(deps: FakeDeps, owner: Api, hostile: str, name: str) -> None:
    answer = badge(public_monitor(deps, owner, Status.UP), {name: hostile})
    assert answer.status == 200
    elements = {element.tag.split("}")[1] for element in ElementTree.fromstring(answer.raw.decode()).iter()}
    assert elements <= {"svg", "title", "linearGradient", "stop", "clipPath", "rect", "g", "text"}
    assert "set-cookie" not in answer.headers
    assert len(answer.raw) < 5000


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(
        st.sampled_from(["label", "upLabel", "upColor", "style", "labelColor"]) | st.text(max_size=5),
        st.text() | st.lists(st.text(), max_size=3),
        max_size=5,
    )
)
def test_no_query_is_ever_a_500(deps: FakeDeps, owner: Api, query: dict[str, Any]) -> None:
    listed = owner.get("/v1/monitors").data
    monitor_id = listed[0]["id"] if listed else public_monitor(deps, owner, Status.UP)
    clean = {k: v for k, v in query.items() if is_encodable(k) and is_encodable("".join(v))}
    assert badge(monitor_id, clean).status == 200
    assert badge("mon_0", clean).status == 200


def is_encodable(text: str) -> bool:
    return not any("\ud800" <= character <= "\udfff" for character in text)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=40).map(lambda raw: "".join(f"%{byte:02X}" for byte in raw)))
def test_no_query_bytes_are_ever_a_500(deps: FakeDeps, owner: Api, raw: str) -> None:
    listed = owner.get("/v1/monitors").data
    monitor_id = listed[0]["id"] if listed else public_monitor(deps, owner, Status.UP)
    assert badge(monitor_id, f"label={raw}&{raw}=x&upColor={raw}").status == 200


def test_other_methods_are_405_in_our_shape(owner: Api) -> None:
    answer = ANYBODY.send("POST", "/api/badge/mon_1/status")
    assert (answer.status, answer.code) == (405, "METHOD_NOT_ALLOWED")
    assert set(answer.headers["allow"].split(", ")) == {"GET", "HEAD"}
