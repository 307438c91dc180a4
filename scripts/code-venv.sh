#!/usr/bin/env bash
# An interpreter with the libraries that Python code is tested with; prints its path. Made once.
set -euo pipefail
cd "$(dirname "$0")/.."
list=tests/support/code-requirements.txt
venv="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify/venv-code-$(sha256sum "$list" | cut -c1-12)"
if [[ ! -f "$venv/ready" ]]; then
  echo "==> installing the libraries of Python code" >&2
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$list" >&2
  touch "$venv/ready"
fi
echo "$venv/bin/python"
