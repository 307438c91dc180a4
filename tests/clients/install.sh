#!/usr/bin/env bash
# Installs the stock clients of Python and npm where that has not been done; prints where the Python ones are.
set -euo pipefail
cd "$(dirname "$0")"
if [[ ! -d node_modules ]]; then
  echo "==> installing the npm client" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
# A peer of its own environment; its tests say so when this machine has no wheel of it.
../../scripts/venv.sh llama-requirements.txt venv-llama >&2 || echo "==> llama-server cannot be installed here: its tests are left out" >&2
../../scripts/venv.sh requirements.txt
