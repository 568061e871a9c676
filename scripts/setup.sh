#!/bin/sh
# Makes a virtual environment and installs one lock file and this checkout into it.
#   sh scripts/setup.sh DIRECTORY LOCK_FILE
# PYTHON names the interpreter; by default the first of at least 3.11 on PATH. Repeating it is harmless.
set -eu

venv=$1
lock=$2

fail() {
    printf 'aiop: %s\n' "$*" >&2
    exit 1
}

new_enough() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

has_venv() {
    "$1" -c 'import ensurepip, venv' >/dev/null 2>&1
}

find_python() {
    for candidate in ${PYTHON:-python3 python3.14 python3.13 python3.12 python3.11}; do
        if new_enough "$candidate"; then
            command -v "$candidate"
            return
        fi
    done
    fail "needs Python 3.11 or newer, found none on PATH (PYTHON=/path/to/python3 names one)"
}

# Debian and Ubuntu ship Python without venv.
need_venv() {
    has_venv "$1" && return
    package=$("$1" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
        echo "aiop: installing $package"
        apt-get update -qq && DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get install -y -qq "$package" >/dev/null
    fi
    has_venv "$1" || fail "$1 lacks its venv module; on Debian and Ubuntu: apt-get install $package"
}

if ! new_enough "$venv/bin/python" || ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    need_venv "$python"
    echo "aiop: making $venv with $("$python" --version) ($python)"
    rm -rf "$venv"
    "$python" -m venv "$venv"
fi

echo "aiop: installing $lock"
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r "$lock"
# The build backend comes from the lock file too, hence no isolated build.
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
