#!/usr/bin/env bash
# All targets, two at a time: fuzz/run.sh <binary> <minutes> [target…]. Fails when one finds something.
set -euo pipefail
binary=$1 minutes=$2
shift 2
targets=("$@")
[[ ${#targets[@]} -gt 0 ]] || targets=(conditions dsl paths proxy responses runs templates)
printf '%s\n' "${targets[@]}" | xargs -P 2 -I{} "$binary" {} --minutes "$minutes"
