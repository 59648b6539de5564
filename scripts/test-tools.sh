#!/usr/bin/env bash
# Installs the programs that tests drive, where it may (root on a machine with apt); elsewhere it names what is missing.
set -euo pipefail

declare -A package=([chromium]=chromium [strace]=strace [curl]=curl [git]=git [cc]=gcc [make]=make)
missing=()
for program in "${!package[@]}"; do
    command -v "$program" >/dev/null || missing+=("${package[$program]}")
done
python3 -c 'import ensurepip' 2>/dev/null || missing+=(python3-venv)
[ ${#missing[@]} -eq 0 ] && exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    echo "test-tools: missing here: ${missing[*]}. Tests that need them will say that they skip." >&2
    exit 0
fi

echo "test-tools: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
install() { apt-get install -y -qq --no-install-recommends "${missing[@]}" ca-certificates libc6-dev fonts-dejavu-core >/dev/null; }
for attempt in 1 2 3; do
    if { [ "$attempt" -eq 1 ] || apt-get update -qq; } && install; then exit 0; fi
    echo "test-tools: attempt $attempt failed" >&2
    sleep "$((attempt * 5))"
done
echo "test-tools: could not install ${missing[*]}" >&2
exit 1
