"""`make package`, run by the Python 3.13 of `build/venv`. Needs neither credentials nor an account."""

import argparse
import json
import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from chalice.package import YAMLTemplateSerializer

from chalicelib.settings import PING_PREFIX, BadSetting, ping_prefix
from packager import archive, template
from packager.imports import Unimportable, import_all, import_cpu_ms

ROOT: Final = Path(__file__).resolve().parent.parent
BUILD: Final = ROOT / "build"
ZIP: Final = BUILD / "uptime.zip"
TEMPLATE: Final = BUILD / "template.json"
ARCHITECTURES: Final = ("x86_64", "arm64")
STAGE: Final = "prod"
IMPORT_RUNS: Final = 9

_FAILED_INSTALL: Final = "Could not install dependencies"


class Refused(Exception):
    """The package would not be right; the text says why."""


def main() -> int:
    parser = argparse.ArgumentParser(description="Build build/uptime.zip and build/template.json.")
    parser.add_argument("--architecture", choices=ARCHITECTURES, default=None)
    architecture = parser.parse_args().architecture
    try:
        build(architecture)
    except (Refused, BadSetting, Unimportable, archive.Incomplete) as refusal:
        remove_results()
        print(f"make package: {refusal}", file=sys.stderr)
        return 1
    return 0


def build(architecture: str | None) -> None:
    remove_results()
    ping_prefix(os.environ)
    source = stage_sources(BUILD / "src", architecture)
    packaged = run_chalice(source, BUILD / "chalice")
    finished = finish_template(packaged / "sam.yaml")
    finish_zip(packaged / "deployment.zip", BUILD / "unpacked", finished, source)
    lint()


def remove_results() -> None:
    """What was refused, or is older than the sources, must not be deployed."""
    for result in (ZIP, TEMPLATE):
        result.unlink(missing_ok=True)


def stage_sources(target: Path, architecture: str | None) -> Path:
    """A clean copy of what ships, so that no bytecode, no old package and no other file comes along."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(
        ROOT / "chalicelib", target / "chalicelib", ignore=shutil.ignore_patterns("__pycache__", "*.pyc")
    )
    (target / ".chalice").mkdir()
    files = [
        "app.py",
        "requirements.txt",
        *(f".chalice/{p.name}" for p in (ROOT / ".chalice").glob("*.json")),
    ]
    for name in files:
        shutil.copy(ROOT / name, target / name)
    if architecture is not None:
        path = target / ".chalice" / "config.json"
        config = json.loads(path.read_text())
        path.write_text(json.dumps({**config, "lambda_architecture": architecture}))
    return target


def run_chalice(source: Path, target: Path) -> Path:
    shutil.rmtree(target, ignore_errors=True)
    hidden = ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "PYTHONPATH")
    env = {name: value for name, value in os.environ.items() if name not in hidden}
    env |= {"AWS_DEFAULT_REGION": "us-east-1", "PYTHONDONTWRITEBYTECODE": "1"}
    merged = ROOT / "packager" / "extra.yaml"
    chalice = Path(sys.executable).parent / "chalice"
    result = subprocess.run(
        [str(chalice), "package", "--stage", STAGE, "--merge-template", str(merged), str(target)],
        cwd=source,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if result.returncode or _FAILED_INSTALL in result.stdout:
        raise Refused(f"chalice package failed\n{result.stdout.strip()}")
    return target


def finish_template(path: Path) -> template.Template:
    raw: dict[str, Any] = YAMLTemplateSerializer().load_template(path.read_text(), path.name)
    finished = template.finish(raw, f"./{ZIP.name}", {PING_PREFIX: ping_prefix(os.environ)})
    found = template.problems(finished)
    if found:
        raise Refused("the template is wrong\n" + "\n".join(found))
    TEMPLATE.write_text(json.dumps(finished, indent=1) + "\n")
    return finished


def finish_zip(packaged: Path, folder: Path, finished: template.Template, source: Path) -> None:
    archive.unpack(packaged, folder)
    names = [file.relative_to(folder).as_posix() for file in folder.rglob("*")]
    pins = archive.read_pins((source / "requirements.txt").read_text())
    archive.check_pins(pins, archive.distributions(names))
    modules = archive.modules_of(folder)
    archive.prune(folder)
    archive.compile_bytecode(folder)
    handlers = _handler_modules(finished)
    if _architecture(finished) == platform.machine():
        import_all(folder, [*modules, *handlers])
    zipped, unzipped = _write(folder)
    print(f"{ZIP.relative_to(ROOT)}: {zipped:.1f} MB zipped (limit {archive.MAX_ZIPPED_MB}), ", end="")
    print(f"{unzipped:.1f} MB unzipped (limit {archive.MAX_UNZIPPED_MB})")
    if _architecture(finished) == platform.machine():
        for module in handlers:
            print(f"import {module}: {import_cpu_ms(folder, module, IMPORT_RUNS):.0f} ms CPU")


def _write(folder: Path) -> tuple[float, float]:
    archive.write_zip(folder, ZIP)
    zipped, unzipped = archive.sizes_mb(ZIP)
    if zipped > archive.MAX_ZIPPED_MB or unzipped > archive.MAX_UNZIPPED_MB:
        raise Refused(f"the zip is too large: {zipped:.1f} MB zipped, {unzipped:.1f} MB unzipped")
    return zipped, unzipped


def _handler_modules(finished: template.Template) -> list[str]:
    handlers = (f["Properties"]["Handler"] for f in template.functions(finished).values())
    return sorted(str(handler).rpartition(".")[0] for handler in handlers)


def _architecture(finished: template.Template) -> str:
    """As `platform.machine` calls it on Linux."""
    function = next(iter(template.functions(finished).values()))
    (name,) = function["Properties"]["Architectures"]
    return {"arm64": "aarch64"}.get(name, str(name))


def lint() -> None:
    linter = Path(sys.executable).parent / "cfn-lint"
    result = subprocess.run(
        [str(linter), str(TEMPLATE)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    if result.returncode:
        raise Refused(f"cfn-lint objects\n{result.stdout.strip()}")
    print(f"{TEMPLATE.relative_to(ROOT)}: cfn-lint has nothing to say")


if __name__ == "__main__":
    sys.exit(main())
