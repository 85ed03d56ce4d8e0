# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# What the benchmarks of the ledger have in common: the program of ledger/benches, and fresh ledgers. Sourced by ci/bench,
# after lab.sh.

turns="${PAKT_BENCH_TURNS:-3}"

# The program that works inside a process; PAKT_FIGURES names one that is built already.
build_figures() {
    figures="${PAKT_FIGURES:-}"
    [ -z "$figures" ] || return 0
    figures="$(cargo build --quiet --locked --release -p ledger --bench figures --message-format json |
        sed -nE 's/.*"executable":"([^"]*figures[^"]*)".*/\1/p')"
    [ -x "$figures" ] || die "the program of ledger/benches was not built"
}

# figures_at LEDGER WORDS...: in the round's folder, where the keys of a server's log lie.
figures_at() {
    local ledger="$1"
    shift
    (cd "$work" && PAKT_LEDGER="$ledger" "$figures" "$@")
}

# use_server: the lab's PostgreSQL, as whoever may make databases there.
use_server() {
    need_packages pgbench=postgresql-contrib psql=postgresql-client flock=util-linux
    lab_up postgres >/dev/null
    eval "$(lab env postgres)"
    # Held with others, so that no test stops it meanwhile.
    exec 8<"$PAKT_LAB/postgres/lock"
    flock --shared 8
    printf 'server     %s, commits on disk: %s, load %s\n' \
        "$(psql --no-align --tuples-only "$PAKT_LAB_POSTGRES" --command 'SHOW server_version')" \
        "$(psql --no-align --tuples-only "$PAKT_LAB_POSTGRES" --command 'SHOW fsync')" \
        "$(cut -d' ' -f1-3 /proc/loadavg)"
}

# fresh_ledger KIND: sets `ledger` to a place where none is.
fresh_ledger() {
    local database
    if [ "$1" = sqlite ]; then
        rm -f "$work"/ledger.db*
        ledger="$work/ledger.db"
        return
    fi
    database="bench_$$_$(wc -l 2>/dev/null <"$folder/databases" || echo 0)"
    # Noted first, and in a file, because some are made in a subshell.
    echo "$database" >>"$folder/databases"
    psql --quiet "$PAKT_LAB_POSTGRES" --command "CREATE DATABASE $database"
    ledger="${PAKT_LAB_POSTGRES%%/pakt\?*}/$database?${PAKT_LAB_POSTGRES#*/pakt\?}"
}

# The databases that were made, dropped, and the server let go.
drop_databases() {
    local database
    [ -e "$folder/databases" ] || return 0
    while read -r database; do
        # The server ends its own vacuum there, which it lets nobody end by force; a client that was left behind needs that.
        psql --quiet "$PAKT_LAB_POSTGRES" --command "DROP DATABASE IF EXISTS $database" 2>>"$folder/databases.log" ||
            psql --quiet "$PAKT_LAB_POSTGRES" --command "DROP DATABASE IF EXISTS $database WITH (FORCE)" || true
    done <"$folder/databases"
    rm "$folder/databases"
    exec 8<&-
}

# repeated NAME UNIT COMMAND...: a command that prints a rate.
repeated() {
    local turn name="$1" unit="$2"
    shift 2
    for ((turn = 1; turn <= turns; turn++)); do
        "$@"
    done | python3 ci/lib/rates.py "$name" "$unit"
}
