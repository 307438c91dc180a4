# Oxidify: two commands for everybody (`make run`, `make test`), the rest for developers.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

CARGO ?= cargo
PORT ?= 5001
MINUTES ?= 10
WEB := web

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 24

run: tools ## build the UI and the server, start on http://localhost:5001
	@echo "==> building the UI and, beside it, the server (profile fast, quick to build; make release builds the one to ship)"
	@echo $$$$ > $(WEB)/.building; trap 'rm -f $(WEB)/.building' EXIT; \
	($(MAKE) --no-print-directory web || failed=1; rm -f $(WEB)/.building; exit $${failed:-0}) & \
	$(CARGO) build --profile fast --package ox-cli; wait $$!
	@echo "==> http://localhost:$(PORT)"
	PORT=$(PORT) $${CARGO_TARGET_DIR:-target}/fast/oxidify serve

test: tools ## everything CI runs
	./scripts/test.sh

check: tools ## format, lints, layers, TypeScript: fast, no tests
	$(CARGO) fmt --all --check
	$(CARGO) xtask layers
	$(CARGO) clippy --workspace --all-targets -- -D warnings
	cd $(WEB) && npm run check

faults: ## bad input, full disks, dead databases, killed servers: all cases (`make test` runs the quick ones)
	$(CARGO) build --workspace --bins
	python3 tests/faults/faults.py

sizes: ## a gigabyte on one line, tables of a million rows, 10,000 deletions: memory and others' waiting (CASES="line csv" for some)
	$(CARGO) build --release --package ox-cli
	OXIDIFY_BIN=$${CARGO_TARGET_DIR:-target}/release/oxidify python3 tests/sizes/sizes.py $(CASES)

conform: ## 20,000 generated requests: no answer that the API documents do not name (CALLS=n for another number)
	$(CARGO) build --package ox-cli
	./tests/schema/run.sh --calls $(or $(CALLS),20000)

visual: web ## pictures of the key screens against the stored ones (WRITE=1 stores the present ones)
	$(CARGO) build --package ox-cli
	OXIDIFY_SHOTS=$(if $(WRITE),write) node --test tests/browser/visual.test.mjs

bench: ## measure; see docs/performance.md
	./bench/run.sh

bench-engine: ## measure the workflow engine alone and with SQLite; see docs/performance.md
	$(CARGO) build --release --package ox-cli
	$(CARGO) build --release --package ox-nodes --example engine
	python3 bench/engine.py

bench-streams: ## 10,000 chat answers streamed at the same time; see docs/performance.md
	$(CARGO) build --release --package ox-cli --package bench
	python3 bench/streams.py

bench-retention: ## a day's runs of a table of a million removed, on PostgreSQL; see docs/performance.md
	python3 bench/retention.py

fuzz: ## try MINUTES (10) of random inputs on each fuzz target, two targets at a time
	RUSTC_WORKSPACE_WRAPPER=$(CURDIR)/fuzz/instrument $(CARGO) build --release --package fuzz
	./fuzz/run.sh $${CARGO_TARGET_DIR:-target}/release/fuzz $(MINUTES)

dev: web/node_modules ## server (debug) on 5001 and Vite with hot reload on 5173
	$(CARGO) build --package ox-cli
	trap 'kill 0' EXIT; $${CARGO_TARGET_DIR:-target}/debug/oxidify serve & cd $(WEB) && npm run dev

release: tools web ## the shipped binary (thin link-time optimisation, stripped)
	$(CARGO) build --release --package ox-cli
	@ls -lh $${CARGO_TARGET_DIR:-target}/release/oxidify

web: web/node_modules ## build the UI into web/dist
	@echo "==> building the UI"
	cd $(WEB) && npm run build

web/node_modules: web/package-lock.json
	@echo "==> installing the UI's packages"
	cd $(WEB) && npm install --no-save --no-audit --no-fund --loglevel=error
	@touch $@

tools:
	@for tool in cargo node npm cc; do command -v $$tool >/dev/null || { \
	  echo "missing: $$tool. Install Rust from https://rustup.rs, Node.js 20+ from https://nodejs.org, a C compiler with your package manager (Debian: apt install build-essential)."; exit 1; }; done

.PHONY: help run test check faults sizes conform visual bench bench-engine bench-streams bench-retention fuzz dev release web tools
