"""Debian's prometheus-blackbox-exporter, asked for /probe as Prometheus asks it.

It looks names up at the machine's own resolver; where that cannot be ours it is given the address.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pycurl

from bench.bare_curl import transfer_all
from bench.contender import CheckFailed, Contender
from bench.target import HOST, Target
from localrun.engine import free_port

PROGRAM = "prometheus-blackbox-exporter"

_CONFIG = f"""
modules:
  http: {{prober: http, http: {{preferred_ip_protocol: ip4}}}}
  https: {{prober: http, http: {{preferred_ip_protocol: ip4, fail_if_not_ssl: true}}}}
  tcp: {{prober: tcp, tcp: {{preferred_ip_protocol: ip4}}}}
  dns: {{prober: dns, dns: {{preferred_ip_protocol: ip4, query_name: {HOST}, query_type: A}}}}
"""


def is_installed() -> bool:
    return shutil.which(PROGRAM) is not None


@contextlib.contextmanager
def ready(target: Target) -> Iterator[Contender]:
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder, "blackbox.yml")
        config.write_text(_CONFIG)
        child = subprocess.Popen(
            [PROGRAM, f"--config.file={config}", f"--web.listen-address=127.0.0.1:{port}"],
            stderr=subprocess.DEVNULL,
            env={"SSL_CERT_FILE": target.ca_file, "SSL_CERT_DIR": folder},
        )
        multi = pycurl.CurlMulti()
        try:
            _wait_for(port)
            url = f"http://127.0.0.1:{port}/probe?{urlencode(_parameters(target))}"
            yield Contender(
                lambda count: transfer_all(multi, [url] * count, _caller),
                lambda: _seconds_of(child.pid),
            )
        finally:
            multi.close()
            child.terminate()
            child.wait(10)


def _parameters(target: Target) -> dict[str, str]:
    match target.kind:
        case "dns":
            return {"module": "dns", "target": f"127.0.0.1:{target.dns_port}"}
        case "tcp":
            return {"module": "tcp", "target": f"127.0.0.1:{target.port}"}
        case kind:
            if target.resolv_conf:
                return {"module": kind, "target": target.url}
            url = f"{kind}://127.0.0.1:{target.port}{target.path}"
            return {"module": kind, "target": url, "hostname": HOST}


def _caller() -> pycurl.Curl:
    curl = pycurl.Curl()
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.WRITEFUNCTION, _refuse_failure)
    return curl


def _refuse_failure(chunk: bytes) -> int | None:
    if b"probe_success 0" in chunk:
        raise CheckFailed("blackbox_exporter's probe failed")
    return None


def _seconds_of(pid: int) -> float:
    """What its threads have run so far, in the kernel's nanoseconds."""
    tasks = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9


def _wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.01)
    raise CheckFailed("blackbox_exporter did not start")
