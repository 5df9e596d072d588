"""Certificates: read after a run's results are committed, so that they delay none and change none."""

import logging

from chalicelib.domain.member import Pack
from chalicelib.domain.ssl_readings import certificate_target, choose_due, merge
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
    for attempt in range(TRIES):
        if attempt:
            stored = deps.ssl_readings.get(shard, consistent=True)
        if deps.ssl_readings.save(shard, stored, merge(stored.by_position, targets, found, now)):
            return
    log.info("shard %s: what was read of certificates was lost to another run", shard)
