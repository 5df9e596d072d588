"""The certificates of a shard as they were last read: one item, written when something was read."""

from collections.abc import Mapping, Sequence

from pynamodb.exceptions import PutError
from pynamodb.expressions.condition import Condition
from pynamodb.transactions import TransactWrite

from chalicelib.domain.incident import OutboxRow
from chalicelib.domain.ssl_layout import decode_ssl_readings, encode_ssl_readings
from chalicelib.domain.ssl_readings import SslReading, SslReadings
from chalicelib.store.client import error_code
from chalicelib.store.incidents import add_outbox_row
from chalicelib.store.tables import SslItem
from chalicelib.store.transactions import transact


class SslReadingStore:
    def get(self, shard: str, *, consistent: bool) -> SslReadings:
        try:
            item = SslItem.get(f"S#{shard}", "SSL", consistent_read=consistent)
        except SslItem.DoesNotExist:
            return SslReadings()
        return SslReadings(int(item.version), decode_ssl_readings(item.data))

    def save(
        self,
        shard: str,
        read: SslReadings,
        readings: Mapping[int, SslReading],
        rows: Sequence[OutboxRow] = (),
    ) -> bool:
        item = SslItem(f"S#{shard}", version=read.version + 1, data=encode_ssl_readings(readings))
        as_read = SslItem.version == read.version if read.version else SslItem.pk.does_not_exist()
        if rows:
            return _is_saved_with(rows, item, as_read)
        try:
            item.save(condition=as_read)
        except PutError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True


def _is_saved_with(rows: Sequence[OutboxRow], item: SslItem, as_read: Condition) -> bool:
    """A transaction costs twice the units, so that only those pay for it that have something to tell."""

    def fill(t: TransactWrite) -> None:
        t.save(item, condition=as_read)
        for row in rows:
            add_outbox_row(t, row)

    return transact(SslItem, fill) is None
