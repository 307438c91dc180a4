#!/usr/bin/env bash
# same-place.sh FROM TO: checks out in TO what is committed in FROM; files that are the same keep their times.
set -euo pipefail
from="$1" to="$2"
mkdir -p "$(dirname "$to")"
[[ -d "$to/.git" ]] || { rm -rf "$to" && git init --quiet "$to"; }
cd "$to"
git fetch --quiet --depth 1 "$from" HEAD
git checkout --quiet --force --detach FETCH_HEAD
git clean --quiet -d --force
echo "==> testing $(git rev-parse --short HEAD) in $to"
