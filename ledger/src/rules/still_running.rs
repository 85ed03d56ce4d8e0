//! Which runs went on over a border of time when they were read, and what that leaves open.

use super::attribution::is_slurms;
use super::coverage::{common, of_binding};
use super::{Attribution, Gap, Spender, attribute, union_ever};
use crate::{Binding, Coverage, Hold, HoldId, ImportRecord, Observation, StillRunning};
use model::{Timestamp, Window};
use std::collections::BTreeMap;

/// What observations and batches say was under way: runs of observations with who pays, of batches the accounts alone.
pub(crate) fn still_running(
    observations: &[Observation],
    holds: &[Hold],
    bindings: &[Binding],
    imports: Vec<ImportRecord>,
    now: Timestamp,
) -> Vec<StillRunning> {
    let holds: BTreeMap<HoldId, &Hold> = holds.iter().map(|hold| (hold.id, hold)).collect();
    let mut found = Vec::new();
    for seen in union_ever(observations, now) {
        for run in &seen.running {
            let as_of = seen.observation.as_of;
            let spender = Spender::of_running(run, as_of);
            let hold = run.stamp.and_then(|stamp| holds.get(&HoldId(stamp.job)).copied());
            let hold = hold.filter(|hold| hold.is_drawn_by(spender.site, spender.user));
            let paid = attribute(spender, Some(&run.price_so_far), hold, bindings);
            let (Attribution::Charged(charge), Some(since)) = (paid, run.started_at) else { continue };
            found.push(StillRunning {
                site: run.key.site.clone(),
                account: run.account.clone(),
                user: Some(run.user.clone()),
                paid_by: Some((charge.project, charge.unit)),
                since,
                as_of,
            });
        }
    }
    for ImportRecord { batch, .. } in imports {
        let of_batch = batch.still_running.into_iter().map(|rows| StillRunning {
            site: batch.site.clone(),
            account: rows.account,
            user: None,
            paid_by: None,
            since: rows.since,
            as_of: batch.observed_at,
        });
        found.extend(of_batch);
    }
    found
}

/// What runs that a binding charges had taken inside a span when they were read, and no entry has: none where nothing ran over
/// from it, or where all of them were read again since.
///
/// Whoever read everybody's runs beyond the instant at which a run was under way has it since, either in an entry or as running
/// still, with a later date.
pub fn running(marks: &[StillRunning], binding: &Binding, readings: &[Coverage], span: Window) -> Option<Gap> {
    let mut gap: Option<Gap> = None;
    for mark in marks.iter().filter(|mark| is_of(mark, binding)) {
        let Some(open) = common(span, Window { from: mark.since, to: mark.as_of }) else { continue };
        if is_read_again(mark, binding, readings) {
            continue;
        }
        let gap = gap.get_or_insert_with(|| Gap {
            project: binding.project.clone(),
            unit: binding.unit.clone(),
            account: binding.account.clone(),
            window: open,
            only_of: Vec::new(),
            still_ran_at: Some(mark.as_of),
            unpriced: None,
        });
        gap.window = Window { from: gap.window.from.min(open.from), to: gap.window.to.max(open.to) };
        gap.still_ran_at = gap.still_ran_at.max(Some(mark.as_of));
    }
    gap
}

fn is_of(mark: &StillRunning, binding: &Binding) -> bool {
    let is_its = |account: &model::AccountName| mark.account.as_ref().is_some_and(|own| is_slurms(account, own));
    mark.site == binding.site
        && binding.account.as_ref().is_none_or(is_its)
        && binding.user.as_ref().is_none_or(|user| mark.user.as_ref().is_none_or(|own| own == user))
        && mark.paid_by.as_ref().is_none_or(|(project, unit)| *project == binding.project && *unit == binding.unit)
}

fn is_read_again(mark: &StillRunning, binding: &Binding, readings: &[Coverage]) -> bool {
    let instant = Window { from: mark.as_of, to: mark.as_of.plus_seconds(1) };
    let of_site = readings.iter().filter(|reading| reading.site == mark.site);
    !of_binding(of_site, binding, instant).whole.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_epoch_seconds(seconds)
    }

    fn window(from: i64, to: i64) -> Window {
        Window { from: at(from), to: at(to) }
    }

    fn name<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
        text.parse().expect(text)
    }

    fn binding() -> Binding {
        Binding {
            site: name("horeka"),
            account: Some(name("hai")),
            partition: None,
            work_directory: None,
            name: None,
            user: None,
            unit: name("horeka:a100"),
            project: name("atlas"),
            from: at(0),
            to: None,
        }
    }

    fn mark(account: &str, since: i64, as_of: i64) -> StillRunning {
        StillRunning {
            site: name("horeka"),
            account: Some(name(account)),
            user: None,
            paid_by: None,
            since: at(since),
            as_of: at(as_of),
        }
    }

    fn reading(scope: &str, from: i64, to: i64) -> Coverage {
        Coverage {
            site: name("horeka"),
            cluster: name("horeka"),
            scope: name(scope),
            rights: None,
            whole_accounts: Vec::new(),
            hidden_accounts: Vec::new(),
            window: window(from, to),
            observed_at: at(to),
        }
    }

    #[test]
    fn a_run_that_goes_on_over_the_end_of_a_span_is_told_until_it_is_read_again() {
        // The span is from 100 to 200.
        let (olga, ada) = (|to| vec![reading("site:olga", 0, to)], |to| vec![reading("user:ada", 0, to)]);
        for (what, marks, readings, expected) in [
            ("nothing ran", vec![], olga(200), None),
            ("it ran at the end", vec![mark("hai", 150, 200)], olga(200), Some((150, 200, 200))),
            ("it began before the span", vec![mark("hai", 50, 200)], olga(200), Some((100, 200, 200))),
            ("it was seen behind the end", vec![mark("hai", 150, 260)], olga(260), Some((150, 200, 260))),
            ("it began behind the end", vec![mark("hai", 200, 260)], olga(260), None),
            ("it was read again", vec![mark("hai", 150, 200)], olga(201), None),
            ("by somebody who sees their own", vec![mark("hai", 150, 200)], ada(900), Some((150, 200, 200))),
            ("it runs still", vec![mark("hai", 150, 200), mark("hai", 150, 260)], olga(260), Some((150, 200, 260))),
            ("another account's", vec![mark("other", 150, 200)], olga(200), None),
            ("as Slurm writes it", vec![mark("HAI", 150, 200)], olga(200), Some((150, 200, 200))),
            ("two", vec![mark("hai", 150, 200), mark("hai", 120, 180)], vec![], Some((120, 200, 200))),
        ] {
            let found = running(&marks, &binding(), &readings, window(100, 200));
            let shown = found.map(|gap| {
                let seconds = |at: Timestamp| at.epoch_seconds();
                (seconds(gap.window.from), seconds(gap.window.to), gap.still_ran_at.map(seconds).expect("an instant"))
            });
            assert_eq!(shown, expected, "{what}");
        }
        let paid = |project: &str| StillRunning {
            paid_by: Some((name(project), name("horeka:a100"))),
            ..mark("hai", 150, 200)
        };
        for (project, is_told) in [("atlas", true), ("borealis", false)] {
            assert_eq!(running(&[paid(project)], &binding(), &[], window(100, 200)).is_some(), is_told, "{project}");
        }
    }
}
