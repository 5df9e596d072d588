"""Finish the zip that `chalice package` wrote: complete, only what is used, with bytecode, reproducible."""

import compileall
import csv
import re
import shutil
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from py_compile import PycInvalidationMode
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

MAX_ZIPPED_MB: Final = 50
MAX_UNZIPPED_MB: Final = 120
SERVICES: Final = frozenset({"dynamodb", "lambda", "sesv2", "sqs"})
"""The services whose botocore models are kept."""

_EPOCH: Final = (1980, 1, 1, 0, 0, 0)
_TASK_ROOT: Final = "/var/task"
_UNUSED_FOLDERS: Final = frozenset({"__pycache__", "tests", "test"})
_UNUSED_ENDINGS: Final = (".pyc", ".pyi", ".pyx", ".c", ".h", "/py.typed")
_PIN: Final = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;#]+)")


class Incomplete(Exception):
    """Chalice left something out; it exits 0 all the same."""


def read_pins(requirements: str) -> dict[str, str]:
    """The pinned versions by normalized name."""
    found = (_PIN.match(line.strip()) for line in requirements.splitlines())
    return {_normal(match[1]): match[2] for match in found if match}


def distributions(names: Iterable[str]) -> dict[str, str]:
    """Versions by normalized name, from the paths of their `.dist-info` folders."""
    folders = {PurePosixPath(name).parts[0] for name in names}
    infos = [folder.removesuffix(".dist-info").split("-") for folder in folders if _is_info(folder)]
    return {_normal(info[0]): info[1] for info in infos}


def check_pins(pins: dict[str, str], found: dict[str, str]) -> None:
    """Raises Incomplete when a pinned requirement is missing or another version."""
    wrong = [
        f"{name}=={version} ({found.get(name, 'missing')})"
        for name, version in sorted(pins.items())
        if found.get(name) != version
    ]
    if wrong:
        raise Incomplete(f"not in the zip: {', '.join(wrong)}")


def top_level_modules(records: Iterable[str]) -> list[str]:
    """The modules that a distribution installs, from the paths in its RECORD."""
    paths = [PurePosixPath(path) for path in records]
    packages = {path.parts[0] for path in paths if len(path.parts) == 2 and path.name == "__init__.py"}
    files = {
        path.name.split(".")[0] for path in paths if len(path.parts) == 1 and path.suffix in {".py", ".so"}
    }
    return sorted(packages | files)


def modules_of(folder: Path) -> list[str]:
    """Every module that the installed distributions of an unpacked zip promise."""
    records = folder.glob("*.dist-info/RECORD")
    paths = (row[0] for record in records for row in csv.reader(record.read_text().splitlines()) if row)
    return top_level_modules(paths)


def is_used(path: str) -> bool:
    """Whether a file of the unpacked zip is of any use to the functions."""
    parts = PurePosixPath(path).parts
    if path.endswith(_UNUSED_ENDINGS) or _UNUSED_FOLDERS & set(parts[:-1]):
        return False
    if parts[0].endswith((".dist-info", ".data")) or parts[0] == "bin":
        return False
    if parts[0] == "botocore" and len(parts) > 3 and parts[1] == "data":
        return parts[2] in SERVICES and not parts[-1].startswith("examples-")
    return parts[:2] not in {("boto3", "data"), ("boto3", "examples")}


def prune(folder: Path) -> None:
    for file in [file for file in folder.rglob("*") if file.is_file()]:
        if not is_used(file.relative_to(folder).as_posix()):
            file.unlink()
    for child in sorted(folder.rglob("*"), reverse=True):
        if child.is_dir() and not any(child.iterdir()):
            child.rmdir()


def compile_bytecode(folder: Path) -> None:
    """Bytecode that is used whatever the files' times say, for a folder that cannot be written."""
    is_compiled = compileall.compile_dir(
        folder,
        quiet=1,
        force=True,
        stripdir=str(folder),
        prependdir=_TASK_ROOT,
        invalidation_mode=PycInvalidationMode.UNCHECKED_HASH,
    )
    if not is_compiled:
        raise Incomplete("some of the modules cannot be compiled")


def unpack(archive: Path, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    with ZipFile(archive) as opened:
        opened.extractall(folder)


def write_zip(folder: Path, target: Path) -> None:
    """Sorted and without times, so that the same files make the same zip."""
    with ZipFile(target, "w", ZIP_DEFLATED, compresslevel=9) as archive:
        for file in sorted(file for file in folder.rglob("*") if file.is_file()):
            entry = ZipInfo(file.relative_to(folder).as_posix(), _EPOCH)
            entry.compress_type = ZIP_DEFLATED
            entry.external_attr = (0o755 if file.suffix == ".so" else 0o644) << 16
            archive.writestr(entry, file.read_bytes())


def sizes_mb(archive: Path) -> tuple[float, float]:
    """Zipped and unzipped. Lambda counts megabytes of 2^20 bytes."""
    with ZipFile(archive) as opened:
        unzipped = sum(entry.file_size for entry in opened.infolist())
    return archive.stat().st_size / 2**20, unzipped / 2**20


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _is_info(folder: str) -> bool:
    return folder.endswith(".dist-info")
