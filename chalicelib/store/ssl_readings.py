"""The certificates of a shard as they were last read: one item, written when something was read."""

from collections.abc import Mapping

from pynamodb.exceptions import PutError

from chalicelib.domain.ssl_readings import (
    SslReading,
    SslReadings,
    decode_ssl_readings,
    encode_ssl_readings,
)
from chalicelib.store.client import error_code
from chalicelib.store.tables import SslItem


class SslReadingStore:
    def get(self, shard: str, *, consistent: bool) -> SslReadings:
        try:
            item = SslItem.get(f"S#{shard}", "SSL", consistent_read=consistent)
        except SslItem.DoesNotExist:
            return SslReadings()
        return SslReadings(int(item.version), decode_ssl_readings(item.data))

    def save(self, shard: str, read: SslReadings, readings: Mapping[int, SslReading]) -> bool:
        item = SslItem(f"S#{shard}", version=read.version + 1, data=encode_ssl_readings(readings))
        as_read = SslItem.version == read.version if read.version else SslItem.pk.does_not_exist()
        try:
            item.save(condition=as_read)
        except PutError as error:
            if error_code(error) == "ConditionalCheckFailedException":
                return False
            raise
        return True
