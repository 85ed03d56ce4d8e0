//! Which lines of a text are about a project, and at which site.

use crate::{error::JobsError, house::House};
use ledger::Binding;
use model::{ProjectName, SiteName, Unit};
use sites::{FigureFormat, SaidFigure};
use std::collections::BTreeSet;

/// What a project is called at sites, and where its budgets are.
pub(super) struct Known<'a> {
    pub(super) house: &'a House,
    pub(super) what: &'a str,
    pub(super) project: &'a ProjectName,
    pub(super) format: FigureFormat,
    /// The unit that the person names.
    pub(super) wanted: Option<&'a Unit>,
    /// The project's bindings.
    pub(super) bindings: Vec<Binding>,
    /// The units of its budgets.
    pub(super) budgets: BTreeSet<String>,
}

/// A line about the project.
pub(super) struct Line<'a> {
    pub(super) said: &'a SaidFigure,
    pub(super) site: SiteName,
}

impl Known<'_> {
    /// The lines about the project; refused where there is none.
    pub(super) fn lines<'b>(&self, figures: &'b [SaidFigure]) -> Result<Vec<Line<'b>>, JobsError> {
        let mut found = Vec::new();
        // A text may tell of many projects and sites; only what is about this one has to be understood.
        for said in figures.iter().filter(|said| said.names.iter().any(|name| self.goes_by(None, name))) {
            let site = self.site_of(said)?;
            let is_wanted = self.wanted.is_none_or(|wanted| *wanted.site() == site);
            if is_wanted && said.names.iter().any(|name| self.goes_by(Some(&site), name)) {
                found.push(Line { said, site });
            }
        }
        if found.is_empty() { Err(self.nobodys(figures)) } else { Ok(found) }
    }

    /// Whether the site, or any, means the project by this name: its own, or a Slurm account that spends it there. Sites write
    /// both in any case of letters.
    fn goes_by(&self, site: Option<&SiteName>, name: &str) -> bool {
        let accounts = self.bindings.iter().filter(|binding| site.is_none_or(|site| binding.site == *site));
        let mut accounts = accounts.filter_map(|binding| binding.account.as_ref());
        name.eq_ignore_ascii_case(self.project.as_str())
            || accounts.any(|account| name.eq_ignore_ascii_case(account.as_str()))
    }

    /// The site that a line is about: as it says itself, else as the person says, else the one whose profile names the command;
    /// of several the one that this machine belongs to.
    fn site_of(&self, said: &SaidFigure) -> Result<SiteName, JobsError> {
        if let Some(unit) = said.resource.as_ref().and_then(|text| text.parse::<Unit>().ok()) {
            return Ok(unit.site().clone());
        }
        let catalogue = &self.house.catalogue;
        if let Some(system) = &said.system {
            let found = catalogue.by_alias(system).or_else(|| catalogue.by_alias(&system.replace('_', "-")));
            return found.map(|site| site.name().clone()).ok_or_else(|| {
                let why = format!("line {}: no profile goes by the name `{system}`", said.line);
                JobsError::usage(
                    self.what,
                    why,
                    "`pakt sites` lists the sites; a new one is added by a profile of its own",
                )
            });
        }
        if let Some(wanted) = self.wanted {
            return Ok(wanted.site().clone());
        }
        let users: Vec<&SiteName> = self.users().collect();
        let here = users.iter().find(|site| ***site == self.house.here);
        match (here, users.as_slice()) {
            (Some(site), _) | (None, [site]) => Ok((*site).clone()),
            _ => Err(JobsError::usage(
                self.what,
                "the text does not say which site it is about",
                "name it: `--unit SITE:RESOURCE`",
            )),
        }
    }

    /// The sites whose profile names the command that printed the text.
    fn users(&self) -> impl Iterator<Item = &SiteName> {
        let program = self.format.program();
        let uses = move |site: &&sites::Site| {
            let command = site.usage.as_ref().and_then(|usage| usage.value.command.split_whitespace().next());
            program.is_some() && command == program
        };
        self.house.catalogue.iter().filter(uses).map(sites::Site::name)
    }

    fn nobodys(&self, figures: &[SaidFigure]) -> JobsError {
        const MOST_NAMES: usize = 5;
        const LONGEST_NAME: usize = 40;
        let names: BTreeSet<&str> = figures.iter().flat_map(|said| &said.names).map(String::as_str).collect();
        let short = |name: &&str| format!("`{}`", name.chars().take(LONGEST_NAME).collect::<String>());
        let shown: Vec<String> = names.iter().take(MOST_NAMES).map(short).collect();
        let more = if names.len() > MOST_NAMES { " and others" } else { "" };
        let at = self.wanted.map(|wanted| format!(" at {}", wanted.site())).unwrap_or_default();
        let why = format!("it tells of {}{more}, and nothing of project `{}`{at}", shown.join(", "), self.project);
        let next = format!(
            "if one of these is its Slurm account, say so: `pakt ledger bind {} --unit UNIT --account ACCOUNT`",
            self.project
        );
        JobsError::usage(self.what, why, next)
    }
}
