# make run, make test: all the set-up they need is done here.
.DEFAULT_GOAL := help
SHELL := /bin/sh
CARGO_TARGET_DIR ?= $(CURDIR)/target
export CARGO_TARGET_DIR
BIN := $(CARGO_TARGET_DIR)/release/kabinet
export KABINET_BIN := $(BIN)
# What `kabinet --version` and `kabinet doctor` tell.
export KABINET_COMMIT := $(shell git rev-parse --short=12 HEAD 2>/dev/null)
# The plugins are a cargo workspace of their own (see plugins/build).
PLUGINS_TARGET := $(if $(KABINET_CACHE),$(KABINET_CACHE)/plugins-target,$(CURDIR)/plugins/target)
# One set of packages for every command: Cargo unifies features by it, and nothing is built twice.
CARGO_FLAGS := --release --locked --workspace
# With PROOF (.ci/run) clippy's driver compiles our own crates, which lints them and builds them at once, with little
# optimisation; without, lints have a build of their own, and what is built is what companies run.
ifdef PROOF
CARGO_FLAGS += --config .ci/proof.toml
LINT := cargo test $(CARGO_FLAGS) --all-targets --no-run
PLUGINS_TEST := RUSTC_WORKSPACE_WRAPPER=clippy-driver CLIPPY_ARGS=-Dwarnings__CLIPPY_HACKERY__ \
	cargo test --locked --quiet
PLUGINS_LINT := $(PLUGINS_TEST) --all-targets --no-run
else
LINT := cargo clippy $(CARGO_FLAGS) --all-targets -- -D warnings
PLUGINS_TEST := cargo test --locked --quiet
PLUGINS_LINT := cargo clippy --locked --quiet --all-targets -- -D warnings
endif

# As many test programs run at once as there are processors (scripts/suites.mjs), each with as many tests: they wait for
# servers and pauses half of their time.
export RUST_TEST_THREADS ?= $(shell nproc)

.PHONY: help run build test check bench stress-isolation stress-crash stress-load stress-interfaces stress-pages stress-mutants stress-disk clean plugins-built plugins-linted browser-deps frontend-deps test-tools

help: ## these words
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/'

run: build ## two companies with demo data on http://*.localhost:8080
	$(BIN) serve --demo

build: plugins-built ## target/release/kabinet and the tariff plugin beside it
	cargo build $(CARGO_FLAGS)

plugins-built:
	@scripts/need cc build-essential
	plugins/build "$(CARGO_TARGET_DIR)/release/plugins"

test: build test-tools browser-deps ## units, integration on SQLite and PostgreSQL, plugin, browser
	scripts/suites.mjs $(CARGO_FLAGS)
	cd plugins && CARGO_TARGET_DIR="$(PLUGINS_TARGET)" $(PLUGINS_TEST)
	CARGO_FLAGS="$(CARGO_FLAGS)" tests/browser/run

check: frontend-deps ## formatting, lints, the crate graph, generated files
	@scripts/need cc build-essential
	cargo fmt --all --check
	cd plugins && cargo fmt --all --check
	$(LINT)
	cargo test $(CARGO_FLAGS) --test house
	@$(MAKE) --no-print-directory plugins-linted
	cd platform/web/frontend && npm run --silent check

plugins-linted:
	@scripts/need cc build-essential
	cd plugins && CARGO_TARGET_DIR="$(PLUGINS_TARGET)" $(PLUGINS_LINT)

bench: build test-tools ## the figures of docs/performance.md, and target/bench.json
	scripts/bench

# These tests, one after the other; databases and logs of a run that failed stay in a folder, which it names.
define stress
@kept=$$(mktemp -d) && chmod 755 "$$kept" && \
if TMPDIR="$$kept" KABINET_TEST_KEEP=1 \
	cargo test $(CARGO_FLAGS) --test reliability -- --include-ignored --nocapture --test-threads=1 $(1); \
then sleep 2; rm -rf "$$kept"; else echo "what it left behind: $$kept" >&2; exit 1; fi
endef

stress-isolation: build test-tools ## every route with another company's identifiers, 10,000 probes on each database; hosts, letters, exports, caches
	$(call stress,everything_of hosts:: elsewhere:: kept::)

stress-crash: build test-tools ## 300 crashes on each database: nothing acknowledged is lost
	$(call stress,many_crashes)

stress-disk: build test-tools ## a small disk runs full while clients work, and has room again
	cargo test $(CARGO_FLAGS) --test reliability -- --ignored --nocapture --test-threads=1 a_full_disk

stress-mutants: build test-tools ## single removals of what keeps people apart: each turns a suite red
	$(CARGO_TARGET_DIR)/release/mutants

stress-load: build test-tools ## fixed rates of requests to 20 large companies while another bills and prints
	scripts/bench load

stress-interfaces: build ## 20,000 made-up calls of the whole API
	@scripts/need python3 python3
	tests/interfaces/run

stress-pages: build ## Lighthouse and html-validate on every page
	@scripts/need chromium chromium
	@scripts/need npm npm
	tests/pages/run

test-tools:
	@scripts/need /usr/lib/postgresql postgresql
	@scripts/need chromium chromium
	@scripts/need pdftotext poppler-utils
	@scripts/need zbarimg zbar-tools
	@scripts/need openssl openssl
	@scripts/need "$$(openssl version -e | cut -d'"' -f2)/gost.so" libengine-gost-openssl

browser-deps:
	@scripts/need npm npm
	@cd tests/browser && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund; }

frontend-deps:
	@scripts/need npm npm
	@cd platform/web/frontend && { [ node_modules/.package-lock.json -nt package-lock.json ] || npm ci --silent --no-audit --no-fund; }

clean: ## removes what was built and the demo's data
	rm -rf target plugins/target data
