"""What `make package` writes, and a Python to run it with."""

import json
import os
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build"


@dataclass(frozen=True)
class Package:
    """`import_ms` is what importing each function's module costs of CPU time, by the module."""

    template: dict[str, Any]
    archive: Path
    import_ms: dict[str, int]


def make_package() -> Package:
    built = subprocess.run(
        ["make", "package"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("AWS_", "MAKE", "MFLAGS"))
        },
    )
    assert built.returncode == 0, built.stdout
    assert "cfn-lint has nothing to say" in built.stdout
    print(built.stdout)
    import_ms = {name: int(ms) for name, ms in re.findall(r"import (\S+): (\d+) ms CPU", built.stdout)}
    return Package(json.loads((BUILD / "template.json").read_text()), BUILD / "uptime.zip", import_ms)


def make_runtime() -> Path:
    """Python 3.13 with Lambda's client and nothing else, least of all what the zip should bring."""
    venv = BUILD / "runtime-venv"
    pins = (ROOT / "requirements-dev.txt").read_text().splitlines()
    wanted = next(line for line in pins if line.startswith("awslambdaric=="))
    marker = venv / "installed.txt"
    if not marker.exists() or marker.read_text() != wanted:
        subprocess.run([BUILD / "venv/bin/python", "-m", "venv", "--clear", venv], check=True)
        subprocess.run(
            [venv / "bin/pip", "install", "-qq", "--disable-pip-version-check", wanted], check=True
        )
        marker.write_text(wanted)
    return venv / "bin/python"
