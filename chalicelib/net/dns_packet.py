"""DNS packets for address lookups: building the question, reading the answer (RFC 1035). No I/O.

dnspython does this ten times slower, and this runs twice before every check.
"""

import functools
import socket
import struct
from dataclasses import dataclass
from typing import Final

A: Final = 1
AAAA: Final = 28
_CNAME: Final = 5
_OPT: Final = 41
_IN: Final = 1

NO_ERROR: Final = 0
NAME_ERROR: Final = 3  # NXDOMAIN

_FAMILIES: Final = {A: socket.AF_INET, AAAA: socket.AF_INET6}
_HEADER: Final = struct.Struct("!6H")
_RECORD: Final = struct.Struct("!HHIH")  # type, class, ttl, length; after the owner's name
_RECORD_OF_ROOT: Final = struct.Struct("!xHHIH")
_POINTER_TO_QUESTION: Final = (0xC000 | _HEADER.size).to_bytes(2, "big")  # most records' name
_RESPONSE: Final = 0x8000
_OPCODE: Final = 0x7800
_MAX_NAME: Final = 255
_MAX_ALIASES: Final = 16


class MalformedPacket(ValueError):
    """An answer to our question that cannot be read."""


@dataclass(frozen=True, slots=True)
class AddressAnswer:
    code: int
    is_truncated: bool = False
    addresses: tuple[str, ...] = ()


def build_query(query_id: int, name: str, kind: int, udp_bytes: int = 0) -> bytes:
    """With `udp_bytes` the answer may be that long over UDP (EDNS0, RFC 6891), without it 512 bytes."""
    return query_id.to_bytes(2, "big") + _query_after_id(name, kind, udp_bytes)


# The monitors of a shard ask for the same names every minute.
@functools.lru_cache(maxsize=1024)
def _query_after_id(name: str, kind: int, udp_bytes: int) -> bytes:
    edns = _RECORD_OF_ROOT.pack(_OPT, udp_bytes, 0, 0) if udp_bytes else b""
    recursion_desired = 0x0100
    header = _HEADER.pack(0, recursion_desired, 1, 0, 0, 1 if edns else 0)
    return header[2:] + question_of(name, kind) + edns


def is_answer_to(packet: bytes, query_id: int, question: bytes) -> bool:
    """Whether it repeats the id and the question (in lower-case wire form), as forgers must guess it."""
    start = _HEADER.size
    if len(packet) < start + len(question):
        return False
    packet_id, flags, questions, _, _, _ = _HEADER.unpack_from(packet)
    is_response, opcode = flags & _RESPONSE, flags & _OPCODE
    if packet_id != query_id or not is_response or opcode or questions != 1:
        return False
    return packet.startswith(question, start) or packet[start : start + len(question)].lower() == question


def is_truncated(packet: bytes) -> bool:
    return bool(packet[2] & 0x02)


def code_of(packet: bytes) -> int:
    """The response code without what EDNS adds to it."""
    return packet[3] & 0x0F


def records_in(packet: bytes) -> int:
    """How many records it says that it has, of whatever section."""
    return sum(_HEADER.unpack_from(packet)[3:])


def read_answer(packet: bytes, query_id: int, name: str, kind: int) -> AddressAnswer | None:
    """The answer, or None if this packet answers some other question (or is forged)."""
    question = question_of(name, kind)
    if not is_answer_to(packet, query_id, question):
        return None
    code = code_of(packet)
    if is_truncated(packet):
        return AddressAnswer(code, is_truncated=True)
    if code != NO_ERROR:
        return AddressAnswer(code)
    _, _, _, answers, _, _ = _HEADER.unpack_from(packet)
    end = _HEADER.size + len(question)
    try:
        return AddressAnswer(code, addresses=_read_addresses(packet, end, answers, question[:-4], kind))
    except (IndexError, struct.error) as error:
        raise MalformedPacket(str(error)) from None


@functools.lru_cache(maxsize=1024)
def question_of(name: str, kind: int) -> bytes:
    """An ASCII name and a type of record as they stand in a packet."""
    labels = b"".join(bytes((len(label),)) + label for label in name.lower().encode("ascii").split(b"."))
    return labels + struct.pack("!xHH", kind, _IN)


def _read_addresses(packet: bytes, offset: int, count: int, owner: bytes, kind: int) -> tuple[str, ...]:
    """The addresses at the end of the chain of aliases that starts with `owner` (a name in wire form)."""
    aliases: dict[bytes, bytes] = {}
    addresses: dict[bytes, list[str]] = {}
    for _ in range(count):
        if packet.startswith(_POINTER_TO_QUESTION, offset):
            name, offset = owner, offset + 2
        else:
            name, offset = _read_name(packet, offset)
        record_kind, record_class, _, length = _RECORD.unpack_from(packet, offset)
        offset += _RECORD.size
        data = packet[offset : offset + length]
        if len(data) != length:
            raise MalformedPacket("a record runs past the end")
        if record_class == _IN and record_kind == _CNAME:
            aliases[name] = _read_name(packet, offset)[0]
        elif record_class == _IN and record_kind == kind:
            addresses.setdefault(name, []).append(_address(data, kind))
        offset += length
    for _ in range(_MAX_ALIASES):
        if owner not in aliases:
            break
        owner = aliases[owner]
    return tuple(dict.fromkeys(addresses.get(owner, ())))


def _address(data: bytes, kind: int) -> str:
    if len(data) != (4 if kind == A else 16):
        raise MalformedPacket("an address of the wrong length")
    # `ipaddress` writes the same, and takes ten times as long for it.
    return socket.inet_ntop(_FAMILIES[kind], data)


def _read_name(packet: bytes, offset: int) -> tuple[bytes, int]:
    """A name in lower-case wire form without compression, and the offset after it."""
    name = bytearray()
    after = 0
    limit = offset
    while True:
        length = packet[offset]
        if length >= 0xC0:
            after = after or offset + 2
            offset = (length & 0x3F) << 8 | packet[offset + 1]
            if offset >= limit:  # only ever backwards, or it could go round for ever
                raise MalformedPacket("a compressed name points forward")
            limit = offset
            continue
        if length > 63:
            raise MalformedPacket("an unknown kind of label")
        name += packet[offset : offset + 1 + length]
        if len(name) > _MAX_NAME:
            raise MalformedPacket("a name is too long")
        offset += 1 + length
        if length == 0:
            return bytes(name).lower(), after or offset
