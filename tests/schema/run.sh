#!/usr/bin/env bash
# Generated requests against the built server: tests/schema/run.sh [--calls N] [--only DOOR]; see conform.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify/venv-$(sha256sum tests/schema/requirements.txt | cut -c1-12)"
if [[ ! -x "$venv/bin/st" ]]; then
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r tests/schema/requirements.txt
fi
exec "$venv/bin/python" tests/schema/conform.py "$@"
