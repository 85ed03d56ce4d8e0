# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# `ci/bench holds`: pairs of a hold and its close, beside what SQLite and PostgreSQL write of that shape without a ledger.
# Sourced by ci/bench, after lab.sh.

# Pairs of each repetition, and pairs a second that are due in the open loop.
pairs="${PAKT_BENCH_PAIRS:-4000}"
rate="${PAKT_BENCH_RATE:-1000}"

# held NAME KIND PROJECTS CLIENTS PAIRS RATE [enforced]: so many clients of one process.
held() {
    local turn name="$1" kind="$2" projects="$3" clients="$4" pairs="$5" rate="$6"
    for ((turn = 1; turn <= turns; turn++)); do
        fresh_ledger "$kind"
        figures_at "$ledger" grant "$projects" "${@:7}"
        figures_at "$ledger" holds "$projects" "$clients" "$pairs" "$rate" >"$work/posts-$turn"
    done
    python3 ci/lib/post_figures.py "$name" "$work"/posts-*
    rm "$work"/posts-*
}

# held_by_processes NAME KIND: 64 processes with a client each, on one project.
held_by_processes() {
    local turn number pids=()
    for ((turn = 1; turn <= turns; turn++)); do
        fresh_ledger "$2"
        figures_at "$ledger" grant 1
        for number in {1..64}; do
            figures_at "$ledger" holds 1 1 "$((pairs / 256))" 0 >"$work/of-$number" &
            pids+=("$!")
        done
        for number in "${pids[@]}"; do
            wait "$number" || die "a process of 64 failed"
        done
        pids=()
        cat "$work"/of-* >"$work/posts-$turn"
    done
    python3 ci/lib/post_figures.py "$1" "$work"/posts-*
    rm "$work"/posts-* "$work"/of-*
}

# Two transactions of two statements, by 64 clients on one budget. pgbench counts both as one.
bare_pairs_on_server() {
    fresh_ledger postgres
    psql --quiet "$ledger" --command "CREATE TABLE bench_entries (number bigserial PRIMARY KEY, key text UNIQUE, hold bigint,
        kind text, amount bigint, leaf bytea); CREATE TABLE bench_budgets (number integer PRIMARY KEY, held bigint);
        INSERT INTO bench_budgets VALUES (1, 0)"
    pgbench --no-vacuum --client 64 --jobs 2 --time 5 --file ci/lib/pgbench_pair.sql "$ledger" 2>>"$folder/holds.log" |
        sed -nE 's/^tps = ([0-9.]+) .*/\1/p'
}

holds() {
    local work="$folder/holds" ledger figures
    build_figures
    mkdir -p "$work"
    printf 'load       %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    repeated bare-sqlite-one-a-commit pairs/s python3 ci/lib/bare_holds.py "$pairs" 1 "$work"
    repeated bare-sqlite-64-a-commit pairs/s python3 ci/lib/bare_holds.py "$((4 * pairs))" 64 "$work"
    held sqlite-1-client sqlite 1 1 "$pairs" 0
    held sqlite-64-clients-64-projects sqlite 64 64 "$((4 * pairs))" 0
    held sqlite-64-clients-1-project sqlite 1 64 "$((4 * pairs))" 0
    held sqlite-64-clients-enforced sqlite 1 64 "$((4 * pairs))" 0 enforced
    held "sqlite-open-loop-$rate/s-enforced" sqlite 1 1 "$pairs" "$rate" enforced
    held_by_processes sqlite-64-processes sqlite
    use_server
    repeated pgbench-64-clients-1-budget pairs/s bare_pairs_on_server
    held postgres-64-clients-64-projects postgres 64 64 "$((4 * pairs))" 0
    held postgres-64-clients-1-project postgres 1 64 "$((4 * pairs))" 0
    held postgres-64-clients-enforced postgres 1 64 "$((4 * pairs))" 0 enforced
    held "postgres-open-loop-$rate/s-enforced" postgres 1 1 "$pairs" "$rate" enforced
    held_by_processes postgres-64-processes postgres
    drop_databases
}
