"""One request as a view sees it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from chalice.app import Response

from chalicelib.domain.api_key import key_from_header
from chalicelib.domain.idempotency import Begun, StoredAnswer, fingerprint, parse_key
from chalicelib.domain.origin import Origin
from chalicelib.errors import Detail, InvalidInput
from chalicelib.routes.admission import Admission
from chalicelib.routes.body import parse_object
from chalicelib.routes.operation import Operation, load_model
from chalicelib.routes.query import Whole, whole_numbers
from chalicelib.routes.replies import as_json, success, written
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import begin, finish, fresh_origin

_HEADER = "Idempotency-Key"


class Replayed(Exception):
    """This request has been answered before; no view needs to run."""

    def __init__(self, answer: StoredAnswer) -> None:
        super().__init__()
        self.answer = answer


@dataclass(slots=True)
class Call:
    """`team_id`, `key_id` and `scopes` are empty on public routes. `source_ip` and `host` are what the
    gateway says. `base_path` is what stands before the route in the caller's URL: the gateway's stage,
    unless a custom domain hides it."""

    deps: Deps
    operation: Operation
    admission: Admission
    params: Mapping[str, str]
    query: Mapping[str, Sequence[str]]
    headers: Mapping[str, str]
    raw_body: bytes
    request_id: str
    method: str
    source_ip: str
    host: str
    base_path: str
    _begun: Begun | None = field(default=None, init=False)
    _origin: Origin | None = field(default=None, init=False)

    @property
    def team_id(self) -> str:
        return self.admission.team_id

    @property
    def scopes(self) -> frozenset[str]:
        return self.admission.scopes

    def body(self) -> Any:
        """The body as the declared model, every bad field named at once. Raises InvalidInput.

        A creating request begins here: the body is known to be good, nothing else has been judged yet.
        """
        from chalicelib.routes.schemas.fields import validate

        assert self.operation.body is not None
        model = load_model(self.operation.body)
        document = parse_object(self.raw_body, self.headers.get("content-type"))
        parsed = validate(model, document, self._bad_key())
        if self.operation.is_creating:
            self._begin(document)
        return parsed

    def begin(self) -> None:
        """As `body` does, for a creating route that takes none. Raises InvalidInput."""
        bad = self._bad_key()
        if bad:
            raise InvalidInput(bad)
        self._begin({})

    def numbers(self) -> list[int]:
        """The declared whole numbers of the query, in their order. Raises InvalidInput."""
        return whole_numbers(self.query, *(p for p in self.operation.query if isinstance(p, Whole)))

    @property
    def origin(self) -> Origin:
        """Where the ids and secrets of what is made here come from: the same for every try of one request
        with an Idempotency-Key."""
        if self._origin is None:
            self._origin = self._begun.origin if self._begun else fresh_origin(self.deps)
        return self._origin

    @property
    def is_repeat(self) -> bool:
        """Whether another try of this request, which has not come to its end, began before."""
        return self._begun is not None and self._begun.is_repeat

    @property
    def site(self) -> str:
        """Where this application is, in the caller's words. The gateway says that it is reached by https; a
        local run is not."""
        scheme = "https" if self.headers.get("x-forwarded-proto") == "https" else "http"
        return f"{scheme}://{self.host or 'localhost'}{self.base_path}"

    def secret(self) -> bytes:
        """32 bytes for what must not be guessed. Of a request that may be replayed only the seed is stored,
        so the caller's own key goes in too."""
        return self.origin.secret(self._bearer() if self._begun else "")

    def answer(self, result: Any) -> Response:
        """The view's result as a response; of a request with an Idempotency-Key, the first one's."""
        if self._begun is None:
            return success(result, self.operation.status)
        secret = self.operation.secret
        mine = StoredAnswer(self.operation.status, as_json(secret.hide(result) if secret else result))
        return self.restored(finish(self.deps, self._begun, mine))

    def restored(self, answer: StoredAnswer) -> Response:
        """A stored answer with its secrets, which were not stored."""
        assert self._begun is not None
        headers = {"Idempotency-Replayed": "true"} if self._begun.is_repeat else None
        if self.operation.secret is None:
            return written(answer.body, answer.status, headers)
        body = self.operation.secret.show(self, json.loads(answer.body))
        return written(as_json(body), answer.status, headers)

    def _begin(self, document: dict[str, Any]) -> None:
        text = self.headers.get(_HEADER)
        if text is None:
            return
        parts = [f"{name}={value}" for name, value in sorted(self.params.items())]
        if self.operation.secret is not None:
            parts.append(self.admission.key_id)
        parts.append(json.dumps(document, sort_keys=True))
        route = f"{self.operation.methods[0]} {self.operation.path}"
        self._begun = begin(self.deps, self.team_id, route, parse_key(text), fingerprint(*parts))
        if self._begun.answer is not None:
            raise Replayed(self._begun.answer)

    def _bad_key(self) -> list[Detail]:
        text = self.headers.get(_HEADER) if self.operation.is_creating else None
        if text is None:
            return []
        try:
            parse_key(text)
        except ValueError as reason:
            return [Detail(_HEADER, str(reason))]
        return []

    def _bearer(self) -> str:
        key = key_from_header(self.headers.get("authorization"))
        assert key is not None  # the authorizer has read it
        return key
