#!/usr/bin/env bash
# Installs the stock clients of Python and npm where that has not been done; prints where the Python ones are.
set -euo pipefail
cd "$(dirname "$0")"
if [[ ! -d node_modules ]]; then
  echo "==> installing the npm client" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
../../scripts/venv.sh requirements.txt
