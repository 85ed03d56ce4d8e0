//! What goes wrong: with Slurm's commands, on the double; with Slurm's servers, on the lab; with local supervisors.

mod local;
mod real;
mod slurm;
