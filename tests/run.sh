#!/usr/bin/env bash
# Tests that drive the real binary from outside, beside each other because they mostly wait: stock clients, browser
# journeys, short crash tests, bad input. `cargo test --workspace --no-run` has built what they use.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}"
venv="$(./tests/clients/install.sh)"
# shellcheck source=scripts/aside.sh
source scripts/aside.sh
has_postgres() { python3 -c 'import sys; sys.path.insert(0, "tests/support"); import postgres; sys.exit(not postgres.bin_dir())'; }

# Stock clients against the binary; those that fail are tried once more, and are flaky when they pass then.
pytests() {
  local run=("$venv/bin/pytest" -q -o "cache_dir=$(mktemp -d -p "$aside_logs")")
  "${run[@]}" "$@" ||
    { echo "==> once more, those that failed" && "${run[@]}" --last-failed --last-failed-no-failures none "$@" && echo "FLAKY: passed now"; }
}

clients() {
  echo "==> stock clients"
  pytests tests/clients
  (cd tests/clients && node --test npm_client.test.mjs)
}

clients_on_postgres() {
  has_postgres || { echo "==> no PostgreSQL on this machine: its tests are left out"; return 0; }
  echo "==> stock clients, the server on PostgreSQL"
  export OXIDIFY_TEST_DATABASE=postgres
  pytests tests/clients/test_dify_client.py tests/clients/test_mail.py
  (cd tests/clients && node --test npm_client.test.mjs)
}

crashes() {
  echo "==> crash test, ten rounds"
  python3 tests/crash/crash.py 10
  echo "==> crash test of the engine, eight kills (all 200: python3 tests/crash/engine.py)"
  python3 tests/crash/engine.py 8
  echo "==> crash test of what waits, one round"
  python3 tests/crash/waiting.py 1
}

indexing_and_faults() {
  echo "==> crash test of indexing, the short form (long: python3 tests/crash/indexing.py)"
  python3 tests/crash/indexing.py --short
  echo "==> bad input and bad surroundings, the quick cases (all: make faults)"
  python3 tests/faults/faults.py --quick
}

crashes_of_two() {
  echo "==> two servers on one Redis"
  python3 tests/chaos/shared.py
  echo "==> chaos, the short form (long: python3 tests/chaos/chaos.py)"
  python3 tests/chaos/chaos.py --short
  has_postgres || return 0
  echo "==> crash test on PostgreSQL, then with two servers of which one dies"
  python3 tests/crash/crash.py --postgres 2
  python3 tests/crash/crash.py --two 1
  python3 tests/crash/engine.py --two 1
  python3 tests/crash/waiting.py --two 1
}

aside browser-journeys node tests/browser/run.mjs
aside crash-tests crashes
aside crash-tests-of-indexing-and-faults indexing_and_faults
aside crash-tests-of-two crashes_of_two
aside stock-clients clients
aside stock-clients-on-postgres clients_on_postgres
settle
