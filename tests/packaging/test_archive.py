"""The finishing of the zip, without a build."""

import re
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from packager.archive import (
    SERVICES,
    Incomplete,
    check_pins,
    compile_bytecode,
    distributions,
    is_used,
    modules_of,
    prune,
    read_pins,
    sizes_mb,
    top_level_modules,
    unpack,
    write_zip,
)
from packager.imports import Unimportable, import_all


def fill(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def test_pins_are_read_by_normalized_name() -> None:
    text = "# a comment\n-r other.txt\nPyNamo_DB==6.1.0\nboto3==1.44.5  # why\nurllib3>=2\n"
    assert read_pins(text) == {"pynamo-db": "6.1.0", "boto3": "1.44.5"}


def test_distributions_are_read_from_their_folders() -> None:
    names = ["pydantic_core-2.50.4.dist-info/RECORD", "pydantic_core/__init__.py", "six.py"]
    assert distributions(names) == {"pydantic-core": "2.50.4"}


@pytest.mark.parametrize("found", [{}, {"pycurl": "7.48.0"}])
def test_a_zip_without_a_pinned_requirement_is_refused(found: dict[str, str]) -> None:
    with pytest.raises(Incomplete, match=r"pycurl==7\.49\.0"):
        check_pins({"pycurl": "7.49.0"}, found)


def test_more_than_the_pins_is_welcome() -> None:
    check_pins({"pycurl": "7.49.0"}, {"pycurl": "7.49.0", "six": "1.17.0"})


def test_top_level_modules_are_packages_files_and_extensions() -> None:
    records = [
        "curl/__init__.py",
        "curl/deep/__init__.py",
        "pycurl.cpython-313-x86_64-linux-gnu.so",
        "pycurl.libs/libcurl.so",
        "six.py",
        "pycurl-7.49.0.dist-info/RECORD",
        "../../bin/jp.py",
    ]
    assert top_level_modules(records) == ["curl", "pycurl", "six"]


def test_the_promised_modules_are_those_of_all_records(tmp_path: Path) -> None:
    fill(tmp_path, **{"six-1.17.0.dist-info/RECORD": "six.py,sha256=abc,1\nsix-1.17.0.dist-info/RECORD,,\n"})
    assert modules_of(tmp_path) == ["six"]


@pytest.mark.parametrize(
    "path",
    [
        "app.py",
        "chalicelib/jobs/tick.py",
        "botocore/data/dynamodb/2012-08-10/service-2.json.gz",
        "botocore/data/sqs/2012-11-05/endpoint-rule-set-1.json.gz",
        "botocore/data/lambda/2015-03-31/service-2.json.gz",
        "botocore/data/endpoints.json",
        "botocore/data/partitions.json",
        "botocore/data/_retry.json",
        "botocore/docs/docstring.py",
        "certifi/cacert.pem",
        "pycurl.libs/libcurl.so.4",
    ],
)
def test_what_the_functions_use_stays(path: str) -> None:
    assert is_used(path)


@pytest.mark.parametrize(
    "path",
    [
        "botocore/data/ec2/2016-11-15/service-2.json.gz",
        "botocore/data/dynamodb/2012-08-10/examples-1.json",
        "boto3/data/s3/2006-03-01/resources-1.json",
        "boto3/examples/s3.rst",
        "six-1.17.0.dist-info/METADATA",
        "jmespath-1.1.0.data/scripts/jp.py",
        "dateutil/test/test_parser.py",
        "chalicelib/__pycache__/errors.cpython-313.pyc",
        "pydantic/py.typed",
        "pydantic_core/_pydantic_core.pyi",
    ],
)
def test_what_nobody_uses_goes(path: str) -> None:
    assert not is_used(path)


def test_every_service_that_the_code_makes_a_client_of_stays() -> None:
    sources = (Path(__file__).resolve().parents[2] / "chalicelib").rglob("*.py")
    clients = [re.findall(r"create_client\(\s*\"([a-z0-9-]+)\"", source.read_text()) for source in sources]
    assert {service for found in clients for service in found} == SERVICES


def test_pruning_leaves_no_empty_folder(tmp_path: Path) -> None:
    fill(
        tmp_path,
        **{"app.py": "", "botocore/data/ec2/1/service-2.json": "", "six-1.dist-info/RECORD": ""},
    )
    prune(tmp_path)
    assert [path.name for path in tmp_path.rglob("*")] == ["app.py"]


def test_bytecode_is_used_whatever_the_times_say(tmp_path: Path) -> None:
    """The source changes behind the bytecode's back, and it is the bytecode that runs."""
    fill(tmp_path, **{"job.py": "print('compiled')\n"})
    compile_bytecode(tmp_path)
    fill(tmp_path, **{"job.py": "print('not compiled')\n"})
    command = [sys.executable, "-B", "-c", "import job"]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert result.stdout == "compiled\n"


def test_the_same_files_make_the_same_zip(tmp_path: Path) -> None:
    for name in ("one", "two"):
        fill(tmp_path / name, **{"b.py": "b = 1\n", "a/c.py": "c = 2\n"})
        compile_bytecode(tmp_path / name)
        write_zip(tmp_path / name, tmp_path / f"{name}.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_unpacking_begins_with_an_empty_folder(tmp_path: Path) -> None:
    write_zip(fill(tmp_path / "source", **{"app.py": "x = 1\n"}), tmp_path / "z.zip")
    fill(tmp_path / "target", **{"left_over.py": ""})
    unpack(tmp_path / "z.zip", tmp_path / "target")
    assert [path.name for path in (tmp_path / "target").iterdir()] == ["app.py"]


def test_sizes_are_in_units_of_two_to_the_twentieth(tmp_path: Path) -> None:
    write_zip(fill(tmp_path / "source", zeros="0" * 2**20), tmp_path / "z.zip")
    zipped, unzipped = sizes_mb(tmp_path / "z.zip")
    assert unzipped == 1
    assert zipped < 0.01


def test_every_archived_file_has_the_same_time(tmp_path: Path) -> None:
    write_zip(fill(tmp_path / "source", **{"app.py": "", "lib.so": ""}), tmp_path / "z.zip")
    with ZipFile(tmp_path / "z.zip") as archive:
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert {e.filename: e.external_attr >> 16 for e in archive.infolist()} == {
            "app.py": 0o644,
            "lib.so": 0o755,
        }


def test_a_module_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    fill(tmp_path, **{"app.py": "import not_in_the_zip\n"})
    with pytest.raises(Unimportable, match="not_in_the_zip"):
        import_all(tmp_path, ["app"])


def test_imports_see_nothing_that_is_installed_here(tmp_path: Path) -> None:
    fill(tmp_path, **{"app.py": "import pynamodb\n"})
    with pytest.raises(Unimportable, match="pynamodb"):
        import_all(tmp_path, ["app"])


def test_an_import_tells_its_cpu_time(tmp_path: Path) -> None:
    fill(tmp_path, **{"app.py": "sum(range(100_000))\n"})
    assert import_all(tmp_path, ["app"]) > 0


def test_a_module_that_does_not_compile_is_refused(tmp_path: Path) -> None:
    fill(tmp_path, **{"app.py": "def broken(:\n"})
    with pytest.raises(Incomplete):
        compile_bytecode(tmp_path)
