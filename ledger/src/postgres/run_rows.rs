//! Runs as rows on their way into their table. Whoever makes them asks the server nothing: while rows are copied it answers
//! nothing else.

use super::copy_rows::CopyRows;
use super::rows::{number, to_json, unreadable};
use super::run_tables::raw_id;
use super::session::Session;
use crate::price_shape::PriceShape;
use crate::records::{BookedCharge, BookedRun, RawPlace, Result, Standing};
use model::{Amount, Charge, EvidenceClass, Price, Timestamp};

/// The numbers of a run's names.
pub(super) struct RunNames {
    place: i32,
    user: i32,
    account: Option<i32>,
    partition: Option<i32>,
    qos: Option<i32>,
    state: i32,
    allocated: i32,
    price: i32,
    /// Project and unit of what is charged, or covered.
    charged: Option<(i32, i32)>,
}

impl RunNames {
    pub(super) fn of(session: &Session, booked: &BookedRun) -> Result<Self> {
        let (run, price, names) = (&booked.settled.run, &booked.settled.price, &session.names);
        let option = |name: Option<&str>| name.map(|name| session.number(name)).transpose();
        Ok(Self {
            place: session.place(&booked.key)?,
            user: session.number(run.user.as_str())?,
            account: option(run.account.as_ref().map(model::AccountName::as_str))?,
            partition: option(run.partition.as_ref().map(model::PartitionName::as_str))?,
            qos: option(run.qos.as_ref().map(model::QosName::as_str))?,
            state: session.json_number(&names.states, |known| *known == run.state, || run.state.clone())?,
            allocated: session.json_number(&names.tres, |known| *known == run.allocated, || run.allocated.clone())?,
            price: session.json_number(&names.prices, |known| known.is_of(price), || PriceShape::of(price))?,
            charged: match &booked.standing {
                Standing::Charged(charge) | Standing::Covered(charge) => {
                    Some((session.number(charge.project.as_str())?, session.unit(&charge.unit)?))
                }
                Standing::Unattributed(_) => None,
            },
        })
    }
}

/// What ran: the first columns.
pub(super) fn put_run(rows: &mut CopyRows, booked: &BookedRun, names: &RunNames) -> Result<()> {
    let run = &booked.settled.run;
    rows.name(names.place);
    rows.number(raw_id(booked.key.scheduler_job)?);
    rows.number(booked.key.submitted_at.epoch_seconds());
    rows.text_option(run.sluid.as_deref());
    rows.text(&run.shown_id);
    rows.name(names.user);
    rows.name_option(names.account);
    rows.name_option(names.partition);
    rows.name_option(names.qos);
    rows.text(&run.name);
    rows.text_option(run.stamp.map(|stamp| stamp.job.to_string()).as_deref());
    rows.number_option(run.stamp.map(|stamp| stamp.link.get().into()));
    rows.name(names.state);
    rows.number_option(run.restarts.map(i64::from));
    rows.number(run.started_at.epoch_seconds());
    rows.number_option(run.ended_at.map(Timestamp::epoch_seconds));
    rows.number(number(run.elapsed.seconds())?);
    rows.number_option(run.time_limit.map(|limit| number(limit.seconds())).transpose()?);
    rows.name(names.allocated);
    rows.number(run.exit.code.into());
    rows.number(run.exit.signal.into());
    rows.small(evidence_number(run.evidence));
    Ok(())
}

/// Where it stands in the books: the other columns.
pub(super) fn put_standing(
    rows: &mut CopyRows,
    booked: &BookedRun,
    names: &RunNames,
    raw: Option<RawPlace>,
) -> Result<()> {
    let price = &booked.settled.price;
    let charged = |part: fn(&Price) -> &Option<Charge>| {
        price.known().and_then(|price| part(price).as_ref()).map(|charge| charge.amount.milli())
    };
    rows.number(booked.observed_at.epoch_seconds());
    rows.number_option(raw.map(|raw| raw.chunk));
    rows.number_option(raw.map(|raw| raw.row));
    rows.field(&booked.content.0);
    rows.number(booked.revision.into());
    rows.name(names.price);
    rows.number_option(charged(|price| &price.gpu));
    rows.number_option(charged(|price| &price.node));
    rows.number_option(charged(|price| &price.site));
    match &booked.standing {
        Standing::Charged(charge) => put_charge(rows, charge, charge.amount, names)?,
        Standing::Covered(charge) => put_charge(rows, charge, Amount::ZERO, names)?,
        Standing::Unattributed(reason) => {
            (0..7).for_each(|_| rows.absent());
            rows.text(&to_json(reason)?);
        }
    }
    rows.flag(price.known().is_some());
    rows.text_option(booked.kept_directory());
    rows.number_option(booked.priced_at.map(Timestamp::epoch_seconds));
    match &booked.standing {
        Standing::Covered(charge) => rows.number(charge.amount.milli()),
        Standing::Charged(_) | Standing::Unattributed(_) => rows.absent(),
    }
    Ok(())
}

/// Who pays, and what was charged by entries: of a run that is covered nothing.
fn put_charge(rows: &mut CopyRows, charge: &BookedCharge, charged: Amount, names: &RunNames) -> Result<()> {
    rows.name_option(names.charged.map(|(project, _)| project));
    rows.name_option(names.charged.map(|(_, unit)| unit));
    rows.number(charged.milli());
    rows.text_option(charge.hold.map(|hold| hold.to_string()).as_deref());
    rows.number(charge.effective_at.epoch_seconds());
    rows.number_option(charge.entries.first().map(|first| number(*first)).transpose()?);
    rows.small(i16::try_from(charge.entries.len()).map_err(unreadable)?);
    // It is attributed.
    rows.absent();
    Ok(())
}

const fn evidence_number(evidence: EvidenceClass) -> i16 {
    match evidence {
        EvidenceClass::SelfRead => 0,
        EvidenceClass::CoordinatorRead => 1,
        EvidenceClass::SiteSigned => 2,
    }
}
