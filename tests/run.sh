#!/usr/bin/env bash
# Tests that drive the real binary from outside: stock clients, browser journeys, a short crash test.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
cargo build --workspace --bins
cache="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify"
venv="$cache/venv-$(sha256sum tests/clients/requirements.txt | cut -c1-12)"
if [[ ! -x "$venv/bin/pytest" ]]; then
  echo "==> installing the Python clients"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/clients/requirements.txt
fi
if [[ ! -d tests/clients/node_modules ]]; then
  echo "==> installing the npm client"
  (cd tests/clients && npm ci --no-audit --no-fund --loglevel=error)
fi
echo "==> stock clients"
"$venv/bin/pytest" -q tests/clients
(cd tests/clients && node --test npm_client.test.mjs)
echo "==> browser journeys"
node --test tests/browser/*.test.mjs
echo "==> crash test, ten rounds"
python3 tests/crash/crash.py 10
