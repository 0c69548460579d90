#!/bin/sh
# Makes a virtual environment with pip in it: make_venv.sh PYTHON DIRECTORY
#
# Debian keeps pip out of its python3 package. Where python3-venv is missing, pip comes from the
# system's own pip, or from a Debian package that is unpacked, not installed.
set -eu

python="$1"
venv="$2"

if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "kmtui needs Python 3.11 or newer; '$python' is not. Name one: make PYTHON=python3.12 ..." >&2
    exit 1
fi

if "$venv/bin/python" -m pip --version >/dev/null 2>&1 ||
    "$python" -m venv "$venv" >/dev/null 2>&1; then
    exit 0
fi

rm -rf "$venv"
"$python" -m venv --without-pip "$venv"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# apt with lists and cache of its own: those of the machine may be missing, and are left alone.
private_apt() {
    mkdir -p "$scratch/lists/partial" "$scratch/cache/archives/partial"
    apt-get -o Dir::State::lists="$scratch/lists" -o Dir::Cache="$scratch/cache" \
        -o APT::Sandbox::User=root -o Acquire::Languages=none "$@"
}

pip_wheel() {
    {
        "$python" -m pip download --no-deps --dest "$scratch" pip ||
            (cd "$scratch" && private_apt update && private_apt download python3-pip-whl &&
                dpkg -x "$scratch"/python3-pip-whl_*.deb "$scratch")
    } >/dev/null 2>&1
    find "$scratch" -name 'pip-*.whl' | head -n 1
}

wheel="$(pip_wheel)"
if [ -z "$wheel" ]; then
    rm -rf "$venv"
    echo "Python's venv module cannot make an environment here." >&2
    echo "On Debian and Ubuntu: apt-get install python3-venv" >&2
    exit 1
fi
"$venv/bin/python" "$wheel/pip" install --quiet --no-index --disable-pip-version-check "$wheel"
