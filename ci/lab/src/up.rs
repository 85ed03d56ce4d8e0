//! `up`: makes what is missing, keeps what runs.

use std::sync::Mutex;

use crate::cluster::Site;
use crate::down::clear;
use crate::error::LabError;
use crate::files::{make_folder, remove_folder};
use crate::layout::Layout;
use crate::lock::{Hold, Lock};
use crate::packages;
use crate::ports::free_ports;
use crate::process::{end, processes};
use crate::server::END_LIMIT;
use crate::shapes::{Shape, shape};
use crate::shared::{ensure_mariadb, ensure_munged, make_mariadb};
use crate::state::{ClusterPorts, ClusterState, State};
use crate::users::ensure_users;

/// What `up` did with a cluster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It was built.
    Made,
    /// It was there, and servers that had ended were started again.
    Repaired,
    /// It ran already.
    Kept,
    /// It ran already, built by another version of the lab; `down` and `up` would renew it.
    KeptOlder,
}

/// What somebody who is not root hears first: what is missing, in one line, which root is to install.
fn without_root(missing: &[&str]) -> LabError {
    if missing.is_empty() {
        return LabError::NotRoot;
    }
    LabError::MissingPackages { packages: missing.join(" "), reason: String::new() }
}

/// Brings the clusters up, with their users and shared servers, and waits until every node is usable. Clusters that
/// are up already stay as they are; those not named stay as well. The outcome of each, in the order of the names.
///
/// Root only. Missing Debian packages are installed; `tell` hears of it, one line at a time.
pub fn up(lab: &Layout, names: &[String], tell: &dyn Fn(&str)) -> Result<Vec<(String, Outcome)>, LabError> {
    let shapes = names.iter().map(|name| shape(name)).collect::<Result<Vec<_>, _>>()?;
    let missing = packages::missing_packages();
    if !rustix::process::geteuid().is_root() {
        return Err(without_root(&missing));
    }
    if !missing.is_empty() {
        tell(&format!("installing Debian packages: {}", missing.join(" ")));
        packages::install(&missing)?;
    }
    let _lock = Lock::take(&lab.lock(), Hold::Alone, true)?;
    let state = prepare(lab, &shapes)?;
    let state = ensure_shared(lab, state)?;
    let mariadb_port = state.mariadb_port;
    let state = Mutex::new(state);
    let outcomes = std::thread::scope(|scope| {
        let running: Vec<_> =
            shapes.iter().map(|shape| scope.spawn(|| ensure_cluster(lab, shape, mariadb_port, &state))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect::<Result<Vec<_>, _>>()
    })?;
    Ok(names.iter().cloned().zip(outcomes).collect())
}

/// The lab's folder and its state, with ports for every cluster asked for. What an `up` left that ended before it
/// wrote its state is cleared away.
fn prepare(lab: &Layout, shapes: &[&'static Shape]) -> Result<State, LabError> {
    let mut state = if let Some(state) = State::load(lab)? {
        state
    } else {
        clear(lab)?;
        State::default()
    };
    make_folder(lab.directory(), 0o755)?;
    make_folder(&lab.share(), 0o755)?;
    let mut taken: Vec<u16> = state.clusters.values().flat_map(|cluster| ports_of(&cluster.ports)).collect();
    if state.mariadb_port == 0 {
        state.mariadb_port = free_ports(1, &taken)?;
    }
    taken.push(state.mariadb_port);
    for shape in shapes {
        if !state.clusters.contains_key(shape.name) {
            let nodes: u16 = shape.nodes.iter().map(|group| group.count).sum();
            let first = free_ports(2 + nodes, &taken)?;
            let ports = ClusterPorts { slurmdbd: first, slurmctld: first + 1, first_slurmd: first + 2 };
            taken.extend(first..first + 2 + nodes);
            state.clusters.insert(shape.name.to_owned(), ClusterState { ports, made: false });
        }
    }
    state.save(lab)?;
    Ok(state)
}

/// Ports that may be a cluster's: a few more than it has, which does no harm.
fn ports_of(ports: &ClusterPorts) -> impl Iterator<Item = u16> {
    [ports.slurmdbd, ports.slurmctld].into_iter().chain(ports.first_slurmd..ports.first_slurmd + 16)
}

/// Users, munged and MariaDB, side by side.
fn ensure_shared(lab: &Layout, mut state: State) -> Result<State, LabError> {
    std::thread::scope(|scope| {
        let munge = scope.spawn(|| ensure_munged(lab));
        let users = scope.spawn(|| ensure_users(lab));
        let database = (|| {
            if !state.mariadb_made {
                make_mariadb(lab)?;
            }
            ensure_mariadb(lab, state.mariadb_port)
        })();
        for thread in [munge.join().map(|done| done.map(drop)), users.join()] {
            thread.unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
        }
        database.map(drop)
    })?;
    state.mariadb_made = true;
    state.save(lab)?;
    Ok(state)
}

fn ensure_cluster(
    lab: &Layout,
    shape: &'static Shape,
    mariadb_port: u16,
    state: &Mutex<State>,
) -> Result<Outcome, LabError> {
    let guard = || state.lock().expect("no holder of the state panics");
    let known = guard().clusters[shape.name];
    let site = Site { lab: lab.clone(), shape, ports: known.ports };
    if known.made {
        let repaired = site.ensure_running()?;
        return Ok(match (repaired, site.is_current()) {
            (true, _) => Outcome::Repaired,
            (false, true) => Outcome::Kept,
            (false, false) => Outcome::KeptOlder,
        });
    }
    clear_cluster(&site)?;
    site.make(mariadb_port)?;
    let mut state = guard();
    if let Some(cluster) = state.clusters.get_mut(shape.name) {
        cluster.made = true;
    }
    state.save(lab)?;
    Ok(Outcome::Made)
}

/// Ends the servers of a cluster whose making was cut short, and removes its folder.
fn clear_cluster(site: &Site) -> Result<(), LabError> {
    let found: Vec<_> = processes()?
        .into_iter()
        .filter(|process| {
            process.mark().is_some_and(|mark| mark.directory == site.lab.directory() && mark.owner == site.shape.name)
        })
        .collect();
    end(&found, END_LIMIT)?;
    remove_folder(site.layout().directory())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_not_root_hears_in_one_line_what_is_missing() {
        let error = without_root(&["slurmctld", "munge"]);
        assert_eq!(error.to_string(), "missing Debian packages: slurmctld munge");
        assert_eq!(error.next(), "as root: apt-get install slurmctld munge");
        assert!(matches!(without_root(&[]), LabError::NotRoot));
    }
}
