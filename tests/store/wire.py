"""Between a client and the engine: what calls cost, and calls that fail on their way."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

from botocore.awsrequest import AWSRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient


@dataclass(frozen=True)
class Call:
    operation: str
    units: float
    """As the engine reports them; 0 where a condition was lost."""


@dataclass
class Wire:
    """Writes down every call of a client."""

    client: "DynamoDBClient"
    calls: list[Call] = field(default_factory=list)
    _until_end: contextlib.ExitStack = field(default_factory=contextlib.ExitStack)

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            stack.enter_context(self._while("provide-client-params.dynamodb", _ask_for_units))
            stack.enter_context(self._while("after-call.dynamodb", self._write_down))
            self._until_end = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._until_end.close()

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    @property
    def units(self) -> float:
        return sum(call.units for call in self.calls)

    @contextlib.contextmanager
    def refusing(self, operation: str, code: str, reasons: Sequence[str] = ()) -> Iterator[None]:
        """Every call of the operation is refused; nothing is applied."""

        def refuse(**_: Any) -> tuple[AWSResponse, dict[str, Any]]:
            answer = {
                "Error": {"Code": code, "Message": "refused"},
                "CancellationReasons": [{"Code": reason, "Message": "refused"} for reason in reasons],
                "ResponseMetadata": {"HTTPHeaders": {}},
            }
            return AWSResponse("", 400, HTTPHeaders(), None), answer

        with self._while(f"before-call.dynamodb.{operation}", refuse):
            yield

    @contextlib.contextmanager
    def losing_answers(self, operation: str) -> Iterator[None]:
        """Every call of the operation is applied, but its answer never arrives, however often tried."""

        def lose(**_: Any) -> None:
            raise ReadTimeoutError(endpoint_url="lost")

        with self._while(f"after-call.dynamodb.{operation}", lose):
            yield

    @contextlib.contextmanager
    def losing_one_answer(self, operation: str) -> Iterator[None]:
        """The first try is applied and its answer lost; the client tries again by itself."""
        lost: list[AWSRequest] = []

        def lose(request: AWSRequest, **_: Any) -> None:
            if not lost:
                lost.append(request)
                engine: Any = self.client
                engine._endpoint.http_session.send(request)
                raise ReadTimeoutError(endpoint_url=request.url or "")

        with self._while(f"before-send.dynamodb.{operation}", lose):
            yield
        assert lost

    @contextlib.contextmanager
    def interrupting(self, operation: str, number: int, action: Callable[[], None]) -> Iterator[None]:
        """Before the call of that number (from 1) something else happens."""
        seen = 0

        def interrupt(**_: Any) -> None:
            nonlocal seen
            seen += 1
            if seen == number:
                action()

        with self._while(f"before-call.dynamodb.{operation}", interrupt):
            yield
        assert seen >= number

    @contextlib.contextmanager
    def _while(self, event: str, handler: Any) -> Iterator[None]:
        events: Any = self.client.meta.events
        events.register(event, handler)
        try:
            yield
        finally:
            events.unregister(event, handler)

    def _write_down(self, parsed: dict[str, Any], model: Any, **_: Any) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        rows = consumed if isinstance(consumed, list) else [consumed]
        self.calls.append(Call(model.name, sum(row["CapacityUnits"] for row in rows)))


def _ask_for_units(params: dict[str, Any], model: Any, **_: Any) -> None:
    if "ReturnConsumedCapacity" in model.input_shape.members:
        params["ReturnConsumedCapacity"] = "TOTAL"
