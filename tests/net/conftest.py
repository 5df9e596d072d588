import contextlib
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from .servers import DnsServer, Handler, Replier, WebServer


@pytest.fixture
def web() -> Iterator[Callable[..., WebServer]]:
    """Starts web servers that end with the test."""
    with contextlib.ExitStack() as stack:

        def start(handle: Handler, tls: ssl.SSLContext | None = None) -> WebServer:
            return stack.enter_context(WebServer(handle, tls))

        yield start


@pytest.fixture
def names() -> Iterator[Callable[[Replier], DnsServer]]:
    """Starts name servers that end with the test."""
    with contextlib.ExitStack() as stack:
        yield lambda reply: stack.enter_context(DnsServer(reply))


@pytest.fixture(scope="session")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="session")
def ca_file(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path
