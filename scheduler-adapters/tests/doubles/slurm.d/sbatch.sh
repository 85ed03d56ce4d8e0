#!/usr/bin/env bash
# The double's sbatch.
# shellcheck disable=SC2154 # what `slurm` and `sbatch` set

seconds() { # HH:MM:SS or minutes
    local IFS=: parts
    read -ra parts <<<"$1"
    if [ "${#parts[@]}" -eq 3 ]; then
        echo $((10#${parts[0]} * 3600 + 10#${parts[1]} * 60 + 10#${parts[2]}))
    else
        echo $((10#$1 * 60))
    fi
}

# Fills in a file name pattern, as far as tests use it.
file_name() { # PATTERN JOB
    local path=$1
    path=${path//%j/$2}
    path=${path//%A/$(get "$2" array "$2")}
    path=${path//%a/$(get "$2" task)}
    printf '%s' "$path"
}

# Takes one job, or one task of an array; reads the variables of sbatch below.
accept_one() { # JOB [ARGUMENT]...
    local id=$1 job="$state/jobs/$1"
    shift
    cp "$script" "$job/script"
    chmod 700 "$job/script"
    put "$id" name "$name"
    put "$id" comment "$comment"
    put "$id" directory "$directory"
    put "$id" account "$account"
    put "$id" partition "$partition"
    put "$id" limit "$limit"
    put "$id" submit_line "$submit_line"
    put "$id" nodes "$asked"
    put "$id" output "$output"
    put "$id" user "$(id -un)"
    put "$id" submit "$now"
    [ -z "$hold" ] || put "$id" held yes
    {
        printf '#!/usr/bin/env bash\n'
        printf 'timeout --foreground -k 2 %q %q' "$limit" "$job/script"
        [ "$#" -eq 0 ] || printf ' %q' "$@"
        printf ' >>%q 2>&1\n' "$(file_name "$output" "$id")"
        # shellcheck disable=SC2016 # expanded by the runner
        printf 'printf %%s "$?" >%q\nmv %q %q\n' "$job/ending" "$job/ending" "$job/ended"
    } >"$job/runner"
    chmod 700 "$job/runner"
    put "$id" state PENDING
}

# The tasks of an array, the last one first: `0-2,5%1`.
tasks_of() { # LIST
    local part
    for part in $(tr , ' ' <<<"${1%%%*}"); do seq "${part%%-*}" "${part##*-}"; done | sort -rn
}

# Takes what was submitted; sets $id. The last task of an array bears its id.
accept() { # [ARGUMENT]...
    id=$(($(job_ids | tail -n 1) + 1))
    local next=$id task one
    if [ -z "$array" ]; then
        mkdir -p "$state/jobs/$id"
        accept_one "$id" "$@"
    else
        for task in $(tasks_of "$array"); do
            one=$next
            next=$((next + 1))
            mkdir -p "$state/jobs/$one"
            put "$one" array "$id"
            put "$one" task "$task"
            accept_one "$one" "$@"
        done
    fi
    look_around
}

# As long as a submission is waited with, nobody else is held up; `waiting` tells who may be killed here without harm.
wait_with_it() { # SECONDS
    flock -u 9
    : >"$state/waiting/$$"
    sleep "$1"
    rm -f "$state/waiting/$$"
    flock 9
    now=$(date +%s)
}

answer_with_fault() {
    case $fault in
        slow-after)
            wait_with_it "$said"
            echo "$id"
            ;;
        slow-after-id)
            echo "$id"
            wait_with_it "$said"
            ;;
        killed) kill -9 $$ ;;
        hang) hang ;;
        complains-and-hangs)
            echo "sbatch: error: $said" >&2
            hang
            ;;
        hang-after-id) echo "$id"; hang ;;
        says-after)
            echo "sbatch: error: Batch job submission failed: $said" >&2
            exit 1
            ;;
        retrying)
            echo 'sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying' >&2
            echo "$id"
            ;;
        banner)
            printf 'Welcome. 3 of 12 racks are down.\n2026\n%s;double\nYour quota: 17 %%\n' "$id"
            echo 'sbatch: lua: partition was chosen for you' >&2
            ;;
        talkative)
            yes 'This site has much to say.' | head -c 40000000
            echo "$id"
            ;;
        no-id) echo 'thank you' ;;
        *) echo "$id" ;;
    esac
}

sbatch() {
    local name=job comment='' directory=$PWD account=atlas partition=booster limit=3600 output=/dev/null
    local gpus=0 test_only='' script='' submit_line="sbatch $*" id line word array='' hold=''
    local asked=1
    option() {
        local value=${1#*=}
        case $1 in
            --job-name=*) name=$value ;;
            --comment=*) comment=$value ;;
            --chdir=*) directory=$value ;;
            --output=*) output=$value ;;
            --account=*) account=$value ;;
            --partition=*) partition=$value ;;
            --nodes=*) asked=$value ;;
            --gpus-per-node=*) gpus=$value ;;
            --time=*) limit=$(seconds "$value") ;;
            --array=*) array=$value ;;
            --hold) hold=yes ;;
            --test-only) test_only=yes ;;
            # What changes nothing here: the layout of tasks, signals, and how the job's output is opened.
            --ntasks*=* | --cpus-per-*=* | --gres=* | --mem*=* | --signal=* | --open-mode=* | --error=* | --export=*) ;;
            --exclusive | --requeue | --no-requeue | --kill-on-invalid-dep=*) ;;
            --parsable) ;;
            *) echo "sbatch: unrecognized option '$1'" >&2; exit 1 ;;
        esac
    }
    local words=()
    while [ "$#" -gt 0 ] && [ "${1#--}" != "$1" ]; do
        words+=("$1")
        shift
    done
    script=$1
    shift
    while read -r line; do
        [ "${line#\#SBATCH }" = "$line" ] || option "${line#\#SBATCH }"
    done <"$script"
    for word in "${words[@]}"; do option "$word"; done
    [ ! -e "$state/filter" ] || partition=$(cat "$state/filter")
    if [ "$gpus" -gt 4 ]; then
        local problem='Requested node configuration is not available'
        if [ -n "$test_only" ]; then
            echo "allocation failure: $problem" >&2
        else
            echo "sbatch: error: Batch job submission failed: $problem" >&2
        fi
        exit 1
    fi
    if [ -n "$test_only" ]; then
        printf '%s' "${TZ-}" >"$state/zone"
        if [ "$fault" = says ]; then
            echo "allocation failure: $said" >&2
            exit 1
        fi
        echo "sbatch: Job 1 to start at $now using 288 processors on nodes n1 in partition $partition" >&2
        exit 0
    fi
    case $fault in
        down) down ;;
        says)
            echo "sbatch: error: Batch job submission failed: $said" >&2
            exit 1
            ;;
        slow) wait_with_it "$said" ;;
        gated)
            flock -u 9
            while [ -d "$state" ] && [ ! -e "$state/gate" ]; do sleep 0.05; done
            flock 9
            ;;
    esac
    accept "$@"
    [ "$fault" != twice ] || accept "$@"
    answer_with_fault
}
