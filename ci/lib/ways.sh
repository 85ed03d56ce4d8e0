# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# `ci/bench ways`: many jobs submitted, and the queue and accounting asked, by every way to Slurm beside Slurm's own commands.
# Sourced by ci/bench, after lab.sh.

submitted="${PAKT_BENCH_MANY:-1000}"
queued="${PAKT_BENCH_QUEUED:-10000}"
accounted="${PAKT_BENCH_ACCOUNTED:-100000}"

# The program of scheduler-adapters/benches and the helper, where the lab's user runs them.
build_ways() {
    local built
    built="$(cargo build --quiet --locked --release -p scheduler-adapters --bench ways --message-format json |
        sed -nE 's/.*"executable":"([^"]*ways[^"]*)".*/\1/p')"
    [ -x "$built" ] || die "the program of scheduler-adapters/benches was not built"
    cargo build --quiet --locked --release -p pakt-slurm
    cp "$built" "$work/bin/ways"
    mkdir -p "$work/with-library"
    cp "$binary" "$CARGO_TARGET_DIR/release/pakt-slurm" "$work/with-library/"
}

# A peer from the package index; without one it is left out, and that is said.
install_submitit() {
    need_packages python3-venv=python3-venv
    if /usr/bin/python3 -m venv "$work/venv" && "$work/venv/bin/pip" --quiet install submitit >"$folder/pip.log" 2>&1; then
        printf 'submitit   %s\n' "$("$work/venv/bin/python" -c 'import submitit; print(submitit.__version__)')"
    else
        rm -rf "$work/venv"
        printf 'submitit   not measured: the package index does not answer\n'
    fi
}

write_ways() {
    local number
    mkdir -p "$work/scripts" "$work/submitit"
    for ((number = 0; number < submitted; number++)); do
        printf '#!/bin/bash\n#SBATCH --account=atlas --nodes=1 --time=1\nsleep 1 # %d\n' "$number" >"$work/scripts/$number.sh"
        printf -- '---\nname: bench-%d\nkind: command\nproject: atlas\nsite: jupiter\nresources: { nodes: 1, gpus_per_node: 4, time: "00:01:00" }\nlaunch: command\nworkdir: .\nrun: sleep 1\n' "$number"
    done >"$work/jobs.yaml"
    cat >"$work/submit.py" <<'SUBMIT'
import logging, sys, time, submitit

executor = submitit.SlurmExecutor(folder="submitit")
executor.update_parameters(nodes=1, time=1, account="atlas", job_name="bench-submitit", ntasks_per_node=1)
began = time.perf_counter()
for number in range(int(sys.argv[1])):
    executor.submit(time.sleep, 1 + number * 1e-9)
print(f"{time.perf_counter() - began:.6f}")
SUBMIT
    cat >"$work/clear" <<'CLEAR'
#!/bin/bash
ours() { squeue --noheader --me --array --states=all --format='%i %T %j' | awk '$2 ~ /PENDING|RUNNING|COMPLETING/ && $3 ~ /^(bench[-.]|[0-9]+\.sh$)/ { print $1 }'; }
ours | xargs --no-run-if-empty --max-args=500 scancel
for _ in {1..600}; do
    [ -n "$(ours)" ] || exit 0
    sleep 0.2
done
echo "jobs of the benchmark do not end" >&2
exit 1
CLEAR
    # NAME COMMAND...: prints the name and the seconds.
    cat >"$work/clock" <<'CLOCK'
#!/bin/bash
name="$1"
shift
began="$EPOCHREALTIME"
"$@" >out 2>err || { tail -n 3 out err >&2; exit 1; }
ended="$EPOCHREALTIME"
printf '%s %s\n' "$name" "$(awk -v began="$began" -v ended="$ended" 'BEGIN { printf "%.6f", ended - began }')"
CLOCK
    cat >"$work/loop" <<'LOOP'
#!/bin/bash
for ((number = 0; number < $1; number++)); do sbatch --parsable --output=/dev/null "scripts/$number.sh" || exit; done
LOOP
    cat >"$work/measure" <<MEASURE
#!/bin/bash
set -euo pipefail
export PAKT_HOME="$work/home"
bin/pakt ledger init >&2
bin/pakt ledger grant atlas 100000000 --unit jupiter:gh200 --account atlas >&2
umask 077
scontrol token lifespan=86400 | sed 's/^SLURM_JWT=//' >token
library=library:$work/with-library/pakt-slurm rest=rest:unix:${PAKT_LAB:-/var/tmp/pakt-lab}/clusters/jupiter/run/rest/slurmrestd.socket:$work/token
export PATH="$work:\$PATH"
submissions() {
    ./clear
    clock submit-loop-of-sbatch loop $submitted; ./clear
    # Once: it waits for minutes.
    if [ -d venv ] && [ "\$1" = 1 ]; then
        seconds="\$(venv/bin/python submit.py $submitted)"
        printf 'submit-submitit %s\n' "\$seconds"; ./clear
    fi
    for way in commands "\$library" "\$rest"; do
        read -r seconds rows <<<"\$(bin/ways "\$way" submit $submitted scripts "\$1\$RANDOM")"
        [ "\${rows:-0}" = $submitted ] || { echo "\$way submitted \${rows:-none} of $submitted jobs" >&2; exit 1; }
        printf 'submit-adapter-%s %s\n' "\${way%%:*}" "\$seconds"; ./clear
    done
    for way in commands "\$library"; do
        read -r seconds rows <<<"\$(bin/ways "\$way" together $submitted scripts "\$1\$RANDOM")"
        [ "\${rows:-0}" = $submitted ] || { echo "\$way submitted \${rows:-none} of $submitted jobs" >&2; exit 1; }
        printf 'submit-together-%s %s\n' "\${way%%:*}" "\$seconds"; ./clear
    done
    clock submit-pakt-commands bin/pakt submit --again --no-array jobs.yaml; ./clear
    clock submit-pakt-library with-library/pakt submit --again --no-array jobs.yaml; ./clear
    clock submit-pakt-array bin/pakt submit --again jobs.yaml; ./clear
}
states() {
    for _ in $(seq -s' ' "$turns"); do
        clock queue-squeue-text squeue --me --states=all -O JobID,StateCompact,UserName,Account,Partition,Name:200,Comment:200,SubmitTime,StartTime,TimeLimit,tres-alloc:200
        clock queue-squeue-json squeue --me --states=all --json
        for way in commands "\$library" "\$rest"; do
            read -r seconds rows < <(bin/ways "\$way" queue 1)
            [ "\$rows" -ge $queued ] || { echo "\$way saw \$rows of $queued jobs" >&2; exit 1; }
            printf 'queue-%s %s\n' "\${way%%:*}" "\$seconds"
        done
    done
}
runs() {
    for _ in $(seq -s' ' "$turns"); do
        clock runs-sacct-P sacct -X -D -P --noconvert --starttime 2026-03-01 --endtime 2026-09-01 --format="\$(cat columns)"
        for way in commands "\$library"; do
            read -r seconds rows < <(bin/ways "\$way" runs 1 1772323200 1788220800)
            [ "\$rows" -ge $accounted ] || { echo "\$way saw \$rows of $accounted runs" >&2; exit 1; }
            printf 'runs-%s %s\n' "\${way%%:*}" "\$seconds"
        done
    done
}
fill() {
    # Jobs that have ended count until slurmctld forgets them (slurm.conf(5), MaxJobCount, MinJobAge).
    until [ "\$(squeue --me --states=all --noheader | wc -l)" -lt 50 ]; do sleep 1; done
    for ((filled = 0; filled < $queued; filled += $submitted)); do
        count=\$(( $queued - filled < $submitted ? $queued - filled : $submitted ))
        bin/ways "\$library" submit "\$count" scripts "9\$filled" >&2
    done
}
"\$@"
MEASURE
    chmod +x "$work/clear" "$work/clock" "$work/loop" "$work/measure"
}

# measured NAME: what the part of the script printed, as medians and ratios.
measured() {
    local part="$1" base="$2"
    shift 2
    as_person jupiter "$work" ./measure "$part" "$@" >>"$work/$part.seconds" 2>"$folder/ways.log" ||
        die "cannot measure: $(tail -n 5 "$folder/ways.log")"
    [ -n "$base" ] || return 0
    python3 ci/lib/ratios.py "$base" <"$work/$part.seconds"
}

ways() {
    local work turn
    make_work ways
    build_ways
    printf 'load       %s\n' "$(cut -d' ' -f1-3 /proc/loadavg)"
    install_submitit
    write_ways
    python3 ci/lib/sacct_text.py 0 | tr '|' ',' | sed 's/,Restarts//' >"$work/columns"
    give_to_person "$work"
    for ((turn = 1; turn < turns; turn++)); do measured submissions '' "$turn"; done
    measured submissions submit-loop-of-sbatch "$turns"
    made_jobs=yes
    # shellcheck disable=SC2016 # envsubst wants the names
    PAKT_JOBS="$accounted" PAKT_PERSON="$lab_account" PAKT_NUMBER="$(id -u "$lab_account")" \
        envsubst '$PAKT_JOBS $PAKT_PERSON $PAKT_NUMBER' <ci/lib/many_accounted.sql |
        in_database slurm_jupiter >"$folder/ways.log" 2>&1 || die "cannot measure: $(tail -n 5 "$folder/ways.log")"
    measured runs runs-sacct-P
    forget_jobs
    as_person jupiter "$work" ./measure fill >"$folder/ways.log" 2>&1 || die "cannot measure: $(tail -n 5 "$folder/ways.log")"
    measured states queue-squeue-text
    as_person jupiter "$work" ./clear
}
