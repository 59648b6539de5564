#!/usr/bin/env bash
# Builds Python's module and runs its tests, in an environment of its own beside what Cargo builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

place="${CARGO_TARGET_DIR:-$PWD/target}/python"
wanted="maturin==1.16.0"
if [ "$(cat "$place/installed.txt" 2>/dev/null)" != "$wanted" ]; then
    for attempt in 1 2 3; do
        if python3 -m venv --clear "$place" && "$place/bin/pip" install -q --disable-pip-version-check "$wanted"; then
            echo "$wanted" > "$place/installed.txt"
            break
        fi
        sleep "$((attempt * 5))"
    done
fi
if [ ! -x "$place/bin/maturin" ]; then
    [ "${HOLT_TESTS_REQUIRE:-}" != all ] || { echo "FAILED: maturin could not be installed" >&2; exit 1; }
    echo "SKIPPED the tests of Python's module: maturin could not be installed" >&2
    exit 0
fi
VIRTUAL_ENV="$place" "$place/bin/maturin" develop --quiet --locked --manifest-path python/Cargo.toml
PYTHONDONTWRITEBYTECODE=1 "$place/bin/python" -m unittest discover -s python/tests
