//! What goes wrong: with Slurm's commands, on the double; with Slurm's servers, on the lab; with local supervisors. And
//! what an answer may cost.

mod alike;
mod cost;
mod local;
mod native;
mod real;
mod rest;
mod shared;
mod slurm;
mod submission;
