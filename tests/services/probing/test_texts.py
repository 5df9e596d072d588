"""Texts of a run: saved before the tick that refers to them, and only when they change."""

import pytest

from chalicelib.domain.monitor import Monitor
from chalicelib.domain.text import TextRef, text_id
from chalicelib.domain.tick import Tick
from chalicelib.services.probing import texts as texts_of_a_run
from chalicelib.services.probing.texts import TRUSTED_SECONDS
from tests.fakes import BEFORE

from .scene import BASE, HOUR, SHARD, Scene, throttle

ADDRESS, OTHER_ADDRESS = "93.184.216.34", "198.51.100.1"
LOOK, SAVE, PUT = "texts.look", "texts.save", "ticks.put"


@pytest.fixture
def scene() -> Scene:
    return Scene()


def told(scene: Scene, text: str = ADDRESS, interval: int = 60) -> Monitor:
    monitor = scene.add(interval=interval)
    scene.texts[monitor.id] = text
    return monitor


def calls(scene: Scene) -> list[str]:
    """Those of the last run that are about its ticks."""
    return [call for call in scene.last_plan.calls if call.startswith("texts.") or call == PUT]


def stored(scene: Scene, monitor: Monitor) -> dict[tuple[int, str], str | None]:
    """What the ticks say in words, by slot and part."""
    place = monitor.placement
    ticks: dict[tuple[int, str], Tick] = scene.store.items["tick", place.shard]
    found = {}
    for key, tick in ticks.items():
        id = tick.text_id(place.position)
        if tick.outcome(place.position):
            found[key] = None if id is None else text_of(scene, TextRef(place.shard, place.position, id))
    return found


def text_of(scene: Scene, ref: TextRef) -> str:
    return str(scene.store.items["text"][ref][0])


def test_a_text_is_saved_before_its_tick_and_not_again_while_it_stays(scene: Scene) -> None:
    monitor = told(scene)
    deps = scene.container()
    expected = [[LOOK, SAVE, PUT], [PUT], [PUT]]
    for number, wanted in enumerate(expected):
        scene.run(BASE + 60 * number, deps=deps)
        assert calls(scene) == wanted
    assert set(stored(scene, monitor).values()) == {ADDRESS}
    scene.texts[monitor.id] = OTHER_ADDRESS
    for number, wanted in enumerate(expected, 3):
        scene.run(BASE + 60 * number, deps=deps)
        assert calls(scene) == wanted
    scene.texts[monitor.id] = ADDRESS
    scene.run(BASE + 360, deps=deps)
    assert calls(scene) == [PUT]
    assert list(stored(scene, monitor).values()) == [*[ADDRESS] * 3, *[OTHER_ADDRESS] * 3, ADDRESS]


def test_results_without_a_text_are_no_call(scene: Scene) -> None:
    monitor = scene.add()
    scene.run(BASE)
    assert calls(scene) == [PUT]
    assert stored(scene, monitor) == {(BASE, "0"): None}


def test_another_container_only_looks(scene: Scene) -> None:
    told(scene)
    scene.run(BASE)
    scene.run(BASE + 60)
    assert calls(scene) == [LOOK, PUT]


def test_the_same_text_of_two_monitors_is_theirs_apart(scene: Scene) -> None:
    one, other = told(scene), told(scene)
    scene.run(BASE)
    assert calls(scene) == [LOOK, SAVE, SAVE, PUT]
    assert stored(scene, one) == stored(scene, other) == {(BASE, "0"): ADDRESS}


def test_a_container_looks_again_after_a_day_and_a_text_is_written_again_after_a_month(scene: Scene) -> None:
    told(scene)
    deps = scene.container()
    seen = []
    for day in range(62):
        scene.run(BASE + TRUSTED_SECONDS * day, deps=deps)
        seen.append(SAVE in calls(scene))
        assert LOOK in calls(scene)
        scene.run(BASE + TRUSTED_SECONDS * day + HOUR, deps=deps)
        assert calls(scene) == [PUT]
    assert [day for day, has_saved in enumerate(seen) if has_saved] == [0, 31]
    scene.check()


def test_stragglers_and_first_runs_save_their_own_texts(scene: Scene) -> None:
    quick, slow = told(scene), told(scene, OTHER_ADDRESS)
    scene.run(BASE, late=[slow])
    assert calls(scene) == [LOOK, SAVE, PUT, LOOK, SAVE, PUT]
    assert stored(scene, quick) == {(BASE, "0"): ADDRESS}
    assert stored(scene, slow) == {(BASE, "1"): OTHER_ADDRESS}
    new = scene.add(at=BASE + 50, entry=None)
    scene.texts[new.id] = ADDRESS
    scene.run(BASE, first=new)
    assert calls(scene) == [LOOK, SAVE, PUT]
    assert stored(scene, new) == {(BASE, f"F{new.placement.position:04d}"): ADDRESS}


def test_the_loser_of_a_race_adopts_a_tick_whose_text_is_there(scene: Scene) -> None:
    monitor = told(scene)

    def overtake() -> None:
        scene.texts[monitor.id] = OTHER_ADDRESS
        scene.run(BASE)

    scene.run(BASE, faults={(PUT, BEFORE): overtake})
    assert stored(scene, monitor) == {(BASE, "0"): OTHER_ADDRESS}
    scene.check()


@pytest.mark.parametrize("verb", [LOOK, SAVE])
def test_a_text_that_could_not_be_saved_leaves_a_gap_and_never_an_empty_reference(
    scene: Scene, verb: str
) -> None:
    monitor = told(scene)
    deps = scene.container()
    assert scene.run(BASE, deps=deps, faults={(verb, BEFORE): throttle}) is None
    assert stored(scene, monitor) == {}
    assert deps.saved_texts == {}
    scene.run(BASE + 60, deps=deps)
    assert stored(scene, monitor) == {(BASE + 60, "0"): ADDRESS}


def test_the_memory_of_a_container_has_a_bound(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts_of_a_run, "REMEMBERED", 5)
    told(scene)
    changing = told(scene)
    deps = scene.container()
    for number in range(20):
        scene.texts[changing.id] = f"198.51.100.{number}"
        scene.run(BASE + 60 * number, deps=deps)
        assert 1 <= len(deps.saved_texts) <= 5
    assert len(scene.store.items["text"]) == 21


def test_what_is_remembered_is_of_one_shard_and_position(scene: Scene) -> None:
    monitor = told(scene)
    deps = scene.container()
    scene.run(BASE, deps=deps)
    ref = TextRef(SHARD, monitor.placement.position, text_id(ADDRESS))
    assert deps.saved_texts == {ref: deps.now().timestamp()}
