//! Tariffs: by what a partition's runs are priced, ours and foreign ones.

use crate::{
    partition::{Partition, Sharing, TariffProfile},
    pattern,
    profile::Site,
    sourced::Sourced,
};
use model::{GpuCount, PartitionName, SiteName, Tariff, TariffId, Timestamp, Tres, Unit};
use std::collections::BTreeSet;

/// By when every change of a tariff that a profile can name has happened.
const END_OF_TIME: Timestamp = Timestamp::from_epoch_seconds(i64::MAX);

/// The tariff for a run that started `at` an instant: by Slurm's name of its partition, else by the type of GPU it was given
/// where only one kind of partition has it. None where the profile cannot tell; such a run is listed as not priced, never as free.
pub fn tariff_for(site: &Site, partition: Option<&PartitionName>, allocated: &Tres, at: Timestamp) -> Option<Tariff> {
    let named = partition.and_then(|name| site.partition_of_runs(name));
    named.or_else(|| by_gpu_type(site, allocated)).map(|partition| partition.tariff(site.name(), allocated, at))
}

fn by_gpu_type<'a>(site: &'a Site, allocated: &Tres) -> Option<&'a Partition> {
    let has_its_type = |partition: &&Partition| {
        let gres = partition.selection.value.gres.as_deref();
        let kind = gres.and_then(|gres| gres.split_once(':')).map(|(_, kind)| kind);
        kind.is_some_and(|kind| allocated.gpus_by_type.contains_key(kind))
    };
    let mut found = site.partitions.iter().filter(has_its_type);
    let first = found.next()?;
    let same = |other: &Partition| {
        other.tariff.value == first.tariff.value
            && other.earlier_tariffs == first.earlier_tariffs
            && other.gpus == first.gpus
            && other.sharing.value == first.sharing.value
    };
    found.all(same).then_some(first)
}

impl Site {
    /// The units that runs here are counted in: of GPUs, of nodes, and of the site's own charge.
    pub fn units(&self) -> BTreeSet<Unit> {
        let tariffs = self.tariffs_ever();
        let units = |tariff: Tariff| [tariff.gpu_unit(), Some(tariff.node_unit()), Some(tariff.charge_unit())];
        tariffs.flat_map(units).flatten().collect()
    }

    /// The units that the site itself charges in.
    pub fn charge_units(&self) -> BTreeSet<Unit> {
        self.tariffs_ever().map(|tariff| tariff.charge_unit()).collect()
    }

    /// Every tariff of the profile, those that held before too.
    pub fn tariffs_ever(&self) -> impl Iterator<Item = Tariff> {
        self.partitions.iter().flat_map(|partition| {
            let times = partition.earlier_tariffs.iter().map(|earlier| earlier.before.plus_seconds(-1));
            times.chain([END_OF_TIME]).flat_map(|at| partition.tariffs(self.name(), at))
        })
    }

    /// How many tariffs have given way to another at an instant: runs that started under the same number of them have the
    /// same tariffs.
    pub fn tariff_changes_until(&self, at: Timestamp) -> usize {
        let changes = self.partitions.iter().flat_map(|partition| &partition.earlier_tariffs);
        changes.filter(|earlier| earlier.before <= at).count()
    }

    /// The partition whose runs stand in accounting under this name of Slurm's: the one of that name, else the first
    /// with a pattern that fits.
    pub fn partition_of_runs(&self, name: &PartitionName) -> Option<&Partition> {
        let is_own = |partition: &&Partition| partition.slurm_name.as_ref().is_some_and(|own| own.value == *name);
        let fits = |partition: &&Partition| {
            let mut patterns = partition.runs_as.iter().flat_map(|patterns| &patterns.value);
            patterns.any(|wanted| pattern::matches(wanted, name.as_str()))
        };
        self.partitions.iter().find(is_own).or_else(|| self.partitions.iter().find(fits))
    }
}

impl Partition {
    /// The tariff for what a run was allocated that started `at` an instant; that of runs without GPUs where the site has one
    /// and it had none.
    pub fn tariff(&self, site: &SiteName, allocated: &Tres, at: Timestamp) -> Tariff {
        let holds_gpus = match allocated.gpus() {
            GpuCount::Tracked(count) => count > 0,
            GpuCount::Untracked => self.gpus_per_node() > 0,
        };
        let (usual, without_gpus) = self.formulas(at);
        match without_gpus {
            Some(profile) if !holds_gpus => self.tariff_from(site, profile, "-without-gpus", false),
            _ => self.tariff_from(site, usual, "", true),
        }
    }

    /// The tariffs that runs which start `at` an instant may be priced by: that of runs without GPUs, too, where the site has
    /// one.
    pub(crate) fn tariffs(&self, site: &SiteName, at: Timestamp) -> Vec<Tariff> {
        let (usual, without_gpus) = self.formulas(at);
        let without_gpus = without_gpus.map(|profile| self.tariff_from(site, profile, "-without-gpus", false));
        [self.tariff_from(site, usual, "", true)].into_iter().chain(without_gpus).collect()
    }

    /// The formulas that held at an instant: with GPUs, and without where that differed.
    fn formulas(&self, at: Timestamp) -> (&Sourced<TariffProfile>, Option<&Sourced<TariffProfile>>) {
        let held =
            self.earlier_tariffs.iter().filter(|earlier| at < earlier.before).min_by_key(|earlier| earlier.before);
        match held {
            Some(earlier) => (&earlier.tariff, earlier.tariff_without_gpus.as_ref()),
            None => (&self.tariff, self.tariff_without_gpus.as_ref()),
        }
    }

    /// GPUs of a node as the scheduler counts them, zero on CPU partitions.
    pub fn gpus_per_node(&self) -> u32 {
        self.gpus.as_ref().map_or(0, |gpus| gpus.value.per_node)
    }

    fn tariff_from(&self, site: &SiteName, profile: &Sourced<TariffProfile>, suffix: &str, has_gpus: bool) -> Tariff {
        let gpus = self.gpus.as_ref().map(|gpus| &gpus.value).filter(|_| has_gpus);
        let date = profile.as_of().map_or("undated", |as_of| as_of.as_str());
        let nameless = Tariff {
            id: TariffId(format!("{site}/{}{suffix}/{date}", self.name)),
            site: site.clone(),
            gpu_class: gpus.map(|gpus| gpus.class.clone()),
            milli_gpus_per_scheduler_gpu: gpus.map_or(1000, |gpus| gpus.milli_gpus_per_scheduler_gpu),
            scheduler_gpus_per_node: gpus.map(|gpus| u64::from(gpus.per_node)),
            is_exclusive: self.sharing.value == Sharing::Exclusive,
            charge_class: profile.value.class.clone(),
            charge_rule: profile.value.charge.clone(),
            minimum_seconds: profile.value.minimum_seconds,
        };
        let id = TariffId(format!("{}@{}", nameless.id, digest(&nameless)));
        Tariff { id, ..nameless }
    }
}

/// Of what a tariff says, so that its id stands for that alone: the first half of the BLAKE3 digest of [`Tariff::terms`], as
/// 32 hexadecimal digits.
fn digest(tariff: &Tariff) -> String {
    let mut digest = blake3::hash(tariff.terms().as_bytes()).to_hex();
    digest.truncate(32);
    digest.to_string()
}
