//! The lab's clusters from another machine: through ssh to a login node that shows a banner and whose shell greets.

use crate::{
    stages::{
        real::{helper_in, without_what_the_library_does},
        wrapped::Wrapped,
    },
    suite::{Stage, SystemClock},
};
use lab::{LoginNode, Sshd};
use reach::{Command, OpenSsh, Opening, Reach, SshSettings};
use scheduler_adapters::SlurmCommands;
use std::{sync::Arc, time::Duration};

/// The same stage, spoken to by Slurm's commands through a connection of its own.
pub(crate) fn by_commands(mut stage: Stage, name: &str) -> Stage {
    let place = connected(&mut stage, name);
    let reach = Wrapped(without_greeting, place);
    let scheduler = SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock));
    Stage { scheduler: Arc::new(scheduler), ..stage }
}

/// The same stage, spoken to by Slurm's own library through one. The commands that it takes the place of fail here.
pub(crate) fn by_helper(mut stage: Stage, name: &str) -> Stage {
    let place = connected(&mut stage, name);
    let reach = Wrapped(|command: &Command| without_greeting(&without_what_the_library_does(command)), place);
    let scheduler = SlurmCommands::new(Arc::new(reach), Arc::new(SystemClock)).with_helper(helper_in(&stage.folder));
    Stage { scheduler: Arc::new(scheduler), ..stage }
}

/// The login node greets whoever runs a command. Its jobs would hand the greeting on, and do not on a site, where it stands in
/// a file that their shells do not read.
fn without_greeting(command: &Command) -> Command {
    command.clone().without(["BASH_ENV"])
}

/// The way to a login node of this stage alone, which ends with it.
fn connected(stage: &mut Stage, name: &str) -> impl Reach + use<> {
    let cluster = lab::attach(name).expect("the lab is up");
    let node = LoginNode {
        banner: Some("*** Authorised use only ***".to_owned()),
        greeting: Some("Welcome! 4711 of 4711 nodes are up".to_owned()),
        environment: vec![("SLURM_CONF".to_owned(), cluster.slurm_conf.display().to_string())],
        ..LoginNode::default()
    };
    let node = Sshd::start(stage.user.as_str(), &node).expect("sshd starts");
    let folder = tempfile::tempdir().expect("a folder");
    let configuration = folder.path().join("ssh_config");
    std::fs::write(&configuration, node.host_block("login", "")).expect("ours");
    let place = OpenSsh::new(SshSettings {
        hosts: vec!["login".to_owned()],
        jump: None,
        opening: Opening::ByUs,
        pause: Duration::ZERO,
        folder: folder.path().join("sockets"),
        user: None,
        configuration: Some(configuration),
    });
    stage.kept.extend([Box::new(node) as Box<dyn std::any::Any>, Box::new(folder), Box::new(cluster)]);
    place
}
