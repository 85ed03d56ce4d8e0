# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# `ci/bench reports`: what is asked of a ledger with a year of runs of 500 projects, beside bare SQL over the same file. Sourced
# by ci/bench, after figures.sh.

stored="${PAKT_BENCH_STORED:-1000000}"

reports() {
    local work="$folder/reports" ledger figures
    need_packages sqlite3=sqlite3
    build_figures
    mkdir -p "$work/home"
    fresh_ledger sqlite
    figures_at "$ledger" fill 500 "$stored"
    printf 'stored     %s runs, %s bytes a run, load %s\n' "$stored" "$(($(stat -c %s "$ledger") / stored))" \
        "$(cut -d' ' -f1-3 /proc/loadavg)"
    figures_at "$ledger" reports 500 "$runs" >"$work/answers"
    python3 ci/lib/answers.py reports <"$work/answers"
    python3 ci/lib/bare_answers.py "$ledger" "$turns" | python3 ci/lib/answers.py bare
    printf 'site: jupiter\nproject: project007\nledger: %s\n' "$ledger" >"$work/home/config.yaml"
    export PAKT_HOME="$work/home"
    measure program-balance "$binary balance --offline project007"
    measure program-usage "$binary usage --since 2026-01-01 --until 2027-01-01 --by month,project"
    measured_once program-export ledger export >"$work/export.jsonl"
    measured_once program-export-json --json ledger export >"$work/export.json"
    measured_once program-verify-export ledger verify "$work/export.jsonl" >"$work/verified"
    unset PAKT_HOME
    rm -rf "$work"
}

# measured_once NAME WORDS...: time and largest memory of one call, on standard error; what it prints goes on.
measured_once() {
    local name="$1" seconds kilobytes
    shift
    /usr/bin/time --format '%e %M' --output "$work/time" "$binary" "$@" || die "cannot measure: pakt $*"
    read -r seconds kilobytes <"$work/time"
    printf '%-28s %s s, %s kB\n' "$name" "$seconds" "$kilobytes" >&2
}
