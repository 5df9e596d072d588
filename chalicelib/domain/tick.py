"""The tick: all results of one shard in one slot as one compact value.

Layout (little-endian), about 3.5 bytes a result:

    u8 version, u32 run start in ms after the slot, u8 length of bitmap, u16 number of exceptions
    bitmap of positions
    u16 response ms, a column in the order of the bitmap (65,535 at most)
    u8 quarter seconds between the run's start and the check's, a column
    exceptions: u16 position, u8 status (bit 7: phases follow), u8 reason, u16 HTTP status,
                and for results that are not up 4 x u16 phase ms

A result without an exception is up with HTTP status 200. So far version 1. Version 2, written only when a
result needs it, goes on after the exceptions; its two bitmaps are of ranks (column indices), one bit each:

    u8 length of bitmap, bitmap of ranks: without an exception up with status 0, as kinds without HTTP are
    u8 length of bitmap, bitmap of ranks: results with a text
    8 bytes id of the text, a column in the order of the second bitmap

Explanations are composed from codes on reading; texts are stored beside the ticks (`domain/text.py`).
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from chalicelib.domain import positions
from chalicelib.domain.outcome import Outcome, Phases, Reason, Status
from chalicelib.domain.text import ID_LENGTH, text_id

MAIN = "0"
STRAGGLERS = "1"
MAX_OFFSET_MS = 255 * 250
"""The latest start of a check after the start of its run that a tick can tell."""

_HEADER = struct.Struct("<BIBH")
_EXCEPTION = struct.Struct("<HBBH")
_PHASES = struct.Struct("<4H")
_VERSION, _VERSION_WITH_SECTIONS = 1, 2
_HAS_PHASES = 0x80
_U16 = 0xFFFF


def first_run_part(position: int) -> str:
    """The tick of a first run is an item of its own beside the slot's regular two."""
    return f"F{position:04d}"


@dataclass(frozen=True)
class Tick:
    """One stored tick item. Results are read from `data` on demand: most readers want one position."""

    slot: int
    part: str
    data: bytes

    @property
    def is_main(self) -> bool:
        return self.part == MAIN

    @cached_property
    def _header(self) -> tuple[int, int, int]:
        """Run start (ms after the slot), bitmap, number of exceptions."""
        _, start_ms, length, exceptions = _HEADER.unpack_from(self.data)
        return start_ms, positions.from_bytes(self.data[_HEADER.size : _HEADER.size + length]), exceptions

    @property
    def bitmap(self) -> int:
        return self._header[1]

    @property
    def started_ms(self) -> int:
        """The run's start, in milliseconds of the epoch."""
        return self.slot * 1000 + self._header[0]

    @property
    def started_at(self) -> datetime:
        return datetime.fromtimestamp(self.slot, UTC) + timedelta(milliseconds=self._header[0])

    @cached_property
    def _body(self) -> tuple[dict[int, tuple[Status, Reason, int, Phases | None]], int]:
        """The exceptions, and where they end."""
        count = self.bitmap.bit_count()
        at = self._columns_at + 3 * count
        found: dict[int, tuple[Status, Reason, int, Phases | None]] = {}
        for _ in range(self._header[2]):
            position, status, reason, code = _EXCEPTION.unpack_from(self.data, at)
            at += _EXCEPTION.size
            phases = None
            if status & _HAS_PHASES:
                phases = Phases(*_PHASES.unpack_from(self.data, at))
                at += _PHASES.size
            found[position] = (Status(status & ~_HAS_PHASES), Reason(reason), code, phases)
        return found, at

    @cached_property
    def _sections(self) -> tuple[int, int, int]:
        """Of version 2: ranks with status 0, ranks with a text, and where the texts' ids begin."""
        if self.data[0] < _VERSION_WITH_SECTIONS:
            return 0, 0, len(self.data)
        codeless, at = _read_bits(self.data, self._body[1])
        with_text, at = _read_bits(self.data, at)
        return codeless, with_text, at

    @property
    def _columns_at(self) -> int:
        return _HEADER.size + self.data[5]

    def outcome(self, position: int) -> Outcome | None:
        """The result at a position, or None: no data, which never means down."""
        index = positions.rank(self.bitmap, position)
        if index is None:
            return None
        at, count = self._columns_at, self.bitmap.bit_count()
        (response_ms,) = struct.unpack_from("<H", self.data, at + 2 * index)
        quarter_seconds = self.data[at + 2 * count + index]
        exception = self._body[0].get(position)
        if exception is None:
            code = 0 if self._sections[0] >> index & 1 else 200
            return Outcome(Status.UP, Reason.NONE, code, response_ms, quarter_seconds * 250)
        status, reason, code, phases = exception
        return Outcome(status, reason, code, response_ms, quarter_seconds * 250, phases)

    def text_id(self, position: int) -> bytes | None:
        """Which of the position's texts its result has; None: no text, or no result."""
        _, with_text, at = self._sections
        index = positions.rank(self.bitmap, position) if with_text else None
        row = None if index is None else positions.rank(with_text, index)
        if row is None:
            return None
        begin = at + ID_LENGTH * row
        return self.data[begin : begin + ID_LENGTH]

    def outcomes(self) -> Iterator[tuple[int, Outcome]]:
        for position in positions.members(self.bitmap):
            outcome = self.outcome(position)
            assert outcome is not None
            yield position, outcome

    def tally(self, wanted: int) -> tuple[int, int, int]:
        """How many results at these positions (a bitmap) are up, degraded and down."""
        total = (self.bitmap & wanted).bit_count()
        if not total or not self._header[2]:
            return total, 0, 0
        found = [row[0] for position, row in self._body[0].items() if wanted >> position & 1]
        degraded, down = found.count(Status.DEGRADED), found.count(Status.DOWN)
        return total - degraded - down, degraded, down

    def checked_at(self, position: int) -> datetime:
        """When the check at a position started, true to a quarter second."""
        outcome = self.outcome(position)
        assert outcome is not None
        return self.started_at + timedelta(milliseconds=outcome.offset_ms)


def build_tick(slot: int, part: str, started_at: datetime, outcomes: Mapping[int, Outcome]) -> Tick:
    """Pack results. What does not fit its column is clipped: 65,535 ms, 63.75 s of offset. Of a text only
    the id is kept; its text is to be stored before the tick is."""
    order = sorted(outcomes)
    bitmap = positions.to_bytes(positions.to_bitmap(order))
    start_ms = max(0, round((started_at.timestamp() - slot) * 1000))
    rows = [outcomes[position] for position in order]
    exceptions = [
        _pack_exception(position, row)
        for position, row in zip(order, rows, strict=True)
        if row.status is not Status.UP or row.status_code not in (0, 200)
    ]
    sections = _pack_sections(rows)
    version = _VERSION_WITH_SECTIONS if sections else _VERSION
    data = b"".join(
        (
            _HEADER.pack(version, min(start_ms, 0xFFFF_FFFF), len(bitmap), len(exceptions)),
            bitmap,
            struct.pack(f"<{len(rows)}H", *(_clip(row.response_ms, _U16) for row in rows)),
            bytes(_clip(row.offset_ms // 250, 255) for row in rows),
            *exceptions,
            sections,
        )
    )
    return Tick(slot, part, data)


def _pack_exception(position: int, row: Outcome) -> bytes:
    phases = row.phases if row.status is not Status.UP else None
    flags = _HAS_PHASES if phases else 0
    head = _EXCEPTION.pack(position, row.status | flags, row.reason, _clip(row.status_code, _U16))
    if phases is None:
        return head
    times = (phases.name_ms, phases.connect_ms, phases.tls_ms, phases.wait_ms)
    return head + _PHASES.pack(*(_clip(ms, _U16) for ms in times))


def _pack_sections(rows: Sequence[Outcome]) -> bytes:
    """What version 2 adds; empty when version 1 is enough."""
    codeless = [n for n, row in enumerate(rows) if row.status is Status.UP and row.status_code == 0]
    with_text = [n for n, row in enumerate(rows) if row.text]
    if not codeless and not with_text:
        return b""
    return _pack_bits(codeless) + _pack_bits(with_text) + b"".join(text_id(rows[n].text) for n in with_text)


def _pack_bits(ranks: Sequence[int]) -> bytes:
    bitmap = positions.to_bytes(positions.to_bitmap(ranks))
    return bytes((len(bitmap),)) + bitmap


def _read_bits(data: bytes, at: int) -> tuple[int, int]:
    """The set, and where what follows it begins."""
    end = at + 1 + data[at]
    return positions.from_bytes(data[at + 1 : end]), end


def _clip(value: int, most: int) -> int:
    return max(0, min(value, most))
