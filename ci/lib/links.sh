# shellcheck shell=bash
# shellcheck disable=SC2154,SC2034 # names that ci/bench and what it sources share
# `ci/bench links`: what the script of a link takes beside its program, what watching many links takes, and what a finished array leaves.
# Sourced by ci/bench, after lab.sh.

link_turns="${PAKT_BENCH_LINKS:-20}"
cells="${PAKT_BENCH_CELLS:-1000}"
watched_seconds="${PAKT_BENCH_WATCHED:-120}"

write_links() {
    # Says when the script that it belongs to began, when itself began and when it ends, in seconds since the machine was started.
    cat >"$work/stamp" <<'STAMP'
#!/bin/bash
read -r began _ </proc/uptime
start="$(awk '{ sub(/.*\) /, ""); printf "%.2f", $20 / 100 }' "/proc/$SLURM_TASK_PID/stat")"
touch checkpoint
[ -z "${PAKT_CHECKPOINTS:-}" ] || printf '100 %s\n' "$PWD/checkpoint" >>"$PAKT_CHECKPOINTS"
read -r ended _ </proc/uptime
echo "$SLURM_TASK_PID $start $began $ended" >"$1.tmp" && mv "$1.tmp" "$1"
STAMP
    cat >"$work/bare.sh" <<'BARE'
#!/bin/bash
./stamp "$1"
BARE
    cat >"$work/measure" <<MEASURE
#!/bin/bash
set -euo pipefail
export PAKT_HOME="\$PWD/home"
# await NAME FILE: prints how long before the program and behind it the script was at work.
await() {
    local pid start began ended now
    until [ -e "\$2" ]; do sleep 0.01; done
    read -r pid start began ended <"\$2"
    while [ -e "/proc/\$pid" ]; do sleep 0.005; done
    read -r now _ </proc/uptime
    awk -v name="\$1" -v start="\$start" -v began="\$began" -v ended="\$ended" -v now="\$now" \\
        'BEGIN { printf "%s-before %.0f\n%s-behind %.0f\n", name, (began - start) * 1000, name, (now - ended) * 1000 }'
}
bin/pakt ledger init >&2
bin/pakt ledger grant atlas 100000000 --unit jupiter:gh200 --account atlas >&2
for ((turn = 1; turn <= $link_turns; turn++)); do
    sbatch --parsable --account=atlas --nodes=1 --time=5 --output=/dev/null bare.sh "bare.\$turn" >&2
    await bare-script "bare.\$turn"
    cat >link.yaml <<JOB
name: link-\$turn
kind: train
project: atlas
site: jupiter
resources: { nodes: 1, gpus_per_node: 4, time: "00:30:00" }
launch: command
run: ./stamp link.\$turn
chain: { until: steps, max_links: 2 }
JOB
    bin/pakt submit --quiet link.yaml >&2
    await link "link.\$turn"
done
MEASURE
    cat >"$work/watch" <<WATCH
#!/bin/bash
set -euo pipefail
export PAKT_HOME="\$PWD/home"
{
    printf 'name: wide\nkind: command\nproject: atlas\nsite: jupiter\nresources: { nodes: 1, gpus_per_node: 4, time: "00:05:00" }\n'
    printf 'launch: command\nrun: "true"\nscheduler: { begin: now+1hour }\nsweep:\n  list:\n'
    for ((cell = 1; cell <= $cells; cell++)); do printf '    - { cell: %s }\n' "\$cell"; done
} >wide.yaml
bin/pakt submit --quiet wide.yaml >&2
/usr/bin/time --output=taken --format='%U %S %e' timeout --signal=INT $watched_seconds bin/pakt watch wide >/dev/null 2>&1 || true
tail -n 1 taken
bin/pakt cancel wide >&2
WATCH
    cat >"$work/leave" <<LEAVE
#!/bin/bash
set -euo pipefail
export PAKT_HOME="\$PWD/home"
{
    printf 'name: narrow\nkind: command\nproject: atlas\nsite: jupiter\nresources: { nodes: 1, gpus_per_node: 4, time: "00:05:00" }\n'
    printf 'launch: command\nrun: echo "\$cell"\nsweep:\n  list:\n'
    for ((cell = 1; cell <= $cells; cell++)); do printf '    - { cell: %s }\n' "\$cell"; done
} >narrow.yaml
bin/pakt submit --quiet narrow.yaml >&2
/usr/bin/time --output=taken --format='%U %S %e' bin/pakt watch narrow >/dev/null 2>&1
tail -n 1 taken
bin/pakt settle >&2
job="\$(bin/pakt --json show narrow | sed -nE 's/^ *"directory": "(.*)",?\$/\1/p')"
printf '%s %s\n' "\$(find "\$job" -type f | wc -l)" "\$(find "\$job" -type d | wc -l)"
faketime -f +8d bin/pakt settle >&2
printf '%s %s\n' "\$(find "\$job" -type f | wc -l)" "\$(find "\$job" -type d | wc -l)"
LEAVE
    chmod 0755 "$work/stamp" "$work/measure" "$work/watch" "$work/leave"
}

links() {
    local work name taken left
    need_packages faketime=faketime time=time
    make_work links
    write_links
    give_to_person "$work"
    as_person jupiter "$work" ./measure >"$folder/of-links" 2>"$folder/links.log" || die "$(tail -n 3 "$folder/links.log")"
    for name in bare-script-before link-before bare-script-behind link-behind; do
        sed -n "s/^$name //p" "$folder/of-links" | python3 ci/lib/rates.py "$name" ms
    done
    taken="$(as_person jupiter "$work" ./watch 2>"$folder/links.log")" || die "$(tail -n 3 "$folder/links.log")"
    awk -v cells="$cells" '{ printf "%-24s %.2f s of CPU in %.0f s: %.2f %% of a core, %d links\n", "watch", $1 + $2, $3, ($1 + $2) / $3 * 100, cells }' <<<"$taken"
    left="$(as_person jupiter "$work" ./leave 2>"$folder/links.log")" || die "$(tail -n 3 "$folder/links.log")"
    awk -v cells="$cells" 'NR == 1 { printf "%-24s %.2f s of CPU in %.0f s: %.2f %% of a core, while %d links run and end\n", "watch", $1 + $2, $3, ($1 + $2) / $3 * 100, cells }
        NR == 2 { files = $1; folders = $2 }
        NR == 3 { printf "%-24s %d files in %d folders of %d links at their end, %d in %d a week later (limit 20)\n", "files", files, folders, cells, $1, $2 }' <<<"$left"
}
