"""Every way to be told, behind one call: rendered, sent all at a time, judged one by one."""

import logging
import time
import traceback
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, Protocol

from chalicelib.channels import CHANNELS
from chalicelib.channels.fields import BadConfig
from chalicelib.channels.judging import by_fault
from chalicelib.domain.message import OUR_FAULT, HttpMessage, Mail, Message, Verdict, failed, retry
from chalicelib.domain.outcome import Reason

if TYPE_CHECKING:
    from chalicelib.domain.notice import Notice
    from chalicelib.net.post import Posted

MAIL_WORKERS: Final = 16
MAIL_SECONDS: Final = 20.0
"""For all mails of a call: SMTP waits anew in every step. A mail that is given up may arrive all the same,
under the Message-ID that its next attempt has too."""

log = logging.getLogger(__name__)


class Posts(Protocol):
    def post_all(self, messages: Sequence[HttpMessage]) -> "list[Posted]": ...


class Mails(Protocol):
    def send(self, mail: Mail) -> Verdict: ...


@dataclass(frozen=True, slots=True)
class Rendered:
    """A message, and the channel's module, which judges what becomes of it."""

    strategy: str
    channel: Any
    message: Message


class Sender:
    """Satisfies `Channels`. A channel's module is loaded when it is first used."""

    def __init__(
        self,
        poster: Posts,
        mailer: Mails,
        mail_seconds: float = MAIL_SECONDS,
        registry: Mapping[str, str] = CHANNELS,
    ) -> None:
        self._poster = poster
        self._mailer = mailer
        self._mail_seconds = mail_seconds
        self._registry = registry

    def send(self, wanted: "Sequence[tuple[str, Mapping[str, Any], Notice]]") -> list[Verdict]:
        verdicts: dict[int, Verdict] = {}
        posts: dict[int, tuple[Rendered, HttpMessage]] = {}
        mails: dict[int, Mail] = {}
        for number, (strategy, config, notice) in enumerate(wanted):
            rendered = self._render(strategy, config, notice)
            if isinstance(rendered, Verdict):
                verdicts[number] = rendered
            elif isinstance(rendered.message, Mail):
                mails[number] = rendered.message
            else:
                posts[number] = (rendered, rendered.message)
        pool = ThreadPoolExecutor(MAIL_WORKERS, "mail")
        try:
            under_way = {number: pool.submit(self._mailer.send, mail) for number, mail in mails.items()}
            give_up_at = time.monotonic() + self._mail_seconds
            verdicts |= self._post(posts)
            verdicts |= {number: _of_mail(future, give_up_at) for number, future in under_way.items()}
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        return [verdicts[number] for number in range(len(wanted))]

    def _render(self, strategy: str, config: Mapping[str, Any], notice: "Notice") -> Rendered | Verdict:
        """The verdict of what cannot even be sent."""
        if strategy not in self._registry:
            return failed("there is no such channel")
        try:
            channel = import_module(self._registry[strategy])
            return Rendered(strategy, channel, channel.render(channel.parse(config), notice))
        except BadConfig as bad:
            return failed(f"the configuration is not valid: {bad}")
        except Exception as error:
            log.error("%s could not be rendered: %s", strategy, _told(error))
            return failed(OUR_FAULT)

    def _post(self, posts: Mapping[int, tuple[Rendered, HttpMessage]]) -> dict[int, Verdict]:
        if not posts:
            return {}
        try:
            answers = self._poster.post_all([message for _, message in posts.values()])
        except Exception as error:
            # What was sent before it is not known, so nothing is taken for final.
            log.error("posting failed: %s", _told(error))
            return dict.fromkeys(posts, retry(OUR_FAULT))
        return {
            number: _judge(rendered, posted)
            for (number, (rendered, _)), posted in zip(posts.items(), answers, strict=True)
        }


def _judge(rendered: Rendered, posted: "Posted") -> Verdict:
    if posted.fault is not Reason.NONE:
        return by_fault(posted.fault)
    try:
        verdict: Verdict = rendered.channel.judge(posted.status, posted.body, posted.headers)
    except Exception as error:
        log.error("the answer to %s could not be judged: %s", rendered.strategy, _told(error))
        return failed(OUR_FAULT)
    return verdict


def _of_mail(future: "Future[Verdict]", give_up_at: float) -> Verdict:
    try:
        return future.result(max(0.0, give_up_at - time.monotonic()))
    except TimeoutError:
        return retry("timeout")
    except Exception as error:
        log.error("a mail could not be sent: %s", _told(error))
        return failed(OUR_FAULT)


def _told(error: Exception) -> str:
    """Its kind and its place. Its text may have an address or a secret in it."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {place.filename}:{place.lineno}"
