"""The story with real parts: nginx with a real certificate, dnsmasq, a browser that shows the badge."""

import contextlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests
import trustme

from localrun.engine import free_port

ROOT = Path(__file__).resolve().parent.parent.parent
HOST = "shop.uptime.test"

pytestmark = pytest.mark.system


@dataclass
class Api:
    """A running service and the key of its first start."""

    port: int
    key: str

    def call(self, method: str, path: str, body: Any = None) -> Any:
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Authorization": f"Bearer {self.key}"}
        return requests.request(method, url, json=body, headers=headers, timeout=60).json()

    def advance(self, seconds: int) -> Any:
        return self.call("POST", "/_local/advance", {"seconds": seconds})


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@pytest.fixture(scope="module")
def authority(folder: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    authority.issue_cert(HOST).private_key_and_cert_chain_pem.write_to_path(str(folder / "shop.pem"))
    return authority


@pytest.fixture(scope="module")
def name_server(folder: Path) -> Iterator[int]:
    """dnsmasq, which knows the shop as this machine and nothing else."""
    port = free_port()
    command = [
        _program("dnsmasq"),
        "--keep-in-foreground",
        "--no-resolv",
        "--no-hosts",
        f"--port={port}",
        "--listen-address=127.0.0.1",
        "--bind-interfaces",
        f"--address=/{HOST}/127.0.0.1",
        "--address=/metadata.uptime.test/169.254.169.254",
        f"--pid-file={folder / 'dnsmasq.pid'}",
        "--user=",
    ]
    with _running(command):
        yield port


@dataclass
class Shop:
    """An nginx that can be broken and mended."""

    port: int
    tls_port: int
    command: list[str]
    child: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        self.child = subprocess.Popen(self.command, stderr=subprocess.DEVNULL)
        _until(lambda: _accepts(self.port))

    def close(self) -> None:
        if self.child is not None:
            self.child.terminate()
            self.child.wait(10)
            self.child = None


@pytest.fixture(scope="module")
def shop(folder: Path, authority: trustme.CA) -> Iterator[Shop]:
    port, tls_port = free_port(), free_port()
    (folder / "index.html").write_text("open\n")
    (folder / "nginx.conf").write_text(
        f"""
        daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit;
        events {{ worker_connections 64; }}
        http {{
            access_log off; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
            fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port}; root {folder};
                location /moved {{ return 302 http://{HOST}:{port}/; }}
                location /inside {{ return 302 http://metadata.uptime.test/latest/; }}
            }}
            server {{
                listen 127.0.0.1:{tls_port} ssl; root {folder};
                ssl_certificate {folder}/shop.pem; ssl_certificate_key {folder}/shop.pem;
            }}
        }}
        """
    )
    shop = Shop(port, tls_port, [_program("nginx"), "-e", "stderr", "-c", str(folder / "nginx.conf")])
    shop.open()
    yield shop
    shop.close()


@pytest.fixture(scope="module")
def api(folder: Path, authority: trustme.CA, name_server: int) -> Iterator[Api]:
    port = free_port()
    env = {
        **os.environ,
        "PORT": str(port),
        "UPTIME_LOCAL_DATA": str(folder / "data"),
        "UPTIME_DNS_SERVER": f"127.0.0.1:{name_server}",
        "UPTIME_CA_FILE": str(folder / "ca.pem"),
    }
    command = [sys.executable, "local.py"]
    run = subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, text=True)
    assert run.stdout is not None
    run.stdout.readline()
    key = run.stdout.readline().removeprefix("API key: ").strip()
    yield Api(port, key)
    run.terminate()
    assert run.wait(15) == 0
    run.stdout.close()


@pytest.fixture(scope="module")
def monitors(api: Api, shop: Shop) -> dict[str, str]:
    """Ids by name, an hour old."""
    targets = {
        "http": f"http://{HOST}:{shop.port}/",
        "https": f"https://{HOST}:{shop.tls_port}/",
        "moved": f"http://{HOST}:{shop.port}/moved",
        "wrong name": f"https://localhost:{shop.tls_port}/",
        "metadata": "http://metadata.uptime.test/latest/",
        "redirected inside": f"http://{HOST}:{shop.port}/inside",
        "nowhere": "http://unknown.uptime.test/",
    }
    ids = {}
    for name, url in targets.items():
        body = {"name": name, "url": url, "method": "GET", "public": True}
        ids[name] = api.call("POST", "/v1/monitors", body)["data"]["id"]
    api.advance(180)
    return ids


def _newest(api: Api, monitor_id: str) -> tuple[str, str | None]:
    result = api.call("GET", f"/v1/monitors/{monitor_id}/results?limit=1")["data"][0]
    return result["status"], result.get("error")


def test_targets_by_name_are_judged_through_a_real_name_server(api: Api, monitors: dict[str, str]) -> None:
    assert {name: _newest(api, monitor_id) for name, monitor_id in monitors.items()} == {
        "http": ("up", None),
        "https": ("up", None),
        "moved": ("up", None),
        "wrong name": ("down", "The TLS certificate is for another host"),
        "metadata": ("down", "The target's address is not allowed"),
        "redirected inside": ("down", "The target's address is not allowed"),
        "nowhere": ("down", "The host name could not be resolved"),
    }


def test_a_broken_server_is_down_and_a_mended_one_up_again(
    api: Api, shop: Shop, monitors: dict[str, str]
) -> None:
    shop.close()
    api.advance(60)
    assert _newest(api, monitors["http"]) == ("down", "Connection refused")
    assert 'aria-label="Status: Down"' in _badge(api, monitors["https"])
    shop.open()
    api.advance(60)
    assert _newest(api, monitors["http"]) == ("up", None)
    assert 'aria-label="Status: Up"' in _badge(api, monitors["https"])


def test_a_browser_shows_the_badge(api: Api, monitors: dict[str, str], folder: Path) -> None:
    badge = f"http://127.0.0.1:{api.port}/api/badge/{monitors['http']}/status"
    (folder / "page.html").write_text(
        f"""<img id=badge src="{badge}"><p id=size></p><script>
        onload = () => {{ size.textContent = badge.naturalWidth + "x" + badge.naturalHeight }}
        </script>"""
    )
    command = [_program("chromium"), "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-component-update"]
    command += ["--disable-sync", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000"]
    command += ["--dump-dom", (folder / "page.html").as_uri()]
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    assert '<p id="size">70x20</p>' in shown.stdout


def _badge(api: Api, monitor_id: str) -> str:
    return requests.get(f"http://127.0.0.1:{api.port}/api/badge/{monitor_id}/status", timeout=10).text


def _program(name: str) -> str:
    found = shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")
    assert found, f"{name} is not installed; .ci/run installs it"
    return found


@contextlib.contextmanager
def _running(command: list[str]) -> Iterator[None]:
    child = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        child.terminate()
        child.wait(10)


def _accepts(port: int) -> bool:
    try:
        requests.get(f"http://127.0.0.1:{port}/", timeout=1).close()
    except requests.ConnectionError:
        return False
    return True


def _until(condition: Any, timeout_seconds: float = 10) -> None:
    deadline = time.monotonic() + timeout_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come up"
