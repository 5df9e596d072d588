"""`make run`: the deployed code, its schedule and its queue over an embedded engine, in one process tree."""

import logging
import os
import signal
import socket
import sys
from dataclasses import replace
from datetime import datetime
from types import FrameType

import waitress

from app import app
from chalicelib import wiring
from chalicelib.jobs import authorize, probe, tick
from chalicelib.settings import BadSetting, from_environment
from chalicelib.store.tables import create_tables
from localrun import process
from localrun.clock import Clock
from localrun.control import Control
from localrun.edges import LocalEdges
from localrun.engine import EngineMissing, start_engine
from localrun.first_start import key_line
from localrun.gateway import Gateway
from localrun.queue import LocalQueue
from localrun.scheduler import Scheduler
from localrun.seams import Seams, read_seams
from localrun.units import UnitCounter, work

THREADS = 16
LAST_WORDS_SECONDS = 1.5


def main() -> int:
    process.follow_parent(os.environ)
    try:
        seams = read_seams(os.environ)
        settings = from_environment(os.environ)
        listener = _listen(seams.port)
        engine = start_engine(seams.data, seams.dynamodb_endpoint)
    except (BadSetting, EngineMissing) as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        settings = replace(
            settings,
            dynamodb_endpoint=engine.endpoint,
            egress_allow=seams.egress_allow,
            dns_server=seams.dns_server,
        )
        return _serve(seams, LocalEdges(settings, Clock(), UnitCounter()), listener)
    finally:
        engine.stop()


def _listen(port: int) -> socket.socket:
    """Before anything else is started. Raises BadSetting when the port is taken."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError:
        listener.close()
        raise BadSetting(f"Port {port} is taken. Choose another one: make run PORT={port + 1}") from None
    return listener


def _serve(seams: Seams, edges: LocalEdges, listener: socket.socket) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("chalicelib").setLevel(logging.INFO)
    create_tables(edges.settings, edges.dynamodb)
    queue = LocalQueue(lambda body: _run_probe(edges, body))
    edges.queue = queue
    scheduler = Scheduler(edges.clock, queue, lambda at: _run_tick(edges, at))
    gateway = Gateway(app.routes, app, authorize.authorize, seams.source_ip_header)
    with wiring.override(edges):
        line = key_line(edges, wants_new_key=os.environ.get("NEW_KEY") == "1")
        server = waitress.create_server(
            Control(edges.clock, scheduler, edges.units, gateway),
            sockets=[listener],
            threads=THREADS,
            ident=None,
            max_request_body_size=64 * 1024 * 1024,
        )
        queue.start()
        scheduler.start()
        if seams.is_egress_default:
            print(
                f"Checks may also reach {seams.egress_allow} (UPTIME_EGRESS_ALLOW is not set).",
                file=sys.stderr,
            )
        print(f"Uptime is listening on http://127.0.0.1:{seams.port}", line, sep="\n", flush=True)
        signal.signal(signal.SIGTERM, _stop)
        signal.signal(signal.SIGINT, _stop)
        server.run()
        queue.close(LAST_WORDS_SECONDS)
    return 0


def _run_probe(edges: LocalEdges, body: str) -> int:
    with work("probe"):
        return probe.run(edges, body)


def _run_tick(edges: LocalEdges, scheduled_at: datetime) -> int:
    with work("tick"):
        return tick.run(edges, scheduled_at)


def _stop(number: int, frame: FrameType | None) -> None:
    raise SystemExit(0)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)
