"""The targets: nginx with a plain and a TLS port, and dnsmasq, on loopback for as long as a run lasts."""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import certifi
import trustme

from bench.target import HOST, Target
from localrun.engine import free_port

# Debian keeps its servers where only root's PATH leads.
_PATH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_OWN_ADDRESS = "127.53.53.53"
_PACKAGES = {"nginx": "nginx-light", "dnsmasq": "dnsmasq-base"}

# `/slow` is a page that waits 200 ms, by nginx's own timer: it delays the refusal that leads there.
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log stderr crit; worker_rlimit_nofile 4096;
events {{ worker_connections 2048; }}
http {{
    access_log off; keepalive_timeout 60s; default_type text/html; root {folder}/pages;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    ssl_certificate {folder}/chain.pem; ssl_certificate_key {folder}/chain.pem;
    ssl_protocols TLSv1.3; ssl_session_tickets off; ssl_session_cache off;
    server {{
        listen 127.0.0.1:{http_port} backlog=2048;
        listen 127.0.0.1:{https_port} ssl backlog=2048;
        location = /slow {{
            auth_delay 200ms; auth_basic slow; auth_basic_user_file {folder}/nobody; error_page 401 =200 /;
        }}
    }}
}}
"""


def missing() -> list[str]:
    """Debian's packages of what a run cannot do without."""
    return [package for program, package in _PACKAGES.items() if _program(program) is None]


@contextlib.contextmanager
def running() -> Iterator[Target]:
    with tempfile.TemporaryDirectory(prefix="uptime-bench-") as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        # nginx drops root's rights before it reads a page
        folder.chmod(0o755)
        roots = folder / "roots.pem"
        http_port, https_port, dns_port = free_port(), free_port(), free_port()
        _write_pages(folder)
        _write_certificates(folder, roots)
        conf = _NGINX.format(folder=folder, http_port=http_port, https_port=https_port)
        (folder / "nginx.conf").write_text(conf)
        stack.enter_context(_process("nginx", "-e", "stderr", "-c", f"{folder}/nginx.conf"))
        stack.enter_context(_name_server(folder, "127.0.0.1", dns_port))
        for port in (http_port, https_port, dns_port):
            _wait_for("127.0.0.1", port)
        resolv_conf = ""
        if _can_replace_resolv_conf():
            stack.enter_context(_name_server(folder, _OWN_ADDRESS, 53))
            _wait_for(_OWN_ADDRESS, 53)
            (folder / "resolv.conf").write_text(f"nameserver {_OWN_ADDRESS}\n")
            resolv_conf = str(folder / "resolv.conf")
        yield Target(http_port, https_port, dns_port, str(roots), resolv_conf)


def with_resolv_conf(target: Target) -> list[str]:
    """What to put before a command that is to ask our name server as the machine's own."""
    if not target.resolv_conf:
        return []
    return [
        "unshare",
        "--mount",
        "sh",
        "-c",
        'mount --bind "$0" /etc/resolv.conf && exec "$@"',
        target.resolv_conf,
    ]


def _can_replace_resolv_conf() -> bool:
    """For one process: port 53 and a mount of its own take root's rights."""
    command = ["unshare", "--mount", "mount", "--bind", "/etc/hosts", "/etc/resolv.conf"]
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        return False
    return subprocess.run(command, stderr=subprocess.DEVNULL, check=False).returncode == 0


def _name_server(folder: Path, address: str, port: int) -> AbstractContextManager[None]:
    return _process(
        "dnsmasq",
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--no-resolv",
        "--no-hosts",
        f"--port={port}",
        f"--listen-address={address}",
        "--bind-interfaces",
        f"--address=/{HOST}/127.0.0.1",
        f"--local=/{HOST}/",
        f"--pid-file={folder}/dnsmasq-{port}.pid",
        "--user=",
    )


def _write_pages(folder: Path) -> None:
    (folder / "pages").mkdir()
    page = "<!doctype html><title>Bench</title>\n".ljust(259, "x") + "\n"
    (folder / "pages" / "index.html").write_text(page)
    (folder / "nobody").touch()


def _write_certificates(folder: Path, roots: Path) -> None:
    """A P-256 leaf below an intermediate, as public sites have them."""
    authority = trustme.CA()
    leaf = authority.create_child_ca().issue_cert(HOST)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(folder / "chain.pem"))
    roots.write_bytes(Path(certifi.where()).read_bytes() + b"\n" + authority.cert_pem.bytes())


def _program(name: str) -> str | None:
    return shutil.which(name, path=_PATH)


@contextlib.contextmanager
def _process(program: str, *arguments: str) -> Iterator[None]:
    """On the last of the processors: what is measured may have the others."""
    path = _program(program)
    assert path is not None
    last = {max(os.sched_getaffinity(0))}
    child = subprocess.Popen([path, *arguments], stderr=subprocess.DEVNULL)
    try:
        os.sched_setaffinity(child.pid, last)
        yield
    finally:
        child.terminate()
        child.wait(10)


def _wait_for(address: str, port: int) -> None:
    for _ in range(200):
        with contextlib.suppress(OSError), socket.create_connection((address, port), timeout=1):
            return
        time.sleep(0.02)
    raise RuntimeError(f"the server on {address}:{port} did not start")
