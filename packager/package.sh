#!/bin/sh
# Builds with Python 3.13, the runtime of the functions, in an environment of its own: Chalice pins pip.
# Usage: packager/package.sh [--architecture x86_64|arm64]
set -eu
cd "$(dirname "$0")/.."

is_313() {
    "$1" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, 13))' >/dev/null 2>&1
}

# `python3.13` may be a shim of pyenv that finds nothing, so each one is asked.
python=
versions=${PYENV_ROOT:-$HOME/.pyenv}/versions
newest=$(ls -d "$versions"/3.13.*/bin/python 2>/dev/null | sort -V | tail -n 1)
for candidate in python3.13 "$newest"; do
    if [ -n "$candidate" ] && is_313 "$candidate"; then
        python=$candidate
        break
    fi
done
if [ -z "$python" ]; then
    echo "make package: Python 3.13 with venv was not found (looked for python3.13 and $versions/3.13.*)" >&2
    exit 1
fi

mkdir -p build
if command -v flock >/dev/null; then
    exec 9>build/.lock
    flock 9
fi

# The application itself is imported while it is packaged, hence its requirements.
venv=build/venv
wanted=build/wanted.txt
{ cat requirements.txt; grep '^chalice==' requirements-run.txt; grep '^cfn-lint==' requirements-dev.txt; } >"$wanted"
if ! is_313 "$venv/bin/python" || ! cmp -s "$wanted" "$venv/installed.txt"; then
    "$python" -m venv --clear "$venv"
    "$venv/bin/pip" install --quiet --quiet --disable-pip-version-check -r "$wanted"
    cp "$wanted" "$venv/installed.txt"
fi

# A fixed hash seed and no stray bytecode: the same sources make the same zip.
export PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1
exec "$venv/bin/python" -m packager.build "$@"
