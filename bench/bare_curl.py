"""The floor: the same libcurl with the same options, the address given, and nothing of ours around it."""

import contextlib
from collections.abc import Iterator
from typing import Any

import pycurl

from bench.contender import CONCURRENT, CheckFailed, Contender
from bench.target import HOST, Target


@contextlib.contextmanager
def ready(target: Target) -> Iterator[Contender]:
    multi = pycurl.CurlMulti()
    yield Contender(lambda count: transfer_all(multi, [target.url] * count, lambda: _handle(target)))
    multi.close()


def _handle(target: Target) -> Any:
    curl = pycurl.Curl()
    curl.setopt(pycurl.RESOLVE, [f"{HOST}:{target.port}:127.0.0.1"])
    curl.setopt(pycurl.NOSIGNAL, 1)
    curl.setopt(pycurl.FORBID_REUSE, 1)
    curl.setopt(pycurl.TIMEOUT_MS, 30_000)
    curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
    curl.setopt(pycurl.WRITEFUNCTION, len)
    if target.kind == "https":
        curl.setopt(pycurl.CAINFO, target.ca_file)
        curl.setopt(pycurl.SSLVERSION, pycurl.SSLVERSION_TLSv1_2)
        curl.setopt(pycurl.SSL_EC_CURVES, "X25519:P-256")
    return curl


def transfer_all(multi: Any, urls: list[str], handle: Any) -> None:
    """100 at a time in one multi handle, a handle each."""
    running = 0
    while urls or running:
        while urls and running < CONCURRENT:
            curl = handle()
            curl.setopt(pycurl.URL, urls.pop())
            multi.add_handle(curl)
            running += 1
        multi.perform()
        multi.select(1.0)
        _, done, failed = multi.info_read()
        if failed:
            raise CheckFailed(failed[0][2])
        for curl in done:
            if curl.getinfo(pycurl.RESPONSE_CODE) != 200:
                raise CheckFailed(curl.getinfo(pycurl.RESPONSE_CODE))
            multi.remove_handle(curl)
            curl.close()
            running -= 1
