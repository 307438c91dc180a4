# shellcheck shell=bash
# Commands beside each other. `aside NAME COMMAND...` starts one with its output in a file; `settle` waits for all,
# shows what each printed, those that failed last (a record of CI keeps the end), and fails when one has failed.
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
    if wait "$pid"; then show_aside "$name"; else failed+=("$name"); fi
  done
  asides=()
  ((${#failed[@]} == 0)) && return
  for name in "${failed[@]}"; do show_aside "$name"; done
  printf '\n==> FAILED: %s\n' "${failed[*]}"
  return 1
}

show_aside() {
  printf '\n==> %s, %s s\n' "$1" "$(cat "$aside_logs/$1.seconds" 2>/dev/null || echo "?")"
  cat "$aside_logs/$1"
}
