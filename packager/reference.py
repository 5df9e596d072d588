"""`python -m packager.reference`: the page of `GET /docs` in one file that asks nobody but its service."""

import base64
import hashlib
import json
import re
import sys
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Final

ROOT: Final = Path(__file__).resolve().parent.parent
MODULES: Final = ROOT / "node_modules"
PAGE: Final = ROOT / "chalicelib" / "static" / "docs.html"
RENDERER: Final = "swagger-ui-dist"

_FRAME: Final = Path(__file__).with_suffix(".html")
_START: Final = Path(__file__).with_suffix(".js")
_SOURCE_MAP: Final = re.compile(r"^(//# |/\*# )sourceMappingURL=.*$", re.MULTILINE)
_SCRIPT_END: Final = re.compile(r"<(?=/script|!--)", re.IGNORECASE)
_STYLE_END: Final = re.compile(r"</style", re.IGNORECASE)


class Unbuildable(Exception):
    """The page cannot be made; the text says why."""


@dataclass(frozen=True, slots=True)
class Renderer:
    """What of the package is put into the page."""

    version: str
    script: str
    style: str


def main(modules: Path = MODULES, target: Path = PAGE) -> int:
    try:
        page = render_page(read_renderer(modules))
    except Unbuildable as reason:
        print(f"packager.reference: {reason}", file=sys.stderr)
        return 1
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(page, encoding="utf-8")
    return 0


def read_renderer(modules: Path) -> Renderer:
    """Raises Unbuildable. Line ends come out as the browser's parser makes them: the hash is of those."""
    folder = modules / RENDERER
    try:
        about, script, style = (
            (folder / name).read_text(encoding="utf-8")
            for name in ("package.json", "swagger-ui-bundle.js", "swagger-ui.css")
        )
    except FileNotFoundError as missing:
        raise Unbuildable(f"{missing.filename} is missing; `npm ci` installs it") from None
    return Renderer(json.loads(about)["version"], script, style)


def render_page(renderer: Renderer) -> str:
    script = _inside_script(f"{renderer.script}\n{_START.read_text(encoding='utf-8')}")
    return Template(_FRAME.read_text(encoding="utf-8")).substitute(
        policy=content_security_policy(script),
        version=renderer.version,
        style=_inside_style(renderer.style),
        script=script,
    )


def content_security_policy(script: str) -> str:
    """This one script, requests to the page's own service, and nothing else.

    In the page itself, so that its route knows no hash. `frame-ancestors` works in a header only.
    """
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    directives = (
        "default-src 'none'",
        f"script-src 'sha256-{digest}'",
        "style-src 'unsafe-inline'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
    )
    return "; ".join(directives)


def _inside_script(script: str) -> str:
    r"""`</script` would end the element, and after `<!--` its end may go unseen.

    Both occur in strings and regular expressions, where `\x3C` is the same character.
    """
    return _SCRIPT_END.sub(r"\\x3C", _SOURCE_MAP.sub("", script))


def _inside_style(style: str) -> str:
    r"""`</style` would end the element; in a string or an address of CSS `\3C ` is the same character."""
    return _STYLE_END.sub(r"\\3C /style", _SOURCE_MAP.sub("", style))


if __name__ == "__main__":
    sys.exit(main())
