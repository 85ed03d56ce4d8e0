#!/bin/bash
#SBATCH --account=mpib_gpu
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=4
#SBATCH --gres=gpu:a100:4
#SBATCH --constraint=gpu
#SBATCH --cpus-per-task=18
#SBATCH --mem=500000
#SBATCH --time=00:10:00
#SBATCH --no-requeue
#SBATCH --open-mode=append
#
# Job tiny-lm, link 1 (pakt-01m5vj1jg028t5cy4tqkff04hm-1), for gpu of raven; made by pakt 0.1.0.
# It needs bash 4.4 and coreutils, and nothing of Pakt. It is no login shell: login profiles may talk or change things;
# what modules need is sourced below.
set -u -o pipefail
unset SLURM_JWT # A token that sbatch was shown is none of the job's.
ulimit -c 0 # A core file of every rank eats hours and inodes.
pakt_umask=$(umask)
umask go-w # What runs from the job directory is written by its owner alone; the job has its own mask back.

# --- Claim: one scheduler job works on this link, however many came to be. ------------------------------------------

# Ends the script: an exit code, and one line that says why.
pakt_fail() {
  printf 'pakt: %s\n' "$2" >&2
  exit "$1"
}

pakt_is_number() {
  case "$1" in '' | *[!0-9]*) return 1 ;; esac
}

pakt_number=${SLURM_JOB_ID:-}
# A task of an array is called by array and index, 4711_3: its number may be that of the array.
pakt_id=${PAKT_TASK:-$pakt_number}
unset PAKT_TASK
pakt_restart=${SLURM_RESTART_COUNT:-0}
if ! pakt_is_number "$pakt_number" || ! pakt_is_number "${pakt_id/_/}" || ! pakt_is_number "$pakt_restart"; then
  pakt_fail 74 'this script runs as a scheduler job only: SLURM_JOB_ID holds no number'
fi
pakt_job_directory=/state/pakt/job
pakt_place=1
pakt_stamp=pakt-01m5vj1jg028t5cy4tqkff04hm-$pakt_place
pakt_link="$pakt_job_directory/links/$pakt_place"
pakt_attempt="$pakt_link/attempts/$pakt_id-$pakt_restart"

# Writes its input to a file: under a temporary name, synced, renamed, so that it is there whole or not at all.
pakt_publish() {
  cat >"$1.partial" || return
  sync "$1.partial" 2>/dev/null || true # Older coreutils sync no single file.
  mv -f "$1.partial" "$1"
}

# Says who claims, as claim/owner and duplicates/*/owner keep it.
pakt_owner() {
  printf 'scheduler_job=%s\nrestart=%s\nhost=%s\nepoch_seconds=%(%s)T\n' "$pakt_id" "$pakt_restart" "$(uname -n)" -1
}

# Ends without work, and takes the claim back with which nothing was done. Why: one line.
pakt_is_unwanted() {
  pakt_has_claim=''
  mkdir -p "$pakt_link/duplicates"
  mv -T "$pakt_link/claim" "$pakt_link/duplicates/$pakt_id" 2>/dev/null || rm -rf "$pakt_link/claim"
  printf 'pakt: %s %s; scheduler job %s ends without work\n' "$pakt_stamp" "$1" "$pakt_id" >&2
  exit 0
}

# Whether nobody waits for this job any more. Sealed: it was over long ago and its directory is packed, the claim with it, so
# that this claim is none; the archive is there before the claim is taken away, and who could claim because of that sees it.
# Given up: it was never heard of, and its hold was given back before anything of it began.
pakt_look() {
  [ ! -e "$pakt_job_directory/sealed.tar" ] || pakt_is_unwanted 'was over, and its directory is sealed'
  [ ! -e "$pakt_job_directory/cancel.json" ] || pakt_is_unwanted 'was cancelled'
  ! grep -q '"note": "never ' "$pakt_job_directory/ended.json" 2>/dev/null || pakt_is_unwanted 'was given up'
  # A controller that was killed may have forgotten that this very start came to its end, and start it again.
  if grep -qx 'exit_code=0' "$pakt_attempt/ended" 2>/dev/null; then
    pakt_has_claim=''
    printf 'pakt: %s was done by this start of scheduler job %s already; it ends without work\n' "$pakt_stamp" "$pakt_id" >&2
    exit 0
  fi
}

# Claims the link, or ends. A directory with its record inside is renamed onto `claim`, which fails where a claim lies:
# whoever is killed in between leaves no claim without a record. What counts afterwards is the record, not what `mv`
# said: over NFS a rename can succeed and still report failure.
pakt_claim() {
  local mine="$pakt_link/claim.$pakt_id.$pakt_restart" owner=''
  [ -d "$pakt_job_directory" ] ||
    pakt_fail 74 "the job directory $pakt_job_directory cannot be seen from $(uname -n)"
  if ! mkdir -p "$mine" || ! pakt_owner | pakt_publish "$mine/owner"; then
    pakt_fail 74 "cannot write to $pakt_link from $(uname -n)"
  fi
  mv -T "$mine" "$pakt_link/claim" 2>/dev/null
  owner=$(sed -n 's/^scheduler_job=//p' "$pakt_link/claim/owner")
  if [ "$owner" = "$pakt_id" ]; then
    pakt_has_claim=yes
    rm -rf "$mine" # A requeue finds its own claim and goes on as a new attempt.
    pakt_look
    sync "$pakt_link" 2>/dev/null || true
    return
  fi
  [ -n "$owner" ] || pakt_fail 74 "the claim in $pakt_link cannot be read from $(uname -n)"
  mkdir -p "$pakt_link/duplicates"
  mv -T "$mine" "$pakt_link/duplicates/$pakt_id" 2>/dev/null || rm -rf "$mine"
  printf 'pakt: scheduler job %s holds the claim of %s; scheduler job %s ends without work\n' \
    "$owner" "$pakt_stamp" "$pakt_id" >&2
  exit 0
}

# --- Chain: what is left to do, and when the program is told to save. --------------------------------------------------

# Tells the program to save: makes the file that PAKT_STOP names. By what: `limit` before the one of this link, `time` where
# the chain's own is used up, `hung` where nothing was seen of it, or the signal that came. Beside it stands how long the list of checkpoints was, in bytes. It is
# not synced: a program that is to be told by a signal, too, is not to wait for a disk.
pakt_tell() {
  local mine="$pakt_attempt/.stop.$BASHPID.tmp"
  [ ! -e "$pakt_attempt/stop" ] || return 0
  printf '%s %s\n' "$1" "$(stat -Lc %s "$pakt_job_directory/checkpoints" 2>/dev/null || printf 0)" >"$mine" &&
    mv -f "$mine" "$pakt_attempt/stop"
}

# Reads a line `STEP PATH` of a list of checkpoints, as step and path of whoever calls, where bytes are counted. Fails where it names none.
pakt_is_checkpoint() {
  step=${1%% *} path=${1#* }
  case "$path" in *[[:cntrl:]]* | *$'\xc2'[$'\x80'-$'\x9f']*) return 1 ;; /*) ;; *) return 1 ;; esac
  case "$path" in *[!\ -~]*) ! type iconv >/dev/null 2>&1 || iconv -f UTF-8 -t UTF-8 <<<"$path" >/dev/null 2>&1 || return 1 ;; esac
  pakt_is_number "$step" && [ "${#step}" -le 18 ] && [ "${#path}" -le 4096 ]
}

# Finds the last checkpoint that is there: the last whole line `STEP PATH` of the list whose path exists, whatever its step.
# Sets pakt_step and pakt_resume, empty where none is there, and pakt_saved: where its line ends, in bytes, or the last one that was
# named. Fails where the list cannot be read, and where it names some of which none is there: that is no first start.
pakt_find_checkpoint() {
  local LC_ALL=C list="$pakt_job_directory/checkpoints" size at line count=0 lines=() ends=() step path named=0
  pakt_step='' pakt_resume='' pakt_saved=0
  [ -e "$list" ] || return 0
  [ -r "$list" ] && size=$(stat -Lc %s "$list") || return 1
  at=$((size > 262144 ? size - 262144 : 0))
  # A line without its end is none yet, and of a piece of the list the first one may have been cut. A NUL, as a crash leaves it,
  # is kept as another control character, so that its line is none and has its length.
  while IFS= read -r line; do
    at=$((at + ${#line} + 1))
    lines+=("$line") ends+=("$at")
  done < <(tail -c "+$((at + 1))" -- "$list" | head -c "$((size - at))" | tr '\000' '\001')
  for ((at = ${#lines[@]} - 1; at >= (size > 262144) && count < 50; at--)); do
    pakt_is_checkpoint "${lines[at]}" || continue
    count=$((count + 1))
    [ "$count" -gt 1 ] || named=${ends[at]}
    if [ -e "$path" ]; then
      pakt_step=$((10#$step)) pakt_resume=$path pakt_saved=${ends[at]}
      return 0
    fi
  done
  pakt_saved=$named
  [ "$count" -eq 0 ]
}

# Tells of lines that this start appended to the list and that name no checkpoint.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_tell_of_lines() {
  local size
  size=$(stat -Lc %s "$pakt_job_directory/checkpoints" 2>/dev/null) || return 0
  if [ "$size" -gt "${pakt_listed_before:-$size}" ] && [ "$pakt_saved" -le "$pakt_saved_before" ]; then
    printf 'pakt: nothing that was appended to %s names a checkpoint that is there: a line is STEP, one space, and a path from the root; the last one says: %s\n' \
      "$pakt_job_directory/checkpoints" "$(tail -n 1 -- "$pakt_job_directory/checkpoints" | tr -d '[:cntrl:]' | cut -c 1-200)" >&2
    pakt_is_misnamed=' misnamed'
  fi
}

# Appends a line to the journal of the chain, which all links share, behind a last one that was cut.
pakt_journal() {
  local journal="$pakt_job_directory/chain"
  [ ! -s "$journal" ] || [ -z "$(tail -c 1 -- "$journal")" ] || printf '\n' >>"$journal"
  printf '%s\n' "$*" >>"$journal"
}

# Reads the journal. A start without an end was killed with no word; its heartbeat tells how long it lived.
#   pakt_worked   how long all starts worked together, in seconds
#   pakt_stalled  how many of the last links made no newer checkpoint; those that the scheduler ended early do not count
#   pakt_class    how the last start ended; empty where that is not known
#   pakt_by       by what it had been told
#   pakt_newer    whether it made a newer checkpoint
pakt_read_journal() {
  local kind link id restart at saved class told _ last='' began='' number=0 attempt='' failure firsts=() spared=() before=0
  pakt_worked=0 pakt_stalled=0 pakt_class='' pakt_newer='' pakt_by=''
  while read -r kind link id restart at saved class _ told failure _; do
    if ! pakt_is_count "$link" || ! pakt_is_count "$at" || ! pakt_is_count "$saved"; then continue; fi
    case "$kind" in
    started)
      [ -z "$began" ] || pakt_count_killed
      if [ "$link" != "$last" ]; then
        last=$link number=$((number + 1)) firsts[number]=$saved
      fi
      began=$at attempt="$pakt_job_directory/links/$link/attempts/$id-$restart" pakt_class='' spared[number]=''
      before=$saved
      ;;
    ended)
      [ -z "$began" ] || pakt_worked=$((pakt_worked + (at > began ? at - began : 0)))
      began='' pakt_class=$class
      pakt_by=$told
      if [ "$saved" -gt "$before" ]; then pakt_newer=yes; else pakt_newer=no; fi
      case "$told" in TERM | INT | HUP | NODE_FAIL | BOOT_FAIL | PREEMPTED) spared[number]=yes ;; esac
      [ "$failure" != node-fault ] || spared[number]=yes
      ;;
    esac
  done < <(cat -- "$pakt_job_directory/chain" 2>/dev/null)
  [ -z "$began" ] || pakt_count_killed
  firsts[number + 1]=$pakt_saved
  for ((; number > 0 && firsts[number + 1] <= firsts[number]; number--)); do
    [ -n "${spared[number]}" ] || pakt_stalled=$((pakt_stalled + 1))
  done
}

# Counts how long a start worked that was killed with no word; only within the journal's reader.
pakt_count_killed() {
  local beat
  beat=$(stat -Lc %Y "$attempt/heartbeat" 2>/dev/null) || beat=$began
  pakt_worked=$((pakt_worked + (beat > began ? beat - began : 0)))
}

# Of a last start that has no end the scheduler is asked, once, and accounting where slurmctld has forgotten it, which it does minutes after its end
# (slurm.conf(5), MinJobAge): what the machine ended counts against nobody.
pakt_bury() {
  local kind link id restart began state beat end
  read -r kind link id restart began _ < <(tail -n 1 -- "$pakt_job_directory/chain" 2>/dev/null)
  [ "$kind" = started ] && pakt_is_count "$link" && pakt_is_count "$began" || return 0
  state=$(timeout 20 scontrol --oneliner show job "$id" 2>/dev/null | sed -n 's/.* JobState=\([A-Z_]*\) .*/\1/p')
  if [ -z "$state" ]; then
    state=$(timeout 20 sacct --noheader --parsable2 --allocations --duplicates --format=State --jobs="$id" 2>/dev/null | tail -n 1)
    state=${state%% *} # `CANCELLED by 1001`
  fi
  case "$state" in
  NODE_FAIL | BOOT_FAIL | PREEMPTED | CANCELLED) end="interrupted - $state -" ;;
  TIMEOUT | DEADLINE) end='told - limit -' ;;
  OUT_OF_MEMORY) end='failed - none host-oom' ;;
  *) return 0 ;;
  esac
  beat=$(stat -Lc %Y "$pakt_job_directory/links/$link/attempts/$id-$restart/heartbeat" 2>/dev/null) || beat=$began
  pakt_journal "ended $link $id $restart $beat $pakt_saved $end"
  case "$state" in
  NODE_FAIL | BOOT_FAIL)
    pakt_note_lost "$(sed -n 's/^node_list=//p' "$pakt_job_directory/links/$link/attempts/$id-$restart/started" 2>/dev/null)" "$state"
    ;;
  esac
}

# Prints why there is nothing left to do, where that is so: `done` or `stalled`.
pakt_is_over() {
  [ ! -e "$pakt_job_directory/done" ] || { printf 'done' && return; }
  [ "$pakt_by" != time ] || { printf 'done' && return; }
  [ "$pakt_worked" -lt 259200 ] || { printf 'done' && return; }
  # It came to its end by itself, and made nothing newer than the checkpoint that it began at: there was no more for it to do.
  [ -z "$pakt_step" ] || [ "$pakt_class $pakt_newer" != 'finished no' ] || { printf 'done' && return; }
  [ "$pakt_stalled" -lt 3 ] || printf 'stalled'
}

# Writes down that the chain is over, unless somebody did: the first one counts.
pakt_write_over() {
  local mine="$pakt_job_directory/.over.$pakt_id.$pakt_restart.tmp"
  printf '%s=%s\n' why "$1" link "$pakt_place" step "$pakt_step" epoch_seconds "$(printf '%(%s)T' -1)" by "$pakt_id" >"$mine"
  sync "$mine" 2>/dev/null || true # Older coreutils sync no single file.
  ln "$mine" "$pakt_job_directory/over" 2>/dev/null || [ -e "$pakt_job_directory/over" ] ||
    printf 'pakt: cannot write %s\n' "$pakt_job_directory/over" >&2
  rm -f "$mine"
}

# Takes back the links that wait behind this one: what starts all the same ends at once, and has waited for nothing.
# shellcheck disable=SC2317 # Reached through a trap, too.
pakt_cancel_behind() {
  [ ! -d "$pakt_job_directory/links/2" ] ||
    timeout 10 scancel --quiet --user="$(id -u)" --state=PENDING --name=tiny-lm.pakt-01m5vj1jg028t5cy4tqkff04hm-2 >/dev/null 2>&1
  [ ! -d "$pakt_job_directory/links/3" ] ||
    timeout 10 scancel --quiet --user="$(id -u)" --state=PENDING --name=tiny-lm.pakt-01m5vj1jg028t5cy4tqkff04hm-3 >/dev/null 2>&1
  return 0
}

# Whether a text is a number that can be counted with.
pakt_is_count() {
  case "$1" in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac
}

# When this attempt reaches its limit, as an epoch second. Slurm from 23.02 on says so; an older one is asked, once.
pakt_limit_at() {
  local text=${SLURM_JOB_END_TIME:-}
  if ! pakt_is_count "$text"; then
    text=$(SLURM_TIME_FORMAT=standard TZ=UTC0 timeout 20 scontrol --oneliner show job "$pakt_number" 2>/dev/null |
      sed -n 's/.* EndTime=\([0-9-]*T[0-9:]*\) .*/\1/p')
    [ -z "$text" ] || text=$(date -u -d "${text}Z" +%s 2>/dev/null)
  fi
  if pakt_is_count "$text" && [ "$text" -gt "$pakt_now" ]; then
    printf '%s' "$text"
    return
  fi
  printf '%s' $((pakt_now + 600))
}

# Ends without work. A claim under which something was done stays: it says which scheduler job did it.
pakt_needless() {
  compgen -G "$pakt_link/attempts/*/started" >/dev/null || pakt_is_unwanted "$1"
  pakt_has_claim=''
  printf 'pakt: %s %s; scheduler job %s ends without work\n' "$pakt_stamp" "$1" "$pakt_id" >&2
  exit 0
}

# Ends where no work is left, and otherwise finds out where to go on and until when.
pakt_begin() {
  local why later journal="$pakt_job_directory/chain"
  [ ! -e "$pakt_job_directory/over" ] || pakt_needless 'is over'
  # Somebody started an earlier link again: two of them would write the same checkpoints.
  for later in "$pakt_job_directory"/links/*/attempts/*/started; do
    [ -e "$later" ] || break
    later=${later#"$pakt_job_directory"/links/}
    [ "${later%%/*}" -le "$pakt_place" ] || pakt_needless 'has gone on in a later link'
  done
  # A controller that was killed may have forgotten this very start, and start it again.
  ! grep -qx 'class=checkpointed' "$pakt_attempt/ended" 2>/dev/null || pakt_needless 'was saved by this start already'
  mkdir -p "$pakt_attempt" && rm -f "$pakt_attempt/stop" "$pakt_attempt/launched" "$pakt_attempt/ended"
  pakt_find_checkpoint || pakt_is_blind=yes
  pakt_saved_before=$pakt_saved
  pakt_log_at=0
  [ ! -f "/proc/$$/fd/1" ] || pakt_log_at=$(stat -Lc %s "/proc/$$/fd/1") || pakt_log_at=0
  pakt_listed_before=$(stat -Lc %s "$pakt_job_directory/checkpoints" 2>/dev/null) || pakt_listed_before=0
  [ ! -e "$journal" ] || [ -r "$journal" ] || pakt_fail 74 "cannot read $journal from $(uname -n)"
  pakt_bury
  pakt_leave_out
  pakt_read_journal
  why=$(pakt_is_over)
  if [ -n "$why" ]; then
    pakt_write_over "$why"
    pakt_cancel_behind
    pakt_needless "is over: $why"
  fi
  printf -v pakt_now '%(%s)T' -1
  pakt_stop_at=$(($(pakt_limit_at) - 60)) pakt_stop_why=limit
  if [ $((pakt_now + 259200 - pakt_worked)) -lt "$pakt_stop_at" ]; then
    pakt_stop_at=$((pakt_now + 259200 - pakt_worked)) pakt_stop_why='time'
  fi
}

# Tells the program when its time has come, at a beat of the heart; pakt_beat is how long to wait for the next one.
pakt_watch_time() {
  local now left
  pakt_beat=${PAKT_HEARTBEAT_SECONDS:-60}
  [ ! -e "$pakt_attempt/stop" ] || return 0
  printf -v now '%(%s)T' -1
  left=$((pakt_stop_at - now))
  if [ "$left" -le 0 ]; then
    pakt_tell "$pakt_stop_why"
    kill -s USR1 "$$"
  elif ((${pakt_beat%%.*}0 / 10 >= left)); then
    pakt_beat=$left
  fi
}

# Says how this attempt ended, as pakt_class: it was told to save and did (`checkpointed`) or not (`told`), the scheduler ended
# it before its time (`interrupted`), it came to its end by itself (`finished`) or not (`failed`), or never began (`setup`).
# A launcher may have its own code for a program that saved; a checkpoint that came after it was told is believed.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_classify() {
  local told_bytes=0
  pakt_told=none
  [ ! -r "$pakt_attempt/stop" ] || read -r pakt_told told_bytes _ <"$pakt_attempt/stop"
  if [ ! -e "$pakt_attempt/launched" ] && [ "$pakt_told" != hung ]; then
    case "${pakt_received:-}" in TERM | INT | HUP) pakt_class=interrupted ;; *) pakt_class=setup ;; esac
    return
  fi
  case "$pakt_told $1${pakt_is_misnamed:-}" in
  'none 0' | 'none 0 misnamed') pakt_class=finished ;;
  'none '*misnamed) pakt_class=failed ;;
  *misnamed) pakt_class=told ;; # It says that it saved, and nothing of that is there.
  *' 75') pakt_class=checkpointed ;;
  'none '*) pakt_class=failed ;;
  *' 0') pakt_class=checkpointed ;;
  *)
    if [ "$pakt_saved" -gt "$told_bytes" ]; then
      pakt_class=checkpointed
    else
      case "$pakt_told" in TERM | INT | HUP) pakt_class=interrupted ;; hung) pakt_class=failed ;; *) pakt_class=told ;; esac
    fi
    ;;
  esac
}

# Notes the end of this attempt in the journal, and that the chain is over, where it is.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_end() {
  local why
  pakt_journal "ended $pakt_place $pakt_id $pakt_restart $2 $pakt_saved $pakt_class $1 $pakt_told $pakt_failure"
  pakt_read_journal
  [ "$pakt_failure" != node-fault ] || pakt_leave_out
  why=$(pakt_is_over)
  [ -n "$why" ] || return 0
  pakt_write_over "$why"
  pakt_cancel_behind
}
# --- Why the program failed: as `pakt show` finds it with more care, for what the chain does next. ---------------------

# What a line of a log says of one kind of failure, as grep -E reads it.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_patterns() {
  case "$1" in
  node-fault)
    cat <<'PAKT_PATTERNS'
CANCELLED AT [^ ]+ DUE TO NODE FAILURE|error: Node failure on 
Task launch for [^ ]+ failed on node 
launch failed requeued held
uncorrectable ECC error encountered|CUDA_ERROR_ECC_UNCORRECTABLE
GPU has fallen off the bus|GPU is lost\. +Reboot the system
NVRM: Xid [^:]*\([^)]*\): (48|64|74|79|94|95),
NVRM: Xid [^:]*\([^)]*\): 63,
uncorrectable NVLink error detected during the execution
CUDA error: system not yet initialized|CUDA_ERROR_SYSTEM_NOT_READY
CUDA-capable device\(s\) is/are busy or unavailable|CUDA_ERROR_DEVICE_UNAVAILABLE
PAKT_PATTERNS
    ;;
  gpu-oom)
    cat <<'PAKT_PATTERNS'
(Error:|what\(\):) +CUDA out of memory\. Tried to allocate
(Error:|what\(\):) +HIP out of memory\. Tried to allocate
(Error:|what\(\):) +XPU out of memory\. Tried to allocate|UR_RESULT_ERROR_OUT_OF_(DEVICE_MEMORY|RESOURCES)
(CUDA|HIP) error: out of memory
NCCL WARN Cuda failure( [0-9]+)? .out of memory.
CU(BLAS|DNN|SPARSE|SOLVER|FFT)_(STATUS_)?ALLOC_FAILED
CU(BLAS|DNN|SPARSE|SOLVER)_STATUS_(NOT_INITIALIZED|INTERNAL_ERROR),? when calling .cu[a-zA-Z]+Create\(
RuntimeError: RESOURCE_EXHAUSTED: 
aborting with error : HSA_STATUS_ERROR_OUT_OF_RESOURCES
PAKT_PATTERNS
    ;;
  host-oom)
    cat <<'PAKT_PATTERNS'
Detected [0-9]+ oom[_-]kill event|srun: error: [^:]+: tasks? [^:]+: Out Of Memory|Exceeded job memory limit
([Mm]emory cgroup out of memory|Out of memory): Killed process [0-9]+
DataLoader worker \(pid [0-9]+\) is killed by signal: Killed
DataLoader worker \(pid [0-9]+\) is killed by signal: Bus error|bus error encountered in worker\. This might be caused by insufficient shared memory|unable to (allocate shared memory\(shm\) for|write to|mmap [0-9]+ bytes from|resize) file </torch_
DefaultCPUAllocator: (can.t allocate|not enough) memory: you tried to allocate
Error: \[Errno 12\] Cannot allocate memory|: Cannot allocate memory$
(^|[^A-Za-z_])(_Array)?MemoryError($|: )
what\(\): +std::bad_alloc|RuntimeError: std::bad_alloc
PAKT_PATTERNS
    ;;
  io)
    cat <<'PAKT_PATTERNS'
Error: \[Errno 28\]|: No space left on device$|message: .No space left on device
Error: \[Errno 122\]|: Disk quota exceeded$|message: .([Dd]isk )?[Qq]uota exceeded
Error: \[Errno 116\]|: Stale (NFS )?file handle$
Error: \[Errno 5\] |: Input/output error$|failed with Input/output error|error message = .Input/output error
Error: \[Errno 30\]|: Read-only file system$
Error: \[Errno (107|108)\] |: Cannot send after transport endpoint shutdown$|cannot (access|open|stat) .*: Transport endpoint is not connected$
Error: \[Errno 24\]|: Too many open files($|\. Communication with the workers)
unable to lock file, errno = [0-9]+|Error: \[Errno 37\] No locks available
Error: Unable to (synchronously )?open file \((truncated file: |file signature not found|bad superblock )
SafetensorError: Error while deserializing( header)?: 
PytorchStream(Reader failed |Writer failed writing file)|enforce fail at inline_container\.cc:[0-9]+\] \. unexpected pos [0-9]
PAKT_PATTERNS
    ;;
  setup)
    cat <<'PAKT_PATTERNS'
(line [0-9]+|bash|sh|sh: [0-9]+): [^:]+: (command )?not found$
ModuleNotFoundError: No module named .[^ ]+($|;)|python[0-9.]*: No module named 
python[0-9.]*: can.t open file 
(ImportError|OSError|loading shared libraries): .*: cannot open shared object file
version .(GLIBC|GLIBCXX|CXXABI)_[0-9.]+. not found|ImportError: .*undefined symbol: 
CUDA driver version is insufficient for CUDA runtime version|The NVIDIA driver on your system is too old
No CUDA GPUs are available|no CUDA-capable device is detected|Found no NVIDIA driver on your system|Error: (INTERNAL: no supported devices found for platform CUDA|Unable to initialize backend .cuda.: )
(CUDA|HIP) error: invalid device ordinal|cudaErrorInvalidDevice: |CUDA_ERROR_INVALID_DEVICE
no kernel image is available for execution on the device|hipErrorNoBinaryForGpu
Lmod has detected the following error:|Unable to locate a modulefile for
CalledProcessError: Command .+[^A-Za-z0-9_](gcc|g\+\+|clang|clang\+\+|cc|c\+\+|nvcc|hipcc).,? .+returned non-zero exit status|Error: Failed to find C compiler
^ERROR: (No matching distribution found for|Could not find a version that satisfies the requirement) 
FATAL: +(could not open image|Unable to handle |[Ww]hile (extracting|loading|making image) )
pyxis: (failed to (import|create|start)|container start failed|couldn.t start container)
execve\(\): .*: (No such file or directory|Permission denied|Exec format error)|: bad interpreter|cannot execute binary file: Exec format error|Error: \[Errno 8\] Exec format error
line [0-9]+: [^:]+: Permission denied$|bash: [^:]+: Permission denied$|PermissionError: \[Errno 13\]
couldn.t connect to .https?://[^ ]+ to load th(e|is) |(ConnectionError|MaxRetryError|ConnectTimeout): HTTPSConnectionPool\(
PAKT_PATTERNS
    ;;
  communication)
    cat <<'PAKT_PATTERNS'
Watchdog caught collective operation timeout: Work
ncclRemoteError: A call failed possibly due to a network error|NCCL WARN .*Connection closed by remote peer
ncclSystemError: System call |ncclInternalError: Internal check failed|ncclUnhandledCudaError: Call to CUDA function failed
NCCL WARN NET/IB ?P? ?: ?Got completion from peer
NCCL WARN .*([Cc]onnect to|Call to [a-z]+) .*failed ?: 
setting up NCCL communicator and retr[a-z]+ ncclUniqueId
gloo/transport/tcp/[a-z_]+\.cc:[0-9]+\] 
rendezvous\.api\.Rendezvous(Timeout|Connection)Error($|: )
(DistStoreError|RuntimeError): (Timed out after [0-9]+ seconds waiting for clients|Socket Timeout|wait timeout after)
The client socket has (timed out after|failed to connect to any network address)
The server socket has failed to listen on any local network address|Error: \[Errno 98\] Address already in use
Terminating process because the (JAX distributed|coordination) service detected fatal errors
Transport retry count exceeded on 
Fatal error in (internal_|PMPI_|MPI_)[A-Za-z_]+: Other MPI error
ConnectionResetError: \[Errno 104\]|Error: Connection reset by peer$
PAKT_PATTERNS
    ;;
  blamed-node)
    cat <<'PAKT_PATTERNS'
uncorrectable ECC error encountered|CUDA_ERROR_ECC_UNCORRECTABLE
GPU has fallen off the bus|GPU is lost\. +Reboot the system
NVRM: Xid [^:]*\([^)]*\): (48|64|74|79|94|95),
NVRM: Xid [^:]*\([^)]*\): 63,
uncorrectable NVLink error detected during the execution
PAKT_PATTERNS
    ;;
  esac
}

# Prints the lines of the text that it reads that say so of any of these kinds, the others with -v as the option, or how many with -c.
# It reads to the end: whoever writes into it is not to die of that.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_says() {
  local option=$1 kind
  shift
  LC_ALL=C grep -aE "$option" -f <(for kind; do pakt_patterns "$kind"; done)
}

# Finds why the program failed, as pakt_failure, by the end of what this start printed: causes before consequences. `-` where it
# did not.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_judge() {
  local kind text='' own from size log="/proc/$$/fd/1" name='[A-Za-z_][A-Za-z0-9_.]*'
  pakt_failure='-'
  case "$pakt_told $pakt_class" in
  *' setup')
    # Where its checkpoints cannot be seen, a file system may be away.
    pakt_failure=setup
    [ -z "${pakt_is_blind:-}" ] || pakt_failure=io
    return
    ;;
  *' failed') ;;
  *) return ;;
  esac
  if [ -f "$log" ] && size=$(stat -Lc %s "$log"); then
    # The end alone: a program may have printed gigabytes.
    from=$((size - 65536 > pakt_log_at ? size - 65536 : pakt_log_at))
    text=$(tail -c "+$((from + 1))" -- "$log" | head -c 65536 | tr '\r' '\n' | tr -d '\000' |
      LC_ALL=C sed -e $'s/\x1b\\[[0-9;?]*[A-Za-z]//g' -e 's/^ *[0-9][0-9]*: //' -e 's/^\[default[0-9]*\]://' | tail -n 400)
  fi
  for kind in node-fault gpu-oom host-oom io; do
    printf '%s\n' "$text" | pakt_says -c "$kind" >/dev/null || continue
    pakt_failure=$kind
    [ "$kind" != node-fault ] || pakt_note_blamed "$text" < <(printf '%s\n' "$text" | pakt_says -h blamed-node)
    return
  done
  # An exception that no pattern knows is the program's own.
  own=$(printf '%s\n' "$text" | LC_ALL=C grep -aE "^(\[rank[0-9]+\]: )*$name(Error|Exception|Exit|Interrupt)(: |\$)" |
    grep -avE 'ChildFailedError|SignalException|ProcessRaisedException|CalledProcessError|DistBackendError|DataLoader worker' |
    pakt_says -v node-fault gpu-oom host-oom io setup communication)
  if [ -n "$own" ]; then
    pakt_failure=user-code
  elif printf '%s\n' "$text" | pakt_says -c setup >/dev/null; then
    pakt_failure=setup
  elif printf '%s\n' "$text" | pakt_says -c communication >/dev/null; then
    pakt_failure=communication
  else
    case "$1" in 137 | 143) pakt_failure=unknown ;; *) pakt_failure=user-code ;; esac
  fi
}

# --- Bad nodes: a node that is at fault is left out of what comes, for a while. -----------------------------------------

# Notes a node as bad, and why: one word. Not where too few would be left of the partition.
pakt_note_bad() {
  local usable bad wanted=${SLURM_JOB_NUM_NODES:-${SLURM_NNODES:-1}}
  usable=$(timeout 20 sinfo --noheader --partition="${SLURM_JOB_PARTITION:-}" --format='%D %t' 2>/dev/null |
    awk '$2 !~ /^(down|drain|drng|fail|boot|unk|err|inval)/ { sum += $1 } END { print sum + 0 }')
  bad=$(pakt_bad_nodes | tr ',' '\n' | grep -cvxF -e "$1" -e '')
  if [ "$usable" -lt $((wanted + bad + 1)) ]; then
    printf 'pakt: node %s is at fault (%s), and not left out: of the partition too few would stay\n' "$1" "$2" >&2
    return
  fi
  printf '%(%s)T %s %s\n' -1 "$1" "$2" >>"$pakt_job_directory/bad-nodes"
  printf 'pakt: node %s is left out for 86400 s: %s\n' "$1" "$2" >&2
}

# Prints the nodes that are left out now, with commas: of those that were noted within 86400 s the last sixteen.
pakt_bad_nodes() {
  local at node _ now list=','
  printf -v now '%(%s)T' -1
  while read -r at node _; do
    if ! pakt_is_count "$at" || [ $((now - at)) -ge 86400 ]; then continue; fi
    case "$node" in *[!A-Za-z0-9._-]* | '') continue ;; esac
    [[ "$list" == *",$node,"* ]] || list="$list$node,"
  done < <(tail -n 64 -- "$pakt_job_directory/bad-nodes" 2>/dev/null | tac)
  printf '%s' "$list" | tr ',' '\n' | grep -m 16 . | paste -sd ,
}

# Leaves them out of the links that wait behind this one, and none that were left out long enough.
pakt_leave_out() {
  local list
  [ -e "$pakt_job_directory/bad-nodes" ] || return 0
  list=$(pakt_bad_nodes)
  list=${list%,}
  [ ! -d "$pakt_job_directory/links/2" ] ||
    timeout 20 scontrol update JobName=tiny-lm.pakt-01m5vj1jg028t5cy4tqkff04hm-2 UserID="$(id -u)" ExcNodeList="$list" >/dev/null 2>&1
  [ ! -d "$pakt_job_directory/links/3" ] ||
    timeout 20 scontrol update JobName=tiny-lm.pakt-01m5vj1jg028t5cy4tqkff04hm-3 UserID="$(id -u)" ExcNodeList="$list" >/dev/null 2>&1
  return 0
}

# Notes the nodes of an earlier start that the scheduler does not call up, where those are the fewer. Its nodes: Slurm's list.
pakt_note_lost() {
  local node state all=0 lost=()
  [ -n "$1" ] || return 0
  while read -r node state; do
    all=$((all + 1))
    case "$state" in down* | drain* | fail* | error* | reboot* | unknown* | *'*') lost+=("$node") ;; esac
  done < <(timeout 20 sinfo --noheader --Node --nodes="$1" --format='%N %T' 2>/dev/null | sort -u)
  [ "${#lost[@]}" -gt 0 ] || return 0
  if [ "$all" -eq 1 ] || [ $((2 * ${#lost[@]})) -le "$all" ]; then
    for node in "${lost[@]}"; do pakt_note_bad "$node" "$2"; done
  fi
}

# Notes the node that the log blames, where it says which. The lines that blame it: on stdin; all that was printed: the text.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_note_blamed() {
  local text=$1 lines rank host node names=()
  lines=$(cat)
  [ -n "$lines" ] || return 0
  mapfile -t names < <(scontrol show hostnames "${SLURM_JOB_NODELIST:-}" 2>/dev/null)
  if [ "${#names[@]}" -eq 1 ]; then
    pakt_note_bad "${names[0]}" node-fault
    return
  fi
  # torchrun tells of each rank that failed on which host it was.
  rank=$(printf '%s\n' "$lines" | sed -n 's/^\[rank\([0-9]\{1,6\}\)\].*/\1/p' | head -n 1)
  host=$(printf '%s\n' "$text" | awk -v rank="$rank" '$1 == "host" && $2 == ":" { host = $3 }
    $1 == "rank" && $2 == ":" && $3 == rank && host != "" { print host; exit }')
  for node in "${names[@]}"; do
    if [ "$node" = "${host%%.*}" ] || [ "$node" = "$host" ] || printf '%s\n' "$lines" | grep -cwF -- "$node" >/dev/null; then
      pakt_note_bad "$node" node-fault
      return
    fi
  done
}

# --- Markers: what happened, for whoever looks into the job directory. ------------------------------------------------

# Says that this attempt runs, and where, and behind how much of the log what it prints begins, where that is a file.
pakt_started() {
  [ ! -f "/proc/$$/fd/1" ] || printf 'log_bytes=%s\n' "$(stat -Lc %s "/proc/$$/fd/1")"
  printf '%s=%s\n' \
    epoch_seconds "$(printf '%(%s)T' -1)" \
    host "$(uname -n)" \
    node_list "${SLURM_JOB_NODELIST:-}" \
    scheduler_job "$pakt_id" \
    restart "$pakt_restart" \
    stamp "$pakt_stamp" \
    process "$$"
}

# Touches the heartbeat once a minute until its input ends. The script holds the other end of that pipe, so that the
# beat stops with the script even where the script is killed; waiting on a pipe leaves no sleeping process behind.
pakt_heartbeat() {
  trap '' TERM INT HUP USR1 USR2
  while :; do
    touch "$pakt_attempt/heartbeat"
    pakt_watch_time
    read -r -t "$pakt_beat" _
    [ "$?" -gt 128 ] || break # Not the time-out: the input has ended.
  done
}

# Says how this attempt ended, whatever ended it; the last marker. Without the claim there is no attempt.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_finish() {
  local code=$1 signal=0 now
  [ -n "${pakt_has_claim:-}" ] || return 0
  trap '' TERM INT HUP USR1 USR2
  if [ "$code" -gt 128 ] && [ "$code" -le 192 ]; then signal=$((code - 128)); fi
  rmdir "$pakt_attempt/cache" 2>/dev/null # Made where the site's area was missing, and not used.
  printf -v now '%(%s)T' -1
  pakt_find_checkpoint || printf 'pakt: none of the checkpoints in %s can be seen\n' "$pakt_job_directory/checkpoints" >&2
  pakt_tell_of_lines
  pakt_classify "$code"
  pakt_judge "$code"
  printf '%s=%s\n' \
    exit_code "$code" \
    signal "$signal" \
    received "${pakt_received:-none}" \
    class "$pakt_class" \
    told "$pakt_told" \
    failure "$pakt_failure" \
    epoch_seconds "$now" |
    pakt_publish "$pakt_attempt/ended" || printf 'pakt: cannot write the marker %s/ended\n' "$pakt_attempt" >&2
  # What was saved and goes on is no failure, whatever code said so.
  [ "$pakt_class" != checkpointed ] || code=0
  pakt_end "$1" "$now"
  exit "$code"
}

# Passes a signal on to the program: to the shell that runs it and to what that shell has in front. INT goes on as TERM,
# because a shell without job control starts what it puts aside with INT ignored. What comes before there is a program
# waits for it.
pakt_forward() {
  local name=$1
  pakt_received=$name
  pakt_was_interrupted=yes
  [ ! -d "$pakt_attempt" ] || pakt_tell "$name"
  if [ -z "${pakt_child:-}" ]; then
    pakt_waiting="${pakt_waiting:-} $name"
    return
  fi
  pakt_find_children "$pakt_child"
  pakt_signal "${name/INT/TERM}" "$pakt_child" "${pakt_children[@]}"
}

# The processes that one has started. What is called by a trap has no `read` in it: bash forgets the time-out of one that the
# trap came into, and waits for ever (5.2).
# shellcheck disable=SC2317 # Reached through a trap.
pakt_find_children() {
  local lines=()
  mapfile -t lines 2>/dev/null <"/proc/$1/task/$1/children"
  # shellcheck disable=SC2206 # Numbers and blanks.
  pakt_children=(${lines[0]:-})
}

# Sends a signal to processes.
pakt_signal() {
  local name=$1 process command steps=()
  shift
  for process in "$@"; do
    # To srun, TERM and HUP are orders to kill its tasks at once. Slurm hands them to the tasks as signals.
    command=()
    mapfile -t command 2>/dev/null <"/proc/$process/comm"
    case "${command[0]:-} $name" in 'srun TERM' | 'srun HUP') steps+=("$process") && continue ;; esac
    kill -s "$name" "$process" 2>/dev/null
  done
  [ -z "${steps[*]-}" ] || scancel --signal="$name" "$pakt_id" || kill -s "$name" "${steps[@]}"
}

# --- Environment: runs in a subshell, so that nothing the job sets can disturb the claim and the markers. --------------

# Makes the `module` command known where the shell of a batch job does not know it yet.
pakt_find_modules() {
  local file
  type module >/dev/null 2>&1 && return
  for file in "${LMOD_PKG:-/usr/share/lmod/lmod}/init/bash" "${MODULESHOME:-/usr/share/Modules}/init/bash" \
    /etc/profile.d/{z00_lmod,lmod,00-modulepath,modules,z00-modules}.sh; do
    # shellcheck source=/dev/null
    [ -r "$file" ] && . "$file"
    type module >/dev/null 2>&1 && return
  done
  return 1
}

# Loads the modules of the job, in order.
pakt_modules() {
  local name
  set +u # Module systems read variables that are not set.
  pakt_find_modules || pakt_fail 69 "modules are wanted, and $(uname -n) has no \`module\` command"
  for name in Stages/2026 CUDA/13; do
    module load "$name" || pakt_fail 69 "the module $name cannot be loaded on $(uname -n)"
  done
  set -u
}

# Goes to the working directory.
pakt_workdir() {
  local directory="$PROJECT/tiny lm"
  cd -- "$directory" || pakt_fail 66 "the workdir $directory is not there on $(uname -n)"
}

# Activates the virtual environment.
pakt_venv() {
  local venv="$HOME/venvs/torch"
  [ -r "$venv/bin/activate" ] ||
    pakt_fail 66 "the venv $venv is not there on $(uname -n): no bin/activate in it"
  set +u # Older activation scripts read variables that are not set.
  # shellcheck source=/dev/null
  . "$venv/bin/activate" || pakt_fail 66 "the venv $venv cannot be activated on $(uname -n)"
  set -u
}

# Puts caches where there is room for many files, unless the user's environment already says where. One directory a
# user, because a project's scratch is shared. Where there is no such area, the attempt keeps its own: homes are small.
pakt_caches() {
  local area
  # A variable that the node does not have must not leave half of a path.
  area=$({ printf '%s' "/ptmp/$USER"; } 2>/dev/null)
  pakt_cache="$area/.cache-${USER:-$(id -un)}"
  if [ ! -d "$area" ] || ! mkdir -p "$pakt_cache"; then
    pakt_cache="$pakt_attempt/cache"
    printf 'pakt: no caches can be kept in %s on %s; this attempt has its own, %s\n' \
      "/ptmp/\$USER" "$(uname -n)" "$pakt_cache" >&2
    mkdir -p "$pakt_cache" || return
  fi
  # What was fetched into the home directory beforehand is not reachable from anywhere else.
  if [ ! -d "$pakt_cache/huggingface/hub" ] && [ -d "$HOME/.cache/huggingface/hub" ]; then
    : "${HF_HOME:=$HOME/.cache/huggingface}"
  fi
  if [ -r "$HOME/.cache/huggingface/token" ]; then
    export HF_TOKEN_PATH="${HF_TOKEN_PATH:-$HOME/.cache/huggingface/token}"
  fi
  export XDG_CACHE_HOME="${XDG_CACHE_HOME:-$pakt_cache}"
  export TRITON_CACHE_DIR="${TRITON_CACHE_DIR:-$pakt_cache/triton}"
  export TORCHINDUCTOR_CACHE_DIR="${TORCHINDUCTOR_CACHE_DIR:-$pakt_cache/torchinductor}"
  export APPTAINER_CACHEDIR="${APPTAINER_CACHEDIR:-$pakt_cache/apptainer}"
  export HF_HOME="${HF_HOME:-$pakt_cache/huggingface}"
  export HF_HUB_CACHE="${HF_HUB_CACHE:-${HUGGINGFACE_HUB_CACHE:-$HF_HOME/hub}}"
}

# The nodes reach no internet: libraries that would wait for it are told so.
pakt_offline() {
  export HF_HUB_OFFLINE="${HF_HUB_OFFLINE:-1}"
  export TRANSFORMERS_OFFLINE="${TRANSFORMERS_OFFLINE:-1}"
  export HF_DATASETS_OFFLINE="${HF_DATASETS_OFFLINE:-1}"
  export WANDB_MODE="${WANDB_MODE:-offline}"
}

# The job's own variables; they come last and win.
pakt_variables() {
  export DATASETS="$PROJECT/data"
  export GREETING="it's \"\$5\" \`now\`"
  export PYTHONPATH="lib:${PYTHONPATH-}"
}

# All of it, in order. The program may write `step total` lines (`120 200 loss=2.31`) to PAKT_PROGRESS, of which the last
# one counts, and append a line for each checkpoint to PAKT_CHECKPOINTS, which all links of the job share.
pakt_environment() {
  export PAKT_JOB_ID=01m5vj1jg028t5cy4tqkff04hm PAKT_LINK="$pakt_place" PAKT_JOB_DIRECTORY="$pakt_job_directory"
  export PAKT_ATTEMPT="$pakt_attempt" PAKT_PROGRESS="$pakt_attempt/progress"
  export PAKT_CHECKPOINTS="$pakt_job_directory/checkpoints"
  export PAKT_STOP="$pakt_attempt/stop" PAKT_STOP_AT="$pakt_stop_at" PAKT_DONE="$pakt_job_directory/done"
  export PAKT_RESUME="$pakt_resume" PAKT_RESUME_STEP="$pakt_step"
  pakt_modules
  # What `module list` would print; Lmod and Environment Modules keep it here.
  [ -z "${LOADEDMODULES:-}" ] || printf '%s\n' "${LOADEDMODULES//:/$'\n'}" >"$pakt_attempt/modules"
  pakt_workdir
  pakt_venv
  pakt_caches
  pakt_offline
  pakt_variables
}

# --- Rendezvous: where the processes of the job find each other. ------------------------------------------------------

# Prints the address at which the other nodes reach a node.
pakt_address() {
  local name address=''
  name="$1"
  read -r address _ < <(getent ahostsv4 "$name")
  # No name service knows the node, but Slurm reaches it.
  [ -n "$address" ] || address=$(scontrol --oneliner show node "$name" | sed -n 's/.* NodeAddr=\([^ ]*\) .*/\1/p')
  [ -n "$address" ] && printf '%s\n' "$address"
}

# The first node, by the address of the network that this site wants used. What was found is never looked up again by
# the plain name, which belongs to another network.
pakt_rendezvous() {
  local first
  first=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -n 1)
  MASTER_ADDR=$(pakt_address "$first") ||
    printf 'pakt: no address is known for the first node, %s: MASTER_ADDR is empty\n' "$first" >&2
  # From the job id, so that jobs that share a node do not meet: 10000 to 31999, below the ports that Linux gives to
  # connections by itself (32768 on, `ip_local_port_range`).
  MASTER_PORT=$((10000 + 10#$pakt_number % 22000))
  export MASTER_ADDR MASTER_PORT
}

# --- Launch: one task a GPU, started by srun. -------------------------------------------------------------------------

# What is run, as a file: its text reaches bash unchanged, whatever quotes are in it, and a mistake in it cannot break
# this script.
pakt_program() {
  cat <<'PAKT_PROGRAM'
#!/bin/bash
# Runs on the first node, and starts the tasks on all of them.
ulimit -c 0
# Bash holds a trap back until the command in front has ended, so that a program that saves its state on a signal can.
# Told to stop, nothing further is begun: where nothing was left to do, the program's own code is the end, and 0 means
# that it was saved; where a command was left (bash calls DEBUG before it), the end is no success.
pakt_told() {
  pakt_code=$1
  trap pakt_stop DEBUG
}
pakt_stop() {
  case "$BASH_COMMAND" in pakt_told* | :) ;; *) exit "$((pakt_code > 0 ? pakt_code : 143))" ;; esac
}
trap 'pakt_told "$?"' TERM INT HUP
trap : USR1 USR2
srun --nodes=2 --ntasks=8 --ntasks-per-node=4 --kill-on-bad-exit=1 python train.py --out "$PROJECT/out"
PAKT_PROGRAM
}

pakt_launch() {
  # Since Slurm 22.05 srun does not take this from the batch options by itself.
  [ -z "${SLURM_CPUS_PER_TASK:-}" ] || export SRUN_CPUS_PER_TASK="$SLURM_CPUS_PER_TASK"
  # A job submitted with --export=NONE would hand srun's tasks an empty environment.
  export SLURM_EXPORT_ENV=ALL
  exec /bin/bash "$pakt_attempt/program"
}

# --- Processes: which of those that this shell started are there still. --------------------------------------------------

# A signal interrupts `wait` before a program has ended, and bash may then lose the end of one that dies in that instant, as when
# both were sent it: a second `wait` would last for ever (seen with 5.2). So from a signal on it is looked whether a program is
# there, and of one whose end was lost the signal is its status. Nothing is forked for a look: a signal to the whole job would
# reach it, too.
pakt_is_there() {
  local line lines=() is_dead=no
  # To its end, always: of a process that is gone meanwhile bash would keep the rest, and hand it to the next one that reads a file.
  mapfile -t lines 2>/dev/null <"/proc/$1/status"
  for line in "${lines[@]}"; do
    [ "${line#State:$'\t'Z}" = "$line" ] || is_dead=yes
    [ "$line" = $'PPid:\t'"$BASHPID" ] || continue
    # Or bash does not take note of an end at all, until it has waited for a program in front.
    [ "$is_dead" = no ] || (:)
    return 0
  done
  return 1
}
# Whether bash believes that it still runs.
pakt_is_in_book() {
  local process is_there=no
  { jobs -rp && echo end; } >&"$pakt_idle"
  while read -r -u "$pakt_idle" process && [ "$process" != end ]; do
    [ "$process" != "$1" ] || is_there=yes
  done
  [ "$is_there" = yes ]
}

# --- Run. -------------------------------------------------------------------------------------------------------------

# The job's part; a subshell of its own.
pakt_run() {
  umask "$pakt_umask"
  trap : USR1 USR2 # Told too early, before there is a program: not a reason to end.
  pakt_environment
  pakt_rendezvous
  printf '%s\n' "$BASHPID" >"$pakt_attempt/launched"
  pakt_launch
}

# A pipe that says nothing: waiting on it leaves no sleeping process behind. Made before there are traps: bash loses one that comes
# due in the instant in which it reads a substitution (seen with 5.2).
exec {pakt_idle}<> <(:)
# Before the claim: whoever ends this script afterwards leaves a marker of it.
trap 'pakt_finish "$?"' EXIT
trap 'pakt_forward TERM' TERM
trap 'pakt_forward INT' INT
trap 'pakt_forward HUP' HUP
trap 'pakt_forward USR1' USR1
trap 'pakt_forward USR2' USR2
pakt_claim
pakt_begin
if ! mkdir -p "$pakt_attempt" || ! pakt_started | pakt_publish "$pakt_attempt/started"; then
  pakt_fail 74 "cannot write the marker $pakt_attempt/started"
fi
pakt_journal "started $pakt_place $pakt_id $pakt_restart $pakt_now $pakt_saved" ||
  pakt_fail 74 "cannot write to $pakt_job_directory/chain"
[ -z "${pakt_is_blind:-}" ] ||
  pakt_fail 66 "none of the checkpoints that $pakt_job_directory/checkpoints names can be seen from $(uname -n); without that file it begins anew"
exec {pakt_lifeline}> >(pakt_heartbeat >/dev/null 2>&1)
pakt_program | pakt_publish "$pakt_attempt/program" ||
  pakt_fail 74 "cannot write $pakt_attempt/program"
# A signal that came before the program could take it means: do not start.
case "${pakt_waiting:-}" in *TERM* | *INT* | *HUP*) pakt_fail 143 "ended by a signal before the program started" ;; esac
pakt_run {pakt_lifeline}>&- {pakt_idle}>&- &
pakt_child=$!
for pakt_name in ${pakt_waiting:-}; do pakt_forward "$pakt_name"; done
pakt_was_interrupted=no
wait "$pakt_child"
pakt_status=$?
if [ "$pakt_was_interrupted" = yes ]; then
  while pakt_is_there "$pakt_child" || pakt_is_there "$pakt_child"; do read -r -t 0.2 -u "$pakt_idle" _; done
  if ! pakt_is_in_book "$pakt_child"; then
    wait "$pakt_child"
    pakt_status=$?
  fi
fi
exit "$pakt_status"
