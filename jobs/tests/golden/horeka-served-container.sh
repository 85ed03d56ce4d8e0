#!/bin/bash
#SBATCH --account=hk-project-p0024043
#SBATCH --partition=accelerated
#SBATCH --nodes=2
#SBATCH --ntasks-per-node=1
#SBATCH --gres=gpu:4
#SBATCH --cpus-per-task=152
#SBATCH --time=00:10:00
#SBATCH --no-requeue
#SBATCH --open-mode=append
#
# Job tiny-lm, an array of its links, of which task 0 is link 1 or would be, for accelerated of horeka; made by pakt 0.1.0.
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
pakt_id="${SLURM_ARRAY_JOB_ID:-}_${SLURM_ARRAY_TASK_ID:-}"
unset PAKT_TASK
pakt_restart=${SLURM_RESTART_COUNT:-0}
if ! pakt_is_number "$pakt_number" || ! pakt_is_number "${pakt_id/_/}" || ! pakt_is_number "$pakt_restart" ||
  ! pakt_is_number "${SLURM_ARRAY_TASK_ID:-}"; then
  pakt_fail 74 'this script runs as a scheduler job only: SLURM_JOB_ID holds no number'
fi
pakt_job_directory=/state/pakt/job
pakt_place=$((SLURM_ARRAY_TASK_ID + 1)) # Task 0 is link 1, or would be.
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
  # Each link has a log of its own.
  if ! mkdir -p "$pakt_link" || ! exec >>"$pakt_link/log" 2>&1; then
    pakt_fail 74 "cannot write to $pakt_link from $(uname -n)"
  fi
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
  pakt_signal "${name/INT/TERM}" "$pakt_child"
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

# Puts caches where there is room for many files, unless the user's environment already says where. One directory a
# user, because a project's scratch is shared. Where there is no such area, the attempt keeps its own: homes are small.
pakt_caches() {
  local area
  # A variable that the node does not have must not leave half of a path.
  area=$({ printf '%s' "$PROJECT"; } 2>/dev/null)
  pakt_cache="$area/.cache-${USER:-$(id -un)}"
  if [ ! -d "$area" ] || ! mkdir -p "$pakt_cache"; then
    pakt_cache="$pakt_attempt/cache"
    printf 'pakt: no caches can be kept in %s on %s; this attempt has its own, %s\n' \
      "\$PROJECT" "$(uname -n)" "$pakt_cache" >&2
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

# Shows the container a directory, unless it lies in one that it is shown already; `/` is the container's own.
pakt_show() {
  local above=${1%/}
  case "$1" in
  *[,:]*) pakt_fail 66 "$1 cannot be shown to a container: it is told directories parted by , and :" ;;
  esac
  while [ -n "$above" ]; do
    case ",$pakt_bound$pakt_shown" in *",$above,"*) return ;; esac
    above=${above%/*}
  done
  [ -z "${1%/}" ] || pakt_shown="$pakt_shown${1%/},"
}

# Makes visible in the container what this node has of the site's storage, and the directories of the job.
pakt_container() {
  local directory pakt_bound='' pakt_shown=''
  local image="$PROJECT/images/torch.sif"
  [ -e "$image" ] || pakt_fail 66 "the container image $image is not there on $(uname -n)"
  [ ! -e "${PROJECT-}" ] || pakt_show "${PROJECT-}"
  [ ! -e /hkfs/work/workspace/scratch ] || pakt_show /hkfs/work/workspace/scratch
  [ ! -e "${TMPDIR-}" ] || pakt_show "${TMPDIR-}"
  for directory in "$PAKT_JOB_DIRECTORY" "$PWD" "$pakt_cache"; do
    pakt_show "$directory"
  done
  directory=${APPTAINER_BIND:-${SINGULARITY_BIND-}}
  export APPTAINER_BIND="${directory:+$directory,}${pakt_shown%,}"
  export SINGULARITY_BIND="$APPTAINER_BIND"
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
  pakt_caches
  # A container that began with a clean environment would see none of the job's variables.
  unset {APPTAINER,SINGULARITY}_{CLEANENV,CONTAINALL}
  pakt_variables
  pakt_container
}

# --- Launch: once, on the first node. ---------------------------------------------------------------------------------

# What is run, as a file: its text reaches bash unchanged, whatever quotes are in it, and a mistake in it cannot break
# this script.
pakt_program() {
  cat <<'PAKT_PROGRAM'
#!/bin/bash
# Runs on the first node.
ulimit -c 0
# Bash holds a trap back until the command in front has ended, so that a program that saves its state on a signal can.
# Told to stop, nothing further is begun: where nothing was left to do, the program's own code is the end, and 0 means
# that it was saved; where a command was left (bash calls DEBUG before it), the end is no success.
pakt_told() {
  pakt_code=$1
  trap pakt_stop DEBUG
}
pakt_stop() {
  case "$BASH_COMMAND" in pakt_told* | pakt_unserve* | :) ;; *) exit "$((pakt_code > 0 ? pakt_code : 143))" ;; esac
}
trap 'pakt_told "$?"' TERM INT HUP
trap : USR1 USR2
[ "${1:-}" = inside ] || exec apptainer exec --nv "$PROJECT/images/torch.sif" /bin/bash "$0" inside
shift
# --- A model server of this start's own, which ends with it. ---
pakt_server() {
vllm serve "$PAKT_MODEL" --port "$PAKT_PORT"
}
# Asks the server for a path, within ten seconds: its answer, the first line of which says what became of it, goes to standard output.
pakt_ask() {
  local line
  { exec {pakt_socket}<>"/dev/tcp/127.0.0.1/$PAKT_PORT"; } 2>/dev/null || return 1
  { printf 'GET %s HTTP/1.0\r\nHost: 127.0.0.1:%s\r\nAccept: */*\r\n\r\n' "$1" "$PAKT_PORT" >&"$pakt_socket"; } 2>/dev/null
  while IFS= read -r -t 10 -u "$pakt_socket" line || [ -n "$line" ]; do printf '%s\n' "${line%$'\r'}"; done
  exec {pakt_socket}>&-
}
# Whether it says that it is ready.
pakt_is_ready() {
  local line=''
  pakt_ask "$1" >"$pakt_answer" || return 1
  IFS= read -r line <"$pakt_answer"
  case "$line" in HTTP/1.*' 200' | HTTP/1.*' 200 '*) ;; *) return 1 ;; esac
}
# Whether a process is there, and not one that nobody has waited for yet.
pakt_lives() {
  local line=()
  mapfile -t line 2>/dev/null <"/proc/$1/stat"
  case "${line[0]:-}" in '' | *') Z '*) return 1 ;; esac
}
# A process and all below it, as pakt_tree; those below first.
pakt_find_tree() {
  local thread child children
  for thread in "/proc/$1/task/"*; do
    children=()
    [ ! -r "$thread/children" ] || read -r -a children 2>/dev/null <"$thread/children"
    for child in ${children[@]+"${children[@]}"}; do pakt_find_tree "$child"; done
  done
  pakt_tree+=("$1")
}
# Sums what the server counted: tokens that it read, tokens that it wrote; `-` where it tells none.
pakt_count_tokens() {
  local read_in='-' written='-'
  if pakt_is_ready /metrics; then
    awk '
      function add(name, value) { sum[name] += value; told[name] = 1 }
      { name = $1; sub(/\{.*/, "", name); sub(/^[^:]*:/, "", name) }
      name == "prompt_tokens_total" { add("read", $NF) }
      name == "generation_tokens_total" || name == "tokens_predicted_total" { add("written", $NF) }
      END { printf "%s %s\n", told["read"] ? sprintf("%.0f", sum["read"]) : "-", told["written"] ? sprintf("%.0f", sum["written"]) : "-" }
    ' "$pakt_answer" >"$pakt_answer.sum" && read -r read_in written <"$pakt_answer.sum"
  fi
  pakt_tokens="$read_in $written"
}
# Ends the server, and writes down what it was good for: from when, ready when and until when, with how many GPUs, for how many tokens.
pakt_unserve() {
  local tries process now
  trap '' TERM INT HUP
  pakt_tokens='- -' pakt_tree=()
  if pakt_lives "$pakt_server_process"; then
    pakt_count_tokens
    pakt_find_tree "$pakt_server_process"
    kill -s TERM "${pakt_tree[@]}" 2>/dev/null
    for ((tries = 0; tries < 100; tries++)); do
      for process in "${pakt_tree[@]}"; do
        ! pakt_lives "$process" || break
        process=''
      done
      [ -n "$process" ] || break
      sleep 0.2
    done
    [ -z "$process" ] || kill -s KILL "${pakt_tree[@]}" 2>/dev/null
  elif [ -z "${pakt_code+told}" ]; then
    printf 'pakt: the server ended by itself; the last that it said:\n' >&2
    tail -n 20 -- "$pakt_server_log" >&2
  fi
  printf -v now '%(%s)T' -1
  printf 'served %s %s %s %s %s %s\n' "$PAKT_CELL" "$pakt_begun" "${pakt_ready:--}" "$now" "$pakt_gpus" "$pakt_tokens" >>"$PAKT_ATTEMPT/served"
  rm -f "$pakt_answer" "$pakt_answer.sum"
}

for ((pakt_tries = 0; pakt_tries < 50; pakt_tries++)); do
  PAKT_PORT=$((20000 + RANDOM % 12000))
  { exec {pakt_socket}<>"/dev/tcp/127.0.0.1/$PAKT_PORT"; } 2>/dev/null || break
  exec {pakt_socket}>&-
done
export PAKT_PORT
pakt_answer="$PAKT_ATTEMPT/answer.$PAKT_CELL" pakt_ready=''
pakt_server_log="$PAKT_JOB_DIRECTORY/links/$PAKT_LINK/log.$PAKT_CELL.server"
IFS=, read -r -a pakt_visible <<<"${CUDA_VISIBLE_DEVICES:-}"
pakt_gpus=${#pakt_visible[@]}
printf -v pakt_begun '%(%s)T' -1
trap pakt_unserve EXIT
# What is told to this shell is told to its children, too: the shell of the server lives on, so that all below it are found.
{
  trap : TERM INT HUP
  pakt_server
} >>"$pakt_server_log" 2>&1 </dev/null &
pakt_server_process=$!
printf 'pakt: a server is started at port %s; what it says stands in %s\n' "$PAKT_PORT" "$pakt_server_log"
until pakt_is_ready /health; do
  pakt_lives "$pakt_server_process" || exit 76
  printf -v pakt_now '%(%s)T' -1
  if [ $((pakt_now - pakt_begun)) -ge 1800 ]; then
    printf 'pakt: the server is not ready after 1800 s: it does not answer %s with 200; the last that it said:\n' /health >&2
    tail -n 20 -- "$pakt_server_log" >&2
    exit 76
  fi
  sleep 1
done
printf -v pakt_ready '%(%s)T' -1
printf 'pakt: the server is ready after %s s\n' "$((pakt_ready - pakt_begun))"
for part in 1 2; do
  echo "part $part"
done
PAKT_PROGRAM
}

pakt_launch() {
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

# --- Cells: this link works through its own, each a start of the program with values of its own. ------------------------

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

# The values of this link's cells, and which of them an earlier start of it has done, or another job has taken over. The lines were quoted by Pakt.
pakt_find_cells() {
  local kind cell code _
  pakt_first=$(((pakt_place - 1) * 8 + 1))
  pakt_values=() pakt_is_done=()
  mapfile -t -s $((pakt_first - 1)) -n 8 pakt_values <"$pakt_job_directory/cells" || pakt_values=()
  pakt_count=${#pakt_values[@]}
  pakt_last=$((pakt_first + pakt_count - 1))
  [ "$pakt_count" -gt 0 ] ||
    pakt_fail 74 "$pakt_job_directory/cells has no cell for link $pakt_place, or cannot be read from $(uname -n)"
  while read -r kind cell code _; do
    case "$kind $code" in 'ended 0' | 'given ') ! pakt_is_count "$cell" || pakt_is_done[cell]=yes ;; esac
  done < <(cat -- "$pakt_link"/attempts/*/cells "$pakt_job_directory"/given-away/* 2>/dev/null)
  printf -v pakt_now '%(%s)T' -1
  pakt_ends_at=$(pakt_limit_at)
}

# Starts the program for a cell, in this process.
pakt_cell() {
  trap : USR1 USR2
  exec {pakt_idle}>&-
  export PAKT_CELL=$1 PAKT_PROGRESS="$pakt_attempt/progress.$1"
  eval "export ${pakt_values[$1 - pakt_first]}" || exit 66
  export PAKT_RESULTS="$pakt_job_directory/results/$1"
  if ! mkdir -p "$PAKT_RESULTS"; then
    printf 'pakt: cannot make %s for the results\n' "$PAKT_RESULTS" >&2
    exit 74
  fi
  [ -z "${pakt_gpus_of[$2]:-}" ] || export CUDA_VISIBLE_DEVICES="${pakt_gpus_of[$2]}"
  pakt_launch
}

# Appends to the record of this start what happened to a cell, and how long its log was then. What cannot be written down is not
# done to whoever reads it later.
pakt_note() {
  { stat -Lc "$* %s" -- "$pakt_log" || printf '%s 0\n' "$*"; } 2>/dev/null >>"$pakt_attempt/cells" && return
  printf 'pakt: cannot write to %s: %s\n' "$pakt_attempt/cells" "$*" >&2
  pakt_code=${pakt_code:-74}
}

pakt_begin_cell() {
  pakt_passed=''
  local cell=$1 place=$2 pakt_log="$pakt_link/log.$1"
  printf 'pakt: start %s: %s\n' "$cell" "${pakt_values[cell - pakt_first]}"
  : >>"$pakt_log"
  printf -v "pakt_begun[place]" '%(%s)T' -1
  pakt_cell_at[place]=$cell
  pakt_note started "$cell" "${pakt_begun[place]}" -
  pakt_cell "$cell" "$place" >>"$pakt_log" 2>&1 &
  pakt_process[place]=$! pakt_running=$((pakt_running + 1))
  # What came while it was begun has reached the others.
  if [ -n "$pakt_has_to_end" ]; then
    pakt_pass_to "$place" TERM
  elif [ -n "$pakt_passed" ]; then
    pakt_pass_to "$place" "$pakt_passed"
  fi
}

# Whether a start left anything.
pakt_has_results() {
  local file
  for file in "$pakt_job_directory/results/$1/"*; do
    [ ! -e "$file" ] || return 0
  done
  return 1
}

# Notes the end of the cell at a place. The first failure is how this link ends.
pakt_end_cell() {
  local place=$1 code=$2 now took cell=${pakt_cell_at[$1]} pakt_log
  pakt_log="$pakt_link/log.$cell"
  printf -v now '%(%s)T' -1
  took=$((now - pakt_begun[place]))
  # What was told to end may say by 0 that it saved: it is begun again.
  [ -z "$pakt_has_to_end" ] || [ "$code" -ne 0 ] || code=143
  if [ "$code" -eq 0 ] && ! pakt_has_results "$cell"; then
    printf 'pakt: start %s ended with 0, and wrote nothing into the folder that PAKT_RESULTS names\n' "$cell" >&2
    code=65
  fi
  pakt_note ended "$cell" "$code" "$now"
  printf 'pakt: start %s ended with %s after %s s\n' "$cell" "$code" "$took"
  [ "$took" -le "$pakt_longest" ] || pakt_longest=$took
  case "$code" in
  0) pakt_is_done[cell]=yes ;;
  75) pakt_code=${pakt_code:-1} ;; # Of a link 75 says that its time was up.
  *) pakt_code=${pakt_code:-$code} ;;
  esac
}

# Looks which cells have ended.
pakt_reap() {
  local place process code
  for place in "${!pakt_process[@]}"; do
    process=${pakt_process[place]} code=143
    if pakt_is_there "$process" || pakt_is_there "$process"; then continue; fi
    if ! pakt_is_in_book "$process"; then
      wait "$process"
      code=$?
    fi
    unset "pakt_process[place]" "pakt_late[place]"
    pakt_running=$((pakt_running - 1))
    pakt_end_cell "$place" "$code"
  done
  for place in "${!pakt_late[@]}"; do pakt_pass_to "$place" "${pakt_late[place]}"; done
  return 0 # Whether or not what is told now is there still.
}

# Hands a signal on: to the shell of each cell, which begins nothing further then, and to what it has in front.
# shellcheck disable=SC2317 # Reached through a trap alone.
pakt_pass() {
  local place
  pakt_passed=$1
  case "$1" in TERM | HUP) pakt_has_to_end=yes ;; esac
  for place in "${!pakt_process[@]}"; do pakt_pass_to "$place" "$1"; done
}

# The same to the cell at one place. A warning waits until its program can have learnt to take it: before, it would be lost, or end it.
# shellcheck disable=SC2317 # Reached through a trap, too.
pakt_pass_to() {
  local now process=${pakt_process[$1]}
  printf -v now '%(%s)T' -1
  case "$2" in
  USR*)
    if [ $((now - pakt_begun[$1])) -lt 3 ]; then
      pakt_late[$1]=$2
      return
    fi
    ;;
  esac
  unset "pakt_late[$1]"
  pakt_find_children "$process"
  pakt_signal "$2" "$process" "${pakt_children[@]}"
}

# Whether there is time for one more cell: as much as the longest so far took.
pakt_has_time() {
  local now
  printf -v now '%(%s)T' -1
  [ $((pakt_ends_at - now)) -gt "$pakt_longest" ]
}

# Waits for a place where no cell is, as pakt_free, or until nothing further is to begin.
pakt_await_place() {
  while [ -z "$pakt_has_to_end" ]; do
    pakt_reap
    for ((pakt_free = 0; pakt_free < 4; pakt_free++)); do
      [ -n "${pakt_process[pakt_free]:-}" ] || return 0
    done
    read -r -t 0.1 -u "$pakt_idle" _
  done
}

# Parts the GPUs of this node among the places, as pakt_gpus_of; where there are fewer GPUs than places, they are shared.
pakt_part_gpus() {
  local all=() count each place number
  IFS=, read -r -a all <<<"${CUDA_VISIBLE_DEVICES-0,1,2,3}"
  pakt_gpus_of=() count=${#all[@]}
  [ "$count" -gt 0 ] || return 0
  each=$((count / 4))
  for ((place = 0; place < 4; place++)); do
    pakt_gpus_of[place]=${all[place * (each > 0 ? each : 1) % count]}
    for ((number = 1; number < each; number++)); do
      pakt_gpus_of[place]+=",${all[place * each + number]}"
    done
  done
}

# Works through the cells of this link. Ends with the code of the first that failed; without one, with 75 where cells are left for
# which there was no time, and with 143 where it was told to end.
pakt_work() {
  local cell left=0
  pakt_process=() pakt_late=() pakt_running=0 pakt_cell_at=() pakt_begun=() pakt_longest=0 pakt_code='' pakt_has_to_end='' pakt_passed=''
  pakt_part_gpus
  unset PAKT_CHECKPOINTS
  exec {pakt_idle}<> <(:)
  # No `$( )` and no `<( )` from here on: bash loses a signal that comes while it reads one.
  trap 'pakt_pass TERM' TERM INT
  trap 'pakt_pass HUP' HUP
  trap 'pakt_pass USR1' USR1
  trap 'pakt_pass USR2' USR2
  for ((cell = pakt_first; cell <= pakt_last; cell++)); do
    [ -z "${pakt_is_done[cell]:-}" ] || continue
    pakt_await_place
    if [ -n "$pakt_has_to_end" ] || ! pakt_has_time; then break; fi
    pakt_begin_cell "$cell" "$pakt_free"
  done
  while pakt_reap && [ "$pakt_running" -gt 0 ]; do
    read -r -t 0.1 -u "$pakt_idle" _
  done
  for ((cell = pakt_first; cell <= pakt_last; cell++)); do
    [ -n "${pakt_is_done[cell]:-}" ] || left=$((left + 1))
  done
  [ "$left" -eq 0 ] || printf 'pakt: %s of %s starts of link %s are not done\n' "$left" "$pakt_count" "$pakt_place" >&2
  if [ "$left" -gt 0 ] && [ -z "$pakt_code" ]; then
    if [ -n "$pakt_has_to_end" ]; then pakt_code=143; else pakt_code=75; fi
  fi
  exit "${pakt_code:-0}"
}

# --- Run. -------------------------------------------------------------------------------------------------------------

# The job's part; a subshell of its own.
pakt_run() {
  umask "$pakt_umask"
  trap : USR1 USR2 # Told too early, before there is a program: not a reason to end.
  pakt_environment
  pakt_work
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
pakt_find_cells
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
