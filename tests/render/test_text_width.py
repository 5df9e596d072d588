import pytest

from chalicelib.render.text_width import verdana_width


# What badge-maker 3.3.1 measures for these texts (anafanafo, "11px Verdana").
@pytest.mark.parametrize(
    ("text", "pixels"),
    [
        ("Status", 35.48),
        ("Up", 14.9),
        ("Down", 31.12),
        ("Pending", 43.82),
        ("Maintenance", 69.55),
        ("Degraded", 53.43),
        ("N/A", 20.75),
        ("99.98%", 43.8),
        ("Uptime (24h)", 74.31),
        ("Avg. Ping (30d)", 86.91),
        ("142ms", 37.4),
        ("Cert Exp.", 51.44),
        ("No/Bad Cert", 68.03),
        ("[api] {prod} #1 @eu-west-1", 160.22),
        ("The quick brown fox jumps over the lazy dog", 250.16),
        ("WAVE ~ ^_^ \\ | `x` $5 & <b>", 175.14),
        ("JSON?!; 'x' \"y\" = * +", 118.1),
        ("Größe: überfällig", 93.58),
        ("Żółta łódź", 54.6),
        ("Работает", 50.76),
        ("Λειτουργεί", 57.33),
        ("“quoted” – it’s…", 88.08),
    ],
)
def test_a_text_is_as_wide_as_badge_maker_finds_it(text: str, pixels: float) -> None:
    assert verdana_width(text) == pytest.approx(pixels)


def test_no_text_has_no_width() -> None:
    assert verdana_width("") == 0


@pytest.mark.parametrize("stranger", ["漢", "🚀", "\u0590", "\U0010ffff"])
def test_a_character_outside_the_table_is_as_wide_as_an_m(stranger: str) -> None:
    assert verdana_width(stranger) == verdana_width("m")


def test_every_row_of_the_table_is_complete() -> None:
    for code in [*range(0x20, 0x7F), *range(0xA0, 0x180), *range(0x400, 0x460)]:
        assert verdana_width(chr(code)) >= 0
