# shellcheck shell=bash
# One line a stage, with its seconds; what a stage said is shown when it failed. Sourced after tools.sh.

failed_stages=()
: "${cache:?tools.sh comes first}"
logs="$cache/logs"
mkdir -p "$logs"

# stage NAME COMMAND...: runs it, with its output in a log; a failure is remembered, and the next stage runs all the same.
stage() {
    local name="$1" start="$SECONDS" log
    log="$logs/${name//[^a-z0-9-]/-}.log"
    shift
    if "$@" >"$log" 2>&1; then
        printf 'ok    %-24s %4d s\n' "$name" "$((SECONDS - start))"
    else
        printf 'FAIL  %-24s %4d s   %s\n' "$name" "$((SECONDS - start))" "$log"
        tail -n 60 "$log" | sed 's/^/      /'
        failed_stages+=("$name")
    fi
}

# loud_stage NAME COMMAND...: the same, with the output shown while it comes.
loud_stage() {
    local name="$1" start="$SECONDS" log
    log="$logs/${name//[^a-z0-9-]/-}.log"
    shift
    if "$@" 2>&1 | tee "$log"; then
        printf 'ok    %-24s %4d s\n' "$name" "$((SECONDS - start))"
    else
        printf 'FAIL  %-24s %4d s   %s\n' "$name" "$((SECONDS - start))" "$log"
        failed_stages+=("$name")
    fi
}
