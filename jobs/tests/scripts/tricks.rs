//! What public job scripts had to do at each site, and why: none of it may be lost between profile and script.
//!
//! Each row is a site, a launcher, and lines of which the script must hold every one, or none.

use crate::support::{LAUNCHERS, catalogue, environment, job, script, site, starts};
use model::{GpuRequest, Launch};
use sites::SchedulerKind;

/// What every script for Slurm holds, whatever the site.
const EVERYWHERE: [(&str, &str); 4] = [
    ("ulimit -c 0", "core dumps eat files and hours"),
    ("pakt_claim\n", "one scheduler job works on a link"),
    ("  export SLURM_EXPORT_ENV=ALL\n", "tasks of srun get the environment of the script"),
    (
        "export TRITON_CACHE_DIR=\"${TRITON_CACHE_DIR:-$pakt_cache/triton}\"\n",
        "compile caches stay out of a small home",
    ),
];

/// What every torchrun on several nodes holds.
const MEETING: [(&str, &str); 6] = [
    ("MASTER_PORT=$((10000 + 10#$pakt_number % 22000))", "the port follows from the job id"),
    ("--rdzv_backend=c10d", "one rendezvous"),
    (
        "[ \"${SLURM_NODEID:?is not set: srun has not started this}\" -ne 0 ] || pakt_is_host=true",
        "the node decides who hosts",
    ),
    ("--rdzv_conf=\"is_host=$pakt_is_host\" --local_addr=\"$pakt_local\"", "and says its own address"),
    ("--max_restarts=0", "whoever restarts is the chain, not torchrun"),
    ("--cpu-bind=none", "one launcher a node is not bound to the cores of one process"),
];

/// The tricks of one site: what its torchrun script holds, and what it must not hold.
struct Tricks {
    site: &'static str,
    holds: &'static [&'static str],
    lacks: &'static [&'static str],
}

const TRICKS: [Tricks; 11] = [
    Tricks {
        site: "jupiter",
        holds: &[
            "#SBATCH --account=",
            "#SBATCH --partition=booster\n",
            "#SBATCH --gres=gpu:4\n",
            "[ -z \"${EXAPROJECT-}\" ] || export PROJECT=\"$EXAPROJECT\"\n",
            "[ -z \"${EXASCRATCH-}\" ] || export SCRATCH=\"$EXASCRATCH\"\n",
            "name=\"$1\"-interconnect-1.jupiter.internal\n",
            "export NCCL_SOCKET_IFNAME=ib0\n",
            "export NCCL_SOCKET_FAMILY=AF_INET\n",
            "--cpu-bind=none --mpi=none",
            "export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\n",
            "export CUDA_VISIBLE_DEVICES=\"${CUDA_VISIBLE_DEVICES:-0,1,2,3}\"\n",
            "area=$({ printf '%s' \"$EXASCRATCH\"; } 2>/dev/null)\n",
            "export HF_HUB_OFFLINE=",
            "export TRANSFORMERS_OFFLINE=",
            "export WANDB_MODE=",
        ],
        // No `i` here, Gloo needs nothing, and MIOpen belongs to another vendor.
        lacks: &["name=\"$1\"i\n", "GLOO_SOCKET_IFNAME", "MIOPEN", "#SBATCH --mem"],
    },
    Tricks {
        site: "juwels-booster",
        holds: &[
            "name=\"$1\"i\n",
            "getent ahostsv4 \"$name\"",
            "export NCCL_SOCKET_IFNAME=ib0\n",
            "export GLOO_SOCKET_IFNAME=ib0\n",
            "export NCCL_IB_TIMEOUT=50\n",
            "export UCX_RC_TIMEOUT=4s\n",
            "export SRUN_CPUS_PER_TASK=\"$SLURM_CPUS_PER_TASK\"\n",
            "export CUDA_VISIBLE_DEVICES=\"${CUDA_VISIBLE_DEVICES:-0,1,2,3}\"\n",
            "export HF_HUB_OFFLINE=",
        ],
        lacks: &["interconnect-1", "NodeAddr", "--mpi=none", "MIOPEN"],
    },
    Tricks {
        site: "jureca-dc",
        holds: &[
            "#SBATCH --partition=dc-gpu\n",
            "name=\"$1\"i\n",
            "export NCCL_SOCKET_IFNAME=ib0\n",
            "export GLOO_SOCKET_IFNAME=ib0\n",
            "export PMIX_SECURITY_MODE=native\n",
            "export CUDA_VISIBLE_DEVICES=\"${CUDA_VISIBLE_DEVICES:-0,1,2,3}\"\n",
            "export HF_DATASETS_OFFLINE=",
        ],
        lacks: &["interconnect-1", "NodeAddr", "MIOPEN"],
    },
    Tricks {
        site: "horeka",
        holds: &["#SBATCH --gres=gpu:4\n", "#SBATCH --cpus-per-task=152\n", "area=$({ printf '%s' \"$PROJECT\"; }"],
        lacks: &["HF_HUB_OFFLINE", "CUDA_VISIBLE_DEVICES", "name=\"$1\"i\n", "MIOPEN"],
    },
    Tricks {
        site: "haicore",
        // A job has one node at most: it meets itself on the loopback.
        holds: &["#SBATCH --gres=gpu:full:4\n", "MASTER_ADDR=127.0.0.1\n"],
        lacks: &["getent", "#SBATCH --mem"],
    },
    Tricks {
        site: "raven",
        holds: &[
            "#SBATCH --gres=gpu:a100:4\n",
            "#SBATCH --constraint=gpu\n",
            "#SBATCH --cpus-per-task=72\n",
            "#SBATCH --mem=500000\n",
            "area=$({ printf '%s' \"/ptmp/$USER\"; }",
            "export HF_HUB_OFFLINE=",
        ],
        lacks: &["#SBATCH --partition", "MIOPEN"],
    },
    Tricks {
        site: "viper-gpu",
        holds: &[
            "#SBATCH --constraint=apu\n",
            "#SBATCH --mem=220000\n",
            "export HSA_XNACK=1\n",
            "export PYTORCH_ROCM_ARCH=gfx942\n",
            "export MIOPEN_USER_DB_PATH=\"/tmp/miopen-$SLURM_JOB_ID/user-db\"\n",
            "export HF_HUB_OFFLINE=",
        ],
        lacks: &["#SBATCH --partition", "CUDA_VISIBLE_DEVICES"],
    },
    Tricks {
        site: "dais",
        holds: &["#SBATCH --gres=gpu:h200:8\n", "#SBATCH --cpus-per-task=96\n", "--nproc_per_node=8"],
        // Its nodes reach the internet, other than Viper's.
        lacks: &["#SBATCH --partition", "HF_HUB_OFFLINE", "MIOPEN"],
    },
    Tricks {
        site: "supermuc-ng-2",
        holds: &[
            "#SBATCH --export=NONE\n",
            "export I_MPI_OFFLOAD=1\n",
            "export ZE_FLAT_DEVICE_HIERARCHY=FLAT\n",
            "export ONEAPI_DEVICE_SELECTOR=level_zero:gpu\n",
            "export PSM3_GPUDIRECT=0\n",
            "--nproc_per_node=8",
        ],
        lacks: &["CUDA_VISIBLE_DEVICES", "MIOPEN", "#SBATCH --gres"],
    },
    Tricks {
        site: "levante",
        holds: &["#SBATCH --constraint=a100_80\n", "#SBATCH --exclusive\n", "export CUDA_VISIBLE_DEVICES="],
        lacks: &["#SBATCH --cpus-per-task", "MIOPEN"],
    },
    Tricks {
        site: "grete",
        holds: &["#SBATCH --gres=gpu:A100:4\n", "export CUDA_VISIBLE_DEVICES=", "export HF_HUB_OFFLINE="],
        lacks: &["gpu:a100", "#SBATCH --cpus-per-task", "MIOPEN"],
    },
];

#[test]
fn every_site_keeps_its_tricks() {
    let with_slurm = catalogue().iter().filter(|site| site.scheduler == SchedulerKind::Slurm).count();
    assert_eq!(TRICKS.len(), with_slurm, "a row for every site");
    for Tricks { site: name, holds, lacks } in TRICKS {
        let text = script(site(name), &job(site(name), Launch::Torchrun));
        for wanted in holds {
            assert!(text.contains(wanted), "{name} lacks {wanted:?}");
        }
        for unwanted in lacks {
            assert!(!text.contains(unwanted), "{name} holds {unwanted:?}");
        }
        let is_alone = text.contains("--nnodes=1 ");
        for (wanted, why) in MEETING {
            let is_for_several = wanted.contains("SLURM_NODEID");
            assert!(text.contains(wanted) || (is_alone && is_for_several), "{name} lacks {wanted:?}: {why}");
        }
    }
}

#[test]
fn every_script_for_slurm_holds_what_no_site_can_do_without() {
    for site in catalogue().iter().filter(|site| site.scheduler == SchedulerKind::Slurm) {
        for (launch, name) in LAUNCHERS.into_iter().filter(|(launch, _)| starts(site, *launch)) {
            let text = script(site, &job(site, launch));
            for (wanted, why) in EVERYWHERE {
                assert!(text.contains(wanted), "{} {name} lacks {wanted:?}: {why}", site.title);
            }
            assert_eq!(text.matches("ulimit -c 0").count(), 2, "{} {name}: also where the program runs", site.title);
            let repeats = text.contains("SRUN_CPUS_PER_TASK");
            assert_eq!(repeats, launch != Launch::Command, "{} {name}: a command divides its nodes itself", site.title);
        }
    }
}

#[test]
fn one_node_meets_itself_on_the_loopback_everywhere() {
    for site in catalogue().iter().filter(|site| site.scheduler == SchedulerKind::Slurm) {
        let mut spec = job(site, Launch::Torchrun);
        spec.resources.nodes = Some(1);
        let text = script(site, &spec);
        assert!(text.contains("MASTER_ADDR=127.0.0.1\n") && !text.contains("getent"), "{}", site.title);
    }
}

#[test]
fn the_suffix_of_the_fast_network_is_never_lost_to_a_lookup_of_the_plain_name() {
    // A public launcher appended `i` at JUWELS and JURECA and then overwrote the result by looking up the plain name.
    for name in ["juwels-booster", "jureca-dc"] {
        let text = script(site(name), &job(site(name), Launch::Torchrun));
        assert_eq!(text.matches("name=\"$1\"i\n").count(), 2, "{name}: batch script and node program add the suffix");
        for line in text.lines().filter(|line| line.contains("getent")) {
            assert!(line.contains("getent ahostsv4 \"$name\""), "{name}: {line}");
        }
        assert_eq!(text.matches("MASTER_ADDR=").count(), 1, "{name}: set once");
    }
}

#[test]
fn mpi_starts_as_each_site_wants_it() {
    for (name, wanted) in [
        ("jupiter", "srun --mpi=pspmix --nodes=2 --ntasks=8 --ntasks-per-node=4 "),
        ("juwels-booster", "srun --mpi=pspmix "),
        ("jureca-dc", "srun --mpi=pspmix "),
        ("supermuc-ng-2", "mpiexec -n 16 "),
        ("horeka", "srun --mpi=pmix "),
    ] {
        let text = script(site(name), &job(site(name), Launch::Mpi));
        assert!(text.contains(&format!("\n{wanted}")), "{name} lacks {wanted:?}");
    }
}

#[test]
fn containers_start_as_each_vendor_wants_it() {
    for (name, wanted) in [
        ("jupiter", "apptainer exec --nv \"$PROJECT/images/torch.sif\" torchrun "),
        ("juwels-booster", "singularity exec --nv \"$PROJECT/images/torch.sif\" torchrun "),
        ("viper-gpu", "apptainer exec --rocm \"$PROJECT/images/torch.sif\" torchrun "),
    ] {
        let mut spec = job(site(name), Launch::Torchrun);
        spec.environment = environment(true);
        let text = script(site(name), &spec);
        assert!(text.contains(wanted), "{name} lacks {wanted:?}");
        assert!(text.contains("for directory in \"$PAKT_JOB_DIRECTORY\" \"$PWD\" \"$pakt_cache\"; do\n"), "{name}");
    }
}

#[test]
fn parts_of_shared_nodes_say_their_share() {
    for (name, lines) in [
        ("raven", &["#SBATCH --gres=gpu:a100:1\n", "#SBATCH --cpus-per-task=18\n", "#SBATCH --mem=125000\n"][..]),
        ("viper-gpu", &["#SBATCH --gres=gpu:1\n", "#SBATCH --cpus-per-task=24\n", "#SBATCH --mem=110000\n"]),
        ("dais", &["#SBATCH --gres=gpu:h200:1\n", "#SBATCH --cpus-per-task=12\n", "#SBATCH --mem=250000\n"]),
        ("horeka", &["#SBATCH --gres=gpu:1\n", "#SBATCH --cpus-per-task=38\n"]),
        ("haicore", &["#SBATCH --gres=gpu:full:1\n", "#SBATCH --cpus-per-task=38\n"]),
    ] {
        let mut spec = job(site(name), Launch::Torchrun);
        (spec.resources.nodes, spec.resources.gpus) = (Some(1), GpuRequest::PerNode(1));
        let text = script(site(name), &spec);
        for wanted in lines {
            assert!(text.contains(wanted), "{name} lacks {wanted:?}");
        }
    }
}
