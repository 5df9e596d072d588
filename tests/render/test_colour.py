import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.render.colour import is_bright, normal_colour, parse_colour


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("#66c20a", "#66c20a"),
        ("66c20a", "#66c20a"),
        ("#4c1", "#4c1"),
        ("4C1", "#4c1"),
        ("#ABCDEF", "#abcdef"),
        ("  #abc ", "#abc"),
        ("fee", "#fee"),
    ],
)
def test_hexadecimal_colours(text: str, colour: str) -> None:
    assert parse_colour(text, "#000") == colour


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("brightgreen", "#4c1"),
        ("green", "#97ca00"),
        ("yellow", "#dfb317"),
        ("yellowgreen", "#a4a61d"),
        ("orange", "#fe7d37"),
        ("red", "#e05d44"),
        ("blue", "#007ec6"),
        ("grey", "#555"),
        ("lightgrey", "#9f9f9f"),
        ("gray", "#555"),
        ("lightgray", "#9f9f9f"),
        ("critical", "#e05d44"),
        ("important", "#fe7d37"),
        ("success", "#4c1"),
        ("informational", "#007ec6"),
        ("inactive", "#9f9f9f"),
    ],
)
def test_the_badge_palette_wins_over_css(name: str, colour: str) -> None:
    assert parse_colour(name, "#000") == colour


@pytest.mark.parametrize(
    ("name", "colour"),
    [
        ("aliceblue", "#f0f8ff"),
        ("black", "#000000"),
        ("crimson", "#dc143c"),
        ("darkslategrey", "#2f4f4f"),
        ("lightgoldenrodyellow", "#fafad2"),
        ("rebeccapurple", "#663399"),
        ("tan", "#d2b48c"),
        ("whitesmoke", "#f5f5f5"),
        ("DarkOrange", "#ff8c00"),
        ("Red", "#e05d44"),
    ],
)
def test_css_names_in_any_case(name: str, colour: str) -> None:
    assert parse_colour(name, "#000") == colour


CSS_NAMES = """
aliceblue antiquewhite aqua aquamarine azure beige bisque black blanchedalmond blue blueviolet brown
burlywood cadetblue chartreuse chocolate coral cornflowerblue cornsilk crimson cyan darkblue darkcyan
darkgoldenrod darkgray darkgreen darkgrey darkkhaki darkmagenta darkolivegreen darkorange darkorchid
darkred darksalmon darkseagreen darkslateblue darkslategray darkslategrey darkturquoise darkviolet
deeppink deepskyblue dimgray dimgrey dodgerblue firebrick floralwhite forestgreen fuchsia gainsboro
ghostwhite gold goldenrod gray green greenyellow grey honeydew hotpink indianred indigo ivory khaki
lavender lavenderblush lawngreen lemonchiffon lightblue lightcoral lightcyan lightgoldenrodyellow
lightgray lightgreen lightgrey lightpink lightsalmon lightseagreen lightskyblue lightslategray
lightslategrey lightsteelblue lightyellow lime limegreen linen magenta maroon mediumaquamarine mediumblue
mediumorchid mediumpurple mediumseagreen mediumslateblue mediumspringgreen mediumturquoise mediumvioletred
midnightblue mintcream mistyrose moccasin navajowhite navy oldlace olive olivedrab orange orangered orchid
palegoldenrod palegreen paleturquoise palevioletred papayawhip peachpuff peru pink plum powderblue purple
rebeccapurple red rosybrown royalblue saddlebrown salmon sandybrown seagreen seashell sienna silver
skyblue slateblue slategray slategrey snow springgreen steelblue tan teal thistle tomato turquoise violet
wheat white whitesmoke yellow yellowgreen
"""


def test_all_148_names_of_css_are_known() -> None:
    names = CSS_NAMES.split()
    assert len(names) == 148
    assert [name for name in names if normal_colour(name) is None] == []


@pytest.mark.parametrize(
    ("text", "colour"),
    [
        ("rgb(194, 41, 10)", "#c2290a"),
        ("rgb(194,41,10)", "#c2290a"),
        ("RGB( 194 41 10 )", "#c2290a"),
        ("rgb(999, 0, 0)", "#ff0000"),
        ("hsl(0, 100%, 50%)", "#ff0000"),
        ("hsl(120 100% 25%)", "#008000"),
        ("hsl(210deg, 50%, 40%)", "#336699"),
        ("hsl(600, 999%, 50%)", "#0000ff"),
        ("hsl(33, 10%, 999%)", "#ffffff"),
    ],
)
def test_the_plain_function_forms(text: str, colour: str) -> None:
    assert parse_colour(text, "#000") == colour


@pytest.mark.parametrize(
    "text",
    [
        "",
        "#",
        "#12",
        "#1234",
        "#12345",
        "#12345678",
        "##123",
        "#ggg",
        "#４c１",
        "nonsense",
        "transparent",
        "currentColor",
        "none",
        "inherit",
        "url(#shine)",
        "url(https://example.com/x.svg)",
        "var(--x)",
        "rgba(1, 2, 3, .5)",
        "rgb(1, 2)",
        "rgb(1.5, 2, 3)",
        "rgb(-1, 2, 3)",
        "rgb(10%, 20%, 30%)",
        "rgb(1111, 2, 3)",
        "rgb(١, 2, 3)",
        "hsl(1, 2, 3)",
        "hsl(.5turn, 20%, 30%)",
        '#4c1" onload="alert(1)',
        "#4c1\n/>",
        "red;fill:url(x)",
        "\ud800",
    ],
)
def test_what_cannot_be_read_is_kumas_green(text: str) -> None:
    assert normal_colour(text) is None
    assert parse_colour(text, "#000") == "#4c1"


def test_an_absent_colour_is_the_fallback() -> None:
    assert parse_colour(None, "#c2290a") == "#c2290a"


@given(st.text() | st.from_regex(r"(#|rgb\(|hsl\()[0-9a-f%, ]*\)?", fullmatch=True))
def test_whatever_is_asked_the_answer_is_plain_hexadecimal(text: str) -> None:
    assert re.fullmatch(r"#([0-9a-f]{3}){1,2}", parse_colour(text, "#000"))


@pytest.mark.parametrize(
    ("colour", "bright"),
    [
        ("#000", False),
        ("#fff", True),
        ("#ffffff", True),
        ("#66c20a", False),
        ("#c2290a", False),
        ("#f8a306", False),
        ("#eed202", True),
        ("#1747f5", False),
        ("#999", False),
        ("#b0b0b0", False),  # .69
        ("#b1b1b1", False),  # .694
        ("#b2b2b2", True),  # .698
    ],
)
def test_brightness(colour: str, bright: bool) -> None:
    assert is_bright(colour) is bright
