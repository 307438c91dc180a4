#!/usr/bin/env bash
# venv.sh LIST [NAME]: an environment with the Python packages of a list, made once for each list; prints its path.
set -euo pipefail
list="$1"
venv="${XDG_CACHE_HOME:-$HOME/.cache}/oxidify/${2:-venv}-$(sha256sum "$list" | cut -c1-12)"
if [[ ! -f "$venv/ready" ]]; then
  echo "==> installing the Python packages of $list" >&2
  python3 -m venv "$venv" >&2
  "$venv/bin/pip" install --quiet --disable-pip-version-check -r "$list" >&2
  touch "$venv/ready"
fi
echo "$venv"
