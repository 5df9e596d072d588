"""Request units of a shard, counted by the embedded engine, over a simulated hour with its sweep."""

import random
import string
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from chalicelib.domain.certificate import CertificateReading
from chalicelib.domain.job import ProbeJob
from chalicelib.domain.member import Member, encode_member
from chalicelib.domain.outcome import Outcome
from chalicelib.domain.shard import MAX_BYTES, MAX_MEMBERS
from chalicelib.domain.ssl_readings import CertificateTarget
from chalicelib.services import probing
from chalicelib.services.probing.certificates import renew_certificates
from chalicelib.settings import Settings
from chalicelib.store.tables import MemberItem, ShardItem, StateItem
from tests.fakes import GOOD, FakeCertificates, FakeDeps

from .scene import BASE, DOWN, HOUR, OUTCOMES, SHARD, UP, RealScene

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient

SWEEP = BASE - 15 * 60 + HOUR
MAX_WRITE_UNITS_PER_CHECK = 0.02
MAX_READ_UNITS_PER_CHECK = 0.03


@dataclass
class Units:
    """Asks every request what it cost."""

    client: "DynamoDBClient"
    spent: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        events: Any = self.client.meta.events
        events.register("before-parameter-build.dynamodb.*", self._ask)
        events.register("after-call.dynamodb.*", self._count)

    @property
    def writes(self) -> float:
        return sum(
            n for name, n in self.spent.items() if "Put" in name or "Write" in name or "Update" in name
        )

    @property
    def reads(self) -> float:
        return sum(self.spent.values()) - self.writes

    def _ask(self, params: dict[str, Any], **_: object) -> None:
        params["ReturnConsumedCapacity"] = "TOTAL"

    def _count(self, model: Any, parsed: dict[str, Any], **_: object) -> None:
        consumed = parsed.get("ConsumedCapacity", [])
        for each in consumed if isinstance(consumed, list) else [consumed]:
            self.spent[model.name] += each["CapacityUnits"]


def fill(
    scene: RealScene, count: int, url_length: int, spec: Mapping[str, Any] = MappingProxyType({})
) -> int:
    """Members straight into the table, random enough not to compress; the number of their bytes."""
    members = []
    for n in range(1, count + 1):
        dice = random.Random(n)
        path = "".join(dice.choices(string.ascii_lowercase + string.digits, k=url_length))
        plain = {"url": f"https://{path}"[:url_length], "expectedStatus": 200, "timeoutSeconds": 10}
        monitor_id, team_id = f"mon_{dice.getrandbits(128):032x}", f"team_{dice.getrandbits(128):032x}"
        members.append(Member(n, monitor_id, team_id, "http", {**plain, **spec}, 60, BASE - 600, True))
    with MemberItem.batch_write() as batch:
        for member in members:
            batch.save(MemberItem(f"S#{SHARD}", f"M#{member.position:04d}", data=encode_member(member)))
    size = sum(len(encode_member(member)) for member in members)
    registry = ShardItem("REG", f"S#{SHARD}")
    registry.update(
        [ShardItem.members.set(count), ShardItem.bytes.set(size), ShardItem.last_position.set(count)]
    )
    StateItem(f"S#{SHARD}").update([StateItem.config_version.add(1)])
    return size


def hour(
    scene: RealScene, deps: FakeDeps, units: Units, down: int, text: str | None = None
) -> tuple[int, float, float, float, float]:
    """Checks, write and read units of the second hour, and those of its dearest run."""
    members = deps.members.all(SHARD)
    told = {} if text is None else {m.monitor_id: Outcome(UP, text=text) for m in members.values()}
    broken = told | {members[n].monitor_id: OUTCOMES[DOWN] for n in range(1, down + 1)}
    checks, dearest = 0, (0.0, 0.0)
    for slot in range(BASE - 540, SWEEP + HOUR + 60, 60):
        if slot == SWEEP + 60:
            units.spent.clear()
            checks = 0
        before = (units.writes, units.reads)
        checks += run(scene, deps, slot, broken)
        if slot > SWEEP:
            dearest = max(dearest, (units.writes - before[0], units.reads - before[1]))
    return checks, units.writes, units.reads, *dearest


def run(scene: RealScene, deps: FakeDeps, slot: int, broken: dict[str, Any]) -> int:
    deps.at = datetime.fromtimestamp(slot + 5, UTC)
    deps.checks.outcomes = broken
    return probing.run(deps, ProbeJob(SHARD, slot))


@pytest.fixture
def scene(settings: Settings, client: "DynamoDBClient") -> RealScene:
    return RealScene(settings, client)


def report(
    name: str, checks: int, writes: float, reads: float, most_writes: float, most_reads: float
) -> None:
    members = checks // 60
    print(
        f"\n{name}: {writes / checks:.4f} WRU and {reads / checks:.4f} RRU a check over the hour;"
        f" the sweep's run {most_writes / members:.4f} and {most_reads / members:.4f}"
    )


def test_a_full_shard_of_ordinary_monitors_keeps_to_its_budget(
    scene: RealScene, capsys: pytest.CaptureFixture[str]
) -> None:
    size = fill(scene, MAX_MEMBERS, url_length=100)
    assert size < MAX_BYTES
    checks, writes, reads, *dearest = hour(scene, scene.container(), Units(scene.client), down=4)
    assert checks == 60 * MAX_MEMBERS
    with capsys.disabled():
        report(f"{MAX_MEMBERS} ordinary monitors ({size} bytes)", checks, writes, reads, *dearest)
    assert writes / checks <= MAX_WRITE_UNITS_PER_CHECK
    assert reads / checks <= MAX_READ_UNITS_PER_CHECK


@pytest.mark.parametrize(("kind", "text"), [("TCP", ""), ("DNS", "93.184.216.34")])
def test_a_full_shard_of_monitors_without_http_keeps_to_its_budget(
    scene: RealScene, capsys: pytest.CaptureFixture[str], kind: str, text: str
) -> None:
    """A tick with 200 texts is three write units instead of one, and its readers pay likewise."""
    fill(scene, MAX_MEMBERS, url_length=100)
    checks, writes, reads, *dearest = hour(scene, scene.container(), Units(scene.client), down=4, text=text)
    with capsys.disabled():
        report(f"{MAX_MEMBERS} {kind} monitors", checks, writes, reads, *dearest)
    assert writes / checks <= (MAX_WRITE_UNITS_PER_CHECK if text else 0.01)
    assert reads / checks <= MAX_READ_UNITS_PER_CHECK


def test_texts_cost_a_write_when_they_change_and_a_look_when_a_container_is_cold(
    scene: RealScene, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(scene, MAX_MEMBERS, url_length=100)
    units, deps = Units(scene.client), scene.container()
    members = deps.members.all(SHARD).values()

    def spent(slot: int, deps: FakeDeps, change: int) -> tuple[float, float]:
        """Write and read units of one run."""
        units.spent.clear()
        found = {m.monitor_id: Outcome(UP, text=f"198.51.{change}.{m.position}") for m in members}
        assert run(scene, deps, slot, found) == MAX_MEMBERS
        return units.writes, units.reads

    run(scene, deps, BASE - 60, {})
    first, steady = spent(BASE, deps, 1), spent(BASE + 60, deps, 1)
    changed, cold = spent(BASE + 120, deps, 2), spent(BASE + 180, scene.container(), 2)
    with capsys.disabled():
        print(f"\n{MAX_MEMBERS} texts (WRU, RRU a run): {first=} {steady=} {changed=} {cold=}")
    assert first[0] - steady[0] == changed[0] - steady[0] == MAX_MEMBERS
    assert first[1] - steady[1] <= 0.5 * MAX_MEMBERS
    assert cold[0] == steady[0]


def test_a_cold_container_pays_for_the_stored_pack_only(
    scene: RealScene, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(scene, MAX_MEMBERS, url_length=100)
    units = Units(scene.client)
    for slot in range(BASE - 540, BASE, 60):
        run(scene, scene.container(), slot, {})
    units.spent.clear()
    assert run(scene, scene.container(), BASE, {}) == MAX_MEMBERS
    with capsys.disabled():
        print(f"\n{MAX_MEMBERS} ordinary monitors, a cold run: {units.writes} WRU and {units.reads} RRU")
    assert units.reads / MAX_MEMBERS <= MAX_READ_UNITS_PER_CHECK


def test_a_shard_of_the_largest_monitors_works(scene: RealScene, capsys: pytest.CaptureFixture[str]) -> None:
    one = fill(scene, 1, url_length=2048)
    count = MAX_BYTES // (one + 3)
    size = fill(scene, count, url_length=2048)
    assert size <= MAX_BYTES
    checks, writes, reads, *dearest = hour(scene, scene.container(), Units(scene.client), down=count)
    assert checks == 60 * count
    with capsys.disabled():
        report(f"{count} of the largest monitors ({size} bytes), all down", checks, writes, reads, *dearest)
    assert len(scene.state().entries) == count


def test_certificates_cost_a_read_unit_a_run_and_few_writes_a_day(
    scene: RealScene, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a full shard, all of whose monitors want theirs."""
    wanted = {"url": "https://e.com/", "sslMonitoringEnabled": True, "sslExpiryWarningDays": 30}
    fill(scene, MAX_MEMBERS, url_length=100, spec=wanted)
    units, deps = Units(scene.client), scene.container()
    deps.certificates = IssuedBySeven()
    for slot in range(BASE - 540, BASE, 60):
        run(scene, deps, slot, {})
    pack = deps.packs[SHARD]
    units.spent.clear()
    moments = range(BASE, BASE + 24 * HOUR, 300)
    for at in moments:
        deps.at = datetime.fromtimestamp(at, UTC)
        renew_certificates(deps, SHARD, pack)
    with capsys.disabled():
        reads, writes = units.reads / len(moments), units.writes
        print(f"\n{MAX_MEMBERS} certificates: {reads:.2f} RRU a run and {writes} WRU a day")
    assert 0 < units.reads <= 1.01 * len(moments)
    assert 0 < units.writes <= 100


class IssuedBySeven(FakeCertificates):
    def read(self, targets: Mapping[int, CertificateTarget]) -> Mapping[int, CertificateReading]:
        return {p: replace(GOOD, issuer=f"An issuer with a name of 32 {p % 7:4}") for p in targets}
