"""The team's ping key: made by the first slug, replaced on demand, shown to who may write."""

import re
from concurrent.futures import ThreadPoolExecutor

from tests.fakes import FakeDeps
from tests.routes.client import People, caller

PATH = "/v1/ping-key"
JOB = {"name": "Backup", "cronExpression": "0 * * * *"}


def test_a_team_has_none_until_its_first_slug(people: People) -> None:
    owner = people.owner
    none = {"data": {"pingKey": None, "pingUrl": None}}
    made = owner.make("/v1/cron-jobs", JOB)
    assert owner.get(PATH).json == none
    slugged = owner.put(f"/v1/cron-jobs/{made['id']}", {"slug": "backup"}).data
    key = owner.get(PATH).data["pingKey"]
    assert re.fullmatch(r"[a-z0-9]{22}", key)
    assert owner.get(PATH).data["pingUrl"] == f"http://localhost/hb/{key}"
    assert slugged["slugUrl"] == f"http://localhost/hb/{key}/backup"
    assert owner.make("/v1/cron-jobs", {**JOB, "slug": "x"})["slugUrl"] == f"http://localhost/hb/{key}/x"
    assert people.stranger.get(PATH).json == none


def test_a_new_one_takes_the_place_of_the_old(deps: FakeDeps, people: People) -> None:
    owner = people.owner
    made = owner.make("/v1/cron-jobs", {**JOB, "slug": "x"})
    before = owner.get(PATH).data["pingKey"]
    answer = owner.post(PATH, {})
    after = answer.data["pingKey"]
    assert (answer.status, after != before) == (200, True)
    assert owner.get(PATH).json == answer.json
    assert owner.get(f"/v1/cron-jobs/{made['id']}").data["slugUrl"] == f"{answer.data['pingUrl']}/x"
    assert deps.ping_keys.team_of(before) is None
    assert deps.ping_keys.team_of(after) == owner.team_id


def test_a_team_may_make_one_before_it_has_jobs(people: People) -> None:
    key = people.owner.post(PATH, None).data["pingKey"]
    assert people.owner.make("/v1/cron-jobs", {**JOB, "slug": "x"})["slugUrl"].endswith(f"/{key}/x")


def test_reading_it_takes_the_scope_to_write(deps: FakeDeps, people: People) -> None:
    people.owner.post(PATH, None)
    pinger = caller(deps, people.owner.team_id, ["cron-jobs:read", "cron-jobs:ping"])
    for api in (people.teammate, pinger):
        assert api.get(PATH).code == "FORBIDDEN"
        assert api.post(PATH, None).code == "FORBIDDEN"


def test_of_many_first_slugs_at_once_one_makes_the_key(real: People) -> None:
    body = {**JOB, "slug": "x"}
    with ThreadPoolExecutor(8) as threads:
        made = list(threads.map(lambda _: real.owner.make("/v1/cron-jobs", body), range(16)))
    assert {job["slugUrl"] for job in made} == {f"{real.owner.get(PATH).data['pingUrl']}/x"}
    with ThreadPoolExecutor(8) as threads:
        keys = list(threads.map(lambda _: real.owner.post(PATH, None).data["pingKey"], range(8)))
    assert len(set(keys)) == 8
    assert real.owner.get(PATH).data["pingKey"] in keys
