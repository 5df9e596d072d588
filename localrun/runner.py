"""Puts a local run together: engine, tables, queue, schedule, gateway."""

import logging
import os
import socket
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from app import app
from chalicelib import wiring
from chalicelib.domain.delivery import encode_delivery
from chalicelib.domain.job import encode_job
from chalicelib.jobs import authorize, deadlines, deliver, probe, sweep, tick
from chalicelib.settings import BadSetting, from_environment
from chalicelib.store.tables import create_tables
from localrun import process
from localrun.clock import Clock
from localrun.control import Control
from localrun.edges import LocalEdges
from localrun.engine import MODULES, Engine, EngineMissing, start_engine
from localrun.first_start import key_line
from localrun.gate import Gate
from localrun.gateway import Gateway
from localrun.mail_box import MailBox
from localrun.queue import LocalDeliveries, LocalQueue
from localrun.scheduler import Scheduler
from localrun.seams import Seams, read_seams
from localrun.server import build_server
from localrun.units import UnitCounter, work
from localrun.wire import Wire

log = logging.getLogger(__name__)

LAST_WORDS_SECONDS = 1.5
_SIGNAL_SECONDS = 0.1
_CLOCK = "clock"
_MAIL = "mail.jsonl"


def run(env: Mapping[str, str], modules: Path = MODULES) -> int:
    """Until a signal ends it; the exit status. `modules` is where npm has put the engine."""
    try:
        seams = read_seams(env)
        settings = from_environment(env)
        listener = _listen(seams.port)
        engine = start_engine(seams.data, seams.dynamodb_endpoint, modules)
    except (BadSetting, EngineMissing) as problem:
        print(problem, file=sys.stderr)
        return 1
    try:
        if engine.warning:
            print(engine.warning, file=sys.stderr)
        settings = replace(
            settings,
            dynamodb_endpoint=engine.endpoint,
            egress_allow=seams.egress_allow,
            dns_server=seams.dns_server,
            # The machine may have no network, and its targets be its own.
            reference_hosts=settings.reference_hosts if "UPTIME_REFERENCE_HOSTS" in env else (),
        )
        clock = Clock(kept=seams.data / _CLOCK)
        units = UnitCounter(is_believed=engine.counts_units)
        edges = LocalEdges(settings, clock, units, MailBox(seams.data / _MAIL, settings.mail_from))
        if engine.child is not None:
            Wire(engine.endpoint).attach(edges.dynamodb)
            process.watch(engine.child, lambda status: _follow(engine, status))
        return _serve(seams, edges, engine, listener, wants_new_key=env.get("NEW_KEY") == "1")
    finally:
        engine.stop()


def _listen(port: int) -> socket.socket:
    """Before anything else is started. Raises BadSetting when the port cannot be had."""
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
        listener.listen()
    except OSError as error:
        listener.close()
        problem = os.strerror(error.errno or 0)
        raise BadSetting(
            f"PORT: {port} is not to be had ({problem}). Choose another one, as in: make run PORT=8001"
        ) from None
    return listener


def _follow(engine: Engine, status: int) -> None:
    """End with an engine that somebody has killed: without it every answer would be a 500."""
    time.sleep(_SIGNAL_SECONDS)  # a signal to the whole tree may have reached it first
    if not engine.is_leaving:
        print(f"The engine has ended (status {status}), and this run with it.", file=sys.stderr, flush=True)
        os._exit(1)


def _serve(
    seams: Seams, edges: LocalEdges, engine: Engine, listener: socket.socket, *, wants_new_key: bool
) -> int:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    logging.getLogger("chalicelib").setLevel(logging.INFO)
    create_tables(edges.settings, edges.dynamodb)
    probes = LocalQueue(lambda body: _run_probe(edges, body), encode_job)
    deliveries = LocalQueue(lambda body: _run_delivery(edges, body), encode_delivery)
    edges.queue, edges.deliveries = probes, LocalDeliveries(deliveries)
    gate = Gate()
    scheduler = Scheduler(
        edges.clock, probes, deliveries, lambda at: _run_tick(edges, at), lambda: _run_sweep(edges), gate
    )
    gateway = Gateway(app.routes, app, authorize.authorize, seams.source_ip_header, gate)

    def close() -> None:
        engine.is_leaving = True
        scheduler.close()
        probes.close()
        deliveries.close()

    with wiring.override(edges):
        line = key_line(edges, wants_new_key=wants_new_key)
        control = Control(edges.clock, scheduler, edges.units, edges.mail_box, gateway)
        server = build_server(control, listener)
        process.leave_on_signals(close)
        probes.start()
        deliveries.start()
        scheduler.start()
        if seams.is_egress_default:
            print(
                f"Checks may also reach {seams.egress_allow} (UPTIME_EGRESS_ALLOW is not set).",
                file=sys.stderr,
            )
        print(f"Uptime is listening on http://127.0.0.1:{seams.port}", line, sep="\n", flush=True)
        server.run()
        last_word_at = time.monotonic() + LAST_WORDS_SECONDS
        for queue in (probes, deliveries):
            queue.join(max(0.0, last_word_at - time.monotonic()))
    return 0


def _run_probe(edges: LocalEdges, body: str) -> int:
    with work("probe"):
        return probe.run(edges, body)


def _run_delivery(edges: LocalEdges, body: str) -> int:
    with work("deliver"):
        return deliver.run(edges, body)


def _run_sweep(edges: LocalEdges) -> int:
    with work("sweep"):
        return sweep.run(edges)


def _run_tick(edges: LocalEdges, scheduled_at: datetime) -> int:
    """What the schedule of a deployment starts in a minute. One that fails takes no other with it."""
    try:
        with work("deadlines"):
            deadlines.run(edges)
    except Exception:
        log.exception("the deadlines of %s failed", scheduled_at)
    with work("tick"):
        return tick.run(edges, scheduled_at)
