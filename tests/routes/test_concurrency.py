"""The local run serves many requests at once through one application object, which keeps "the" request."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from chalicelib.domain.api_key import SCOPES
from tests.routes.client import Answer, Api, People, invoke, lambda_event, vouched


class Parameters(dict[str, str]):
    """Path parameters that let another request run through when the framework reads them: after it has
    taken in this request, and before it calls the view."""

    def __init__(self, monitor_id: str, meanwhile: Callable[[], object]) -> None:
        super().__init__(id=monitor_id)
        self._meanwhile = meanwhile

    def __getitem__(self, name: str) -> str:
        self._meanwhile()
        return super().__getitem__(name)


def event_of(person: Api, monitor_id: str, meanwhile: Callable[[], object]) -> dict[str, object]:
    event: dict[str, object] = lambda_event("GET", "/v1/monitors/{id}", vouched(person.team_id, SCOPES))
    return {**event, "pathParameters": Parameters(monitor_id, meanwhile)}


def test_a_request_that_another_one_overtakes_keeps_its_own_caller(people: People) -> None:
    ours, theirs = people.owner.create(name="ours"), people.stranger.create(name="theirs")
    with ThreadPoolExecutor(1) as other_thread:

        def overtake() -> None:
            assert other_thread.submit(list_of, people.stranger).result().data == [theirs]

        mine = invoke(event_of(people.owner, ours["id"], overtake))
        foreign = invoke(event_of(people.owner, theirs["id"], overtake))
    assert (mine.status, mine.data) == (200, ours)
    assert foreign.status == 404


def test_an_anonymous_request_that_an_admitted_one_overtakes_stays_anonymous(people: People) -> None:
    ours = people.owner.create()
    with ThreadPoolExecutor(1) as other_thread:
        event = event_of(
            people.owner, ours["id"], lambda: other_thread.submit(list_of, people.owner).result()
        )
        event["requestContext"] = {**lambda_event("GET", "/v1/monitors/{id}", {})["requestContext"]}
        assert invoke(event).status == 401


def list_of(api: Api) -> Answer:
    return api.get("/v1/monitors")


def test_many_callers_at_once_each_get_their_own_answer(people: People) -> None:
    people.owner.create()
    callers = [people.owner, Api("Bearer uptime_" + "0" * 64), people.teammate, people.stranger] * 50
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(list_of, callers))
    assert [answer.status for answer in answers] == [200, 401, 200, 200] * 50
    assert [len(a.data) for a in answers if a.status == 200] == [1, 1, 0] * 50
