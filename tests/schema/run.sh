#!/usr/bin/env bash
# Generated requests against the built server: tests/schema/run.sh [--calls N] [--only DOOR]; see conform.py.
set -euo pipefail
cd "$(dirname "$0")/../.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
venv="$(./scripts/venv.sh tests/schema/requirements.txt)"
exec "$venv/bin/python" tests/schema/conform.py "$@"
