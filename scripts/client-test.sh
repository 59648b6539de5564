#!/usr/bin/env bash
# A client that nobody wrote for us (schemathesis) asks a running server everything that /api/v1/openapi.json describes, with values of its own:
# no answer is a 5xx, and none has a status, a type or members that are not described. Always the same questions, for less than a minute. Before
# that, a description with two mistakes shows that mistakes are found.
#
# Left out: /changes, where a right question waits; /semantic-search, which is 503 until it is there. Both have tests of their own.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

target="${CARGO_TARGET_DIR:-target}"
holt="${HOLT_BIN:-$target/debug/holt}"
mkdir -p "$target"
tools="$(cd "$target" && pwd)/client-test"
skip() {
    if [ "${HOLT_TESTS_REQUIRE:-}" = all ]; then echo "FAILED: client-test: $1" >&2; exit 1; fi
    echo "client-test: SKIPPED, $1" >&2
    exit 0
}

command -v python3 >/dev/null || skip "python3 is missing"
wanted="$(sha256sum <scripts/client-test.txt)"
if [ "$(cat "$tools/installed" 2>/dev/null || true)" != "$wanted" ]; then
    rm -rf "$tools"
    python3 -m venv "$tools" || skip "python3 cannot make an environment (python3-venv)"
    "$tools/bin/pip" install --quiet --disable-pip-version-check --requirement scripts/client-test.txt || skip "schemathesis cannot be installed"
    echo "$wanted" >"$tools/installed"
fi

data="$(mktemp -d)"
server=
end() {
    if [ -n "$server" ]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
    rm -rf "$data"
}
trap end EXIT
export HOLT_DATA="$data/wiki"
"$holt" wiki create docs >/dev/null
token="$("$holt" token create --wiki docs --scope write --name client | grep -o 'holt_[A-Za-z0-9_-]*' | head -n 1)"
HOLT_LOG=warn "$holt" serve --listen 127.0.0.1:0 --rate-limit off --default-wiki docs >"$data/said" &
server=$!
for _ in $(seq 100); do
    place="$(sed -n 's/^listening on //p' "$data/said")"
    [ -n "$place" ] && break
    sleep 0.1
done
[ -n "$place" ] || { echo "FAILED: client-test: the server does not listen" >&2; exit 1; }

cd "$data"
ask() {
    "$tools/bin/schemathesis" run "$@" --header "Authorization: Bearer $token" \
        --checks not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance \
        --phases fuzzing --generation-deterministic --no-shrink --request-timeout 20 --warnings off --no-color \
        `# How many values its generator throws away says nothing of the server, and was too many for it in one run of two.` \
        --suppress-health-check filter_too_much
}

# The control: descriptions that are wrong on purpose, of a member's type and of a status, are found to be wrong.
"$tools/bin/python" - "$place/api/v1/openapi.json" "$token" >doctored.json <<'PYTHON'
import json, sys, urllib.request
request = urllib.request.Request(sys.argv[1], headers={"Authorization": f"Bearer {sys.argv[2]}"})
described = json.load(urllib.request.urlopen(request))
paths = {path: {"get": described["paths"][path]["get"]} for path in ["/wiki", "/agents"]}
paths["/wiki"]["get"]["responses"]["200"]["content"]["application/json"]["schema"]["properties"]["pages"] = {"type": "string"}
del paths["/agents"]["get"]["responses"]["200"]
json.dump({**described, "paths": paths}, sys.stdout)
PYTHON
if ask doctored.json --url "$place/api/v1" --max-examples 2 >control.txt 2>&1; then
    echo "FAILED: client-test: a description that is wrong was taken for right" >&2
    exit 1
fi
for fault in "Response violates schema" "Undocumented status code"; do
    grep -q "$fault" control.txt || { cat control.txt >&2; echo "FAILED: client-test: the control did not find: $fault" >&2; exit 1; }
done

ask "$place/api/v1/openapi.json" --exclude-path /changes --exclude-path /semantic-search --max-examples 40 --max-time 50
