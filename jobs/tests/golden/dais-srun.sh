#!/bin/bash
#SBATCH --account=atlas
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=8
#SBATCH --gres=gpu:h200:8
#SBATCH --cpus-per-task=12
#SBATCH --mem=2000000
#SBATCH --time=00:10:00
#SBATCH --no-requeue
#SBATCH --open-mode=append
#
# Job tiny-lm, link 1 (pakt-01m5vj1jg028t5cy4tqkff04hm-1), for gpu of dais; made by pakt 0.1.0.
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
    read -r -t "${PAKT_HEARTBEAT_SECONDS:-60}" _
    [ "$?" -gt 128 ] || break # Not the time-out: the input has ended.
  done
}

# Says how this attempt ended, whatever ended it; the last marker. Without the claim there is no attempt.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_finish() {
  local code=$1 signal=0
  [ -n "${pakt_has_claim:-}" ] || return 0
  trap '' TERM INT HUP USR1 USR2
  if [ "$code" -gt 128 ] && [ "$code" -le 192 ]; then signal=$((code - 128)); fi
  rmdir "$pakt_attempt/cache" 2>/dev/null # Made where the site's area was missing, and not used.
  printf '%s=%s\n' \
    exit_code "$code" \
    signal "$signal" \
    received "${pakt_received:-none}" \
    epoch_seconds "$(printf '%(%s)T' -1)" |
    pakt_publish "$pakt_attempt/ended" || printf 'pakt: cannot write the marker %s/ended\n' "$pakt_attempt" >&2
}

# Passes a signal on to the program: to the shell that runs it and to what that shell has in front. INT goes on as TERM,
# because a shell without job control starts what it puts aside with INT ignored. What comes before there is a program
# waits for it.
pakt_forward() {
  local name=$1
  pakt_received=$name
  pakt_was_interrupted=yes
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
  area=$({ printf '%s' "/dais/fs/scratch/$USER"; } 2>/dev/null)
  pakt_cache="$area/.cache-${USER:-$(id -un)}"
  if [ ! -d "$area" ] || ! mkdir -p "$pakt_cache"; then
    pakt_cache="$pakt_attempt/cache"
    printf 'pakt: no caches can be kept in %s on %s; this attempt has its own, %s\n' \
      "/dais/fs/scratch/\$USER" "$(uname -n)" "$pakt_cache" >&2
    mkdir -p "$pakt_cache" || return
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
  pakt_modules
  # What `module list` would print; Lmod and Environment Modules keep it here.
  [ -z "${LOADEDMODULES:-}" ] || printf '%s\n' "${LOADEDMODULES//:/$'\n'}" >"$pakt_attempt/modules"
  pakt_workdir
  pakt_venv
  pakt_caches
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
srun --nodes=2 --ntasks=16 --ntasks-per-node=8 --kill-on-bad-exit=1 python train.py --out "$PROJECT/out"
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
if ! mkdir -p "$pakt_attempt" || ! pakt_started | pakt_publish "$pakt_attempt/started"; then
  pakt_fail 74 "cannot write the marker $pakt_attempt/started"
fi
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
