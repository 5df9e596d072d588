from pathlib import Path

import pytest

from localrun.clock import Clock


class Wall:
    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds


def test_it_is_the_walls_time_shifted() -> None:
    wall = Wall()
    clock = Clock(wall)
    assert clock.seconds() == 1000
    clock.go_from(5000)
    wall.seconds += 7
    assert clock.seconds() == 5007
    assert clock.now().timestamp() == 5007


def test_held_it_stands_until_it_is_let_go() -> None:
    wall = Wall()
    clock = Clock(wall)
    assert clock.hold() == 1000
    wall.seconds += 7
    assert clock.hold() == clock.seconds() == 1000
    clock.hold_at(3000)
    assert clock.seconds() == 3000
    clock.go_from(3000)
    wall.seconds += 1
    assert clock.seconds() == 3001


def test_frozen_it_only_moves_when_it_is_moved() -> None:
    wall = Wall()
    clock = Clock(wall)
    clock.freeze(True)
    wall.seconds += 7
    assert clock.is_frozen
    assert clock.seconds() == 1000
    clock.go_from(2000)
    wall.seconds += 7
    assert clock.seconds() == 2000
    clock.freeze(True)
    clock.freeze(False)
    wall.seconds += 1
    assert clock.seconds() == 2001


def test_the_next_clock_goes_on_from_where_this_one_was_moved_to(tmp_path: Path) -> None:
    wall, kept = Wall(), tmp_path / "data" / "clock"
    Clock(wall, kept).go_from(5000)
    wall.seconds += 7
    assert Clock(wall, kept).seconds() == 5007


def test_a_step_is_kept_at_once(tmp_path: Path) -> None:
    wall, kept = Wall(), tmp_path / "clock"
    clock = Clock(wall, kept)
    clock.hold()
    clock.hold_at(9000)
    wall.seconds += 7
    assert Clock(wall, kept).seconds() == 9007
    assert clock.seconds() == 9000
    assert list(tmp_path.iterdir()) == [kept]


def test_a_frozen_clock_goes_on_at_the_next_start(tmp_path: Path) -> None:
    wall, kept = Wall(), tmp_path / "clock"
    clock = Clock(wall, kept)
    clock.freeze(True)
    clock.go_from(2000)
    again = Clock(wall, kept)
    wall.seconds += 7
    assert not again.is_frozen
    assert again.seconds() == 2007


@pytest.mark.parametrize("content", [b"", b"soon", b"\xff", b"nan", b"inf", b"-1e300", b"1e18"])
def test_an_offset_that_makes_no_sense_is_ignored(tmp_path: Path, content: bytes) -> None:
    kept = tmp_path / "clock"
    kept.write_bytes(content)
    assert Clock(Wall(), kept).seconds() == 1000


def test_where_nothing_can_be_kept_the_clock_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    clock = Clock(Wall(), tmp_path / "file" / "clock")
    clock.go_from(5000)
    assert clock.seconds() == 5000
    assert "not kept" in caplog.text
