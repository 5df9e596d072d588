"""Badges are read back as XML: the bytes are ours, the measures are Uptime Kuma's (badge-maker 3.3.1)."""

from dataclasses import dataclass
from typing import get_args
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.render.badge import STYLES, State, na_badge, render_badge, status_badge

SVG = "{http://www.w3.org/2000/svg}"


@dataclass(frozen=True)
class Text:
    content: str
    x: int
    y: int
    length: int
    fill: str


@dataclass(frozen=True)
class Badge:
    """What an eye sees: `segments` are (x, width, colour), `texts` the shadowed and the plain ones."""

    width: int
    height: int
    name: str
    segments: list[tuple[int, int, str]]
    texts: list[Text]

    @property
    def label(self) -> str | None:
        return self.texts[1].content if len(self.texts) == 4 else None

    @property
    def message(self) -> str:
        return self.texts[-1].content

    @property
    def colour(self) -> str:
        return self.segments[-1][2]


def read(svg: str) -> Badge:
    root = ElementTree.fromstring(svg.encode())  # encode() refuses lone surrogates, as a response would
    assert root.tag == f"{SVG}svg"
    assert root.get("role") == "img"
    assert root.findtext(f"{SVG}title") == root.get("aria-label")
    segments = [
        (int(rect.get("x", "0")), int(rect.attrib["width"]), rect.attrib["fill"])
        for rect in root.iterfind(f"{SVG}g/{SVG}rect")
    ]
    texts = [
        Text(
            text.text or "",
            int(text.attrib["x"]),
            int(text.attrib["y"]),
            int(text.attrib["textLength"]),
            text.attrib["fill"],
        )
        for text in root.iterfind(f"{SVG}g/{SVG}text")
    ]
    return Badge(
        width=int(root.attrib["width"]),
        height=int(root.attrib["height"]),
        name=root.attrib["aria-label"],
        segments=[segment for segment in segments[:-1] if segment[1]],
        texts=texts,
    )


class TestGeometry:
    def test_two_segments(self) -> None:
        badge = read(render_badge("Status", "Up", "#66c20a"))

        assert (badge.width, badge.height) == (70, 20)
        assert badge.segments == [(0, 45, "#555"), (45, 25, "#66c20a")]
        assert badge.texts == [
            Text("Status", x=235, y=150, length=350, fill="#010101"),
            Text("Status", x=235, y=140, length=350, fill="#fff"),
            Text("Up", x=565, y=150, length=150, fill="#010101"),
            Text("Up", x=565, y=140, length=150, fill="#fff"),
        ]

    def test_the_message_alone(self) -> None:
        badge = read(na_badge())

        assert badge.width == 31
        assert badge.segments == [(0, 31, "#999")]
        assert badge.texts == [
            Text("N/A", x=155, y=150, length=210, fill="#010101"),
            Text("N/A", x=155, y=140, length=210, fill="#fff"),
        ]
        assert badge.name == "N/A"

    def test_a_label_without_message_keeps_a_strip_of_colour(self) -> None:
        badge = read(render_badge("Status", "", "red"))

        assert badge.segments == [(0, 45, "#555"), (45, 10, "#e05d44")]
        assert len(badge.texts) == 2
        assert badge.name == "Status: "

    # Widths of badge-maker's own badges.
    @pytest.mark.parametrize(
        ("label", "message", "width"),
        [
            ("Status", "Down", 86),
            ("Status", "Degraded", 108),
            ("Status", "Pending", 98),
            ("Status", "Maintenance", 124),
            ("", "Up", 25),
            ("Uptime (24h)", "99.98%", 138),
            ("Uptime (30d)", "100.0%", 138),
            ("Avg. Ping (24h)", "142ms", 144),
            ("Avg. Response (24h)", "1034ms", 182),
            ("Cert Exp.", "87 days", 114),
            ("Cert Exp.", "No/Bad Cert", 140),
            ("Response", "23ms", 104),
            ("api.example.com/v1?x=1&y=2", "OK", 208),
            ("WAWA", "<i>{'j'}|[l]", 120),
            ("The quick brown fox jumps", "over the lazy dog", 268),
            ("Größe", "Überfällig", 106),
            ("Статус", "Работает", 108),
            ("Extra errors", "logs are", 128),  # 66 and 44 px of text, less a rounding error
        ],
    )
    def test_a_badge_is_as_wide_as_badge_makers(self, label: str, message: str, width: int) -> None:
        assert read(render_badge(label, message, "red")).width == width

    def test_the_picture_is_glossy_and_rounded(self) -> None:
        svg = render_badge("Status", "Up", "#66c20a")

        assert '<rect width="70" height="20" rx="3"/></clipPath>' in svg
        assert '<rect width="70" height="20" fill="url(#shine)"/>' in svg
        assert 'font-family="Verdana,Geneva,DejaVu Sans,sans-serif"' in svg


class TestColours:
    @pytest.mark.parametrize(
        ("colour", "fill", "shadow"), [("#66c20a", "#fff", "#010101"), ("#eed202", "#333", "#ccc")]
    )
    def test_text_is_dark_on_bright_colours(self, colour: str, fill: str, shadow: str) -> None:
        texts = read(render_badge("Status", "Up", colour)).texts

        assert [text.fill for text in texts] == ["#010101", "#fff", shadow, fill]

    def test_each_segment_has_its_own_text_colour(self) -> None:
        texts = read(render_badge("Status", "Up", "black", label_colour="white")).texts

        assert [text.fill for text in texts] == ["#ccc", "#333", "#010101", "#fff"]

    def test_names_are_understood(self) -> None:
        badge = read(render_badge("a", "b", "critical", label_colour="navy"))

        assert [colour for _, _, colour in badge.segments] == ["#000080", "#e05d44"]

    def test_unreadable_colours_get_kumas_defaults(self) -> None:
        badge = read(render_badge("a", "b", '"/><script>', label_colour='"/><script>'))

        assert [colour for _, _, colour in badge.segments] == ["#555", "#4c1"]


class TestText:
    @pytest.mark.parametrize(
        ("given_text", "shown"),
        [
            ('"><script>alert(1)</script>', '"><script>alert(1)</script>'),
            ("Tom & Jerry's", "Tom & Jerry's"),
            ("&lt;", "&lt;"),
            ("]]><![CDATA[", "]]><![CDATA["),
            ("a\x00b\x07c\x1bd\x7fe\x9ff", "abcdef"),
            ("a\tb\nc\rd\x85e", "a b c d e"),
            ("a\u2028b\u2029c", "a b c"),
            ("a\ud800b\udfffc", "abc"),
            ("a\ufffeb\uffffc", "abc"),
            ("🚀 到", "🚀 到"),
            ("  spaces \xa0", "spaces"),
            ("\x00 hidden \x00", "hidden"),
        ],
    )
    def test_any_text_is_shown_and_nothing_more(self, given_text: str, shown: str) -> None:
        badge = read(render_badge(given_text, given_text, "red"))

        assert badge.label == shown
        assert badge.message == shown
        assert badge.name == f"{shown}: {shown}"

    def test_markup_never_comes_through(self) -> None:
        svg = render_badge('"><script>', "' onload='x", "red")

        assert "<script" not in svg
        assert "' onload" not in svg

    def test_long_texts_are_cut_at_64_characters(self) -> None:
        badge = read(render_badge("m" * 10_000, "🚀" * 10_000, "red"))

        assert badge.label == "m" * 64
        assert badge.message == "🚀" * 64

    def test_what_is_dropped_does_not_count_and_the_cut_leaves_no_space_at_the_end(self) -> None:
        badge = read(render_badge("  " + "\x00" * 100 + "a" * 63 + " b", "ok", "red"))

        assert badge.label == "a" * 63

    @pytest.mark.parametrize("label", ["", "   ", "\x00\ud800", "\u2028"])
    def test_a_label_of_nothing_visible_is_no_label(self, label: str) -> None:
        assert render_badge(label, "Up", "red") == render_badge("", "Up", "red")

    @given(
        st.text(st.characters()),
        st.text(st.characters(categories=["Cc", "Cs", "Zl", "Zp", "Po", "L"])),
        st.text(),
        st.text(),
    )
    def test_any_badge_is_well_formed(self, label: str, message: str, colour: str, label_colour: str) -> None:
        badge = read(render_badge(label, message, colour, label_colour=label_colour))

        assert badge.width == sum(width for _, width, _ in badge.segments)
        assert all(len(text.content) <= 64 for text in badge.texts)


class TestStatusBadge:
    @pytest.mark.parametrize(
        ("state", "message", "colour"),
        [
            ("up", "Up", "#66c20a"),
            ("down", "Down", "#c2290a"),
            ("degraded", "Degraded", "#eed202"),
            ("pending", "Pending", "#f8a306"),
            ("maintenance", "Maintenance", "#1747f5"),
        ],
    )
    def test_defaults(self, state: State, message: str, colour: str) -> None:
        badge = read(status_badge(state, {}))

        assert (badge.label, badge.message, badge.colour) == ("Status", message, colour)
        assert badge.name == f"Status: {message}"

    @pytest.mark.parametrize("state", get_args(State))
    def test_each_state_has_its_own_text_and_colour(self, state: State) -> None:
        params = {f"{other}Label": f"other {other}" for other in get_args(State)}
        params |= {f"{other}Color": "black" for other in get_args(State) if other != state}

        badge = read(status_badge(state, params | {f"{state}Label": "mine", f"{state}Color": "abc"}))

        assert (badge.message, badge.colour) == ("mine", "#abc")

    def test_the_label_is_free_and_trimmed(self) -> None:
        badge = read(status_badge("up", {"label": "  api ", "upLabel": " fine  "}))

        assert (badge.label, badge.message) == ("api", "fine")

    @pytest.mark.parametrize("label", ["", "  "])
    def test_an_empty_label_leaves_one_segment(self, label: str) -> None:
        badge = read(status_badge("up", {"label": label}))

        assert badge.segments == [(0, 25, "#66c20a")]
        assert badge.name == "Up"

    @pytest.mark.parametrize("colour", ["", "bogus"])
    def test_a_colour_that_cannot_be_read_is_green_whatever_the_state(self, colour: str) -> None:
        assert read(status_badge("down", {"downColor": colour})).colour == "#4c1"

    def test_parameters_of_other_badges_are_ignored(self) -> None:
        params = {"color": "red", "labelColor": "red", "prefix": "x", "suffix": "x", "labelPrefix": "x"}

        assert status_badge("up", params) == status_badge("up", {})


class TestStyles:
    def test_flat_is_the_default(self) -> None:
        assert status_badge("up", {"style": "flat"}) == status_badge("up", {})
        assert na_badge("flat") == na_badge()

    def test_the_style_picks_the_drawing(self, monkeypatch: pytest.MonkeyPatch) -> None:
        styles = {"plain": lambda label, message, colour, label_colour: f"{label}|{message}|{colour}"}
        monkeypatch.setattr("chalicelib.render.badge.STYLES", styles)

        assert status_badge("up", {"style": "plain"}) == "Status|Up|#66c20a"
        assert na_badge("plain") == "|N/A|#999"

    def test_routes_can_tell_unknown_styles(self) -> None:
        assert "flat" in STYLES
        assert "nonsense" not in STYLES
