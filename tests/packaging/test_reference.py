"""The page of `GET /docs`: made of one small stand-in for the renderer, and once of the real one."""

import base64
import hashlib
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from packager.reference import MODULES, RENDERER, Renderer, main, read_renderer, render_page

SMALL = Renderer("1.2.3", "const small = 1\n", ".small { color: red }\n")


class Page(HTMLParser):
    """What a browser makes of the page: tags with their attributes, and the text of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: dict[str, list[str]] = {"script": [], "style": []}
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag in self.texts:
            self.texts[tag].append("")

    def handle_data(self, data: str) -> None:
        if self.cdata_elem in self.texts:
            self.texts[self.cdata_elem][-1] += data

    @property
    def policy(self) -> str:
        (policy,) = (a["content"] for tag, a in self.tags if tag == "meta" and "http-equiv" in a)
        assert policy
        return policy


def install(folder: Path, script: str = SMALL.script, style: str = SMALL.style) -> Path:
    """A node_modules with a renderer in it."""
    package = folder / RENDERER
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"version": SMALL.version}))
    (package / "swagger-ui-bundle.js").write_bytes(script.encode())
    (package / "swagger-ui.css").write_bytes(style.encode())
    return folder


@pytest.fixture(scope="module", params=["stand-in", "real"])
def page(request: pytest.FixtureRequest) -> Page:
    renderer = SMALL if request.param == "stand-in" else read_renderer(MODULES)
    return Page(render_page(renderer))


def test_the_policy_allows_the_one_script_by_its_hash(page: Page) -> None:
    (script,) = page.texts["script"]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in page.policy


def test_the_policy_allows_no_other_host_and_no_evaluated_text(page: Page) -> None:
    assert page.policy.startswith("default-src 'none'; ")
    assert "unsafe-eval" not in page.policy
    assert not re.search(r"https?:|\*", page.policy)


def test_the_policy_stands_before_what_it_judges(page: Page) -> None:
    names = [tag for tag, _ in page.tags]
    assert names.index("meta") < names.index("style") < names.index("script")
    assert names[: names.index("style")].count("meta") == 4


def test_nothing_is_loaded_from_elsewhere(page: Page) -> None:
    """The icon is an empty one, as a browser would ask for /favicon.ico otherwise."""
    loads = [(tag, a[name]) for tag, a in page.tags for name in ("src", "href", "srcset") if name in a]
    assert loads == [("link", "data:,"), ("a", "v1/openapi.json")]
    for style in page.texts["style"]:
        assert "@import" not in style
        assert not re.findall(r"url\((?!\s*[\"']?data:)", style)


def test_no_map_of_the_sources_is_asked_for(page: Page) -> None:
    assert not [t for texts in page.texts.values() for t in texts if "sourceMappingURL=" in t]


def test_the_page_says_what_it_is(page: Page) -> None:
    assert ("html", {"lang": "en"}) in page.tags
    assert any(a.get("name") == "viewport" for _, a in page.tags)
    assert "noscript" in [tag for tag, _ in page.tags]


def test_the_script_is_what_the_renderer_and_the_start_are_but_for_the_escapes(page: Page) -> None:
    (script,) = page.texts["script"]
    assert "SwaggerUIBundle({" in script
    assert "persistAuthorization: false" in script
    assert "validatorUrl: null" in script


@pytest.mark.parametrize(
    ("script", "escaped"),
    [
        ('a = "</script>"', r'a = "\x3C/script>"'),
        ('a = "</SCRIPT >"', r'a = "\x3C/SCRIPT >"'),
        ('a = "<!-- <script>"', r'a = "\x3C!-- <script>"'),
        ("a = /<!--/", r"a = /\x3C!--/"),
        ('a = "</style> $policy"', 'a = "</style> $policy"'),
    ],
)
def test_a_script_cannot_end_its_element(script: str, escaped: str) -> None:
    page = Page(render_page(Renderer("1", script, "")))
    assert page.texts["script"][0].splitlines()[0] == escaped
    assert page.tags[-1][0] == "script"


def test_a_style_cannot_end_its_element() -> None:
    page = Page(render_page(Renderer("1", "", 'a { content: "</style><img src=x>" }')))
    assert page.texts["style"][0] == r'a { content: "\3C /style><img src=x>" }'
    assert "img" not in [tag for tag, _ in page.tags]


def test_line_ends_are_those_that_the_browser_hashes(tmp_path: Path) -> None:
    renderer = read_renderer(install(tmp_path, "a = 1\r\nb = 2\rc = 3\n"))
    assert renderer == Renderer(SMALL.version, "a = 1\nb = 2\nc = 3\n", SMALL.style)


def test_the_same_renderer_makes_the_same_page(tmp_path: Path) -> None:
    modules = install(tmp_path / "modules")
    pages = [tmp_path / name / "docs.html" for name in ("one", "two")]
    assert [main(modules, page) for page in pages] == [0, 0]
    assert pages[0].read_bytes() == pages[1].read_bytes()


def test_a_missing_renderer_is_one_clear_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(tmp_path, tmp_path / "docs.html") == 1
    assert not (tmp_path / "docs.html").exists()
    missing = tmp_path / RENDERER / "package.json"
    assert capsys.readouterr().err == f"packager.reference: {missing} is missing; `npm ci` installs it\n"


def test_the_real_page_is_one_that_a_function_can_answer() -> None:
    """Lambda's limit is 6 MB, counted as JSON."""
    answer = json.dumps(render_page(read_renderer(MODULES)))
    assert len(answer) < 2_500_000


def test_the_real_renderer_is_the_pinned_one() -> None:
    manifest = json.loads((MODULES.parent / "package.json").read_text())
    assert manifest["dependencies"] == {RENDERER: read_renderer(MODULES).version}
