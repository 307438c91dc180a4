#!/usr/bin/env bash
# Builds the optimised server and the load generator and measures them; the report goes to bench/results/latest.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
cargo build --release --package ox-cli --package bench
mkdir -p bench/results
ulimit -n 8192
python3 bench/run.py "$@" | tee bench/results/latest.md
