//! Which budget a line is about, and its figure in that budget's unit: as the site counts, or by a factor that the tariffs of
//! the site say exactly. What does not come out even, or could be meant in two ways, is refused.

use super::line::{Known, Line};
use crate::error::JobsError;
use model::{Amount, SiteName, Unit};
use sites::{Factor, SaidFigure, Site};
use std::collections::BTreeSet;

/// A figure in the unit of a budget.
pub(super) struct Chosen<'a> {
    pub(super) said: &'a SaidFigure,
    /// The unit that the site says it in.
    pub(super) said_in: Unit,
    pub(super) unit: Unit,
    /// How the one becomes the other; none where they are the same.
    pub(super) factor: Option<Factor>,
}

impl Known<'_> {
    /// The one budget and line that belong together.
    pub(super) fn choose<'b>(&self, lines: Vec<Line<'b>>) -> Result<Chosen<'b>, JobsError> {
        let (mut found, mut refused, mut without) = (Vec::new(), Vec::new(), None);
        for Line { said, site } in lines {
            let site = self.house.site(&site)?;
            let targets = self.targets(site);
            if targets.is_empty() {
                without.get_or_insert(site.name());
                continue;
            }
            let said_in = self.unit_of(said, site)?;
            for unit in targets {
                let is_same = unit == said_in;
                let factor = if is_same { None } else { site.factor(&said_in, &unit, self.house.clock.now()) };
                let pair = Chosen { said, said_in: said_in.clone(), unit, factor };
                if is_same || pair.factor.is_some() { found.push(pair) } else { refused.push(pair) }
            }
        }
        // What the site counts in itself needs no factor, and is what it means.
        if found.iter().any(|pair| pair.factor.is_none()) {
            found.retain(|pair| pair.factor.is_none());
        }
        match found.len() {
            1 => Ok(found.remove(0)),
            0 => Err(self.nothing(&refused, without)),
            _ => Err(self.ambiguous(&found)),
        }
    }

    /// The unit that a line is in.
    fn unit_of(&self, said: &SaidFigure, site: &Site) -> Result<Unit, JobsError> {
        let Some(resource) = &said.resource else {
            let mut own = site.charge_units().into_iter();
            return match (own.next(), own.next(), self.wanted) {
                (Some(unit), None, _) => Ok(unit),
                (_, _, Some(wanted)) => Ok(wanted.clone()),
                _ => {
                    let why = format!("line {} says hours, and `{}` charges in several units", said.line, site.name());
                    Err(JobsError::usage(
                        self.what,
                        why,
                        format!("name the one that is meant: `--unit {}:RESOURCE`", site.name()),
                    ))
                }
            };
        };
        let unit = resource.parse().or_else(|_| format!("{}:{resource}", site.name()).parse::<Unit>());
        unit.ok().filter(|unit| site.units().contains(unit)).ok_or_else(|| {
            let shown: String = resource.chars().filter(|letter| !letter.is_control()).take(40).collect();
            let why = format!("line {}: site `{}` does not count in `{shown}`", said.line, site.name());
            let known: Vec<String> = site.units().iter().map(ToString::to_string).collect();
            JobsError::usage(self.what, why, format!("it counts in {}", known.join(", ")))
        })
    }

    /// The units that it may be entered in: the one that the person names, else those of the project's budgets at the site.
    fn targets(&self, site: &Site) -> Vec<Unit> {
        if let Some(wanted) = self.wanted {
            return vec![wanted.clone()];
        }
        site.units().into_iter().filter(|unit| self.budgets.contains(&unit.to_string())).collect()
    }

    /// Why no line and budget fit.
    fn nothing(&self, refused: &[Chosen<'_>], without: Option<&SiteName>) -> JobsError {
        if let Some(first) = refused.first() {
            let lines: BTreeSet<(u64, &Unit)> = refused.iter().map(|pair| (pair.said.line, &pair.said_in)).collect();
            let lines: Vec<String> = lines.iter().map(|(line, unit)| format!("line {line} is in {unit}")).collect();
            let own: BTreeSet<String> = refused.iter().map(|pair| format!("`--unit {}`", pair.said_in)).collect();
            let why = format!(
                "{}, and no tariff of `{}` says exactly what that is in {}",
                lines.join(", "),
                first.said_in.site(),
                first.unit
            );
            let own = own.into_iter().collect::<Vec<_>>().join(" or ");
            return JobsError::usage(self.what, why, format!("keep it in the site's own unit: {own}"));
        }
        let site = without.map_or_else(|| "the site".to_owned(), |site| format!("`{site}`"));
        let why = format!("project `{}` has no budget at {site}", self.project);
        let next = "enter its grant first: `pakt ledger grant`; or name the unit: `--unit SITE:RESOURCE`";
        JobsError::usage(self.what, why, next)
    }

    fn ambiguous(&self, found: &[Chosen<'_>]) -> JobsError {
        let pairs: Vec<String> = found.iter().map(|pair| format!("line {} in {}", pair.said.line, pair.unit)).collect();
        let why = format!("more than one fits: {}", pairs.join(", "));
        let next = if found.iter().all(|pair| pair.unit == found[0].unit) {
            "leave the lines out that are not meant".to_owned()
        } else {
            "name the unit that is meant: `--unit SITE:RESOURCE`".to_owned()
        };
        JobsError::usage(self.what, why, next)
    }
}

impl Chosen<'_> {
    /// An amount of the site's in the unit of the budget.
    pub(super) fn converted(&self, what: &str, amount: Amount) -> Result<Amount, JobsError> {
        let Some(factor) = &self.factor else { return Ok(amount) };
        factor.of(amount).ok_or_else(|| {
            let why = format!(
                "line {}: {} are no whole number of milli-seconds in {}",
                self.said.line,
                amount.in_hours_of(&self.said_in),
                self.unit
            );
            JobsError::usage(what, why, format!("keep it in the site's own unit: `--unit {}`", self.said_in))
        })
    }
}
