#!/usr/bin/env bash
# Writes what is generated and committed: docs/openapi.json from the handlers, the TypeScript types from it.
# With --check it fails when the committed files differ.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
OXIDIFY_WRITE_OPENAPI=1 cargo nextest run --workspace -E 'test(openapi_document)' >/dev/null
(cd web && npm run --silent api)
if [[ "${1:-}" == --check ]] && ! git diff --exit-code --stat -- docs/openapi.json web/src/api; then
  echo "generated files differ from the committed ones: run scripts/generate.sh and commit the result" >&2
  exit 1
fi
