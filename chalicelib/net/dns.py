"""A whole DNS check: one question to the run's own recursive resolver, one deadline over it.

The name server is ours and the answer is data that nothing is connected to, so no address is vetted here.
"""

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import dns.exception
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype

# What dnspython would import when the first record of a type arrives, in the middle of a check.
import dns.rdtypes.ANY.CNAME
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.NS
import dns.rdtypes.ANY.OPT
import dns.rdtypes.ANY.TXT
import dns.rdtypes.IN.A
import dns.rdtypes.IN.AAAA

from chalicelib.domain.outcome import Reason
from chalicelib.domain.target import BadTarget, parse_host
from chalicelib.net import dns_packet
from chalicelib.net.dns_packet import MalformedPacket
from chalicelib.net.exchange import DnsAnswer, DnsExchange
from chalicelib.net.loop import Guard, Timer
from chalicelib.net.question import Question

if TYPE_CHECKING:
    from chalicelib.net.http import Means

FIRST_TRY_SECONDS: Final = 2.0
MAX_UDP_BYTES: Final = 1232  # what passes everywhere without fragments
MAX_ALIASES: Final = 16
# Reading one takes some 40 us, in which nothing else runs: 64 KB of them would falsify the others' timings.
MAX_RECORDS: Final = 256

# The monitors of a shard ask for the same names every minute.
_parse_host = functools.lru_cache(maxsize=1024)(parse_host)
_IN: Final = dns.rdataclass.IN
_CNAME: Final = dns.rdatatype.CNAME


@dataclass(frozen=True, slots=True)
class Reading:
    code: int
    is_truncated: bool = False
    records: tuple[str, ...] = ()


class DnsCheck:
    """Runs one exchange. Its own exceptions leave through the guard; `done` is called once, unless closed."""

    def __init__(
        self,
        exchange: DnsExchange,
        means: "Means",
        guard: Guard,
        offset_ms: float,
        done: Callable[[DnsAnswer], None],
    ) -> None:
        self._exchange = exchange
        self._means = means
        self._guard = guard
        self._offset_ms = offset_ms
        self._done = done
        self._started_at = time.monotonic()
        self._timer: Timer | None = None
        self._question: Question[Reading] | None = None

    def start(self) -> None:
        seconds = self._exchange.timeout_seconds
        self._timer = self._guard.call_later(seconds, self._expire)
        try:
            host = _parse_host(self._exchange.name)
        except BadTarget:
            self._finish(Reason.BLOCKED)
            return
        if host.is_literal:
            self._finish(Reason.BLOCKED)
            return
        kind = dns.rdatatype.from_text(self._exchange.record_type)
        self._question = Question(
            build=functools.partial(
                dns_packet.build_query, name=host.name, kind=kind, udp_bytes=MAX_UDP_BYTES
            ),
            read=functools.partial(read_records, name=host.name, kind=kind),
            nameserver=self._means.resolver.nameserver,
            # The second may wait for as long as the check: a slow answer is an answer.
            patience=(min(FIRST_TRY_SECONDS, seconds / 2), seconds),
            guard=self._guard,
            done=self._answered,
        )

    def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._question is not None:
            self._question.close()
        self._timer = self._question = None

    def _answered(self, reading: Reading | None) -> None:
        if reading is None:
            self._finish(Reason.NAME_FAILED)
        else:
            self._finish(_fault_of(reading), reading)

    def _expire(self) -> None:
        self._finish(Reason.TIMEOUT)

    def _finish(self, fault: Reason, reading: Reading | None = None) -> None:
        self.close()
        self._done(
            DnsAnswer(
                fault=fault,
                records=reading.records if reading else (),
                code=reading.code if reading else None,
                elapsed_ms=(time.monotonic() - self._started_at) * 1000,
                offset_ms=self._offset_ms,
            )
        )


def _fault_of(reading: Reading) -> Reason:
    if reading.code == dns_packet.NAME_ERROR:
        return Reason.NAME_NOT_FOUND
    if reading.code != dns_packet.NO_ERROR:
        return Reason.NAME_FAILED
    return Reason.NONE if reading.records else Reason.NO_RECORDS


def read_records(packet: bytes, query_id: int, name: str, kind: dns.rdatatype.RdataType) -> Reading | None:
    """The answer, or None if this packet answers some other question (or is forged)."""
    if not dns_packet.is_answer_to(packet, query_id, dns_packet.question_of(name, kind)):
        return None
    code = dns_packet.code_of(packet)
    if dns_packet.is_truncated(packet):
        return Reading(code, is_truncated=True)
    if code != dns_packet.NO_ERROR:
        return Reading(code)
    if dns_packet.records_in(packet) > MAX_RECORDS:
        raise MalformedPacket("more records than anyone needs")
    try:
        message = dns.message.from_wire(packet, ignore_trailing=True, one_rr_per_rrset=True)
    except (dns.exception.DNSException, ValueError) as error:
        raise MalformedPacket(str(error)) from None
    return Reading(int(message.rcode()), records=_records(message, message.question[0].name, kind))


def _records(
    message: dns.message.Message, name: dns.name.Name, kind: dns.rdatatype.RdataType
) -> tuple[str, ...]:
    """Those of the asked type at the end of the chain of aliases that starts with `name`."""
    aliases: dict[dns.name.Name, dns.name.Name] = {}
    found: dict[dns.name.Name, list[dns.rdata.Rdata]] = {}
    for records in message.answer:
        if records.rdclass != _IN:
            continue
        if records.rdtype == kind:
            found.setdefault(records.name, []).extend(records)
        elif records.rdtype == _CNAME:
            aliases[records.name] = records[0].target
    for _ in range(MAX_ALIASES):
        if name in found or name not in aliases:
            break
        name = aliases[name]
    return tuple(_TEXTS[kind](record) for record in found.get(name, ()))


def _address(record: Any) -> str:
    return str(record.address)


def _target(record: Any) -> str:
    return str(record.target.to_text(omit_final_dot=True))


def _exchanger(record: Any) -> str:
    return f"{record.preference} {record.exchange.to_text(omit_final_dot=True)}"


def _text(record: Any) -> str:
    return b"".join(record.strings).decode("utf-8", "backslashreplace")


_TEXTS: Final[dict[dns.rdatatype.RdataType, Callable[[Any], str]]] = {
    dns.rdatatype.A: _address,
    dns.rdatatype.AAAA: _address,
    dns.rdatatype.CNAME: _target,
    dns.rdatatype.MX: _exchanger,
    dns.rdatatype.NS: _target,
    dns.rdatatype.TXT: _text,
}
