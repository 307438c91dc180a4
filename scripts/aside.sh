# shellcheck shell=bash
# Commands beside each other. `aside NAME COMMAND...` starts one with its output in a file; `settle` waits for all,
# shows what each printed, and fails when one has failed.
asides=()
aside_logs="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$aside_logs"' EXIT

aside() {
  local name="$1"
  shift
  local began="$SECONDS"
  (
    trap 'echo "$((SECONDS - began))" >"$aside_logs/$name.seconds"' EXIT
    "$@"
  ) >"$aside_logs/$name" 2>&1 </dev/null &
  asides+=("$name:$!")
}

settle() {
  local failed=() one name pid
  for one in "${asides[@]}"; do
    IFS=: read -r name pid <<<"$one"
    wait "$pid" || failed+=("$name")
    printf '\n==> %s, %s s\n' "$name" "$(cat "$aside_logs/$name.seconds" 2>/dev/null || echo "?")"
    cat "$aside_logs/$name"
  done
  asides=()
  ((${#failed[@]} == 0)) || { printf '\n==> FAILED: %s\n' "${failed[*]}"; return 1; }
}
