"""The handler of ad-hoc pings, and the two ways to it: another function's call, and the local run's own."""

import io
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, cast

import pytest

from chalicelib import wiring
from chalicelib.domain.member import Member
from chalicelib.domain.outcome import Outcome, Reason, Status
from chalicelib.domain.outcome_json import outcome_to_json
from chalicelib.invocation import InvocationFailed, LambdaAdhoc
from chalicelib.jobs.adhoc import adhoc, run
from localrun.edges import DirectAdhoc
from tests.fakes import FakeChecks, FakeDeps, FakeStore

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

SPEC = {"url": "https://example.com/", "method": "POST"}
EXTRAS = {"headers": {"Authorization": "s3cret"}, "body": "p4yload"}
OUTCOME = Outcome(Status.DOWN, Reason.CONTENT, 200, 34, text="é", content_passed=False)


class NoStore(FakeStore):
    """The function has no rights: nothing may even be asked."""

    def call(self, verb: str, action: Any) -> Any:
        raise AssertionError(verb)


@dataclass
class Checks(FakeChecks):
    """Notes the members whole. With `is_broken` no answer ever comes out, as after a bug of ours."""

    members: list[Member] = field(default_factory=list)
    is_broken: bool = False

    def start(self, members: Sequence[Member], extras: Mapping[int, Mapping[str, Any]]) -> Any:
        self.members += members
        return super().start([] if self.is_broken else members, extras)


@pytest.fixture
def checks() -> Checks:
    return Checks(outcomes={"ping": OUTCOME})


@pytest.fixture
def deps(checks: Checks) -> FakeDeps:
    return FakeDeps(store=NoStore(), checks=checks)


def request(**fields: Any) -> dict[str, Any]:
    return {"kind": "http", "spec": SPEC, "extras": EXTRAS, **fields}


def test_one_check_is_made_and_its_outcome_told(deps: FakeDeps, checks: Checks) -> None:
    assert run(deps, request()) == {"outcome": outcome_to_json(OUTCOME)}
    (member,) = checks.members
    assert (member.kind, member.spec, member.is_enabled) == ("http", SPEC, True)
    assert (checks.extras, checks.closed) == ([{0: EXTRAS}], 1)


def test_without_extras_none_are_given(deps: FakeDeps, checks: Checks) -> None:
    run(deps, request(kind="tcp", spec={"host": "a"}, extras={}))
    assert checks.extras == [{}]
    assert checks.members[0].extras_rev == 0


def test_a_check_that_failed_inside_our_code_has_no_outcome(deps: FakeDeps, checks: Checks) -> None:
    checks.is_broken = True
    assert run(deps, request()) == {"outcome": None}
    assert checks.closed == 1


def test_the_handler_answers_json(deps: FakeDeps) -> None:
    with wiring.override(deps):
        answer: Any = adhoc(request(), None)
    assert json.loads(json.dumps(answer)) == {"outcome": outcome_to_json(OUTCOME)}


def test_the_checks_end_also_when_they_break(deps: FakeDeps, checks: Checks) -> None:
    def break_down(is_second: bool) -> None:
        raise RuntimeError("a bug")

    checks.on_collect = break_down
    with pytest.raises(RuntimeError, match="a bug"):
        run(deps, request())
    assert checks.closed == 1


@dataclass
class FakeLambda:
    """Runs the job as Lambda does: JSON in, JSON out, and a crash as an answer of its own."""

    deps: FakeDeps
    crash: dict[str, str] | None = None
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        self.asked.append((FunctionName, json.loads(Payload)))
        if self.crash is not None:
            payload = json.dumps(self.crash).encode()
            return {"StatusCode": 200, "FunctionError": "Unhandled", "Payload": io.BytesIO(payload)}
        answer = run(self.deps, json.loads(Payload))
        return {"StatusCode": 200, "Payload": io.BytesIO(json.dumps(answer).encode())}


@pytest.fixture
def functions(deps: FakeDeps) -> FakeLambda:
    return FakeLambda(deps)


@pytest.fixture
def remote(functions: FakeLambda) -> LambdaAdhoc:
    return LambdaAdhoc(cast("LambdaClient", functions), "uptime-Adhoc-1")


def test_another_function_is_asked_and_its_answer_read(
    functions: FakeLambda, remote: LambdaAdhoc, checks: Checks
) -> None:
    assert remote.ping("http", SPEC, EXTRAS) == OUTCOME
    assert functions.asked == [("uptime-Adhoc-1", request())]
    checks.is_broken = True
    assert remote.ping("http", SPEC, EXTRAS) is None


@pytest.mark.parametrize(
    "crash",
    [
        {"errorType": "Sandbox.Timedout", "errorMessage": "RequestId: 1 Error: Task timed out"},
        {"errorType": "KeyError", "errorMessage": "'s3cret'", "stackTrace": "p4yload"},
        {"errorMessage": "2026-03-01 Task timed out after 28.00 seconds"},
    ],
    ids=["timeout", "bug", "timeout without a type"],
)
def test_a_crash_of_the_other_function_is_an_error_that_tells_no_secret(
    functions: FakeLambda, remote: LambdaAdhoc, crash: dict[str, str], caplog: pytest.LogCaptureFixture
) -> None:
    functions.crash = crash
    caplog.set_level(logging.DEBUG)
    with pytest.raises(InvocationFailed) as failed:
        remote.ping("http", SPEC, EXTRAS)
    told = str(failed.value) + repr(failed.value) + caplog.text
    assert not [secret for secret in ("s3cret", "p4yload") if secret in told]


def test_the_local_run_checks_by_itself(deps: FakeDeps, checks: Checks) -> None:
    assert DirectAdhoc(deps).ping("http", SPEC, EXTRAS) == OUTCOME
    assert (checks.extras, checks.closed) == ([{0: EXTRAS}], 1)
    checks.is_broken = True
    assert DirectAdhoc(deps).ping("http", SPEC, {}) is None
