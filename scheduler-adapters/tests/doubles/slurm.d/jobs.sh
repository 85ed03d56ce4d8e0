#!/usr/bin/env bash
# The double's jobs: one folder each, one file a value.
# shellcheck disable=SC2154 # what `slurm` sets

# Where it is set, an earlier start of the job, whose values come first.
attempt=

get() { # JOB KEY [DEFAULT]
    local file text=${3-}
    for file in ${attempt:+"$attempt/$2"} "$state/jobs/$1/$2"; do
        [ -e "$file" ] || continue
        # The whole of it, without a process for it; it ends without the zero byte that is read for.
        IFS= read -r -d '' text <"$file"
        break
    done
    printf '%s' "$text"
}

put() { # JOB KEY VALUE
    printf '%s' "$3" >"$state/jobs/$1/$2"
}

forget() { # JOB KEY...
    local job=$1 key
    shift
    for key in "$@"; do rm -f "$state/jobs/$job/$key"; done
}

job_ids() {
    local path
    for path in "$state"/jobs/*/; do
        [ -d "$path" ] && basename "$path"
    done | sort -n
}

# Whether queue and accounting have heard of a job yet.
is_known() { # JOB
    [ ! -e "$state/late" ] || [ $((now - $(get "$1" submit "$now"))) -ge "$(cat "$state/late")" ]
}

# What people see: the id, or array and task.
shown_id() { # JOB
    if [ -e "$state/jobs/$1/array" ]; then
        printf '%s_%s' "$(get "$1" array)" "$(get "$1" task)"
    else
        printf '%s' "$1"
    fi
}

start_job() { # JOB
    local job="$state/jobs/$1"
    put "$1" state RUNNING
    put "$1" start "$now"
    (
        exec 9>&-
        cd "$(get "$1" directory)" || exit 1
        SLURM_JOB_ID=$1 SLURM_RESTART_COUNT=$(get "$1" restarts 0) SLURM_ARRAY_TASK_ID=$(get "$1" task) \
            SLURM_ARRAY_JOB_ID=$(get "$1" array) \
            setsid "$job/runner" </dev/null >/dev/null 2>&1 &
        printf '%s' "$!" >"$job/process"
    )
}

# Ends the processes of a job.
kill_job() { # JOB
    kill -9 -- "-$(get "$1" process)" 2>/dev/null
}

# Ends what has ended and starts what fits, in order.
look_around() {
    local id used=0 waits=
    for id in $(job_ids); do
        if [ "$(get "$id" state)" = RUNNING ] && [ -e "$state/jobs/$id/ended" ]; then
            local code
            code=$(get "$id" ended)
            put "$id" end "$(stat -c %Y "$state/jobs/$id/ended")"
            case $code in
                0) put "$id" state COMPLETED ;;
                124) put "$id" state TIMEOUT; code=0 ;;
                *) put "$id" state FAILED ;;
            esac
            put "$id" code "$code"
        fi
        case $(get "$id" state) in
            RUNNING | SUSPENDED) used=$((used + $(get "$id" nodes))) ;;
        esac
    done
    for id in $(job_ids); do
        [ "$(get "$id" state)" = PENDING ] || continue
        if [ -e "$state/jobs/$id/held" ]; then
            put "$id" reason JobHeldUser
        elif [ "$(get "$id" submit)" -gt "$now" ]; then
            # Requeued in the second in which it was submitted: nothing starts before its submission.
            put "$id" reason BeginTime
        elif [ -z "$waits" ] && [ $((used + $(get "$id" nodes))) -le "$capacity" ]; then
            used=$((used + $(get "$id" nodes)))
            put "$id" reason None
            start_job "$id"
        else
            put "$id" reason "${waits:+Priority}"
            [ -n "$waits" ] || put "$id" reason Resources
            waits=yes
        fi
    done
}
