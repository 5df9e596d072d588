"""CPU per HTTP check: our engine, a bare curl loop on the same libcurl as the floor, and `requests`.

Each figure is the median of several interleaved rounds, each round a fresh process; CPU is user + system of
that process alone, after a warm-up.
"""

import resource
import statistics
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

from bench.table import print_table

CHECKS = 400
CONCURRENT = 100
ROUNDS = 7


def ours(url: str, count: int, starts_per_second: float | None = None) -> None:
    from chalicelib.net.engine import Engine, EngineOptions
    from chalicelib.net.exchange import HttpAnswer, HttpExchange
    from chalicelib.net.policy import Policy, parse_allowances

    policy = Policy(parse_allowances("127.0.0.0/8"))
    engine = Engine(EngineOptions(policy=policy, starts_per_second=starts_per_second))
    for begin in range(0, count, CONCURRENT):
        batch = range(begin, min(begin + CONCURRENT, count))
        with engine.start({i: HttpExchange(url, timeout_seconds=10) for i in batch}) as run:
            answers = run.collect()
        if any(not isinstance(a, HttpAnswer) or a.status_code != 200 for a in answers.values()):
            raise SystemExit("a check failed")


def ours_paced(url: str, count: int) -> None:
    ours(url, count, starts_per_second=700.0)


def bare_curl(url: str, count: int) -> None:
    import pycurl

    multi = pycurl.CurlMulti()
    waiting, running = count, 0
    while waiting or running:
        while waiting and running < CONCURRENT:
            easy = pycurl.Curl()
            easy.setopt(pycurl.URL, url)
            easy.setopt(pycurl.WRITEFUNCTION, len)
            easy.setopt(pycurl.FORBID_REUSE, 1)
            multi.add_handle(easy)
            waiting, running = waiting - 1, running + 1
        multi.perform()
        multi.select(1.0)
        _, done, failed = multi.info_read()
        if failed:
            raise SystemExit("a check failed")
        for easy in done:
            multi.remove_handle(easy)
            easy.close()
            running -= 1


def requests_threads(url: str, count: int) -> None:
    import requests

    def one(_: int) -> None:
        with requests.Session() as session:
            if session.get(url, timeout=10).status_code != 200:
                raise SystemExit("a check failed")

    with ThreadPoolExecutor(CONCURRENT) as pool:
        list(pool.map(one, range(count)))


CLIENTS: dict[str, Callable[[str, int], None]] = {
    "bare curl loop (floor)": bare_curl,
    "Uptime, unpaced": ours,
    "Uptime, 700 starts a second": ours_paced,
    "requests, 100 threads": requests_threads,
}


def measure(name: str, url: str) -> None:
    """One round in this process: prints CPU ms and wall ms per check."""
    client = CLIENTS[name]
    client(url, 20)
    before, began = _cpu(), monotonic()
    client(url, CHECKS)
    print(1000 * (_cpu() - before) / CHECKS, 1000 * (monotonic() - began) / CHECKS)


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    server = subprocess.Popen([sys.executable, "-m", "bench.server"], stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{server.stdout.readline().strip()}/"
        figures: dict[str, list[tuple[float, float]]] = {name: [] for name in CLIENTS}
        for _ in range(ROUNDS):
            for name in CLIENTS:
                command = [sys.executable, "-m", "bench.http_checks", name, url]
                cpu, wall = subprocess.check_output(command, text=True).split()
                figures[name].append((float(cpu), float(wall)))
    finally:
        server.kill()
        server.wait()
    rows = [
        (
            name,
            f"{statistics.median(cpu for cpu, _ in rounds):.3f}",
            f"{statistics.median(wall for _, wall in rounds):.3f}",
        )
        for name, rounds in figures.items()
    ]
    print_table(
        f"HTTP checks of one page on loopback, {CONCURRENT} concurrent, median of {ROUNDS} rounds",
        ("client", "CPU ms/check", "wall ms/check"),
        rows,
    )


if __name__ == "__main__":
    measure(sys.argv[1], sys.argv[2])
