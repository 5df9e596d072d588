"""Messages out by HTTP, through the door that checks take: one POST each, and no redirect is followed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from chalicelib.domain.message import HttpMessage
from chalicelib.domain.outcome import Reason
from chalicelib.net.engine import Engine
from chalicelib.net.exchange import Answer, Exchange, HttpAnswer, HttpExchange

TIMEOUT_SECONDS: Final = 10.0
"""For all of it: name, connection, sending and answer."""
MAX_ANSWER_BYTES: Final = 4096


@dataclass(frozen=True, slots=True)
class Posted:
    """What came back. `fault` is NONE once there is a status, whatever becomes of the body after it.

    Header names are in lower case; of a repeated one the first counts. The body is an excerpt: for reading a
    vendor's advice, not for keeping.
    """

    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes = field(default=b"", repr=False)
    fault: Reason = Reason.NONE


class Poster:
    def __init__(self, engine: Engine, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._engine = engine
        self._timeout_seconds = timeout_seconds

    def post(self, message: HttpMessage) -> Posted:
        return self.post_all([message])[0]

    def post_all(self, messages: Sequence[HttpMessage]) -> list[Posted]:
        """All at a time, so that the slow ones keep nobody waiting; in the messages' order."""
        exchanges: dict[int, Exchange] = {
            number: HttpExchange(
                url=message.url,
                method="POST",
                timeout_seconds=self._timeout_seconds,
                follow_redirects=False,
                headers=message.headers,
                body=message.body,
                max_body_bytes=MAX_ANSWER_BYTES,
                keeps_headers=True,
            )
            for number, message in enumerate(messages)
        }
        with self._engine.start(exchanges) as run:
            answers = run.collect()
        return [_posted(answers[number]) for number in exchanges]


def _posted(answer: Answer) -> Posted:
    assert isinstance(answer, HttpAnswer)
    if not answer.status_code:
        return Posted(fault=answer.fault)
    return Posted(answer.status_code, dict(reversed(answer.headers)), answer.body)
