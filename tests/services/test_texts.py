"""Texts of the results that are shown: one read for all of them, and none where there is no text."""

from collections.abc import Callable, Iterable

import pytest

from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.text import TextRef, text_id
from chalicelib.services.probing.texts import save_texts
from chalicelib.services.readings import read_monitors
from chalicelib.services.results import list_results
from chalicelib.services.stats import monitor_figures, team_figures
from chalicelib.services.texts import read_texts
from tests.fakes import BEFORE, FakeDeps, FakeTexts
from tests.services.life import Life

SHARD = "enam.normal.00001"
ADDRESS, OTHER_ADDRESS = "93.184.216.34", "198.51.100.1"


class TalkingLife(Life):
    """Every check of these monitors finds what `says` says; the others find no text."""

    def __init__(self) -> None:
        super().__init__(FakeDeps())
        self.says: dict[str, str] = {}
        self.calls: list[str] = []
        self.deps.store.on_call = self._called

    def reads(self, action: Callable[[], object]) -> int:
        """How often texts were asked for meanwhile."""
        self.calls.clear()
        action()
        return self.calls.count("texts.pick")

    def talk(self, minutes: int, **says: str) -> None:
        self.says |= says
        self.minutes(minutes)

    def outcome(self, monitor_id: str) -> Outcome:
        text = self.says.get(monitor_id, "")
        return Outcome(Status.UP, response_ms=self.checks % 60_000, text=text)

    def readings(self, *ids: str, consistent: bool = False) -> list[str]:
        monitors = [self.monitor(id) for id in ids]
        found = read_monitors(self.deps, monitors, consistent=consistent)
        return [found[id].text for id in ids]

    def page(self, monitor_id: str, limit: int = 100, offset: int = 0) -> list[str]:
        page = list_results(self.deps, self.monitor(monitor_id), limit=limit, offset=offset)
        return [result.text for result in page.results]

    def _called(self, verb: str, phase: str) -> None:
        if phase == BEFORE:
            self.calls.append(verb)


@pytest.fixture
def life() -> TalkingLife:
    return TalkingLife()


@pytest.mark.parametrize("interval", [60, 90, 300, 3600])
def test_a_page_of_results_has_the_text_of_each_in_one_read(life: TalkingLife, interval: int) -> None:
    monitor_id = life.born(interval_seconds=interval)
    minutes = 4 * interval // 60
    for text in (ADDRESS, OTHER_ADDRESS, "", ADDRESS):
        life.talk(minutes, **{monitor_id: text})
    shown = life.page(monitor_id)
    changes = [text for n, text in enumerate(shown) if n == 0 or shown[n - 1] != text]
    assert changes == [ADDRESS, "", OTHER_ADDRESS, ADDRESS]
    assert life.page(monitor_id, 5, 3) == shown[3:8]
    assert life.reads(lambda: life.page(monitor_id)) == 1
    life.says[monitor_id] = ""
    life.minutes(2 * minutes)
    assert life.reads(lambda: life.page(monitor_id, 4)) == 0


def test_a_page_asks_for_every_text_once(life: TalkingLife) -> None:
    asked: list[TextRef] = []

    class Recorded(FakeTexts):
        def pick(self, refs: Iterable[TextRef], *, consistent: bool) -> dict[TextRef, str]:
            asked.extend(wanted := list(refs))
            return super().pick(wanted, consistent=consistent)

    monitor_id = life.born()
    life.talk(50, **{monitor_id: ADDRESS})
    life.deps.texts = Recorded(life.deps.store)
    assert set(life.page(monitor_id)) == {ADDRESS}
    assert asked == [TextRef(SHARD, life.monitor(monitor_id).placement.position, text_id(ADDRESS))]


def test_a_page_over_a_move_between_shards_is_one_read(life: TalkingLife) -> None:
    monitor_id = life.born()
    life.talk(5, **{monitor_id: ADDRESS})
    life.change(monitor_id, timeout_seconds=60)
    life.talk(7, **{monitor_id: OTHER_ADDRESS})
    shown = life.page(monitor_id)
    assert len({shard for shard, _ in life.places[monitor_id]}) == 2
    assert sorted(set(shown)) == [OTHER_ADDRESS, ADDRESS]
    assert shown == sorted(shown)
    assert life.reads(lambda: life.page(monitor_id)) == 1


@pytest.mark.parametrize("consistent", [True, False])
@pytest.mark.parametrize("intervals", [[60, 60, 60], [300, 60, 90], [3600, 3600, 60]])
def test_a_list_has_the_newest_text_of_each_in_one_read(
    life: TalkingLife, intervals: list[int], consistent: bool
) -> None:
    ids = [life.born(interval_seconds=interval) for interval in intervals]
    ids.append(life.born(timeout_seconds=60))
    silent = life.born()
    for number in (1, 2):
        life.talk(61, **{id: f"198.51.100.{n}{number}" for n, id in enumerate(ids)})
    assert life.readings(*ids, silent, consistent=consistent) == [
        *(f"198.51.100.{n}2" for n in range(len(ids))),
        "",
    ]
    assert life.reads(lambda: life.readings(*ids, silent)) == 1
    assert life.reads(lambda: life.readings(silent)) == 0


def test_who_shows_no_text_reads_none(life: TalkingLife) -> None:
    monitor_id = life.born()
    life.talk(10, **{monitor_id: ADDRESS})
    monitor = life.monitor(monitor_id)
    assert life.reads(lambda: team_figures(life.deps, [monitor])) == 0
    assert life.reads(lambda: monitor_figures(life.deps, monitor)) == 0
    assert life.reads(lambda: read_monitors(life.deps, [monitor], consistent=True, with_texts=False)) == 0


def test_a_missing_text_reads_as_none_and_the_result_is_there(life: TalkingLife) -> None:
    monitor_id = life.born()
    life.talk(10, **{monitor_id: ADDRESS})
    shown = life.page(monitor_id)
    life.deps.store.items["text"].clear()
    assert life.page(monitor_id) == [""] * len(shown)
    assert life.readings(monitor_id) == [""]


def test_texts_are_those_of_their_reference_and_nothing_is_no_read() -> None:
    deps = FakeDeps()
    save_texts(deps, SHARD, {1: _told(ADDRESS), 2: _told(OTHER_ADDRESS), 3: _told("")}, deps.at)
    refs = [TextRef(SHARD, 1, text_id(ADDRESS)), None, TextRef(SHARD, 2, text_id(ADDRESS))]
    found = read_texts(deps, refs, consistent=True)
    assert [found[ref] for ref in refs] == [ADDRESS, "", ""]
    calls: list[str] = []
    deps.store.on_call = lambda verb, phase: calls.append(verb)
    assert read_texts(deps, [], consistent=True) == {}
    assert read_texts(deps, [None, None], consistent=True) == {None: ""}
    assert calls == []


def _told(text: str) -> Outcome:
    return Outcome(Status.DOWN, Reason.CONTENT, text=text)
