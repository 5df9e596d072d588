"""The outbox: rows that transitions leave (`store/incidents.py`), until everybody has heard of them."""

import logging
from collections.abc import Iterable
from datetime import datetime
from itertools import islice

from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.outcome import Reason, Status
from chalicelib.store.courses import looks_until
from chalicelib.store.tables import LookItem, OutboxItem

log = logging.getLogger(__name__)


class OutboxStore:
    def of_shard(self, shard: str, limit: int, after: OutboxRow | None = None) -> list[OutboxRow]:
        later = None if after is None else OutboxItem.sk > row_key(after)
        found = OutboxItem.query(f"OUT#{shard}", later, consistent_read=True, page_size=limit)
        return list(islice(filter(None, map(_readable, found)), limit))

    def remove(self, rows: Iterable[OutboxRow]) -> None:
        with OutboxItem.batch_write() as batch:
            for row in rows:
                batch.delete(OutboxItem(f"OUT#{row.shard}", row_key(row)))

    def is_anything_due(self, shard: str, now: datetime) -> bool:
        rows = OutboxItem.query(f"OUT#{shard}", limit=1, attributes_to_get=["pk"])
        looks = LookItem.query(f"DUE#{shard}", looks_until(now), limit=1)
        return any(True for _ in rows) or any(True for _ in looks)


def row_key(row: OutboxRow) -> str:
    return f"{row.subject}#{row.seq:08d}"


def _readable(item: OutboxItem) -> OutboxRow | None:
    """None of what only newer code knows, say: the others are to be heard all the same."""
    try:
        return _row(item)
    except Exception:
        log.exception("outbox row %s of %s cannot be read", item.sk, item.pk)
        return None


def _row(item: OutboxItem) -> OutboxRow:
    subject, _, seq = item.sk.rpartition("#")
    return OutboxRow(
        shard=item.pk.removeprefix("OUT#"),
        monitor_id=subject.rpartition("#")[2],
        team_id=item.team,
        kind=item.kind,
        seq=int(seq),
        opened_seq=int(item.opened_seq),
        before=None if item.before is None else Status(int(item.before)),
        after=Status(int(item.after)),
        slot=int(item.slot),
        at=int(item.at),
        reason=Reason(int(item.reason)),
        status_code=int(item.status_code),
        response_ms=int(item.response_ms),
    )
