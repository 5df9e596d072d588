"""Import what is in the zip as Lambda will: from one folder, with nothing else installed."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_IMPORT: Final = """
import importlib, sys, time
sys.path.insert(0, sys.argv[1])
before = time.process_time()
for name in sys.argv[2:]:
    importlib.import_module(name)
print(time.process_time() - before)
"""


class Unimportable(Exception):
    """A module of the zip cannot be imported; the text is Python's own."""


def import_all(folder: Path, modules: Sequence[str]) -> float:
    """Import the modules in a process of their own; the CPU milliseconds that it took. Raises Unimportable.

    Isolated (`-I`) and without site-packages (`-S`); no variable of this process is seen.
    """
    result = subprocess.run(
        [sys.executable, "-I", "-S", "-B", "-c", _IMPORT, str(folder), *modules],
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env={"PATH": os.environ.get("PATH", "")},
    )
    if result.returncode:
        raise Unimportable(f"{', '.join(modules)}: {result.stderr.strip().splitlines()[-1]}")
    return float(result.stdout.strip().splitlines()[-1]) * 1000


def import_cpu_ms(folder: Path, module: str, runs: int) -> float:
    """The least of several imports: what else runs on the machine only ever adds."""
    return min(import_all(folder, [module]) for _ in range(runs))
