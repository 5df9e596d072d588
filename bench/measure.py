"""One round of one contender in a process of its own: prints CPU ms per check."""

import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from importlib import import_module

from bench.contender import Contender
from bench.target import Target

Ready = Callable[[Target], AbstractContextManager[Contender]]


def measure(ready: Ready, target: Target, count: int) -> float:
    with ready(target) as contender:
        contender.check(count // 10)
        before = contender.cpu_seconds()
        contender.check(count)
        return 1000 * (contender.cpu_seconds() - before) / count


if __name__ == "__main__":
    module, _, name = sys.argv[1].partition(":")
    print(measure(getattr(import_module(module), name), Target.from_text(sys.argv[2]), int(sys.argv[3])))
