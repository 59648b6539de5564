# The index of everything one may run. `make run` and `make test` are all a newcomer needs.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)

.DEFAULT_GOAL := help
.PHONY: help run build test check fmt clippy doc rules deps e2e client-test screens doctest rust-test editor debug-binary python-test test-tools bench bench-quick bench-edge bench-startup edge-demo fuzz isolation

help:
	@echo 'make run     build, then serve ./data at http://127.0.0.1:8080 (a welcome wiki on first start)'
	@echo 'make test    everything below: check, e2e, client-test, all Rust tests; installs what they need where it may'
	@echo 'make check   format, lints, documentation, house rules: before every commit'
	@echo 'make build   $(TARGET)/release/holt and $(TARGET)/release/holt-edge'
	@echo 'make editor  the committed editor is what web/ builds'
	@echo 'make e2e     the real binary, driven by a real browser'
	@echo 'make python-test  the module of Python, from Python'
	@echo 'make client-test  the API as it describes itself, asked by schemathesis for a minute'
	@echo 'make bench   measure against nginx and Otterwiki, write docs/benchmarks.md (bench-quick: only try the machinery)'
	@echo 'make bench-edge  measure the read path at the edge: object store, holt-edge, Varnish'
	@echo 'make bench-startup  measure starts, imports, workers and the function beside Otterwiki'
	@echo 'make edge-demo  all of it on this machine, put to the test: what readers see of an edit, and with parts of it gone'
	@echo 'make fuzz    any text as a page, for a minute per target (FUZZ_SECONDS); findings in fuzz/artifacts'
	@echo 'make isolation  a million operations by everybody through every door: nobody is told what they may not see (HOLT_SEED, HOLT_ISOLATION_OPS)'
	@echo 'make deps    licences and advisories of all dependencies (needs cargo-deny)'

build:
	$(CARGO) build --release --locked -p holt-server -p holt-edge --bins

run: build
	$(TARGET)/release/holt serve

# The runner's summary comes last; whatever fails before it stops make.
test: test-tools check e2e client-test python-test doctest rust-test

check: fmt clippy doc rules deps

fmt:
	$(CARGO) fmt --all -- --check

clippy:
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

doc:
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked --quiet

# Who may name, import and link what: crates/core/tests/it.
rules:
	$(CARGO) test --locked --quiet -p holt-core --test it

deps:
	@if $(CARGO) deny --version >/dev/null 2>&1; then $(CARGO) deny --offline check licenses bans sources; \
	else echo 'deps: SKIPPED, cargo-deny is not installed (the rules for our own crates ran as tests)'; fi

doctest:
	$(CARGO) test --locked --workspace --doc --quiet

rust-test:
	@if $(CARGO) nextest --version >/dev/null 2>&1; then set -x; $(CARGO) nextest run --config-file scripts/nextest.toml --locked --workspace --no-fail-fast; \
	else set -x; $(CARGO) test --locked --workspace --lib --bins --tests --no-fail-fast; fi

# The second is a control: it neither escapes nor sanitizes, and the browser test has to notice.
debug-binary:
	@# Else it may be the same file as what cargo lays there.
	rm -f '$(abspath $(TARGET))/debug/holt-unsafe'
	$(CARGO) build --locked -p holt-server --bin holt --features unsafe-html
	mv '$(abspath $(TARGET))/debug/holt' '$(abspath $(TARGET))/debug/holt-unsafe'
	@# Together, so that what they share is built once.
	$(CARGO) build --locked -p holt-server -p holt-edge

e2e: debug-binary editor e2e/node_modules/.package-lock.json
	cd e2e && HOLT_BIN='$(abspath $(TARGET))/debug/holt' HOLT_UNSAFE_BIN='$(abspath $(TARGET))/debug/holt-unsafe' npm test --silent

# The API, asked by a client that makes up its own questions.
client-test: debug-binary
	scripts/client-test.sh

# Python's module: its wheel, installed, from Python. The start-up contract of `make rust-test` looks at the same build.
python-test: test-tools
	scripts/python-test.sh

# The pictures of docs/screens.md, and the way of a new user that they show.
screens: debug-binary e2e/node_modules/.package-lock.json
	cd e2e && HOLT_BIN='$(abspath $(TARGET))/debug/holt' node screens.mjs

# The committed editor is what its sources build.
editor: web/node_modules/.package-lock.json
	cd web && npm run --silent check && npm test --silent

web/node_modules/.package-lock.json: web/package.json web/package-lock.json
	cd web && npm ci --no-audit --no-fund --silent

e2e/node_modules/.package-lock.json: e2e/package.json e2e/package-lock.json
	cd e2e && npm ci --no-audit --no-fund --silent

test-tools:
	@scripts/test-tools.sh

bench: build
	python3 bench/run.py --bin '$(abspath $(TARGET))/release/holt'

bench-quick: build
	python3 bench/run.py --bin '$(abspath $(TARGET))/release/holt' --quick

bench-edge: build test-tools
	python3 bench/edge.py --bin '$(abspath $(TARGET))/release/holt'

bench-startup: build test-tools
	$(CARGO) build --release --locked -p holt-python
	python3 bench/startup.py --bin '$(abspath $(TARGET))/release/holt' --module '$(abspath $(TARGET))/release/lib_holt.so' --write

# An S3 server, the server, two edges, Varnish. As a test it is e2e/scenarios/cdn.test.mjs.
edge-demo: build test-tools
	cd e2e && HOLT_BIN='$(abspath $(TARGET))/release/holt' node edge-demo.mjs

fuzz:
	scripts/fuzz.sh

# The release binary, asked by the test that `cargo test` runs for four thousand operations.
isolation:
	$(CARGO) build --release --locked -p holt-server -p holt-edge --bins
	HOLT_ISOLATION_BIN='$(abspath $(TARGET))/release/holt' HOLT_ISOLATION_EDGE='$(abspath $(TARGET))/release/holt-edge' HOLT_ISOLATION_OPS="$${HOLT_ISOLATION_OPS:-1000000}" HOLT_SEED="$${HOLT_SEED:-$$(date +%s)}" \
	  $(CARGO) test --locked -p holt-server --test it -- --nocapture --exact isolation::nobody_is_told_what_they_may_not_see
