//! The walk over all sourced values of a profile, each with its path: fills in the defaults, and lists the sources.

use crate::{
    partition::{EarlierTariff, Limits, Partition},
    profile::{DetectionRules, Site},
    provenance::Provenance,
    sourced::{Limit, Sourced, Stated},
};

/// Something that holds sourced values.
pub(crate) trait Traced {
    /// Visits what is stated about each value below `path`.
    fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated));
}

impl<T> Traced for Sourced<T> {
    fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated)) {
        visit(path, &mut self.stated);
    }
}

impl<T> Traced for Limit<T> {
    fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated)) {
        self.most.trace(path, visit);
    }
}

impl<T: Traced> Traced for Option<T> {
    fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated)) {
        if let Some(value) = self {
            value.trace(path, visit);
        }
    }
}

impl<T: Traced> Traced for Vec<T> {
    fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated)) {
        for (index, value) in self.iter_mut().enumerate() {
            value.trace(&format!("{path}[{index}]"), visit);
        }
    }
}

/// Visits the first list of fields and names the others, so that a new field cannot be forgotten: it would not compile.
macro_rules! traced {
    ($type:ident: $($field:ident),+; $($plain:ident),*) => {
        impl Traced for $type {
            fn trace(&mut self, path: &str, visit: &mut dyn FnMut(&str, &mut Stated)) {
                let Self { $($field,)+ $($plain: _,)* } = self;
                $($field.trace(&below(path, stringify!($field)), visit);)+
            }
        }
    };
}

fn below(path: &str, field: &str) -> String {
    if path.is_empty() { field.to_owned() } else { format!("{path}.{field}") }
}

traced!(DetectionRules: variables, hosts;);
traced!(Limits: wall, default_wall, nodes, least_gpus, gpus, running, submitted, array;);
traced!(EarlierTariff: tariff, tariff_without_gpus; before);
traced!(
    Partition: slurm_name, runs_as, qos, architecture, gpus, cpus, memory, selection, sharing, limits, tariff,
    tariff_without_gpus, earlier_tariffs, directives, internet, internet_constraint, rendezvous, environment, launchers,
    containers, submits_from_compute, end_of_time, notes;
    name, default_for
);
traced!(
    Site: clusters, detection, login, login_pause_seconds, question_interval_seconds, question_pause_seconds, account, budget_windows,
    accounting_zone, usage, storage, state_area, cache_area, modules, notes, partitions;
    site, title, centre, aliases, scheduler, defaults, sources, unknown
);

impl Site {
    /// The origin of every value, by its path in the profile, in the order of the fields.
    pub fn provenances(&self) -> Vec<(String, Provenance)> {
        let mut found = Vec::new();
        self.clone().trace("", &mut |path, stated| {
            if let (Some(source), Some(as_of), Some(confidence)) =
                (stated.source.clone(), stated.as_of.clone(), stated.confidence)
            {
                found.push((path.to_owned(), Provenance { source, as_of, confidence }));
            }
        });
        found
    }
}
