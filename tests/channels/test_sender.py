"""All channels behind one call: together on the way, apart in what becomes of them."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, Event
from typing import Any

import pytest

from chalicelib.channels import CHANNELS
from chalicelib.channels.sender import Sender
from chalicelib.domain.message import DELIVERED, OUR_FAULT, Fate, HttpMessage, Mail, Verdict, failed, retry
from chalicelib.domain.outcome import Reason
from chalicelib.net.post import Posted
from tests.channels.notices import notice
from tests.contract.test_channels import CASES

CANARY = "CANARY9c1e"
BROKEN = {**CHANNELS, "broken": "tests.channels.broken"}
OK = Posted(200, body=b"{}")


class ScriptedPoster:
    """Answers by `answer_of`, and keeps what it was given, call by call."""

    def __init__(self, answer_of: Callable[[HttpMessage], Posted] = lambda message: OK) -> None:
        self.answer_of = answer_of
        self.calls: list[list[HttpMessage]] = []

    def post_all(self, messages: Sequence[HttpMessage]) -> list[Posted]:
        self.calls.append(list(messages))
        return [self.answer_of(message) for message in messages]


class ScriptedMailer:
    def __init__(self, verdict_of: Callable[[Mail], Verdict] = lambda mail: DELIVERED) -> None:
        self.verdict_of = verdict_of
        self.mails: list[Mail] = []

    def send(self, mail: Mail) -> Verdict:
        self.mails.append(mail)
        return self.verdict_of(mail)


def hook(path: str) -> tuple[str, dict[str, Any], Any]:
    return "webhook", {"url": f"https://hooks.example/{path}"}, notice()


def mail(to: str) -> tuple[str, dict[str, Any], Any]:
    return "email", {"email": f"{to}@example.com"}, notice()


def broken(bug: str) -> tuple[str, dict[str, Any], Any]:
    return "broken", {"bug": bug, "secret": CANARY}, notice()


def test_nothing_to_send_sends_nothing() -> None:
    poster, mailer = ScriptedPoster(), ScriptedMailer()
    assert Sender(poster, mailer).send([]) == []
    assert (poster.calls, mailer.mails) == ([], [])


@pytest.mark.parametrize("strategy", CHANNELS)
def test_every_channel_is_sent_by(strategy: str) -> None:
    poster, mailer = ScriptedPoster(), ScriptedMailer()
    assert Sender(poster, mailer).send([(strategy, CASES[strategy].good, notice())]) == [DELIVERED]
    assert len(poster.calls) + len(mailer.mails) == 1


def test_all_messages_go_out_in_one_call_and_verdicts_come_in_the_order_asked_for() -> None:
    statuses = {
        "https://hooks.example/a": 200,
        "https://hooks.example/b": 500,
        "https://hooks.example/c": 410,
    }
    poster = ScriptedPoster(lambda message: Posted(statuses[message.url]))
    mailer = ScriptedMailer(lambda mail: retry("SES: Throttling") if mail.to.startswith("y") else DELIVERED)
    verdicts = Sender(poster, mailer).send([mail("x"), hook("a"), hook("b"), mail("y"), hook("c")])
    assert verdicts == [
        DELIVERED,
        DELIVERED,
        retry("HTTP status 500"),
        retry("SES: Throttling"),
        failed("HTTP status 410"),
    ]
    assert [[message.url for message in call] for call in poster.calls] == [list(statuses)]
    assert sorted(mail.to for mail in mailer.mails) == ["x@example.com", "y@example.com"]


def test_the_channel_judges_its_answer_by_status_body_and_headers() -> None:
    poster = ScriptedPoster(lambda message: Posted(429, {"retry-after": "7"}, b'{"retry_after": 1.5}'))
    wanted = [(name, CASES[name].good, notice()) for name in ("webhook", "discord")]
    pauses = [verdict.retry_after_seconds for verdict in Sender(poster, ScriptedMailer()).send(wanted)]
    assert pauses == [7, 7]
    poster.answer_of = lambda message: Posted(429, {}, b'{"retry_after": 1.5}')
    pauses = [verdict.retry_after_seconds for verdict in Sender(poster, ScriptedMailer()).send(wanted)]
    assert pauses == [None, 2]


@pytest.mark.parametrize(
    ("fault", "verdict"),
    [(Reason.TIMEOUT, retry("timeout")), (Reason.BLOCKED, failed("blocked"))],
)
def test_no_answer_is_judged_by_its_fault(fault: Reason, verdict: Verdict) -> None:
    poster = ScriptedPoster(lambda message: Posted(fault=fault))
    assert Sender(poster, ScriptedMailer()).send([hook("a")]) == [verdict]


def test_mails_are_on_the_way_together_and_beside_the_messages() -> None:
    """Three mails and the post meet, or the barrier breaks."""
    meeting = Barrier(4, timeout=10)

    def meet(mail: Mail) -> Verdict:
        meeting.wait()
        return DELIVERED

    def post(message: HttpMessage) -> Posted:
        meeting.wait()
        return OK

    wanted = [mail("a"), mail("b"), hook("c"), mail("d")]
    assert Sender(ScriptedPoster(post), ScriptedMailer(meet)).send(wanted) == [DELIVERED] * 4


def test_a_mail_that_hangs_keeps_no_other_verdict_back() -> None:
    may_end = Event()

    def hang(mail: Mail) -> Verdict:
        if mail.to.startswith("slow"):
            may_end.wait(10)
        return DELIVERED

    sender = Sender(ScriptedPoster(), ScriptedMailer(hang), mail_seconds=0.05)
    try:
        assert sender.send([mail("slow"), mail("quick"), hook("a")]) == [
            retry("timeout"),
            DELIVERED,
            DELIVERED,
        ]
    finally:
        may_end.set()


@pytest.mark.parametrize("bug", ["parse", "render"])
def test_a_bug_in_a_channel_costs_its_own_message_alone(bug: str, caplog: pytest.LogCaptureFixture) -> None:
    poster = ScriptedPoster()
    sender = Sender(poster, ScriptedMailer(), registry=BROKEN)
    assert sender.send([hook("a"), broken(bug), hook("b")]) == [DELIVERED, failed(OUR_FAULT), DELIVERED]
    assert len(poster.calls[0]) == 2
    assert "broken could not be rendered: RuntimeError at " in caplog.text
    assert CANARY not in caplog.text


def test_a_bug_in_judging_costs_its_own_message_alone(caplog: pytest.LogCaptureFixture) -> None:
    poster = ScriptedPoster(lambda message: Posted(299, body=CANARY.encode()))
    sender = Sender(poster, ScriptedMailer(), registry=BROKEN)
    assert sender.send([broken("judge"), hook("a")]) == [failed(OUR_FAULT), DELIVERED]
    assert "RuntimeError at " in caplog.text
    assert CANARY not in caplog.text


def test_a_bug_in_mailing_costs_its_own_mail_alone(caplog: pytest.LogCaptureFixture) -> None:
    def fail(mail: Mail) -> Verdict:
        if mail.to.startswith("x"):
            raise RuntimeError(CANARY)
        return DELIVERED

    sender = Sender(ScriptedPoster(), ScriptedMailer(fail))
    assert sender.send([mail("x"), mail("y"), hook("a")]) == [failed(OUR_FAULT), DELIVERED, DELIVERED]
    assert CANARY not in caplog.text


def test_when_posting_breaks_nothing_is_final_and_mails_keep_their_verdicts(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(message: HttpMessage) -> Posted:
        raise RuntimeError(CANARY)

    verdicts = Sender(ScriptedPoster(fail), ScriptedMailer()).send([hook("a"), mail("x"), hook("b")])
    assert [verdict.fate for verdict in verdicts] == [Fate.RETRY, Fate.DELIVERED, Fate.RETRY]
    assert CANARY not in caplog.text


def test_a_configuration_that_is_not_valid_names_its_fields_and_not_their_values() -> None:
    poster = ScriptedPoster()
    (verdict,) = Sender(poster, ScriptedMailer()).send([("webhook", {"url": f"ftp://{CANARY}"}, notice())])
    assert verdict == failed("the configuration is not valid: url")
    assert poster.calls == []


def test_an_unknown_channel_fails() -> None:
    verdicts = Sender(ScriptedPoster(), ScriptedMailer()).send([("pigeon", {}, notice())])
    assert verdicts == [failed("there is no such channel")]


def test_calls_at_once_do_not_mix_their_verdicts() -> None:
    poster = ScriptedPoster(lambda message: Posted(200 if message.url.endswith("/a") else 500))
    sender = Sender(poster, ScriptedMailer())
    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(sender.send, [hook("ab"[n % 2]), mail("x")]) for n in range(40)]
        fates = [[verdict.fate for verdict in future.result(10)] for future in futures]
    assert fates == [[(Fate.DELIVERED, Fate.RETRY)[n % 2], Fate.DELIVERED] for n in range(40)]


def test_no_channel_is_loaded_before_it_is_used() -> None:
    code = """
import sys
import chalicelib.channels.sender
loaded = [name for name in sys.modules if name.startswith("chalicelib.channels.")]
print(sorted(set(loaded) - {f"chalicelib.channels.{n}" for n in ("sender", "fields", "judging")}))
print("pycurl" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]", "False"]
