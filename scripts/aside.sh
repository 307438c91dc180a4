# shellcheck shell=bash
# Commands beside each other. `aside NAME COMMAND...` starts one with its output in a file; `settle` waits for all,
# shows what each printed, and fails when one has failed.
asides=()
aside_logs="$(mktemp -d)"
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$aside_logs"' EXIT

aside() {
  local name="$1"
  shift
  ("$@") >"$aside_logs/$name" 2>&1 </dev/null &
  asides+=("$name:$!:$SECONDS")
}

settle() {
  local failed=() one name pid began
  for one in "${asides[@]}"; do
    IFS=: read -r name pid began <<<"$one"
    wait "$pid" || failed+=("$name")
    printf '\n==> %s, after %s s\n' "$name" "$((SECONDS - began))"
    cat "$aside_logs/$name"
  done
  asides=()
  ((${#failed[@]} == 0)) || { printf '\n==> FAILED: %s\n' "${failed[*]}"; return 1; }
}
