//! The table of presets: one line and one file of `job_files/` for each.
//!
//! `builds` names the GPUs that what a preset starts is built for, with the processors beside them; what is not named is
//! refused. `gpu_gib` is what it takes of each GPU's memory with the settings of its file, with the arithmetic beside it.

use crate::preset::{Build, GpuWish, Preset};
use model::{Architecture, GpuVendor, Launch, WallTime};

const HALF_AN_HOUR: WallTime = WallTime::from_seconds(1800);
const FOUR_HOURS: WallTime = WallTime::from_seconds(4 * 3600);
const TWELVE_HOURS: WallTime = WallTime::from_seconds(12 * 3600);

/// PyTorch and JAX have packages for both, from their own pages of installation (2026).
const NVIDIA: Build =
    Build { vendor: GpuVendor::Nvidia, architectures: &[Architecture::X86_64, Architecture::Aarch64] };
/// `ROCm` itself is for these processors alone.
const AMD: Build = Build { vendor: GpuVendor::Amd, architectures: &[Architecture::X86_64] };
/// PyTorch's packages for Intel's GPUs are for these processors alone.
const INTEL: Build = Build { vendor: GpuVendor::Intel, architectures: &[Architecture::X86_64] };

const ANY: &[Build] = &[NVIDIA, AMD, INTEL];

/// What brings nothing of its own, on one node or less.
const PLAIN: Preset = Preset {
    name: "command",
    about: "any commands, once on the first node",
    launch: Launch::Command,
    gpus: GpuWish::Node,
    needs_gpus: false,
    builds: ANY,
    gpu_gib: 0,
    time: HALF_AN_HOUR,
    reports: false,
    text: include_str!("job_files/command.yaml.j2"),
};

/// What trains in a chain and does not say itself where its checkpoints lie.
const CHAINED: Preset = Preset { launch: Launch::Torchrun, time: FOUR_HOURS, reports: true, ..PLAIN };

pub(crate) const PRESETS: &[Preset] = &[
    Preset {
        name: "train",
        about: "a training program of your own, by torchrun",
        launch: Launch::Torchrun,
        text: include_str!("job_files/train.yaml.j2"),
        ..PLAIN
    },
    Preset {
        name: "evaluate",
        about: "an evaluation on one GPU",
        gpus: GpuWish::One,
        text: include_str!("job_files/evaluate.yaml.j2"),
        ..PLAIN
    },
    PLAIN,
    Preset {
        name: "mpi",
        about: "an MPI program",
        launch: Launch::Mpi,
        text: include_str!("job_files/mpi.yaml.j2"),
        ..PLAIN
    },
    Preset {
        name: "accelerate",
        about: "Hugging Face Trainer or Accelerate, a chain",
        text: include_str!("job_files/accelerate.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "torchtitan",
        about: "torchtitan, Llama 3 of 8 billion parameters, a chain",
        gpus: GpuWish::Whole(8),
        needs_gpus: true,
        // torchtitan's own tests run on GPUs of NVIDIA and AMD (pytorch/torchtitan#2098, 2025-12).
        builds: &[NVIDIA, AMD],
        // 8.0 G parameters x 16 bytes / 8 GPUs = 15 GiB; logits of 4096 tokens x 128,256 words x 10 bytes = 5 GiB; what is
        // kept of 32 layers x 4096 tokens x 4096 x 2 bytes = 1 GiB; embedding and output, whole, 2 x 128,256 x 4096 x 4
        // bytes = 4 GiB; a quarter more for what lies between.
        gpu_gib: 32,
        text: include_str!("job_files/torchtitan.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "megatron",
        about: "Megatron-LM, a Llama of 8 billion parameters, a chain",
        gpus: GpuWish::Whole(8),
        needs_gpus: true,
        // NVIDIA's own is for CUDA; AMD keeps a copy of its own, with other options.
        builds: &[NVIDIA],
        // Tensor-parallel by 4, data-parallel by 2: weights and gradients 8.0 G x 6 bytes / 4 = 11 GiB, the optimizer's
        // 8.0 G x 12 bytes / 8 = 11 GiB; logits 4096 x 128,256 x 10 bytes / 4 = 1 GiB; layers, selectively computed again,
        // 32 x 4096 tokens x 4096 x 34 bytes / 4 = 4 GiB; the rest for what lies between.
        gpu_gib: 32,
        text: include_str!("job_files/megatron.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "deepspeed",
        about: "a training program of your own with DeepSpeed, a chain",
        text: include_str!("job_files/deepspeed.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "jax",
        about: "JAX, one process a GPU, checkpoints by Orbax, a chain",
        launch: Launch::Srun,
        // JAX has plug-ins for CUDA and ROCm.
        builds: &[NVIDIA, AMD],
        text: include_str!("job_files/jax.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "lm-eval",
        about: "lm-evaluation-harness, a copy of the model on each GPU of a node",
        builds: &[NVIDIA, AMD],
        text: include_str!("job_files/lm-eval.yaml.j2"),
        ..PLAIN
    },
    Preset {
        name: "vllm",
        about: "lm-evaluation-harness against a model that vLLM serves",
        needs_gpus: true,
        builds: &[NVIDIA, AMD],
        text: include_str!("job_files/vllm.yaml.j2"),
        ..PLAIN
    },
    Preset {
        name: "teuken-train",
        about: "goes on with the pre-training of Teuken-7B, a chain",
        gpus: GpuWish::Whole(32),
        needs_gpus: true,
        builds: &[NVIDIA, AMD],
        // One sequence at a time. 7.45 G parameters x 16 bytes / 32 GPUs = 3.5 GiB; logits of 4096 tokens x 250,680 words x
        // 14 bytes (bfloat16, float32, and the gradient of both) = 13.4 GiB; the embedding, whole, 250,680 x 4096 x 4 bytes
        // and its gradient = 7.7 GiB; 32 layers x 4096 tokens x 4096 x 2 bytes = 1 GiB; a quarter more for what lies between.
        gpu_gib: 32,
        time: TWELVE_HOURS,
        text: include_str!("job_files/teuken-train.yaml.j2"),
        ..CHAINED
    },
    Preset {
        name: "teuken-evaluate",
        about: "evaluates Teuken-7B in German, a copy on each GPU of a node",
        needs_gpus: true,
        builds: &[NVIDIA, AMD],
        // 7.45 G parameters x 2 bytes = 13.9 GiB; logits of 2 x 1024 tokens x 250,680 words x 6 bytes = 2.9 GiB; a quarter
        // more for what lies between.
        gpu_gib: 21,
        time: FOUR_HOURS,
        text: include_str!("job_files/teuken-evaluate.yaml.j2"),
        ..PLAIN
    },
];
