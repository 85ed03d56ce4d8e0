//! What budgets say to many jobs together.

use super::ready::{Ready, advice_for};
use crate::{house::House, outlook::Advice};
use ledger::Book;
use model::{Amount, ProjectName, Unit, Window};
use std::{collections::BTreeMap, sync::Arc};

/// A job's part in what is paid by one budget.
pub(super) struct Payment {
    project: ProjectName,
    book: Arc<dyn Book>,
    unit: Unit,
    amount: Amount,
    expected: Window,
}

/// What pays for each of them; none where nothing does.
pub(super) fn payments(ready: &[Ready]) -> Vec<Option<Payment>> {
    let of = |ready: &Ready| {
        let (book, unit, amount) = ready.told.payment.clone()?;
        Some(Payment { project: ready.intent.project.clone(), book, unit, amount, expected: ready.told.expected })
    };
    ready.iter().map(of).collect()
}

/// What each budget says to all new jobs that it pays.
pub(super) async fn advice(
    house: &House,
    payments: Vec<Option<Payment>>,
    are_new: impl Iterator<Item = bool>,
) -> Vec<(ProjectName, Advice)> {
    let mut sums: BTreeMap<(ProjectName, Unit), Payment> = BTreeMap::new();
    for payment in payments.into_iter().zip(are_new).filter_map(|(payment, is_new)| payment.filter(|_| is_new)) {
        match sums.get_mut(&(payment.project.clone(), payment.unit.clone())) {
            Some(sum) => {
                // A sum beyond all amounts was refused as a hold.
                sum.amount = sum.amount.plus(payment.amount).unwrap_or(sum.amount);
                sum.expected.from = sum.expected.from.min(payment.expected.from);
                sum.expected.to = sum.expected.to.max(payment.expected.to);
            }
            None => drop(sums.insert((payment.project.clone(), payment.unit.clone()), payment)),
        }
    }
    let mut said = Vec::new();
    for Payment { project, book, unit, amount, expected } in sums.into_values() {
        said.extend(
            advice_for(house, &project, (&book, &unit, amount), expected).await.map(|advice| (project, advice)),
        );
    }
    said
}
