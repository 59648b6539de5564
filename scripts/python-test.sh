#!/usr/bin/env bash
# The tests of Python's module: builds the wheel as docs/python.md says, but in Cargo's dev profile and beside what it has built already, installs it into
# an environment of its own, and tests what is installed there; then its stubs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="$(realpath "${CARGO_TARGET_DIR:-target}")"
tools="$target/python-tools" place="$target/python-module"
if ! [ -x "$tools/bin/maturin" ]; then
    if [ "${HOLT_TESTS_REQUIRE:-}" = all ]; then echo "FAILED: python-test: maturin is missing: scripts/test-tools.sh installs it" >&2; exit 1; fi
    echo "python-test: SKIPPED, maturin is missing: scripts/test-tools.sh installs it" >&2
    exit 0
fi

rm -rf "$place"
"$tools/bin/maturin" build --quiet --locked --profile dev --manifest-path python/Cargo.toml --target-dir "$target" --out "$place/wheels"
wheels=("$place"/wheels/holt-*-abi3-*.whl)
python3 -m venv --without-pip "$place/venv"
"$tools/bin/pip" --python "$place/venv/bin/python" install -q --disable-pip-version-check --no-index --no-deps "${wheels[@]}"

# From elsewhere, so that nothing of the sources is in reach but the tests.
tests="$PWD/python/tests"
(cd "$place" && PYTHONDONTWRITEBYTECODE=1 venv/bin/python -m unittest discover -s "$tests")

# The stubs say what there is, and programs that are checked by them are right. stubtest looks at the module as it is loaded.
installed="$(echo "$place"/venv/lib/python*/site-packages)"
cd "$place"
PYTHONPATH="$installed" "$tools/bin/python" -m mypy.stubtest --concise holt --ignore-missing-stub
"$tools/bin/mypy" --strict --no-incremental --python-executable venv/bin/python "$tests/typed.py"
