"""Children that do not outlive us, and a life that does not outlive a parent's."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence

_PR_SET_PDEATHSIG = 1


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


def start(command: Sequence[str], *, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
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
        env=env,
        preexec_fn=in_child,
    )


def stop(child: subprocess.Popen[bytes], timeout_seconds: float = 5) -> None:
    """TERM, then KILL when it does not listen."""
    with contextlib.suppress(ProcessLookupError):
        child.terminate()
    try:
        child.wait(timeout_seconds)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()
