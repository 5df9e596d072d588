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
