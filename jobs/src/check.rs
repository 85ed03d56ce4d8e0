//! `pakt check`: reads a job file and places it at every site it names, without contacting anything. A ledger that lies in
//! a file here tells the account that a site wants and the job file leaves out, as it will when the job is submitted.

use crate::{
    error::JobsError,
    funding::{Funding, funding},
    house::{House, Vantage},
    job_file::{JobFile, Mistake},
    placeholder, sight,
};
use model::{AccountName, Finding, JobSpec, Placement, Severity, SiteChoice, SiteName};
use sites::Site;

/// What a check found at one site.
pub struct Checked {
    /// The site.
    pub site: SiteName,
    /// Where the job would go.
    pub placement: Placement,
    /// Doubts that stop nothing.
    pub doubts: Vec<Mistake>,
}

/// Places the job at each site of its list; at `any`, at each site that takes it.
///
/// Fails with every mistake where the job fits nowhere, or where a site that it names cannot take it.
pub async fn check(house: &House, file: &JobFile) -> Result<Vec<Checked>, JobsError> {
    let what = format!("`{}` is no job that can run", file.source.path.display());
    let (checked, mistakes) = place(house, file).await;
    if !mistakes.is_empty() {
        return Err(JobsError::mistakes(what, mistakes));
    }
    if checked.is_empty() {
        let next = "name the site you want in `site:`; then every reason is shown";
        return Err(JobsError::usage(what, "no known site takes it", next));
    }
    Ok(checked)
}

/// A file with `mistakes` of its own, of which enough could be read to place it: those and what its sites say against it,
/// in the order of the file.
pub async fn mistakes(house: &House, file: &JobFile, mut mistakes: Vec<Mistake>) -> Vec<Mistake> {
    for mistake in place(house, file).await.1 {
        if !mistakes.contains(&mistake) {
            mistakes.push(mistake);
        }
    }
    mistakes.sort_by_key(|mistake| (mistake.line, mistake.column));
    mistakes
}

/// Where the job fits, and every mistake that keeps it from a site that it names.
async fn place(house: &House, file: &JobFile) -> (Vec<Checked>, Vec<Mistake>) {
    let (names, must_all_fit) = match &file.spec.site {
        SiteChoice::OneOf(names) => (names.clone(), true),
        SiteChoice::Any => (house.catalogue.iter().map(|site| site.name().clone()).collect(), false),
    };
    let is_choice = names.len() > 1;
    let (mut checked, mut mistakes) = (Vec::new(), Vec::new());
    for name in names {
        let Some(site) = house.catalogue.get(&name) else {
            mistakes.extend(file.mistakes([unknown_site(house, file, &name)]));
            continue;
        };
        let mut spec = file.spec.clone();
        let unread = match account(house, file, &name).await {
            Ok((account, unread)) => {
                spec.scheduler.account = account;
                unread
            }
            Err(several) => {
                if must_all_fit {
                    mistakes.extend(file.mistakes([several]));
                }
                continue;
            }
        };
        // Of several sites, each finding says which it is about.
        let about = |finding: Finding| {
            let what = if is_choice { format!("at `{name}`: {}", finding.what) } else { finding.what };
            Finding { what, ..finding }
        };
        let seen = if name == house.here && house.vantage == Vantage::Site {
            Box::pin(sight::look(house, &spec)).await
        } else {
            Vec::new()
        };
        match fit(house, site, &spec, seen) {
            Ok((placement, found)) => {
                let mut doubts = file.doubts.clone();
                doubts.extend(file.mistakes(found.into_iter().map(about).chain(unread)));
                checked.push(Checked { site: name, placement, doubts });
            }
            Err(findings) if must_all_fit => mistakes.extend(file.mistakes(findings.into_iter().map(about))),
            Err(_) => {}
        }
    }
    (checked, mistakes)
}

/// The placement at a site with every doubt about it, or every mistake and doubt; `seen` is what this machine can see.
fn fit(
    house: &House,
    site: &Site,
    spec: &JobSpec,
    seen: Vec<Finding>,
) -> Result<(Placement, Vec<Finding>), Vec<Finding>> {
    let is_error = |finding: &Finding| finding.severity == Severity::Error;
    match sites::place(site, spec, Some(house.machine), house.clock.now()) {
        Ok(placed) if seen.iter().any(is_error) => Err(placed.warnings.into_iter().chain(seen).collect()),
        Ok(placed) => {
            let mut found = placeholder::left(spec);
            // Nothing else is to be said of a word that stands for an account.
            let is_told = found.iter().any(|finding| finding.field == "scheduler.account");
            let warnings =
                placed.warnings.into_iter().filter(|finding| !(is_told && finding.field == "scheduler.account"));
            found.extend(warnings.chain(seen));
            Ok((placed.placement, found))
        }
        Err(findings) => Err(findings.into_iter().chain(seen).collect()),
    }
}

/// The account of the job file, else the one that the ledger binds, with a doubt where the ledger was not read; the
/// error is the mistake of a job that leaves a choice.
async fn account(
    house: &House,
    file: &JobFile,
    site: &SiteName,
) -> Result<(Option<AccountName>, Option<Finding>), Finding> {
    let named = file.spec.scheduler.account.clone();
    if named.is_some() || !house.books.is_at_hand() {
        return Ok((named, None));
    }
    let funding = match funding(house, &file.spec.project, site, None).await {
        Ok(funding) => funding,
        // The file is what is checked here; what ails the ledger is told beside it.
        Err(error) => Funding::Unreachable(error.why),
    };
    let unread = match &funding {
        Funding::Unreachable(why) => {
            let what = format!("the ledger was not read, so the project's account is not known: {why}");
            Some(Finding::warning("project", what, "name it: `scheduler: { account: NAME }`, or check again later"))
        }
        Funding::Known(_) | Funding::NoLedger => None,
    };
    funding.account().map(|account| (account, unread))
}

fn unknown_site(house: &House, file: &JobFile, name: &SiteName) -> model::Finding {
    let field = match &file.spec.site {
        SiteChoice::OneOf(names) if names.len() > 1 => {
            format!("site[{}]", names.iter().position(|known| known == name).unwrap_or(0))
        }
        _ => "site".to_owned(),
    };
    let next = house.catalogue.nearest(name.as_str()).map_or_else(
        || "`pakt sites` lists them".to_owned(),
        |near| format!("did you mean `{near}`? `pakt sites` lists them all"),
    );
    model::Finding::error(field, format!("`{name}` is no known site"), next)
}
