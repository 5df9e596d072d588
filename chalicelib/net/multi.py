"""All transfers of a run in one libcurl multi handle, which waits in our loop.

libcurl hands us its sockets and its timer (`socket_action`), so that everything waits in the same place.
"""

import contextlib
import logging
import os
import select
import socket
from collections.abc import Callable
from typing import Any, Protocol

import pycurl

from chalicelib.net.loop import READ, WRITE, Loop, Timer
from chalicelib.net.transfer import Request, Settings, Transfer

logger = logging.getLogger(__name__)


class Handle(Protocol):
    """A libcurl handle, and who is told how it ended."""

    @property
    def curl(self) -> Any: ...
    @property
    def done(self) -> Callable[[int], None]: ...


class Transfers:
    def __init__(self, loop: Loop, settings: Settings) -> None:
        self.settings = settings
        self._loop = loop
        self._timer: Timer | None = None
        self._active: dict[Any, Handle] = {}
        self._stopped: list[Any] = []
        self._stopper: Timer | None = None
        self._multi = pycurl.CurlMulti()
        # Every check makes connections of its own, HTTP/2 or not.
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_NOTHING)
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._socket_changed)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._timer_changed)

    def start(self, request: Request, done: Callable[[int], None]) -> Transfer:
        """Raises ValueError on a method or headers that cannot be sent.

        `done` is told from the loop how libcurl ended; it must not raise, and has to drop the transfer.
        """
        transfer = Transfer(request, self.settings, self._stop, done)
        self.add(transfer)
        return transfer

    def add(self, handle: "Handle") -> None:
        self._active[handle.curl] = handle
        self._multi.add_handle(handle.curl)

    def _stop(self, transfer: Transfer) -> None:
        """End a transfer from within libcurl's callback, where it may not be closed.

        A callback that fails would end it too, but makes HTTP/2 servers an error they should not see.
        """
        if not self._stopped:
            self._stopper = self._loop.call_later(0, self._end_stopped)
        self._stopped.append(transfer.curl)

    def _end_stopped(self) -> None:
        stopped, self._stopped = self._stopped, []
        for curl in stopped:
            self._ended(curl, pycurl.E_OK)

    def drop(self, transfer: "Handle") -> None:
        """Let go of a transfer, ended or not; doing it again does nothing."""
        if self._active.pop(transfer.curl, None) is not None:
            self._multi.remove_handle(transfer.curl)
            transfer.curl.close()

    def settle(self) -> None:
        """Once every transfer is dropped: leave nothing of them for the next."""
        if self._stopper is not None:
            self._stopper.cancel()
        self._stopped.clear()
        # After TLS libcurl waits for the other side's goodbye, and some never say it.
        for fd in self._loop.watched():
            with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fd)) as stream:
                stream.shutdown(socket.SHUT_RDWR)
            self._act(fd, READ)

    def close(self) -> None:
        for transfer in list(self._active.values()):
            self.drop(transfer)
        if self._timer is not None:
            self._timer.cancel()
        self._multi.close()
        # libcurl keeps what its callbacks refer to for as long as the handle's object lives.
        del self._multi

    def _socket_changed(self, what: int, fd: int, multi: Any, data: Any) -> None:
        if what == pycurl.POLL_REMOVE:
            self._loop.unwatch(fd)
            return
        events = (READ if what & pycurl.POLL_IN else 0) | (WRITE if what & pycurl.POLL_OUT else 0)
        if self._loop.is_watching(fd):
            self._loop.change(fd, events)
        else:
            self._loop.watch(fd, events, lambda ready: self._act(fd, ready))

    def _timer_changed(self, milliseconds: int) -> None:
        # libcurl may not be called from here, not even for "at once": hence always by way of the loop.
        if self._timer is not None:
            self._timer.cancel()
        self._timer = None
        if milliseconds >= 0:
            self._timer = self._loop.call_later(milliseconds / 1000, self._timer_expired)

    def _timer_expired(self) -> None:
        self._timer = None
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, ready: int) -> None:
        action = 0
        if ready & (READ | select.EPOLLHUP):
            action |= pycurl.CSELECT_IN
        if ready & WRITE:
            action |= pycurl.CSELECT_OUT
        if ready & select.EPOLLERR:
            action |= pycurl.CSELECT_ERR
        running = 0
        try:
            _, running = self._multi.socket_action(fd, action)
        except pycurl.error:
            logger.exception("libcurl refused an event")
            self._loop.unwatch(fd)
        if running < len(self._active):
            self._reap()

    def _reap(self) -> None:
        queued = 1
        while queued:
            queued, succeeded, failed = self._multi.info_read()
            for curl in succeeded:
                self._ended(curl, pycurl.E_OK)
            for curl, code, _ in failed:
                self._ended(curl, code)

    def _ended(self, curl: Any, code: int) -> None:
        transfer = self._active.get(curl)
        if transfer is not None:
            transfer.done(code)
