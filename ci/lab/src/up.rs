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
use crate::postgres::{Instance, POSTGRES};
use crate::process::{end, processes};
use crate::server::END_LIMIT;
use crate::shapes::{SHAPES, Shape, shape};
use crate::shared::{ensure_mariadb, ensure_munged, make_mariadb};
use crate::state::{ClusterPorts, ClusterState, PostgresState, State};
use crate::users::ensure_users;

/// What `up` did with a cluster, or with PostgreSQL.
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

/// What is to be up, by its names.
struct Wanted {
    shapes: Vec<&'static Shape>,
    postgres: bool,
}

impl Wanted {
    fn named(names: &[String]) -> Result<Self, LabError> {
        let (postgres, clusters): (Vec<_>, Vec<_>) = names.iter().partition(|name| *name == POSTGRES);
        let unknown = |name: &str| LabError::UnknownCluster { name: name.to_owned(), known: self::names().join(", ") };
        let known = |name: &String| shape(name).map_err(|_| unknown(name));
        let shapes = clusters.into_iter().map(known).collect::<Result<Vec<_>, _>>()?;
        Ok(Self { shapes, postgres: !postgres.is_empty() })
    }

    fn missing_packages(&self) -> Vec<&'static str> {
        let mut missing = if self.shapes.is_empty() { vec![] } else { packages::missing_packages() };
        missing.extend(self.postgres.then(crate::postgres::missing_packages).into_iter().flatten());
        missing
    }

    /// Whether whoever calls may go on. Who is not root hears first, in one line, what root is to install. Slurm needs
    /// root; PostgreSQL does not.
    fn allow(&self, is_root: bool, missing: &[&str]) -> Result<(), LabError> {
        if is_root || (missing.is_empty() && self.shapes.is_empty()) {
            return Ok(());
        }
        if missing.is_empty() {
            return Err(LabError::NotRoot);
        }
        Err(LabError::MissingPackages { packages: missing.join(" "), reason: String::new() })
    }
}

/// Every name that [`up`] knows: the clusters, and PostgreSQL.
pub fn names() -> Vec<String> {
    SHAPES.iter().map(|shape| shape.name).chain([POSTGRES]).map(str::to_owned).collect()
}

/// Brings the clusters up, with their users and shared servers, and waits until every node is usable; and PostgreSQL,
/// where it is named. What is up already stays as it is; what is not named stays as well. The outcome of each, in the
/// order of the names. Several may call it at once: the later ones wait, and find it up.
///
/// Root only, but for PostgreSQL alone in a folder of one's own. Missing Debian packages are installed; `tell` hears of
/// it, one line at a time.
pub fn up(lab: &Layout, names: &[String], tell: &dyn Fn(&str)) -> Result<Vec<(String, Outcome)>, LabError> {
    let wanted = Wanted::named(names)?;
    wanted.allow(rustix::process::geteuid().is_root(), &wanted.missing_packages())?;
    let _lock = Lock::take(&lab.lock(), Hold::Alone, true)?;
    let missing = wanted.missing_packages();
    if !missing.is_empty() {
        tell(&format!("installing Debian packages: {}", missing.join(" ")));
        packages::install(&missing, || wanted.missing_packages())?;
    }
    let mut state = prepare(lab, &wanted)?;
    let postgres = if wanted.postgres { Some(ensure_postgres(lab, &mut state)?) } else { None };
    let mut clusters = ensure_clusters(lab, &wanted.shapes, state)?.into_iter();
    let outcome = |name: &String| if name == POSTGRES { postgres } else { clusters.next() };
    let outcomes: Vec<Outcome> = names.iter().filter_map(outcome).collect();
    Ok(names.iter().cloned().zip(outcomes).collect())
}

/// The clusters side by side, on the servers that they share. The outcome of each.
fn ensure_clusters(lab: &Layout, shapes: &[&'static Shape], state: State) -> Result<Vec<Outcome>, LabError> {
    if shapes.is_empty() {
        return Ok(vec![]);
    }
    let state = ensure_shared(lab, state)?;
    let mariadb_port = state.mariadb_port;
    let state = Mutex::new(state);
    std::thread::scope(|scope| {
        let running: Vec<_> =
            shapes.iter().map(|shape| scope.spawn(|| ensure_cluster(lab, shape, mariadb_port, &state))).collect();
        running
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn ensure_postgres(lab: &Layout, state: &mut State) -> Result<Outcome, LabError> {
    let known = state.postgres.as_mut().expect("`prepare` has chosen its port");
    let instance = Instance { lab: lab.clone(), port: known.port };
    if known.made {
        // A test that holds it alone may have stopped it.
        let _lock = Lock::take(&instance.lock(), Hold::Shared, false)?;
        return Ok(if instance.ensure_running()? { Outcome::Repaired } else { Outcome::Kept });
    }
    instance.make()?;
    known.made = true;
    state.save(lab)?;
    Ok(Outcome::Made)
}

/// The lab's folder and its state, with ports for everything asked for. What an `up` left that ended before it wrote
/// its state is cleared away.
fn prepare(lab: &Layout, wanted: &Wanted) -> Result<State, LabError> {
    let mut state = if let Some(state) = State::load(lab)? {
        state
    } else {
        clear(lab)?;
        State::default()
    };
    make_folder(lab.directory(), 0o755)?;
    make_folder(&lab.share(), 0o755)?;
    let mut taken: Vec<u16> = state.clusters.values().flat_map(|cluster| ports_of(&cluster.ports)).collect();
    taken.extend(state.postgres.map(|known| known.port));
    if state.mariadb_port == 0 && !wanted.shapes.is_empty() {
        state.mariadb_port = free_ports(lab.directory(), 1, &taken)?;
    }
    taken.push(state.mariadb_port);
    give_ports(lab, &wanted.shapes, &mut state, &mut taken)?;
    if wanted.postgres && state.postgres.is_none() {
        state.postgres = Some(PostgresState { port: free_ports(lab.directory(), 1, &taken)?, made: false });
    }
    state.save(lab)?;
    Ok(state)
}

/// Gives ports to the clusters that have none yet, and one to the slurmrestd of a cluster that was made without.
fn give_ports(
    lab: &Layout,
    shapes: &[&'static Shape],
    state: &mut State,
    taken: &mut Vec<u16>,
) -> Result<(), LabError> {
    for shape in shapes {
        if !state.clusters.contains_key(shape.name) {
            let nodes: u16 = shape.nodes.iter().map(|group| group.count).sum();
            let first = free_ports(lab.directory(), 3 + nodes, taken)?;
            let [slurmctld, first_slurmd, slurmrestd] = [first + 1, first + 2, first + 2 + nodes];
            let ports = ClusterPorts { slurmdbd: first, slurmctld, first_slurmd, slurmrestd };
            taken.extend(first..first + 3 + nodes);
            state.clusters.insert(shape.name.to_owned(), ClusterState { ports, made: false });
        }
    }
    for cluster in state.clusters.values_mut().filter(|cluster| cluster.ports.slurmrestd == 0) {
        cluster.ports.slurmrestd = free_ports(lab.directory(), 1, taken)?;
        taken.push(cluster.ports.slurmrestd);
    }
    Ok(())
}

/// Ports that may be a cluster's: a few more than it has, which does no harm.
fn ports_of(ports: &ClusterPorts) -> impl Iterator<Item = u16> {
    [ports.slurmdbd, ports.slurmctld, ports.slurmrestd].into_iter().chain(ports.first_slurmd..ports.first_slurmd + 16)
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
        let wanted =
            |names: &[&str]| Wanted::named(&names.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
        let error = wanted(&["jupiter"]).allow(false, &["slurmctld", "munge"]).unwrap_err();
        assert_eq!(error.to_string(), "missing Debian packages: slurmctld munge");
        assert_eq!(error.next(), "as root: apt-get install slurmctld munge");
        assert!(matches!(wanted(&["jupiter", POSTGRES]).allow(false, &[]), Err(LabError::NotRoot)));
        let error = wanted(&[POSTGRES]).allow(false, &["postgresql"]).unwrap_err();
        assert_eq!(error.next(), "as root: apt-get install postgresql");
        assert!(wanted(&[POSTGRES]).allow(false, &[]).is_ok(), "PostgreSQL needs no root");
        assert!(wanted(&["jupiter"]).allow(true, &["munge"]).is_ok());
    }

    #[test]
    fn names_are_clusters_or_postgres() {
        assert!(Wanted::named(&names()).is_ok_and(|all| all.postgres && all.shapes.len() == SHAPES.len()));
        let error = Wanted::named(&["postgresql".to_owned()]).err().expect("it is unknown");
        assert_eq!(error.next(), "name one of: jupiter, horeka, raven, postgres");
    }
}
