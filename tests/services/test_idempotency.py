"""A request with an Idempotency-Key makes one resource and has one answer, whatever happens to its tries."""

import itertools
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest

from chalicelib.domain.api_key import MAX_KEYS_PER_TEAM, key_digest
from chalicelib.domain.idempotency import RETAINED_SECONDS, fingerprint
from chalicelib.errors import Conflict, Contended, LimitExceeded, QuotaReached
from chalicelib.services.deps import Deps
from chalicelib.services.idempotency import Begun, StoredAnswer, begin, finish, fresh_origin
from chalicelib.services.keys import list_keys, mint_key, revoke_key
from chalicelib.services.monitors import (
    Change,
    Draft,
    create_monitor,
    delete_monitor,
    get_monitor,
    list_monitors,
    update_monitor,
)
from chalicelib.services.retrying import TRIES
from tests.fakes import AFTER, BEFORE, FakeDeps, FakeStore, Killed
from tests.services.probing.invariants import Invariants

TEAM, OTHER_TEAM = "team-1", "team-2"
DRAFT = Draft("http", "Page", {"url": "https://example.com/"}, 60, 10.0, is_enabled=True, is_public=False)
OWNER = "uptime_" + "0" * 64
"""The caller's own API key."""
Point = tuple[int, str]

CONTENDED = ("requests.begin", "requests.finish", "monitors.write", "keys.mint", "shards.create")

_tries = itertools.count()


@dataclass(frozen=True)
class Kind:
    """Something that requests make, and how to see what there is of it."""

    make: Callable[[Deps, str, Begun], tuple[str, str]]
    """Its id, and what of it is told once and stored nowhere."""
    ids: Callable[[Deps, str], list[str]]
    remove: Callable[[Deps, str], None]
    limit: type[Exception]


def _make_monitor(deps: Deps, team_id: str, begun: Begun) -> tuple[str, str]:
    return create_monitor(deps, team_id, "mon", DRAFT, begun.origin).id, ""


def _make_key(deps: Deps, team_id: str, begun: Begun) -> tuple[str, str]:
    minted = mint_key(deps, team_id, "Key", [], origin=begun.origin, secret=begun.origin.secret(OWNER))
    return minted.key.id, minted.plaintext


KINDS = {
    "monitor": Kind(
        _make_monitor,
        lambda deps, team_id: [m.id for m in list_monitors(deps, team_id, "http")],
        lambda deps, id: delete_monitor(deps, TEAM, "http", id),
        LimitExceeded,
    ),
    "key": Kind(
        _make_key,
        lambda deps, team_id: [key.id for key in list_keys(deps, team_id)],
        lambda deps, id: revoke_key(deps, TEAM, id),
        QuotaReached,
    ),
}


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


def post(
    deps: Deps,
    kind: Kind,
    *,
    key: str = "a key",
    body: str = "{}",
    team_id: str = TEAM,
    route: str = "POST /v1/things",
) -> StoredAnswer:
    """What the HTTP layer does. Every try would word its answer differently."""
    begun = begin(deps, team_id, route, key, fingerprint(body))
    if begun.answer is not None:
        return begun.answer
    made, _ = kind.make(deps, team_id, begun)
    return finish(deps, begun, StoredAnswer(201, f"{made} {next(_tries)}"))


def id_of(answer: StoredAnswer) -> str:
    return answer.body.split()[0]


@dataclass
class Api:
    """A store that is watched; `disturb` puts something around the n-th storage call from then on."""

    kind: Kind
    store: FakeStore = field(default_factory=FakeStore)
    calls: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.invariants = Invariants(self.store)
        self.deps = FakeDeps(self.store)

    def disturb(self, at: Point, what: Callable[[], object]) -> None:
        self.calls.clear()

        def on_call(verb: str, phase: str) -> None:
            if phase == BEFORE:
                self.calls.append(verb)
            if (len(self.calls), phase) == at:
                self.store.on_call = lambda verb, phase: None
                what()

        self.store.on_call = on_call

    def calm(self) -> None:
        self.store.on_call = lambda verb, phase: None

    def post(self) -> StoredAnswer:
        return post(self.deps, self.kind)

    def post_until_killed(self, at: Point) -> None:
        self.disturb(at, die)
        with pytest.raises(Killed):
            self.post()

    def check(self, answer: StoredAnswer) -> None:
        """One resource, of which this answer tells and every later one too."""
        self.calm()
        assert self.kind.ids(self.deps, TEAM) == [id_of(answer)]
        assert [self.post() for _ in range(2)] == [answer] * 2
        assert self.kind.ids(self.deps, TEAM) == [id_of(answer)]
        if self.kind is KINDS["monitor"]:
            assert len(set(self.deps.queue.sent)) == 1
        self.store.items["pack"] = {}
        self.invariants.at_rest()
        broken = [each for each in self.invariants.broken if "pack of" not in each[1]]
        assert not broken, broken


def die() -> None:
    raise Killed


def collide() -> None:
    raise Contended("injected")


def calls_of(api: Api) -> list[str]:
    api.disturb((0, ""), die)
    api.post()
    return list(api.calls)


def points(api: Api) -> list[Point]:
    return [(k, phase) for k in range(1, len(calls_of(api)) + 1) for phase in (BEFORE, AFTER)]


# The answer


def test_a_repeated_request_has_the_first_ones_answer(kind: Kind) -> None:
    api = Api(kind)
    api.check(api.post())


def test_a_replay_reads_one_item_and_no_more(kind: Kind) -> None:
    api = Api(kind)
    api.post()
    api.disturb((0, ""), die)
    api.post()
    assert api.calls == ["requests.begin"]


def test_another_body_is_a_conflict_before_and_after_the_answer(kind: Kind) -> None:
    api = Api(kind)
    api.post_until_killed((1, AFTER))
    with pytest.raises(Conflict, match="Idempotency-Key"):
        post(api.deps, kind, body="another")
    assert kind.ids(api.deps, TEAM) == []
    answer = api.post()
    with pytest.raises(Conflict, match="Idempotency-Key"):
        post(api.deps, kind, body="another")
    api.check(answer)


@pytest.mark.parametrize(
    "changed", [{"key": "another key"}, {"team_id": OTHER_TEAM}, {"route": "POST /v1/others"}]
)
def test_another_key_team_or_route_is_another_request(kind: Kind, changed: dict[str, str]) -> None:
    deps = FakeDeps()
    first = post(deps, kind)
    second = post(deps, kind, **changed, body="another")
    assert id_of(first) != id_of(second)
    assert {*kind.ids(deps, TEAM), *kind.ids(deps, OTHER_TEAM)} == {id_of(first), id_of(second)}
    assert post(deps, kind) == first
    assert post(deps, kind, **changed, body="another") == second


def test_after_24_hours_the_same_key_makes_another_resource(kind: Kind) -> None:
    deps = FakeDeps()
    first = post(deps, kind)
    deps.at += timedelta(seconds=RETAINED_SECONDS - 1)
    assert post(deps, kind) == first
    deps.at += timedelta(seconds=1)
    second = post(deps, kind, body="another")
    assert id_of(second) != id_of(first)
    assert set(kind.ids(deps, TEAM)) == {id_of(first), id_of(second)}
    assert post(deps, kind, body="another") == second


def test_a_try_that_ends_after_its_24_hours_has_made_its_own(kind: Kind) -> None:
    """A machine that slept for a day; the key has begun another request meanwhile."""
    api = Api(kind)
    others: list[StoredAnswer] = []

    def sleep() -> None:
        api.deps.at += timedelta(seconds=RETAINED_SECONDS)
        others.append(api.post())

    api.disturb((len(calls_of(Api(kind))), BEFORE), sleep)
    late = api.post()
    assert set(kind.ids(api.deps, TEAM)) == {id_of(late), id_of(others[0])}
    assert api.post() == others[0]


# Crashes, collisions, parallel tries


def test_killed_anywhere_a_request_can_be_repeated(kind: Kind) -> None:
    for at in points(Api(kind)):
        api = Api(kind)
        api.post_until_killed(at)
        api.check(api.post())


def test_killed_anywhere_twice_a_request_can_be_repeated(kind: Kind) -> None:
    for first, second in itertools.product(points(Api(kind)), repeat=2):
        api = Api(kind)
        api.post_until_killed(first)
        api.disturb(second, die)
        try:
            answer = api.post()
        except Killed:
            answer = api.post()
        api.check(answer)


def test_killed_anywhere_a_request_has_the_same_id_hours_later(kind: Kind) -> None:
    expected = id_of(Api(kind).post())
    for at in points(Api(kind))[1:]:
        api = Api(kind)
        api.post_until_killed(at)
        api.deps.at += timedelta(hours=23)
        assert id_of(api.post()) == expected


def test_two_tries_that_meet_anywhere_make_one_resource_and_one_answer(kind: Kind) -> None:
    for at in points(Api(kind)):
        api = Api(kind)
        answers: list[StoredAnswer] = []
        api.disturb(at, lambda api=api, answers=answers: answers.append(api.post()))  # type: ignore[misc]
        answers.append(api.post())
        assert answers[0] == answers[1], at
        api.check(answers[0])


def test_a_try_that_meets_another_which_is_killed_anywhere_goes_on(kind: Kind) -> None:
    for at, end in itertools.product(points(Api(kind)), repeat=2):
        api = Api(kind)

        def intrude(api: Api = api, end: Point = end) -> None:
            api.disturb(end, die)
            with suppress(Killed):
                api.post()
            api.calm()

        api.disturb(at, intrude)
        api.check(api.post())


@pytest.mark.parametrize("phase", [BEFORE, AFTER])
def test_a_call_that_is_throttled_or_loses_its_answer_is_made_again(kind: Kind, phase: str) -> None:
    for number, verb in enumerate(calls_of(Api(kind)), start=1):
        if verb in CONTENDED:
            api = Api(kind)
            api.disturb((number, phase), collide)
            api.check(api.post())


@pytest.mark.parametrize("verb", ["requests.begin", "requests.finish"])
def test_a_store_that_always_throttles_is_given_up_and_the_request_can_be_repeated(
    kind: Kind, verb: str
) -> None:
    api = Api(kind)

    def on_call(called: str, phase: str) -> None:
        api.calls.append(called)
        if (called, phase) == (verb, BEFORE):
            collide()

    api.store.on_call = on_call
    with pytest.raises(Contended):
        api.post()
    assert api.calls.count(verb) == TRIES
    api.calm()
    assert len(kind.ids(api.deps, TEAM)) == (verb == "requests.finish")
    api.check(api.post())


# Limits


def filled(kind: Kind) -> Api:
    """With room for one more."""
    api = Api(kind)
    api.deps.settings = replace(api.deps.settings, monitors_per_team=MAX_KEYS_PER_TEAM)
    for number in range(MAX_KEYS_PER_TEAM - 1):
        post(api.deps, kind, key=f"earlier {number}")
    return api


def test_a_repeated_request_is_not_refused_for_the_room_that_it_took_itself(kind: Kind) -> None:
    for at in points(filled(kind)):
        api = filled(kind)
        api.post_until_killed(at)
        answer = api.post()
        assert api.post() == answer
        assert len(kind.ids(api.deps, TEAM)) == MAX_KEYS_PER_TEAM
        with pytest.raises(kind.limit):
            post(api.deps, kind, key="one more")


def test_two_tries_that_meet_anywhere_share_the_last_room(kind: Kind) -> None:
    for at in points(filled(kind)):
        api = filled(kind)
        answers: list[StoredAnswer] = []
        api.disturb(at, lambda api=api, answers=answers: answers.append(api.post()))  # type: ignore[misc]
        answers.append(api.post())
        assert answers[0] == answers[1], at
        assert len(kind.ids(api.deps, TEAM)) == MAX_KEYS_PER_TEAM


def test_a_refusal_is_not_kept(kind: Kind) -> None:
    api = filled(kind)
    last = id_of(post(api.deps, kind, key="the last"))
    with pytest.raises(kind.limit):
        api.post()
    kind.remove(api.deps, last)
    answer = api.post()
    assert api.post() == answer
    assert id_of(answer) in kind.ids(api.deps, TEAM)


# What is made


def test_without_a_key_every_request_makes_its_own() -> None:
    deps = FakeDeps()
    assert len({create_monitor(deps, TEAM, "mon", DRAFT).id for _ in range(2)}) == 2
    assert len({mint_key(deps, TEAM, "Key", []).plaintext for _ in range(2)}) == 2


def test_a_monitor_that_was_edited_after_its_first_try_stays_edited() -> None:
    api = Api(KINDS["monitor"])
    api.post_until_killed((len(calls_of(Api(api.kind))), BEFORE))
    (made,) = list_monitors(api.deps, TEAM, "http")
    edited = update_monitor(api.deps, TEAM, "http", made.id, Change(name="Edited"))
    api.post()
    assert get_monitor(api.deps, TEAM, "http", made.id) == edited


def test_a_later_try_gives_the_stored_monitor_with_its_first_times() -> None:
    deps = FakeDeps()
    origin = fresh_origin(deps)
    made = create_monitor(deps, TEAM, "mon", DRAFT, origin)
    deps.at += timedelta(hours=1)
    assert create_monitor(deps, TEAM, "mon", DRAFT, origin) == made


def test_a_monitor_whose_first_try_made_nothing_begins_when_it_is_made() -> None:
    deps = FakeDeps()
    origin = fresh_origin(deps)
    deps.at += timedelta(hours=1)
    made = create_monitor(deps, TEAM, "mon", DRAFT, origin)
    assert made.created_at == deps.at
    assert made.placement.first_slot == int(deps.at.timestamp())


def test_a_keys_tries_tell_the_same_secret_which_is_stored_nowhere() -> None:
    deps = FakeDeps()
    begun = begin(deps, TEAM, "POST /v1/api-keys", "a key", fingerprint("{}"))
    told = []
    for _ in range(2):
        told.append(_make_key(deps, TEAM, begun))
        deps.at += timedelta(hours=1)
    assert told[0] == told[1]
    (key,) = list_keys(deps, TEAM)
    assert (key.id, key.digest) == (told[0][0], key_digest(told[0][1]))
    assert key.created_at == begun.origin.at
    secret = bytes.fromhex(told[0][1].removeprefix("uptime_"))
    stored = repr(dict(deps.store.items)) + repr(begun.origin.seed)
    assert told[0][1] not in stored
    assert repr(secret)[2:-1] not in stored


def test_a_key_of_an_origin_needs_the_secret_of_its_request() -> None:
    deps = FakeDeps()
    with pytest.raises(ValueError, match="secret"):
        mint_key(deps, TEAM, "Key", [], origin=fresh_origin(deps))
    assert list_keys(deps, TEAM) == []
