//! The fields of the part `evaluate` in words.

use super::reference::{AT_ONCE, FieldReference, field};

const PACK: &str = "How many starts a link, which is one job of the scheduler's, works through. `resources.time` is the limit of a link. A link that \
                    follows a chain takes what is new.";
const SIDE_BY_SIDE: &str =
    "How many starts of a link run at once, each with its share of the node's GPUs. For `launch: command` on one node.";

/// `evaluate`, and all fields below it.
pub(super) const OF_EVALUATE: &[FieldReference] = &[
    field(
        "evaluate",
        "fields",
        "nothing is evaluated",
        "",
        "Models or checkpoints are given tasks: a cell is one task of one model. A start of the program loads one model and has several tasks, which it \
         finds in `PAKT_MODEL`, `PAKT_STEP` (empty without one) and `PAKT_TASKS` (with commas), and writes its results below `PAKT_RESULTS`. It is one job, as \
         a sweep is, of `kind: evaluate` (`docs/evaluations.md`).",
    ),
    field(
        "evaluate.models",
        "a list of paths or names",
        "`models`, `checkpoints` or `follows` is required",
        "[$PROJECT/models/7b, openGPT-X/Teuken-7B-base-v0.6]",
        "Paths as in `workdir`; what is no path and does not lie beside the job file is a name that the harness knows. For `lm-eval` arguments may \
         stand behind it: `EleutherAI/pythia-70m,revision=step3000`.",
    ),
    field(
        "evaluate.checkpoints",
        "a list of paths",
        "see `evaluate.models`",
        "runs/7b/checkpoint-*",
        "Checkpoints, in the order of the steps that their names end with. `*` stands for any letters of one name, and is looked for when the job is submitted.",
    ),
    field(
        "evaluate.follows",
        "a job's name or id",
        "see `evaluate.models`",
        "train-7b",
        "A chain of yours at this site: each checkpoint that it saves is evaluated. This job's links wait behind those of the chain, and take what is \
         new (`docs/evaluations.md`).",
    ),
    field(
        "evaluate.every",
        "a number of steps",
        "each checkpoint is evaluated",
        "5000",
        "With `follows`: of the checkpoints of so many steps the first is evaluated.",
    ),
    field(
        "evaluate.tasks",
        "a list of names",
        "required in `evaluate`",
        "[arc_easy, hellaswag]",
        "What each of them is evaluated at. Of `lm-eval` also groups, tags and patterns: such a name is a cell, and its members have scores of their own.",
    ),
    field(
        "evaluate.harness",
        "`lm-eval` or `command`",
        "required in `evaluate`",
        "lm-eval",
        "What evaluates. With `lm-eval` `run` is the line that starts lm-evaluation-harness, `lm_eval --model hf` where it is left out, and is told the \
         model, the tasks and the folder behind it. With `command` the program looks into its variables, and writes scores in the simple form (`docs/results.md`).",
    ),
    field(
        "evaluate.model_args",
        "text",
        "none",
        "dtype=bfloat16",
        "Of `lm-eval`: what stands behind the model in `--model_args`. `$NAME` is expanded on the node.",
    ),
    field(
        "evaluate.serve",
        "fields",
        "what evaluates loads the model itself",
        "",
        "A model server that each start begins before its program and ends behind it, on the same node. `pakt results JOB` tells the tokens that it counted and its GPU-seconds.",
    ),
    field(
        "evaluate.serve.run",
        "shell text",
        "required in `serve`",
        "\"vllm serve $PAKT_MODEL --port $PAKT_PORT\"",
        "What starts it: it finds `PAKT_MODEL`, and listens at `PAKT_PORT`. With `lm-eval` it answers `/v1/completions` as OpenAI's does.",
    ),
    field("evaluate.serve.health", "a path", "/health", "/v1/models", "What it answers with 200 once it is ready."),
    field(
        "evaluate.serve.ready_within",
        "a time",
        "20m",
        "\"1h\"",
        "How long that may take; afterwards the start has failed, with code 76.",
    ),
    field(
        "evaluate.tasks_per_load",
        "a number from 1 to 1000",
        "all",
        "8",
        "How many tasks a start has. When it fails, all of its tasks are to be done again.",
    ),
    field("evaluate.pack", "a number from 1 to 1000", "1", "4", PACK),
    field("evaluate.side_by_side", "a number from 1 to 16", "1", "4", SIDE_BY_SIDE),
    field("evaluate.at_once", "a number from 1 to 1000", "as many as the site lets", "20", AT_ONCE),
];
