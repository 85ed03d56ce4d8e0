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
pakt_link="$pakt_job_directory/links/1"
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
  printf 'pakt: pakt-01m5vj1jg028t5cy4tqkff04hm-1 %s; scheduler job %s ends without work\n' "$1" "$pakt_id" >&2
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
    printf 'pakt: pakt-01m5vj1jg028t5cy4tqkff04hm-1 was done by this start of scheduler job %s already; it ends without work\n' "$pakt_id" >&2
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
  printf 'pakt: scheduler job %s holds the claim of pakt-01m5vj1jg028t5cy4tqkff04hm-1; scheduler job %s ends without work\n' \
    "$owner" "$pakt_id" >&2
  exit 0
}

# --- Chain: what is left to do, and when the program is told to save. --------------------------------------------------

# Tells the program to save: makes the file that PAKT_STOP names. By what: `limit` before the one of this link, `time` where
# the chain's own is used up, or the signal that came. Beside it stands how long the list of checkpoints was, in bytes. It is
# not synced: a program that is to be told by a signal, too, is not to wait for a disk.
pakt_tell() {
  local mine="$pakt_attempt/.stop.$BASHPID.tmp"
  [ ! -e "$pakt_attempt/stop" ] || return 0
  printf '%s %s\n' "$1" "$(stat -Lc %s "$pakt_job_directory/checkpoints" 2>/dev/null || printf 0)" >"$mine" &&
    mv -f "$mine" "$pakt_attempt/stop"
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
    step=${lines[at]%% *} path=${lines[at]#* }
    case "$path" in *[[:cntrl:]]* | *$'\xc2'[$'\x80'-$'\x9f']*) continue ;; /*) ;; *) continue ;; esac
    case "$path" in *[!\ -~]*) ! type iconv >/dev/null 2>&1 || iconv -f UTF-8 -t UTF-8 <<<"$path" >/dev/null 2>&1 || continue ;; esac
    if ! pakt_is_number "$step" || [ "${#step}" -gt 18 ] || [ "${#path}" -gt 4096 ]; then continue; fi
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

# Whether a text is a number that can be counted with.
pakt_is_count() {
  case "$1" in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac
}

# Reads the journal. A start without an end was killed with no word; its heartbeat tells how long it lived.
#   pakt_worked   how long all starts worked together, in seconds
#   pakt_stalled  how many of the last links made no newer checkpoint; those that the scheduler ended early do not count
#   pakt_class    how the last start ended; empty where that is not known
#   pakt_by       by what it had been told
#   pakt_newer    whether it made a newer checkpoint
pakt_read_journal() {
  local kind link id restart at saved class told _ last='' began='' number=0 attempt='' firsts=() spared=() before=0
  pakt_worked=0 pakt_stalled=0 pakt_class='' pakt_newer='' pakt_by=''
  while read -r kind link id restart at saved class _ told _; do
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

# Of a last start that has no end the scheduler is asked, once: where the machine ended it, that counts against nobody.
pakt_bury() {
  local kind link id restart began state beat
  read -r kind link id restart began _ < <(tail -n 1 -- "$pakt_job_directory/chain" 2>/dev/null)
  [ "$kind" = started ] && pakt_is_count "$link" && pakt_is_count "$began" || return 0
  state=$(timeout 20 scontrol --oneliner show job "$id" 2>/dev/null | sed -n 's/.* JobState=\([A-Z_]*\) .*/\1/p')
  case "$state" in NODE_FAIL | BOOT_FAIL | PREEMPTED) ;; *) return 0 ;; esac
  beat=$(stat -Lc %Y "$pakt_job_directory/links/$link/attempts/$id-$restart/heartbeat" 2>/dev/null) || beat=$began
  pakt_journal "ended $link $id $restart $beat $pakt_saved interrupted - $state"
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
  printf '%s=%s\n' why "$1" link 1 step "$pakt_step" epoch_seconds "$(printf '%(%s)T' -1)" by "$pakt_id" >"$mine"
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
  printf 'pakt: pakt-01m5vj1jg028t5cy4tqkff04hm-1 %s; scheduler job %s ends without work\n' "$1" "$pakt_id" >&2
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
    [ "${later%%/*}" -le 1 ] || pakt_needless 'has gone on in a later link'
  done
  # A controller that was killed may have forgotten this very start, and start it again.
  ! grep -qx 'class=checkpointed' "$pakt_attempt/ended" 2>/dev/null || pakt_needless 'was saved by this start already'
  mkdir -p "$pakt_attempt" && rm -f "$pakt_attempt/stop" "$pakt_attempt/launched" "$pakt_attempt/ended"
  pakt_find_checkpoint || pakt_is_blind=yes
  pakt_saved_before=$pakt_saved
  pakt_listed_before=$(stat -Lc %s "$pakt_job_directory/checkpoints" 2>/dev/null) || pakt_listed_before=0
  [ ! -e "$journal" ] || [ -r "$journal" ] || pakt_fail 74 "cannot read $journal from $(uname -n)"
  pakt_bury
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
  if [ ! -e "$pakt_attempt/launched" ]; then
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
      case "$pakt_told" in TERM | INT | HUP) pakt_class=interrupted ;; *) pakt_class=told ;; esac
    fi
    ;;
  esac
}

# Notes the end of this attempt in the journal, and that the chain is over, where it is.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_end() {
  local why
  pakt_journal "ended 1 $pakt_id $pakt_restart $2 $pakt_saved $pakt_class $1 $pakt_told"
  pakt_read_journal
  why=$(pakt_is_over)
  [ -n "$why" ] || return 0
  pakt_write_over "$why"
  pakt_cancel_behind
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
    stamp pakt-01m5vj1jg028t5cy4tqkff04hm-1 \
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
  printf -v now '%(%s)T' -1
  pakt_find_checkpoint || printf 'pakt: none of the checkpoints in %s can be seen\n' "$pakt_job_directory/checkpoints" >&2
  pakt_tell_of_lines
  pakt_classify "$code"
  printf '%s=%s\n' \
    exit_code "$code" \
    signal "$signal" \
    received "${pakt_received:-none}" \
    class "$pakt_class" \
    told "$pakt_told" \
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
  local name=$1 children=() process
  local command steps=()
  pakt_received=$name
  pakt_was_interrupted=yes
  [ ! -d "$pakt_attempt" ] || pakt_tell "$name"
  if [ -z "${pakt_child:-}" ]; then
    pakt_waiting="${pakt_waiting:-} $name"
    return
  fi
  name=${name/INT/TERM}
  read -r -a children 2>/dev/null <"/proc/$pakt_child/task/$pakt_child/children"
  for process in "$pakt_child" "${children[@]}"; do
    # To srun, TERM and HUP are orders to kill its tasks at once. Slurm hands them to the tasks as signals.
    command=''
    read -r command 2>/dev/null <"/proc/$process/comm"
    case "$command $name" in 'srun TERM' | 'srun HUP') steps+=("$process") && continue ;; esac
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
  export PAKT_JOB_ID=01m5vj1jg028t5cy4tqkff04hm PAKT_LINK=1 PAKT_JOB_DIRECTORY="$pakt_job_directory"
  export PAKT_ATTEMPT="$pakt_attempt" PAKT_PROGRESS="$pakt_attempt/progress"
  export PAKT_CHECKPOINTS="$pakt_job_directory/checkpoints"
  export PAKT_STOP="$pakt_attempt/stop" PAKT_STOP_AT="$pakt_stop_at" PAKT_DONE="$pakt_job_directory/done"
  export PAKT_RESUME="$pakt_resume" PAKT_RESUME_STEP="$pakt_step"
  pakt_modules
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

# --- Run. -------------------------------------------------------------------------------------------------------------

# The job's part; a subshell of its own.
pakt_run() {
  umask "$pakt_umask"
  trap : USR1 USR2 # Told too early, before there is a program: not a reason to end.
  pakt_environment
  pakt_rendezvous
  : >"$pakt_attempt/launched"
  pakt_launch
}

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
pakt_journal "started 1 $pakt_id $pakt_restart $pakt_now $pakt_saved" ||
  pakt_fail 74 "cannot write to $pakt_job_directory/chain"
[ -z "${pakt_is_blind:-}" ] ||
  pakt_fail 66 "none of the checkpoints that $pakt_job_directory/checkpoints names can be seen from $(uname -n); without that file it begins anew"
exec {pakt_lifeline}> >(pakt_heartbeat >/dev/null 2>&1)
pakt_program | pakt_publish "$pakt_attempt/program" ||
  pakt_fail 74 "cannot write $pakt_attempt/program"
# A signal that came before the program could take it means: do not start.
case "${pakt_waiting:-}" in *TERM* | *INT* | *HUP*) pakt_fail 143 "ended by a signal before the program started" ;; esac
pakt_run {pakt_lifeline}>&- &
pakt_child=$!
for pakt_name in ${pakt_waiting:-}; do pakt_forward "$pakt_name"; done
# A signal interrupts `wait` before the program has ended; bash then tells the program's status once more. Of a program that died
# in the instant of the signal, as when both were sent it, bash may have lost the end and would wait for ever (seen with 5.2): the
# signal is its status then.
while :; do
  pakt_was_interrupted=no
  wait "$pakt_child"
  pakt_status=$?
  [ "$pakt_was_interrupted" = yes ] || break
  if ! kill -0 "$pakt_child" 2>/dev/null && [[ $'\n'$(jobs -rp)$'\n' == *$'\n'"$pakt_child"$'\n'* ]]; then break; fi
done
exit "$pakt_status"
