"""Whether what the engine reports is true: one processor, a page that waits 200 ms, in a process of its own.

Prints a run's figures as JSON; times are in ms.
"""

import json
import os
import resource
import statistics
import sys
from collections.abc import Callable, Sequence
from time import monotonic
from typing import Any

import pycurl

from bench.contender import CheckFailed
from bench.ours import PACE, SHARD, engine_for
from bench.target import Target
from chalicelib.net.engine import Engine
from chalicelib.net.exchange import HttpAnswer, HttpExchange
from chalicelib.net.transfer import Transfer

PACED = 400
LONE = 25


def percentile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def paced(target: Target) -> dict[str, float]:
    """400 paced checks against lone ones of the same page: what they report, and where it is off."""
    handshakes = _watch_handshakes()
    engine = engine_for(target, PACE)
    _response_times(engine, target, 1)
    handshakes.clear()
    lone = statistics.median([_response_times(engine, target, 1)[0] for _ in range(LONE)])
    lone_tls = statistics.median(handshakes)
    handshakes.clear()
    errors = [reported - lone for reported in _response_times(engine, target, PACED)]
    return {
        "lone": lone,
        "median_error": statistics.median(errors),
        "p99_error": percentile([abs(error) for error in errors], 0.99),
        "lone_tls": lone_tls,
        "tls": statistics.median(handshakes),
    }


def run(target: Target) -> dict[str, float]:
    """A full shard: seconds it takes, and the most memory of the whole process."""
    engine = engine_for(target, PACE)
    began = monotonic()
    _response_times(engine, target, SHARD)
    wall = monotonic() - began
    return {"wall": wall, "rss": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def _response_times(engine: Engine, target: Target, count: int) -> list[float]:
    exchange = HttpExchange(target.url, timeout_seconds=30)
    with engine.start(dict.fromkeys(range(count), exchange)) as started:
        answers = started.collect().values()
    times = [a.elapsed_ms for a in answers if isinstance(a, HttpAnswer) and a.status_code == 200]
    if len(times) != count:
        raise CheckFailed(target.url)
    return times


def _watch_handshakes() -> list[float]:
    """Answers have whole milliseconds of them: here they are listed as libcurl has them."""
    seen: list[float] = []
    reply: Callable[..., Any] = Transfer.reply

    def watched(transfer: Transfer, *code: int) -> Any:
        info = transfer.curl.getinfo
        seen.append((info(pycurl.APPCONNECT_TIME_T) - info(pycurl.CONNECT_TIME_T)) / 1000)
        return reply(transfer, *code)

    setattr(Transfer, "reply", watched)  # noqa: B010
    return seen


if __name__ == "__main__":
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    print(json.dumps({"paced": paced, "run": run}[sys.argv[1]](Target.from_text(sys.argv[2]))))
