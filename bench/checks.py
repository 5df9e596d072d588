"""What checks cost, beside their peers, and whether what they report is true."""

import json
import random
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from bench import blackbox, servers
from bench.table import print_table
from bench.target import Target

ROUNDS = 5
TRUTH_ROUNDS = 3

UPTIME, PACED = "Uptime", "Uptime, 700 starts a second"
BLACKBOX, FLOOR, REQUESTS = "blackbox_exporter", "bare curl loop (floor)", "requests, 100 threads"
SOCKETS = "bare sockets (floor)"

# Contender -> where it is, and how many checks of each kind it makes in a round.
CONTENDERS: Mapping[str, tuple[str, Mapping[str, int]]] = {
    UPTIME: ("bench.ours:unpaced", {"http": 1000, "https": 1000, "tcp": 2000, "dns": 2000}),
    PACED: ("bench.ours:paced", {"http": 700, "https": 700}),
    FLOOR: ("bench.bare_curl:ready", {"http": 1000, "https": 1000}),
    SOCKETS: ("bench.bare_socket:ready", {"tcp": 2000}),
    BLACKBOX: ("bench.blackbox:ready", {"http": 1000, "https": 1000, "tcp": 1000, "dns": 1000}),
    REQUESTS: ("bench.plain_requests:ready", {"http": 300, "https": 100}),
}
KINDS = ("http", "https", "tcp", "dns")

Figures = Mapping[tuple[str, str], Sequence[float]]
"""(contender, kind) -> CPU ms per check of each round."""


def main() -> None:
    missing = servers.missing()
    if missing:
        print(f"make bench: no checks are measured, missing: apt-get install {' '.join(missing)}")
        return
    with servers.running() as target:
        figures = _rounds(target)
        paced = _truth("paced", target.of("https", "/slow"))
        run = _truth("run", target.of("https", "/slow"))
        is_by_name = bool(target.resolv_conf)
    _print_cost(figures, is_by_name)
    rows = [*_cost_targets(figures), *_truth_targets(paced, run)]
    print_table("Targets of checks", ("figure", "measured", "must", ""), rows)


def _rounds(target: Target) -> Figures:
    """A process for each contender, kind and round, in an order of chance: noise meets them all alike."""
    figures: dict[tuple[str, str], list[float]] = {}
    todo = [
        (name, kind)
        for name, (_, counts) in CONTENDERS.items()
        for kind in counts
        if name != BLACKBOX or blackbox.is_installed()
    ]
    for number in range(ROUNDS):
        print(f"round {number + 1} of {ROUNDS}", file=sys.stderr)
        for name, kind in random.sample(todo, len(todo)):
            module, counts = CONTENDERS[name]
            command = [
                sys.executable,
                "-m",
                "bench.measure",
                module,
                target.of(kind).to_text(),
                str(counts[kind]),
            ]
            out = subprocess.check_output([*servers.with_resolv_conf(target), *command], text=True)
            figures.setdefault((name, kind), []).append(float(out))
    return figures


def _truth(what: str, target: Target) -> dict[str, float]:
    """Medians of the figures of some rounds."""
    command = [sys.executable, "-m", "bench.truth", what, target.to_text()]
    rounds: list[dict[str, Any]] = [json.loads(subprocess.check_output(command)) for _ in range(TRUTH_ROUNDS)]
    return {key: statistics.median(figures[key] for figures in rounds) for key in rounds[0]}


def _print_cost(figures: Figures, is_by_name: bool) -> None:
    def cell(name: str, kind: str) -> str:
        rounds = figures.get((name, kind))
        if rounds is None:
            is_missing = name == BLACKBOX and not blackbox.is_installed()
            return "not installed" if is_missing else "-"
        return f"{statistics.median(rounds):.3f}"

    print_table(
        f"CPU ms per check on loopback, 100 at a time, medians of {ROUNDS} interleaved rounds",
        ("", *(kind.upper() for kind in KINDS)),
        [(name, *(cell(name, kind) for kind in KINDS)) for name in CONTENDERS],
    )
    looked_up = (
        "look it up too" if is_by_name else "are given the address (without root they cannot look it up)"
    )
    print(
        f"  HTTP(S): Uptime looks the name up for every check; the peers {looked_up}; the floor is given it."
    )


def _cost_targets(figures: Figures) -> list[tuple[str, str, str, str]]:
    def ratio(kind: str, peer: str, most: float) -> tuple[str, str, str, str]:
        label = f"CPU of {kind.upper()}, Uptime / {peer}"
        if (peer, kind) not in figures:
            return label, "not installed", f"<= {most:.2f}", ""
        pairs = zip(figures[UPTIME, kind], figures[peer, kind], strict=True)
        return _target(label, statistics.median(ours / theirs for ours, theirs in pairs), most, "{:.2f}")

    def pacing(kind: str) -> float:
        pairs = zip(figures[PACED, kind], figures[UPTIME, kind], strict=True)
        return statistics.median(paced - unpaced for paced, unpaced in pairs)

    return [
        ratio("https", BLACKBOX, 0.75),
        ratio("https", FLOOR, 1.5),
        ratio("http", BLACKBOX, 0.35),
        _target("pacing adds to an HTTPS check, ms", pacing("https"), 0.25, "{:.3f}"),
        _target("pacing adds to an HTTP check, ms", pacing("http"), 0.25, "{:.3f}"),
        _target("CPU of TCP, us", 1000 * statistics.median(figures[UPTIME, "tcp"]), 60, "{:.0f}"),
        _target("CPU of DNS, us", 1000 * statistics.median(figures[UPTIME, "dns"]), 300, "{:.0f}"),
    ]


def _truth_targets(paced: Mapping[str, float], run: Mapping[str, float]) -> list[tuple[str, str, str, str]]:
    lone, tls = paced["lone"], paced["lone_tls"]
    return [
        _target(
            f"400 paced checks of {lone:.1f} ms alone: median off by, ms", paced["median_error"], 2, "{:.2f}"
        ),
        _target("  p99 off by, ms", paced["p99_error"], 5, "{:.2f}"),
        _target(f"  TLS p50 / a lone check's {tls:.2f} ms", paced["tls"] / tls, 1.5, "{:.2f}"),
        _target("run of 200 checks of 200 ms, one processor: wall, s", run["wall"], 1.5, "{:.2f}"),
        _target("  peak memory, MB", run["rss"], 128, "{:.0f}"),
    ]


def _target(label: str, measured: float, most: float, shown: str) -> tuple[str, str, str, str]:
    verdict = "ok" if abs(measured) <= most else "missed"
    return label, shown.format(measured), f"<= {most:g}", verdict
