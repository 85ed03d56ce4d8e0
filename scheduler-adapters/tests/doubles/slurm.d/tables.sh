#!/usr/bin/env bash
# The double's squeue and sacct.
# shellcheck disable=SC2154 # what `slurm` sets

clock() { # SECONDS, as squeue prints them
    printf '%d:%02d:%02d' $(($1 / 3600)) $(($1 / 60 % 60)) $(($1 % 60))
}

tres() { # NODES CPUS
    local gpus=",gres/gpu=$((4 * $1)),gres/gpu:gh200=$((4 * $1))"
    [ ! -e "$state/untracked" ] || gpus=
    printf 'billing=%d,cpu=%d%s,node=%d' "$2" "$2" "$gpus" "$1"
}

value() { # JOB FIELD, as both squeue and sacct call them
    local id=$1 started ended count
    started=$(get "$id" start)
    ended=$(get "$id" end)
    count=$(get "$id" nodes)
    case $2 in
        JobIDRaw) printf '%s' "$id" ;;
        JobID) if [ "$program" = sacct ]; then shown_id "$id"; else printf '%s' "$id"; fi ;;
        JobArrayID) shown_id "$id" ;;
        Cluster) printf double ;;
        User | UserName) get "$id" user ;;
        UID) printf 1000 ;;
        Account) get "$id" account ;;
        Partition) get "$id" partition ;;
        QOS) printf normal ;;
        State) get "$id" state ;;
        Reason) get "$id" reason None ;;
        ExitCode) printf '%s:0' "$(get "$id" code 0)" ;;
        Submit | SubmitTime) if [ -e "$state/jobs/$id/odd" ]; then printf yesterday; else get "$id" submit; fi ;;
        Start) printf '%s' "${started:-Unknown}" ;;
        StartTime) printf '%s' "${started:-N/A}" ;;
        End) printf '%s' "${ended:-Unknown}" ;;
        EndTime) printf '%s' "${ended:-N/A}" ;;
        TimeLimit) clock "$(get "$id" limit)" ;;
        TimelimitRaw) printf '%s' $((($(get "$id" limit) + 59) / 60)) ;;
        ElapsedRaw) printf '%s' $((started ? ${ended:-$now} - started : 0)) ;;
        TimeUsed) clock $((started ? ${ended:-$now} - started : 0)) ;;
        Dependency | Reservation | Feature) get "$id" "${2,,}" '(null)' ;;
        PriorityLong) if [ -e "$state/jobs/$id/held" ]; then printf 0; else printf '%s' $((100000 - id)); fi ;;
        EligibleTime) get "$id" eligible N/A ;;
        NumNodes) printf '%s' "$count" ;;
        # The nodes that a job must have, and how many it asked for.
        ReqNodes) if [ "$program" = squeue ]; then get "$id" required '(null)'; else printf '%s' "$count"; fi ;;
        AllocNodes) printf '%s' $((started ? count : 0)) ;;
        AllocTRES) [ -z "$started" ] || tres "$count" $((288 * count)) ;;
        ReqTRES | tres-alloc) tres "$count" "$count" ;;
        WorkDir) get "$id" directory ;;
        STDOUT) get "$id" output ;;
        Restarts) get "$id" restarts 0 ;;
        Comment) get "$id" comment ;;
        SubmitLine) get "$id" submit_line ;;
        Name | JobName) get "$id" name ;;
    esac
}

former() { # FIELD: an earlier owner of the same id
    case $2 in
        User) printf mallory ;;
        State) printf COMPLETED ;;
        Submit | Start | End) printf 1490000000 ;;
        ElapsedRaw) printf 0 ;;
        AllocNodes) printf 1 ;;
        Comment | SubmitLine | JobName) printf old ;;
        *) value "$1" "$2" ;;
    esac
}

# Finished jobs of someone who submits a lot, as many as are told.
many() { # FIELDS DELIMITER
    awk -v count="$(cat "$state/many")" -v names="$1" -v delimiter="$2" -v user="$(id -un)" -v now="$now" '
        BEGIN {
            columns = split(names, name, " ")
            fixed["Cluster"] = "double"; fixed["User"] = user; fixed["UID"] = 1000; fixed["Account"] = "atlas"
            fixed["Partition"] = "booster"; fixed["QOS"] = "normal"; fixed["State"] = "COMPLETED"
            fixed["ExitCode"] = "0:0"; fixed["ElapsedRaw"] = 60; fixed["TimelimitRaw"] = 1440
            fixed["AllocNodes"] = 2; fixed["ReqNodes"] = 2; fixed["Reason"] = "None"
            fixed["AllocTRES"] = "billing=576,cpu=576,gres/gpu=8,gres/gpu:gh200=8,mem=1720000M,node=2"
            fixed["ReqTRES"] = "billing=2,cpu=2,gres/gpu=8,mem=1720000M,node=2"
            fixed["WorkDir"] = "/p/project1/atlas/" user "/experiments/language-model/sweep-of-learning-rates"
            for (row = 1; row <= count; row++) {
                id = 1000000 + row
                line = "sbatch --parsable --account=atlas --partition=booster --nodes=2 --gpus-per-node=4 " \
                    "--time=24:00:00 --output=logs/%x-%j.out --export=ALL,SEED=" row " train.sh --config base.yaml"
                for (at = 1; at <= columns; at++) {
                    field = name[at]
                    if (field == "JobIDRaw" || field == "JobID") text = id
                    else if (field == "Submit") text = now - 4000
                    else if (field == "Start") text = now - 3600
                    else if (field == "End") text = now - 3540
                    else if (field == "SubmitLine") text = line
                    else if (field == "JobName") text = "sweep-" row
                    else text = fixed[field]
                    printf "%s%s", text, delimiter
                }
                printf "\n"
            }
        }'
}

# Waiting jobs of someone who has many, as many as are told.
crowd() { # FIELDS with their delimiters, separated by commas
    awk -v count="$(cat "$state/crowd")" -v names="$1" -v user="$(id -un)" -v now="$now" '
        BEGIN {
            columns = split(names, name, ",")
            fixed["Cluster"] = "double"; fixed["UserName"] = user; fixed["Account"] = "atlas"
            fixed["Partition"] = "booster"; fixed["QOS"] = "normal"; fixed["State"] = "PENDING"
            fixed["Reason"] = "Priority"; fixed["SubmitTime"] = now - 4000; fixed["StartTime"] = "N/A"
            fixed["EndTime"] = "N/A"; fixed["TimeLimit"] = "1-00:00:00"; fixed["TimeUsed"] = "0:00"; fixed["NumNodes"] = 2
            fixed["tres-alloc"] = "billing=2,cpu=2,gres/gpu=8,mem=1720000M,node=2"
            fixed["WorkDir"] = "/p/project1/atlas/" user "/experiments/language-model"
            fixed["STDOUT"] = "/p/project1/atlas/" user "/experiments/language-model/slurm.out"
            for (row = 1; row <= count; row++) {
                for (at = 1; at <= columns; at++) {
                    field = name[at]; delimiter = field
                    sub(/:.*/, "", field); sub(/^[^:]*:/, "", delimiter)
                    if (field == "JobID" || field == "JobArrayID") text = 2000000 + row
                    else if (field == "Name") text = "sweep-" row
                    else text = fixed[field]
                    printf "%s%s", text, delimiter
                }
                printf "\n"
            }
        }'
}

# Spoils an answer as the fault says, or lets it through.
spoil() {
    case $fault in
        empty) cat >/dev/null ;;
        garbage) cat >/dev/null; printf 'The system is in \001 maintenance\n|||\n' ;;
        banner) printf 'Welcome. 3 of 12 racks are down.\n'; cat; printf 'Have a nice day.\n' ;;
        cut) head -n 2 | head -c -20 ;;
        # As 22.05 does for a user that it cannot look up: an empty table, and no bad end.
        complains) head -n 1; echo "$program: error: $said" >&2 ;;
        *) cat ;;
    esac
}

is_selected() { # JOB; reads the selection below
    is_known "$1" || return 1
    [ -z "$user" ] || [ -e "$state/shows-all" ] || [ "$(get "$1" user)" = "$user" ] || return 1
    [ -z "$accounts" ] || [[ ",$accounts," = *,"$(get "$1" account)",* ]] || return 1
    [ -z "$jobs" ] || [[ ",$jobs," = *,"$1",* ]] || [[ ",$jobs," = *,"$(get "$1" array none)",* ]]
}

# Ids and states alone, as 24.05 and later print them (testsuite of Slurm, `squeue --only-job-state`).
states_alone() { # FORMAT JOBS
    local format=$1 jobs=$2 user='' accounts='' id row kind
    [ -e "$state/light" ] || { echo "squeue: unrecognized option '--only-job-state'" >&2; exit 1; }
    kind=$(cat "$state/light")
    case $kind in
        '') ;;
        poor) format=${format//%T/} ;;
        *) echo "squeue: $kind" >&2; exit 1 ;;
    esac
    row=${format//%i/JOBID}
    {
        printf '%s\n' "${row//%T/STATE}"
        for id in $(job_ids); do
            is_selected "$id" || continue
            row=${format//%i/$(shown_id "$id")}
            printf '%s\n' "${row//%T/$(get "$id" state)}"
        done
    } | spoil
    exit 0
}

squeue() {
    local user='' accounts='' jobs='' format='' states=all all='' id field title ended keeps shown=0 light=''
    while [ "$#" -gt 0 ]; do
        case $1 in
            --help)
                echo 'Usage: squeue [OPTIONS]'
                [ ! -e "$state/light" ] || echo '      --only-job-state        only query job states'
                exit 0
                ;;
            --only-job-state) light=yes ;;
            --all) all=yes ;;
            --format=*) format=${1#*=} ;;
            --user=*) user=${1#*=} ;;
            --account=*) accounts=${1#*=} ;;
            --jobs=*) jobs=${1#*=} ;;
            --states=*) states=${1#*=} ;;
            -O) format=$2; shift ;;
        esac
        shift
    done
    [ -z "$light" ] || states_alone "$format" "$jobs"
    local IFS=,
    local fields
    read -ra fields <<<"$format"
    keeps=$(cat "$state/keeps-finished" 2>/dev/null || echo 0)
    {
        for field in "${fields[@]}"; do
            title=${field%%:*}
            printf '%s%s' "${title^^}" "${field#*:}"
        done
        echo
        for id in $(job_ids | tr '\n' ,); do
            is_selected "$id" || continue
            [ -n "$all" ] || [ "$(get "$id" partition)" != "$(cat "$state/hidden" 2>/dev/null)" ] || continue
            [ "$states" = all ] || [[ ",$states," = *,"$(get "$id" state)",* ]] || continue
            ended=$(get "$id" end)
            [ -z "$ended" ] || [ $((now - ended)) -lt "$keeps" ] || continue
            for field in "${fields[@]}"; do
                value "$id" "${field%%:*}"
                printf '%s' "${field#*:}"
            done
            echo
            echo "$id" >>"$state/shown.$$"
        done
        [ ! -e "$state/crowd" ] || [ -n "$jobs" ] || crowd "$format"
    } >"$state/answer.$$"
    [ -e "$state/shown.$$" ] && shown=1
    rm -f "$state/shown.$$"
    if [ "$shown" -eq 0 ] && [ -n "$jobs" ] && [ "${jobs#*,}" = "$jobs" ]; then
        rm "$state/answer.$$"
        echo 'slurm_load_jobs error: Invalid job id specified' >&2
        exit 1
    fi
    spoil <"$state/answer.$$"
    rm "$state/answer.$$"
}

# One row of sacct for a job, if it lies in the window; reads the variables of sacct below.
accounting_row() { # JOB
    local since until field
    since=$(get "$1" start "$(get "$1" submit)")
    until=$(get "$1" end)
    [ "$since" -le "$to" ] || return 0
    [ -z "$until" ] || [ "$until" -ge "$from" ] || return 0
    for field in "${fields[@]}"; do value "$1" "$field"; printf '%s' "$delimiter"; done
    echo
}

sacct() {
    local known=JobIDRaw,JobID,Cluster,User,UID,Account,Partition,QOS,State,ExitCode,Submit,Start,End,ElapsedRaw
    known=$known,TimelimitRaw,AllocNodes,ReqNodes,AllocTRES,ReqTRES,Reason,WorkDir,Comment,SubmitLine,JobName
    [ ! -e "$state/columns" ] || known=$(cat "$state/columns")
    local user='' accounts='' jobs='' format='' delimiter='|' from=0 to=$now id field
    while [ "$#" -gt 0 ]; do
        case $1 in
            --helpformat) tr , '\n' <<<"$known"; exit 0 ;;
            --user=*) user=${1#*=} ;;
            --accounts=*) accounts=${1#*=} ;;
            --jobs=*) jobs=${1#*=} ;;
            --format=*) format=${1#*=} ;;
            --delimiter=*) delimiter=${1#*=} ;;
            --starttime=*) from=$(date -u -d "${1#*=}" +%s) ;;
            --endtime=*) to=$(date -u -d "${1#*=}" +%s) ;;
        esac
        shift
    done
    [ "$from" -le "$to" ] || { echo "sacct: error: Start time ($from) requested is after end time ($to)." >&2; exit 1; }
    local IFS=,
    local fields
    read -ra fields <<<"$format"
    for field in "${fields[@]}"; do
        [[ ",$known," = *,"$field",* ]] && continue
        echo "sacct: error: Invalid field requested: \"$field\"" >&2
        exit 1
    done
    {
        printf '%s\n' "${fields[*]/%/$delimiter}" | tr -d ,
        for id in $(job_ids | tr '\n' ,); do
            is_selected "$id" || continue
            if [ -e "$state/former" ]; then
                for field in "${fields[@]}"; do former "$id" "$field"; printf '%s' "$delimiter"; done
                echo
            fi
            for attempt in "$state/jobs/$id"/attempt.*; do
                [ ! -d "$attempt" ] || accounting_row "$id"
            done
            attempt=
            accounting_row "$id"
        done
        [ ! -e "$state/many" ] || many "${format//,/ }" "$delimiter"
    } | spoil
}
