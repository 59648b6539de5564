#!/usr/bin/env bash
# Fuzzes each target for FUZZ_SECONDS (60), from the seeds in fuzz/seeds and what earlier runs found. Needs only a C++ compiler: the coverage
# that libFuzzer follows is switched on by flags that stable compilers know. A finding is kept as fuzz/artifacts/TARGET/*.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
export RUSTFLAGS="--cfg fuzzing -Cpasses=sancov-module -Ccodegen-units=1 -Cllvm-args=-sanitizer-coverage-level=4 \
-Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
target="${CARGO_TARGET_DIR:-target}/fuzz"
# Flags hold for targets only when one is named; build scripts and macros are not to be instrumented.
host=$(rustc -vV | sed -n 's/^host: //p')
node scripts/fuzz-seeds.mjs
cargo build --release --locked --manifest-path fuzz/Cargo.toml --target "$host" --target-dir "$target"
for name in ${FUZZ_TARGETS:-page html}; do
    mkdir -p "fuzz/corpus/$name" "fuzz/artifacts/$name"
    "$target/$host/release/$name" -max_total_time="${FUZZ_SECONDS:-60}" -max_len=4096 -timeout=20 -rss_limit_mb=3000 \
        -dict=fuzz/markdown.dict -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 "fuzz/corpus/$name" "fuzz/seeds"
done
