#!/usr/bin/env bash
# The tests of Python's module, as `make debug-binary` built it: laid out as in its wheel, beside what Cargo builds.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="${CARGO_TARGET_DIR:-target}"
place="$target/python-module"
rm -rf "$place"
mkdir -p "$place"
cp -r python/holt "$place/"
cp "$target/debug/lib_holt.so" "$place/holt/_holt.abi3.so"
PYTHONDONTWRITEBYTECODE=1 PYTHONPATH="$place" python3 -m unittest discover -s python/tests
