#!/usr/bin/env bash
# Installs the stock clients of Python and npm where that has not been done; prints where the Python ones are.
set -euo pipefail
cd "$(dirname "$0")"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify/venv-$(sha256sum requirements.txt | cut -c1-12)"
if [[ ! -x "$venv/bin/pytest" ]]; then
  echo "==> installing the Python clients" >&2
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r requirements.txt >&2
fi
if [[ ! -d node_modules ]]; then
  echo "==> installing the npm client" >&2
  npm ci --no-audit --no-fund --loglevel=error >&2
fi
echo "$venv"
