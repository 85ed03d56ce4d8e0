#!/usr/bin/env bash
# The double's scancel, scontrol, sinfo and sacctmgr.
# shellcheck disable=SC2154 # what `slurm` sets

# The tasks of `4711_[0-4,7]`, one by one; any other word as it is.
each_task() { # WORD
    local array=${1%%_*} list part
    case $1 in
        *_\[*\]) ;;
        *)
            printf '%s\n' "$1"
            return
            ;;
    esac
    list=${1#*\[}
    for part in ${list//[],]/ }; do
        seq -f "${array}_%.0f" "${part%-*}" "${part#*-}"
    done
}

scancel() {
    local word asked refused=0
    for word in "$@"; do
        for asked in $(each_task "$word"); do
            if [ -e "$state/jobs/$asked/theirs" ]; then
                echo "scancel: error: Kill job error on job id $asked: Access/permission denied" >&2
                refused=1
            else
                cancel_one "$asked"
            fi
        done
    done
    # The worst that a release may do: of several its exit code tells nothing.
    [ $# -gt 1 ] || exit $refused
}

cancel_one() { # ID
    local asked=$1 id
    for id in $(job_ids); do
        [ "$id" = "$asked" ] || [ "$(get "$id" array)" = "$asked" ] || [ "$(shown_id "$id")" = "$asked" ] || continue
        case $(get "$id" state) in
            RUNNING | SUSPENDED | PENDING)
                kill_job "$id"
                put "$id" state CANCELLED
                put "$id" end "$now"
                ;;
        esac
    done
}

# Lets a running job begin again from the queue; its start so far stays in accounting.
requeue() { # JOB
    local count attempts
    attempts=("$state/jobs/$1"/attempt.*)
    [ -d "${attempts[0]}" ] || attempts=()
    count=${#attempts[@]}
    kill_job "$1"
    mkdir "$state/jobs/$1/attempt.$count"
    cp "$state/jobs/$1/submit" "$state/jobs/$1/start" "$state/jobs/$1/attempt.$count"
    printf '%s' "$now" >"$state/jobs/$1/attempt.$count/end"
    printf REQUEUED >"$state/jobs/$1/attempt.$count/state"
    # A second later at least: both starts have one id, and only this tells them apart.
    put "$1" submit $(($(get "$1" submit) < now ? now : now + 1))
    put "$1" restarts $((count + 1))
    forget "$1" start ended ending process
    put "$1" state PENDING
}

scontrol() {
    case $1 in
        requeue) requeue "$2" ;;
        suspend)
            kill -STOP -- "-$(get "$2" process)"
            put "$2" state SUSPENDED
            ;;
        resume)
            kill -CONT -- "-$(get "$2" process)"
            put "$2" state RUNNING
            ;;
        release)
            if [ ! -d "$state/jobs/$2" ]; then
                echo "Invalid job id specified for job $2" >&2
                echo 'slurm_suspend error: Invalid job id specified' >&2
                exit 1
            elif [ -e "$state/jobs/$2/end" ]; then
                echo "Job has already finished for job $2" >&2
                echo 'slurm_suspend error: Job has already finished' >&2
                exit 1
            fi
            local task
            for task in $(job_ids); do
                [ "$task" = "$2" ] || [ "$(get "$task" array)" = "$2" ] || continue
                forget "$task" held
            done
            ;;
        show) show "$2" | spoil ;;
    esac
}

show() { # WHAT
    local gpus=,gres/gpu,gres/gpu:gh200
    [ ! -e "$state/untracked" ] || gpus=
    case $1 in
        config)
            printf 'ClusterName             = double\n'
            printf 'SLURM_VERSION           = %s\n' "$(cat "$state/version" 2>/dev/null || echo 22.05.8)"
            printf 'MinJobAge               = 0 sec\n'
            printf 'MaxArraySize            = 1001\nAccountingStorageTRES   = cpu,node,billing%s\n' "$gpus"
            printf 'AccountingStoreFlags    = job_comment\nPrivateData             = %s\n' "$(cat "$state/private" 2>/dev/null || echo none)"
            printf 'PlugStackConfig         = %s\n' "$(cat "$state/plugins" 2>/dev/null || echo '(null)')"
            printf 'CliFilterPlugins        = %s\n' "$(cat "$state/cli-filter" 2>/dev/null || echo '(null)')"
            [ -e "$state/configless" ] || touch "$state/slurm.conf"
            printf 'SLURM_CONF              = %s\n' "$state/slurm.conf"
            [ ! -e "$state/filter" ] || printf 'JobSubmitPlugins        = lua\n'
            ;;
        partition)
            printf 'PartitionName=booster AllowAccounts=ALL Default=YES QoS=N/A DefaultTime=NONE MaxNodes=UNLIMITED '
            printf 'MaxTime=1-00:00:00 OverSubscribe=EXCLUSIVE State=UP TotalNodes=4 TRES=cpu=1152,node=4,gres/gpu=16\n'
            ;;
        reservation) cat "$state/reservations" 2>/dev/null || echo 'No reservations in the system' ;;
        assoc_mgr)
            printf 'Current Association Manager state\nAssociation Records\n'
            printf 'ClusterName=double Account=atlas UserName= GrpJobs=N(1) GrpTRESMins=cpu=N(0),gres/gpu=N(0)\n'
            printf 'ClusterName=double Account=atlas UserName=%s(%s) GrpJobs=N(1)\n' "$(id -un)" "$(id -u)"
            printf 'QOS Records\nQOS=normal(1) GrpJobs=N(1) MaxWallPJ=720 User Limits= %s={MaxJobsPU=8(1)}\n' "$(id -u)"
            ;;
    esac
}

sinfo() {
    local IFS=,
    local fields
    read -ra fields <<<"$2"
    local titles=(PARTITION NODES 'NODES(A/I/O/T)' CPUS MEMORY GRES AVAIL_FEATURES)
    local values=(booster 4 0/4/0/4 288 860000 gpu:gh200:4 '(null)') place
    for place in "${!fields[@]}"; do printf '%s%s' "${titles[$place]}" "${fields[$place]#*:}"; done
    echo
    for place in "${!fields[@]}"; do printf '%s%s' "${values[$place]}" "${fields[$place]#*:}"; done
    echo
}

sacctmgr() {
    case " $* " in
        *' qos '*) printf 'Name|MaxWall|MaxTRESPU|GrpTRESMins|MaxJobsPU|MaxSubmitPU\nnormal|12:00:00||||\n' ;;
        *' user= '*) printf 'Account|User|Partition|QOS|Def QOS|MaxWall|GrpTRESMins|MaxSubmit\natlas|||normal||||\n' ;;
        *) printf 'Account|User|Partition|QOS|Def QOS|MaxWall|GrpTRESMins|MaxSubmit\natlas|%s||normal||||\n' "$(id -un)" ;;
    esac
}
