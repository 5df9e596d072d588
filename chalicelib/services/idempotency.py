"""Requests with an Idempotency-Key: one resource and one answer, however often and however parallel.

Nobody waits for anybody: every try makes its ids and secrets from the origin that the first one stored, so
that all make the same resource, and all answer with what the first to come to its end has answered.
"""

from dataclasses import replace

from chalicelib.domain.idempotency import Begun, StoredAnswer, request_id
from chalicelib.domain.origin import Origin, origin_of
from chalicelib.errors import Conflict
from chalicelib.services.deps import Deps
from chalicelib.services.retrying import retried


def fresh_origin(deps: Deps) -> Origin:
    return origin_of(deps.now(), deps.random_bits(256))


def begin(deps: Deps, team_id: str, route: str, key: str, fingerprint: bytes) -> Begun:
    """This request, or the one of the last 24 hours that it repeats: then with its answer, if it has one.
    Raises Conflict when that was another request."""
    mine = Begun(request_id(team_id, route, key), fingerprint, fresh_origin(deps))
    begun = retried(deps, lambda: deps.requests.begin(mine))
    if begun.fingerprint != fingerprint:
        raise Conflict("This Idempotency-Key was already used with another request.")
    return replace(begun, is_repeat=begun.origin != mine.origin)


def finish(deps: Deps, begun: Begun, answer: StoredAnswer) -> StoredAnswer:
    """Every try answers with what this returns."""
    return retried(deps, lambda: deps.requests.finish(begun, answer))


__all__ = ["Begun", "StoredAnswer", "begin", "finish", "fresh_origin"]
