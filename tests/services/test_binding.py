"""What is bound to an HTTP monitor."""

from datetime import UTC, datetime

import pytest

from chalicelib.domain.maintenance import Window
from chalicelib.errors import NotFound
from chalicelib.services.binding import check_monitor, unless_gone
from chalicelib.services.monitors import create_monitor, delete_monitor
from tests.fakes import FakeDeps
from tests.services.life import TEAM, draft

AT = datetime(2026, 3, 1, tzinfo=UTC)
TCP = {"host": "example.com", "port": 443}


def window(monitor_id: str | None, team_id: str = TEAM) -> Window:
    return Window("mnt_1", team_id, "Move", AT, AT, AT, AT, monitor_id)


def test_what_is_bound_to_none_is_there() -> None:
    check_monitor(FakeDeps(), window(None))
    assert unless_gone(FakeDeps(), window(None)) == window(None)
    assert unless_gone(FakeDeps(), None) is None


def test_a_monitor_takes_along_what_is_bound_to_it() -> None:
    deps = FakeDeps()
    bound = window(create_monitor(deps, TEAM, "mon", draft()).id)
    check_monitor(deps, bound)
    assert unless_gone(deps, bound) == bound
    assert bound.monitor_id is not None
    delete_monitor(deps, TEAM, "http", bound.monitor_id)
    assert unless_gone(deps, bound) is None
    with pytest.raises(NotFound):
        check_monitor(deps, bound)


@pytest.mark.parametrize("id", ["", "mon_1", "cron_" + "0" * 32, "mon_" + "0" * 32, "mon_" + "0" * 5000])
def test_what_is_no_monitor_of_the_team_is_unknown(id: str) -> None:
    with pytest.raises(NotFound):
        check_monitor(FakeDeps(), window(id))


def test_neither_is_another_kind_nor_another_teams() -> None:
    deps = FakeDeps()
    http = create_monitor(deps, TEAM, "mon", draft()).id
    tcp = create_monitor(deps, TEAM, "tcpm", draft(kind="tcp", spec=TCP)).id
    for bound in (window(tcp), window(http, "team_2")):
        with pytest.raises(NotFound):
            check_monitor(deps, bound)
