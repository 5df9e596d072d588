"""What a route declares about itself, once: authorisation, validation and the API document come from it."""

import importlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from chalicelib.domain.api_key import SCOPES
from chalicelib.errors import (
    AppError,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    PayloadTooLarge,
    TooMany,
    TooManyPings,
    Unauthenticated,
)
from chalicelib.routes.query import Parameter, Text

if TYPE_CHECKING:
    from pydantic import BaseModel

PUBLIC: Final = "public"
JSON: Final = "application/json"

_VARIABLE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Id:
    """A variable part of a path that holds an id. What is not well-formed is as unknown as any other id,
    and a long one would be no key to DynamoDB."""

    prefix: str
    noun: str

    def fits(self, text: str) -> bool:
        return re.fullmatch(rf"{self.prefix}_[0-9a-f]{{32}}", text) is not None

    def check(self, text: str) -> None:
        """Raises NotFound, with the words that services have for an unknown one."""
        if not self.fits(text):
            raise NotFound(f"There is no such {self.noun}.")


@dataclass(frozen=True, slots=True)
class Secret:
    """What of a creation's answer is not stored with it: `hide` takes it out of the body, and `show` puts it
    back, given the `Call` and the body as it was stored."""

    hide: Callable[[Mapping[str, Any]], dict[str, Any]]
    show: Callable[[Any, dict[str, Any]], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Operation:
    """One route. Models are named as `module:Class` under `routes/schemas` and loaded on use: pydantic
    costs 60 ms of every cold start.

    `answer` is None when there is no body; `content_type` is that of the success answer. `secret`
    says how a creation's answer is stored without its secrets. `is_ping` says that there is a second
    bucket, which is counted after the key's and which the answers then describe. `is_job_ping` says that
    the body is ignored, however large, and that what an address sends for one job has a bucket, which is
    counted before anything else. `errors` holds only what does not follow from the rest (see `refusals`).

    `texts` is given when all answers but a crash are plain text: what each status may say; `answers` when
    they are JSON as Uptime Kuma writes it: the model of each status. `name` and `tag`
    stand for the view's name and the path's part in the API document. `is_writing` says that even a GET
    changes something.
    """

    methods: tuple[str, ...]
    path: str
    scope: str
    status: int = 200
    body: str | None = None
    query: Sequence[Parameter] = ()
    answer: str | None = None
    content_type: str = JSON
    ids: Mapping[str, Id] = field(default_factory=dict)
    patterns: Mapping[str, str] = field(default_factory=dict)
    errors: tuple[type[AppError], ...] = ()
    secret: Secret | None = None
    is_ping: bool = False
    is_job_ping: bool = False
    texts: Mapping[int, Sequence[str]] = field(default_factory=dict)
    answers: Mapping[int, str] = field(default_factory=dict)
    name: str = ""
    tag: str = ""
    is_writing: bool = False

    def __post_init__(self) -> None:
        if self.scope != PUBLIC and self.scope not in SCOPES:
            raise ValueError(f"{self.path}: unknown scope {self.scope!r}")
        if not {*self.ids, *self.patterns} <= set(self.variables):
            raise ValueError(f"{self.path}: an id or a pattern of what is not in the path")

    @property
    def variables(self) -> list[str]:
        return _VARIABLE.findall(self.path)

    @property
    def is_public(self) -> bool:
        return self.scope == PUBLIC

    @property
    def is_creating(self) -> bool:
        """Creating POSTs take an Idempotency-Key."""
        return self.methods == ("POST",) and self.status == 201

    @property
    def refusals(self) -> tuple[type[AppError], ...]:
        """Every error that the route may answer with, apart from 500."""
        found: list[type[AppError]] = []
        if not self.is_public:
            found += [Unauthenticated, TooMany, Forbidden]
            found += [] if self.is_job_ping else [PayloadTooLarge]
        if self.is_ping:
            found.append(TooManyPings)
        if self.ids:
            found.append(NotFound)
        if self.body or self.is_creating or any(not isinstance(p, Text) for p in self.query):
            found.append(InvalidInput)
        if self.is_creating:
            found.append(Conflict)
        return tuple(dict.fromkeys((*found, *self.errors)))


def load_model(name: str) -> "type[BaseModel]":
    """The model that a declaration names."""
    module, _, attribute = name.partition(":")
    found = getattr(importlib.import_module(f"chalicelib.routes.schemas.{module}"), attribute)
    return found  # type: ignore[no-any-return]
