"""The page of `GET /docs` in a real browser, beside a document that a small server of its own serves."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from packager import reference

KEY = "uptime_typed_by_hand"
ANSWER = {"description": "Done", "content": {"application/json": {"schema": {"type": "object"}}}}
ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
DOCUMENT = {
    "openapi": "3.1.0",
    "info": {"title": "Uptime API", "version": "1"},
    "servers": [{"url": ".."}],
    "security": [{"apiKey": []}],
    "paths": {
        "/v1/monitors": {"get": {"tags": ["monitors"], "responses": {"200": ANSWER}}},
        "/v1/monitors/{id}": {
            "get": {"tags": ["monitors"], "parameters": [ID], "responses": {"200": ANSWER}}
        },
    },
    "components": {"securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}}},
}

# Types a key into the page, lets it send a request, and writes down what is stored then.
VISITOR = """<!doctype html><p id="told">nothing</p><iframe src="docs" width="1200" height="1600"></iframe>
<script>
const frame = document.querySelector("iframe")
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms))
async function find(selector) {
  for (let tries = 0; tries < 100; tries++) {
    const found = frame.contentDocument.querySelector(selector)
    if (found) return found
    await wait(50)
  }
  throw new Error("there is no " + selector)
}
const click = async (selector) => (await find(selector)).click()
async function visit() {
  await click(".btn.authorize")
  const input = await find(".auth-container input")
  const { set } = Object.getOwnPropertyDescriptor(frame.contentWindow.HTMLInputElement.prototype, "value")
  set.call(input, "KEY")
  input.dispatchEvent(new Event("input", { bubbles: true }))
  await click(".auth-container button.authorize")
  await click(".btn-done")
  await click(".opblock-get .opblock-summary-control")
  await click(".try-out__btn")
  await click("button.execute")
  await find(".live-responses-table .response")
  return "stored: " + [localStorage.length, sessionStorage.length, document.cookie.length].join(" ")
}
onload = () => visit().catch(String).then((text) => { told.textContent = text })
</script>""".replace("KEY", KEY)


@dataclass
class Site:
    """Serves the page, the document, the visitor; everything else is an empty answer of the API."""

    page: str
    port: int = 0
    asked: list[tuple[str, str | None]] = field(default_factory=list)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def answer(self, path: str) -> tuple[str, str]:
        """Under any stage, as at API Gateway."""
        if path.endswith("/docs"):
            return "text/html; charset=utf-8", self.page
        if path.endswith("/visitor"):
            return "text/html; charset=utf-8", VISITOR
        return "application/json", json.dumps(DOCUMENT if path.endswith("/v1/openapi.json") else {})


@dataclass(frozen=True)
class Visit:
    dom: str
    console: str
    asked: set[str]
    """The addresses that a page asked for; the browser's own errands are not among them."""


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    target = tmp_path_factory.mktemp("built") / "docs.html"
    assert reference.main(target=target) == 0
    return target.read_text()


@pytest.fixture
def site(page: str) -> Iterator[Site]:
    site = Site(page)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = urlsplit(self.path).path
            site.asked.append((path, self.headers.get("Authorization")))
            kind, text = site.answer(path)
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.port = server.server_port
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield site
    server.shutdown()
    thread.join()
    server.server_close()


def browse(url: str, folder: Path) -> Visit:
    program = shutil.which("chromium")
    assert program, "chromium is not installed; .ci/run installs it"
    log = folder / "net.json"
    command = [program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
    command += ["--disable-background-networking", "--disable-component-update", "--disable-sync"]
    command += ["--no-proxy-server", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1"]
    command += [f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}", "--enable-logging=stderr"]
    command += ["--virtual-time-budget=10000", "--dump-dom", url]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = "\n".join(line for line in shown.stderr.splitlines() if "CONSOLE" in line)
    return Visit(shown.stdout, console, requests_of_pages(json.loads(log.read_text()), url))


def requests_of_pages(log: dict[str, Any], url: str) -> set[str]:
    """Every request begun on behalf of a page, answered or not, and the first one."""
    begun = log["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    starts = [e["params"] for e in log["events"] if e["type"] == begun and "url" in e.get("params", {})]
    assert any(start["url"] == url for start in starts)
    return {s["url"] for s in starts if s["initiator"] != "not an origin" or s["url"] == url}


@pytest.mark.system
def test_the_page_shows_the_operations(site: Site, tmp_path: Path) -> None:
    visit = browse(f"{site.origin}/docs", tmp_path)
    assert "<title>Uptime API</title>" in visit.dom
    assert 'data-path="/v1/monitors/{id}"' in visit.dom


@pytest.mark.system
def test_the_page_asks_nobody_but_its_own_service_and_does_not_even_try(site: Site, tmp_path: Path) -> None:
    """What its own policy stops never becomes a request, but is told on the console."""
    visit = browse(f"{site.origin}/docs", tmp_path)
    assert visit.asked == {f"{site.origin}/docs", f"{site.origin}/v1/openapi.json"}
    assert visit.console == ""


@pytest.mark.system
def test_a_request_to_a_stranger_would_be_seen(site: Site, tmp_path: Path) -> None:
    site.page = '<!doctype html><img src="http://stranger.example/logo.png">'
    assert "http://stranger.example/logo.png" in browse(f"{site.origin}/docs", tmp_path).asked


@pytest.mark.system
def test_what_the_policy_stops_would_be_seen(site: Site, tmp_path: Path) -> None:
    site.page = site.page.replace("<body>", '<body><img src="http://stranger.example/logo.png">')
    assert "Content Security Policy" in browse(f"{site.origin}/docs", tmp_path).console


@pytest.mark.system
@pytest.mark.parametrize("stage", ["", "/prod"])
def test_a_typed_key_is_sent_to_the_service_and_stored_nowhere(
    site: Site, tmp_path: Path, stage: str
) -> None:
    visit = browse(f"{site.origin}{stage}/visitor", tmp_path)
    assert '<p id="told">stored: 0 0 0</p>' in visit.dom
    assert (f"{stage}/v1/monitors", f"Bearer {KEY}") in site.asked
    assert {urlsplit(url).netloc for url in visit.asked} == {f"127.0.0.1:{site.port}"}
