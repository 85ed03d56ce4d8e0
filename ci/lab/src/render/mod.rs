//! Slurm's configuration files for a shape. Pure: text from a shape, its folders and its ports.

mod gres_conf;
mod slurm_conf;
mod slurmdbd_conf;
#[cfg(test)]
mod tests;

pub(crate) use gres_conf::gres_conf;
pub(crate) use slurm_conf::slurm_conf;
pub(crate) use slurmdbd_conf::{Database, database_name, slurmdbd_conf};
