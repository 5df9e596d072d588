"""Children that do not outlive us, and a life that does not outlive a parent's."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import FrameType

_PR_SET_PDEATHSIG = 1


def leave_on_signals(before: Callable[[], None] | None = None) -> None:
    """End on INT and TERM with status 0; `before` is called first. The second signal changes nothing."""

    def leave(number: int, frame: FrameType | None) -> None:
        for name in (signal.SIGINT, signal.SIGTERM):
            signal.signal(name, signal.SIG_IGN)
        if before is not None:
            before()
        raise SystemExit(0)

    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, leave)


def die_with_parent(parent: int, sent: signal.Signals) -> None:
    """Ask Linux to signal this process when its parent ends, killed or not. Elsewhere: no effect."""
    if not sys.platform.startswith("linux"):
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, sent)
    if os.getppid() != parent:
        os.kill(os.getpid(), sent)


def follow_parent(env: Mapping[str, str]) -> None:
    """End with the `make` that started us, also when that is killed. Only where it asked for it: started by
    hand, we may outlive a shell."""
    parent = env.get("UPTIME_PARENT_PID")
    if parent is not None and parent.isdigit():
        die_with_parent(int(parent), signal.SIGTERM)


def start(
    command: Sequence[str], *, cwd: Path | None = None, env: dict[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """Start a child that is killed when this process ends, however it ends.

    It has a process group of its own, so that Ctrl-C reaches us alone and we end it in order.
    """
    parent = os.getpid()

    def in_child() -> None:
        os.setpgid(0, 0)
        die_with_parent(parent, signal.SIGKILL)

    return subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=cwd,
        env=env,
        preexec_fn=in_child,
    )


def watch(child: subprocess.Popen[bytes], ended: Callable[[int], None]) -> None:
    """Call `ended(status)` when the child ends, from a thread that keeps nothing alive."""
    threading.Thread(target=lambda: ended(child.wait()), name="watch", daemon=True).start()


def stop(child: subprocess.Popen[bytes], timeout_seconds: float = 5) -> None:
    """TERM, then KILL when it does not listen."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
