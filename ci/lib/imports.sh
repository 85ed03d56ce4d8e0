# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# `ci/bench import`: sacct text into ledgers on a file and on a server. Sourced by ci/bench, after figures.sh.

# A ledger at jupiter in a folder, in which the 20 accounts of the made-up runs have a budget.
make_ledger() {
    local number
    mkdir -p "$1/home"
    printf 'site: jupiter\nproject: acct00\nstate: %s\n' "$1/home/state" >"$1/home/config.yaml"
    PAKT_HOME="$1/home" "$binary" ledger init
    for number in $(seq --format %02.0f 0 19); do
        PAKT_HOME="$1/home" "$binary" ledger grant "acct$number" 1000000000 --unit jupiter:gh200 \
            --account "acct$number" --from 2026-01-01 --new-project
    done
}

# TURN ASKED: one import of the round's file, with its memory in kB and its seconds.
imported_once() {
    PAKT_HOME="$work/home" /usr/bin/time --format '%M %e %U %S' --output "$work/$1" "$binary" --json \
        ledger import "$work/runs.psv" --observed-at "$2" >"$work/$1.json" 2>"$folder/import.log" ||
        die "cannot measure: $(tail -n 5 "$folder/import.log")"
}

# A file into an empty ledger, and once more; beside it what SQLite does without all that a ledger is.
import() {
    local count work asked
    asked="$(date +%s)"
    printf 'load       %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    for count in ${PAKT_BENCH_IMPORT:-1000000 10000000}; do
        work="$folder/import-$count"
        make_ledger "$work" >"$folder/import.log" 2>&1 || die "cannot measure: $(tail -n 5 "$folder/import.log")"
        python3 ci/lib/sacct_text.py "$count" >"$work/runs.psv"
        python3 ci/lib/bare_rows.py "$count" "$work" >"$work/bare"
        for turn in first again; do
            imported_once "$turn" "$asked"
        done
        python3 ci/lib/imported.py "$count" "$work"
        rm -rf "$work"
    done
    for count in ${PAKT_BENCH_IMPORT_SERVER:-1000000}; do
        import_on_server "$count" "$asked"
    done
}

# COUNT ASKED: the same into an empty database of the lab's PostgreSQL; beside it what COPY does there with rows of that shape.
import_on_server() {
    local count="$1" ledger turn work="$folder/import-server-$1"
    mkdir -p "$work"
    use_server
    fresh_ledger postgres
    python3 ci/lib/copied_rows.py "$count" "$work" "$ledger" >"$work/bare"
    fresh_ledger postgres
    export PAKT_LEDGER="$ledger"
    make_ledger "$work" >"$folder/import.log" 2>&1 || die "cannot measure: $(tail -n 5 "$folder/import.log")"
    python3 ci/lib/sacct_text.py "$count" >"$work/runs.psv"
    for turn in first again; do
        imported_once "$turn" "$2"
    done
    unset PAKT_LEDGER
    python3 ci/lib/imported.py "$count" "$work" server
    drop_databases
    rm -rf "$work"
}
