"""Certificates: read after a run's results are committed, so that they delay none and change none. The stages
that they enter are written with what was read."""

import logging
from collections.abc import Mapping, Sequence

from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.member import Pack
from chalicelib.domain.ssl_alarm import ssl_row_of
from chalicelib.domain.ssl_readings import SslReading, SslReadings, certificate_target, choose_due, merge
from chalicelib.errors import Contended
from chalicelib.services.announcing import announce
from chalicelib.services.deps import Deps

TRIES = 2

log = logging.getLogger(__name__)


def renew_certificates(deps: Deps, shard: str, pack: Pack, only: int | None = None) -> None:
    """Read those that are due, or of those `only` the one at that position, and keep what was found.

    Nothing is read for a shard that wants none. What fails here is logged and left to the next run: the
    message must not come back, since its checks are done.
    """
    try:
        _renew(deps, shard, pack, only)
    except Exception:
        log.exception("the certificates of shard %s were not read", shard)


def _renew(deps: Deps, shard: str, pack: Pack, only: int | None) -> None:
    targets = {p: target for p, m in pack.members.items() if (target := certificate_target(m.spec))}
    readable = {
        p: target
        for p, target in targets.items()
        if pack.members[p].is_enabled and (only is None or p == only)
    }
    if not readable:
        return
    now = deps.now()
    stored = deps.ssl_readings.get(shard, consistent=False)
    due = choose_due(stored.by_position, readable, now)
    found = deps.certificates.read({p: readable[p] for p in due}) if due else {}
    if not found:
        return
    warning_days = {p: pack.members[p].spec["sslExpiryWarningDays"] for p in found}
    for attempt in range(TRIES):
        if attempt:
            stored = deps.ssl_readings.get(shard, consistent=True)
        merged = merge(stored.by_position, targets, found, warning_days, pack.members, now)
        rows = [
            ssl_row_of(shard, pack.members[p].monitor_id, pack.members[p].team_id, turn)
            for p, turn in merged.turns.items()
        ]
        if _is_saved(deps, shard, stored, merged.readings, rows):
            announce(deps, [shard] if rows else ())
            return
    log.info("shard %s: what was read of certificates was lost to another run", shard)


def _is_saved(
    deps: Deps,
    shard: str,
    stored: SslReadings,
    readings: Mapping[int, SslReading],
    rows: Sequence[OutboxRow],
) -> bool:
    """What has been written without an answer is found by the next try, and not made a second time."""
    try:
        return deps.ssl_readings.save(shard, stored, readings, rows)
    except Contended:
        return False
