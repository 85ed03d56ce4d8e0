//! The fields of a job file in words. The parser takes the names it knows from this table, and the reference page prints
//! it, so that neither can know a field that the other does not.

use super::evaluate_reference::OF_EVALUATE;
use serde::Serialize;

/// One field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct FieldReference {
    /// Where it stands: `name`, or `resources.nodes` below `resources`.
    pub path: &'static str,
    /// What may be written there.
    pub value: &'static str,
    /// What counts where it is left out; `required` where it may not be.
    pub default: &'static str,
    /// A value, as it is written in YAML; empty for a field that only holds others.
    pub example: &'static str,
    /// What it means.
    pub meaning: &'static str,
}

pub(super) const fn field(
    path: &'static str,
    value: &'static str,
    default: &'static str,
    example: &'static str,
    meaning: &'static str,
) -> FieldReference {
    FieldReference { path, value, default, example, meaning }
}

const PACK_SWEEP: &str = "How many cells a link, which is one job of the scheduler's, works through. `resources.time` is the limit of a link.";
const SIDE_BY_SIDE_SWEEP: &str =
    "How many cells of a link run at once, each with its share of the node's GPUs. For `launch: command` on one node.";
pub(super) const AT_ONCE: &str = "How many links of an array may run at once.";

/// All fields, in the order in which people write them.
pub fn fields() -> impl Iterator<Item = &'static FieldReference> {
    [BEFORE_EVALUATE, OF_EVALUATE, BEHIND_EVALUATE].into_iter().flatten()
}

/// Those before the part `evaluate`.
const BEFORE_EVALUATE: &[FieldReference] = &[
    field(
        "name",
        "letters, digits, `-`, `_` and `.`, at most 64, starting with a letter or digit",
        "required",
        "tiny-lm",
        "What the job is called. Commands take it in place of an id and mean the newest job of that name that was submitted.",
    ),
    field(
        "kind",
        "`train`, `evaluate` or `command`",
        "required",
        "evaluate",
        "What sort of work it is. It is kept with the job and changes nothing in how it runs.",
    ),
    field("project", "a project's name", "required", "borealis", "Who spends: the project as the ledger calls it."),
    field(
        "site",
        "a site, a list of sites, or `any`",
        "required",
        "[jupiter, horeka]",
        "Where it may run. `submit` sends it to the site of the machine it is typed on, and only if that is among these. With `any` \
         it goes to the best of this machine's site and those that `ssh:` of the configuration names: where a budget pays, where \
         its files are, where it starts first; `plan` and `submit` say why. The same request stays there until its job is over.",
    ),
    field("resources", "fields", "required", "", "How much is asked for, and for how long."),
    field(
        "resources.nodes",
        "a whole number from 1",
        "1 with `gpus_per_node`, counted from `gpus`; required without both",
        "2",
        "Nodes.",
    ),
    field(
        "resources.gpus_per_node",
        "a whole number from 0, or `TYPE:N`",
        "no GPUs",
        "4",
        "GPUs on each node, as the site's scheduler counts them. `h100:4` asks for that type and goes where it is.",
    ),
    field(
        "resources.gpus",
        "a whole number from 0, or `TYPE:N`",
        "no GPUs",
        "8",
        "All GPUs of the job, evenly on `nodes`, without that on as few nodes as hold them. It excludes `gpus_per_node`.",
    ),
    field(
        "resources.time",
        "`HH:MM:SS`, `D-HH:MM:SS`, or a number with `s`, `m`, `h` or `d`, in quotes",
        "required",
        "\"12:00:00\"",
        "The wall-time limit. What the job may cost, and what is held for it, follows from all of it.",
    ),
    field(
        "resources.memory",
        "a whole number with `M`, `G` or `T`",
        "what goes with the GPUs",
        "480G",
        "Memory of each node. A hint: where a site gives whole nodes or refuses `--mem` it is left out with a warning.",
    ),
    field(
        "resources.cpus",
        "a whole number from 1",
        "what goes with the GPUs; 1 without GPUs on a shared node",
        "8",
        "CPUs of each node, as the site's scheduler counts them. A hint: it can lower the share of the GPUs, not raise it.",
    ),
    field(
        "chain",
        "fields",
        "the job ends at its limit",
        "",
        "It goes on past its limit, link by link: each is a job of the scheduler's that is told to save ahead of its limit, and the one \
         behind it goes on from there. The contract with the program is in `docs/checkpoints.md`.",
    ),
    field(
        "chain.until",
        "`steps`, `time` or `marker`",
        "required in a chain",
        "steps",
        "When its work is done: at a step, after so much time at work, or when the program makes the file that `PAKT_DONE` names. \
         That file ends a chain of any kind.",
    ),
    field(
        "chain.steps",
        "a whole number from 1",
        "when the program ends by itself with 0",
        "20000",
        "With `until: steps`: done once a checkpoint of this step is there.",
    ),
    field(
        "chain.time",
        "a time as in `resources.time`, in quotes",
        "required with `until: time`",
        "\"00:08:00\"",
        "With `until: time`: done once all starts together have worked for so long; the program is told to save by then.",
    ),
    field("chain.max_links", "a number from 1 to 500", "10", "12", "How many links it may have."),
    field(
        "chain.max_gpu_hours",
        "a whole number from 1",
        "as many as its links take",
        "5000",
        "The link that could pass it is not sent.",
    ),
    field(
        "chain.ahead",
        "a number from 1 to 10",
        "2",
        "3",
        "How many links are held and queued at once, the one at work among them. On this machine, without a scheduler, one.",
    ),
    field(
        "chain.stalled_links",
        "a number from 1",
        "3",
        "2",
        "After so many links in a row without a newer checkpoint it is over.",
    ),
    field(
        "chain.lead",
        "a time as in `resources.time`, in quotes",
        "a tenth of the limit, from 30 s to 10 min",
        "\"00:05:00\"",
        "How long before the limit the program is told to save.",
    ),
    field(
        "chain.signal",
        "`USR1`, `USR2`, `TERM`, `INT` or `HUP`",
        "none: a file and an instant tell it",
        "USR1",
        "A signal that tells the program too. `torchrun` takes none of them well: it ends at USR1, and kills its workers 30 s after TERM.",
    ),
    field(
        "sweep",
        "fields",
        "the program is started once",
        "",
        "The program is started many times, each with values of its own: a cell. Variables of the names of the parameters hold them, and in a \
         `run` that is a list `${name}` is replaced. It is one job, whose links are tasks of arrays (`docs/sweeps.md`).",
    ),
    field(
        "sweep.grid",
        "names, each with a list of values",
        "one of `grid`, `zip`, `list`, `file` is required",
        "{ lr: [1e-4, 3e-4], seed: [1, 2] }",
        "All combinations; the last parameter changes fastest. Values are texts as they are written.",
    ),
    field(
        "sweep.zip",
        "names, each with a list of values",
        "see `sweep.grid`",
        "{ lr: [1e-4, 3e-4], seed: [1, 2] }",
        "The first values of all together, then the second ones.",
    ),
    field(
        "sweep.list",
        "a list of names with values",
        "see `sweep.grid`",
        "[{ lr: 1e-4, seed: 1 }, { lr: 3e-4, seed: 2 }]",
        "Cell by cell.",
    ),
    field(
        "sweep.file",
        "a path",
        "see `sweep.grid`",
        "cells.csv",
        "The cells stand in a table of comma-separated or tab-separated values, with the names in its first line. It is read when the job is \
         submitted. A relative path begins at the job file.",
    ),
    field("sweep.pack", "a number from 1 to 1000", "1", "8", PACK_SWEEP),
    field("sweep.side_by_side", "a number from 1 to 16", "1", "4", SIDE_BY_SIDE_SWEEP),
    field("sweep.at_once", "a number from 1 to 1000", "as many as the site lets", "20", AT_ONCE),
];

/// Those behind it.
const BEHIND_EVALUATE: &[FieldReference] = &[
    field(
        "on_failure",
        "fields",
        "a chain is over after `stalled_links`",
        "",
        "How often each kind of failure may come in a chain before it is over: so many are followed by another start, counted from the last \
         newer checkpoint on. A kind that is not named ends nothing by itself. Preemptions and failures of a node never count as links \
         without progress.",
    ),
    field(
        "on_failure.user_code",
        "a number from 0 to 500",
        "no budget of its own",
        "0",
        "Failures of the program itself: an exception, a fault, a code of its own.",
    ),
    field(
        "on_failure.setup",
        "a number from 0 to 500",
        "no budget of its own",
        "0",
        "What it needs was not there: a module, a library, a file.",
    ),
    field("on_failure.gpu_oom", "a number from 0 to 500", "no budget of its own", "1", "A GPU ran out of memory."),
    field("on_failure.host_oom", "a number from 0 to 500", "no budget of its own", "1", "The node ran out of memory."),
    field(
        "on_failure.communication",
        "a number from 0 to 500",
        "no budget of its own",
        "5",
        "Its processes lost each other (NCCL, RCCL, MPI, rendezvous), and nothing says why.",
    ),
    field("on_failure.io", "a number from 0 to 500", "no budget of its own", "3", "Storage: full, slow, gone."),
    field(
        "on_failure.node_fault",
        "a number from 0 to 500",
        "no budget of its own",
        "8",
        "The machine: a GPU, a link, a node, as the log tells it. Without this they are counted by `max_links` alone.",
    ),
    field(
        "on_failure.hung",
        "a number from 0 to 500",
        "no budget of its own",
        "2",
        "It was ended because of `hung_after`.",
    ),
    field(
        "on_failure.unknown",
        "a number from 0 to 500",
        "no budget of its own",
        "3",
        "Nobody can tell, as of a start that was killed with no word.",
    ),
    field(
        "on_failure.hung_after",
        "a time as in `resources.time`, in quotes",
        "it is left alone",
        "\"00:30:00\"",
        "A program of which nothing is seen for so long (no line of its log, no progress, no checkpoint) is told to end, and is killed a \
         minute later. At least `2m`, because it is looked at once a minute, and longer than it takes to load or to save; Python keeps lines back that it prints into a file, unless \
         `PYTHONUNBUFFERED` is set.",
    ),
    field(
        "on_failure.exclude_for",
        "a time as in `resources.time`, in quotes",
        "a day",
        "\"12h\"",
        "For how long a node that is at fault is left out of the links to come: one that Slurm lost, or whose hardware the log blames by name. \
         `0s` leaves none out.",
    ),
    field(
        "launch",
        "`torchrun`, `srun`, `mpi` or `command`",
        "required",
        "srun",
        "How it is started: one `torchrun` a node with a process a GPU; one task a GPU by `srun`; one MPI rank a GPU by \
         the site's launcher; or once, on the first node.",
    ),
    field(
        "run",
        "shell text, or a list of words",
        "required",
        "[python, train.py, \"--name=it's\"]",
        "What is started. Text is put behind the launcher as it is, and may have several lines with `launch: command` \
         only; the words of a list reach the program exactly as written. Several lines end \
         with the code of the last one: `set -e` in front stops at the first that fails. With `evaluate.harness: lm-eval` it may be left out.",
    ),
    field(
        "workdir",
        "a path",
        "the job file's own folder",
        "$PROJECT/runs",
        "Where it starts. A relative path begins at the job file; a leading `~/` and `$NAME` are expanded on the node, and \
         `$$` is one dollar.",
    ),
    field(
        "code",
        "`live`, `frozen`, or fields",
        "live",
        "frozen",
        "Which code it runs. `frozen` packs the working directory's git repository when the job is submitted, and starts the program \
         in that copy, whatever becomes of the tree meanwhile (docs/provenance.md).",
    ),
    field(
        "code.freeze",
        "`true` or `false`",
        "false",
        "true",
        "The same as the word `frozen`, where there are other fields.",
    ),
    field(
        "code.repositories",
        "a list of paths",
        "none",
        "[~/src/megatron]",
        "Further git repositories that the job uses: their commits and changes are written down beside those of the working \
         directory's and the job file's own. They are not frozen.",
    ),
    field("environment", "fields", "nothing is set up", "", "What is set up on the node before the program starts."),
    field(
        "environment.modules",
        "a list of module names",
        "none",
        "[Stages/2026, CUDA/13]",
        "Modules to load, in this order.",
    ),
    field(
        "environment.venv",
        "a path",
        "none",
        "~/venvs/torch",
        "A Python virtual environment to activate. It excludes `container`.",
    ),
    field(
        "environment.container",
        "an image's path or address, or one for each kind of node",
        "none",
        "$PROJECT/images/torch.sif",
        "An image to run inside, by the site's container runtime (`docs/containers.md`). `{ aarch64: a.sif, x86_64: b.sif, \
         x86_64-amd: c.sif }` names one for each kind of node: `-nvidia`, `-amd` and `-intel` are for jobs with such GPUs, `-cpu` \
         for those without. It excludes `venv`.",
    ),
    field(
        "environment.variables",
        "names and values",
        "none",
        "{ DATA: $SCRATCH/data }",
        "Variables for the program; `$NAME` in a value is expanded on the node. Names that begin with `PAKT_`, `SLURM_` or \
         `SBATCH_` are taken, and names that look like a secret (`HF_TOKEN`) are refused.",
    ),
    field(
        "output",
        "a path",
        "`log` in the job's directory",
        "logs/train.txt",
        "Where the log goes. A relative path begins at the job file. The scheduler opens it: `%j` and the like are its own, and \
         neither `$NAME` nor `~` is expanded.",
    ),
    field(
        "logs",
        "`plain` or `ranks`",
        "plain",
        "ranks",
        "With `ranks` each line of the log says which rank printed it, so that `pakt logs --rank` can tell them apart.",
    ),
    field("notify", "fields", "nobody is told", "", "Mail from the scheduler."),
    field("notify.mail", "a mail address", "none", "ada@example.org", "Who is told."),
    field("notify.when", "a list of `start`, `end`, `fail`", "`[end, fail]`", "[start, fail]", "When."),
    field("scheduler", "fields", "the profile and the ledger decide", "", "What is said to Slurm beyond the above."),
    field(
        "scheduler.account",
        "an account's name",
        "the account that the project's binding in the ledger names",
        "zam",
        "The Slurm account to charge.",
    ),
    field(
        "scheduler.partition",
        "a partition's name, the profile's or Slurm's",
        "the profile's default for jobs with or without GPUs",
        "booster",
        "The partition.",
    ),
    field("scheduler.qos", "a name", "the profile's, if it has one", "normal", "The quality of service."),
    field("scheduler.reservation", "text", "none", "tutorial", "A reservation (sbatch(1), `--reservation`)."),
    field("scheduler.constraint", "text", "the profile's", "largedata", "Node features (sbatch(1), `--constraint`)."),
    field("scheduler.exclude", "text", "none", "jpbo-001-01", "Nodes to avoid (sbatch(1), `--exclude`)."),
    field("scheduler.begin", "text", "none", "now+1hour", "Not before (sbatch(1), `--begin`)."),
    field("scheduler.after", "text", "none", "\"afterany:4711\"", "Dependencies (sbatch(1), `--dependency`)."),
    field(
        "scheduler.extra",
        "a list of options, word by word",
        "none",
        "[--switches=1]",
        "Further options for `sbatch`, as they are: `[--switches=1, -w, jpbo-001-01]`. Those that Pakt gives itself are \
         refused with the field to use.",
    ),
];

/// The names of the fields that stand directly below a mapping; below the file itself for an empty path.
pub(super) fn names_below(mapping: &str) -> Vec<&'static str> {
    fields().map(|field| split(field.path)).filter(|(above, _)| *above == mapping).map(|(_, name)| name).collect()
}

/// The mapping a path lies in, and its last name.
fn split(path: &'static str) -> (&'static str, &'static str) {
    path.rsplit_once('.').unwrap_or(("", path))
}
