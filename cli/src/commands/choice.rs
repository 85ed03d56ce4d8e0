//! `site: any`: where a job goes, and what is said of it.

use super::Context;
use crate::{failure::Failure, output::instant, wiring};
use jobs::{
    House,
    choose::{Considered, Fit, Pays, Start, Verdict, choose, nowhere, survey},
    job_file::JobFile,
};
use model::{SiteChoice, SiteName};
use serde_json::{Value, json};

/// Where a job goes.
pub(super) struct Choice {
    /// The house of its site.
    pub house: House,
    /// The site, where one was chosen among several.
    chosen: Option<SiteName>,
    considered: Vec<Considered>,
}

/// The house in which a job is planned.
pub(super) async fn to_plan(context: &Context, file: &JobFile) -> Result<Choice, Failure> {
    let need = wiring::Need::Look;
    let Some(sites) = candidates(context, file, need).await? else {
        return Ok(Choice::without(context.house_to_plan(&file.spec.site).await?));
    };
    let surveyed = survey(&sites, file).await;
    let chosen = surveyed.best.and_then(|place| {
        let site = &surveyed.considered[place].site;
        let house = sites.iter().find(|known| known.site == *site)?.house.as_ref().ok()?;
        Some((site.clone(), house.clone()))
    });
    let Some((site, house)) = chosen else {
        let what = format!("job `{}` cannot be planned: no site takes it", file.spec.name);
        return Err(nowhere(what, &surveyed.considered).into());
    };
    Ok(Choice { house, chosen: Some(site), considered: surveyed.considered })
}

/// The house in which a job is made. The choice is kept.
pub(super) async fn to_submit(context: &Context, file: &JobFile, again: bool) -> Result<Choice, Failure> {
    let Some(sites) = candidates(context, file, wiring::Need::Submit).await? else {
        return Ok(Choice::without(context.house_to_submit(Some(&file.spec.site)).await?));
    };
    let choices = wiring::choices(&context.configuration);
    let chosen = choose(&choices, sites, file, again).await?;
    for (silent, why) in &chosen.unasked {
        context.screen.aside(&format!(
            "note: {silent} does not say whether this job was begun there, from another machine: {why}; a job begun there would be a second one"
        ));
    }
    let site = chosen.house.here.clone();
    Ok(Choice { house: chosen.house, chosen: Some(site), considered: chosen.considered })
}

async fn candidates(
    context: &Context,
    file: &JobFile,
    need: wiring::Need,
) -> Result<Option<Vec<jobs::Neighbour>>, Failure> {
    if file.spec.site != SiteChoice::Any {
        return Ok(None);
    }
    let found = wiring::candidates(&context.general, &context.configuration, need).await?;
    Ok(found.map(|(sites, notes)| {
        for note in notes {
            context.screen.aside(&note);
        }
        sites
    }))
}

impl Choice {
    fn without(house: House) -> Self {
        Self { house, chosen: None, considered: Vec::new() }
    }

    /// One line a site; none where there was no choice.
    pub(super) fn lines(&self) -> Vec<String> {
        match (&self.chosen, self.considered.is_empty()) {
            (None, _) => Vec::new(),
            (Some(site), true) => vec![format!("{site}: chosen before, and the job is not over")],
            (chosen, false) => self.considered.iter().map(|site| line(site, chosen.as_ref())).collect(),
        }
    }

    /// The same for programs; `null` where there was no choice.
    pub(super) fn json(&self) -> Value {
        let Some(chosen) = &self.chosen else { return Value::Null };
        let of = |site: &Considered| {
            let at = match &site.verdict {
                Verdict::Fits(Fit { start: Start::At(at), .. }) => Some(*at),
                _ => None,
            };
            json!({ "site": site.site, "is_chosen": site.site == *chosen, "verdict": word(&site.verdict), "why": why(&site.verdict), "starts_at": at })
        };
        let before = json!([{ "site": chosen, "is_chosen": true, "verdict": "begun", "why": why(&Verdict::Begun), "starts_at": null }]);
        if self.considered.is_empty() { before } else { json!(self.considered.iter().map(of).collect::<Vec<_>>()) }
    }
}

fn line(site: &Considered, chosen: Option<&SiteName>) -> String {
    let chosen = if chosen == Some(&site.site) { "chosen: " } else { "" };
    format!("{}: {chosen}{}", site.site, why(&site.verdict))
}

const fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Fits(_) => "fits",
        Verdict::Begun => "begun",
        Verdict::DoesNotFit(_) => "does-not-fit",
        Verdict::NoBudget(_) => "no-budget",
        Verdict::NeedsPerson(_) => "needs-person",
        Verdict::NoAnswer(_) => "no-answer",
    }
}

fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Begun => "the job was begun there, and is not over".to_owned(),
        Verdict::DoesNotFit(why) => format!("does not fit: {why}"),
        Verdict::NoBudget(why) => format!("no budget: {why}"),
        Verdict::NeedsPerson(why) => format!("not from here: {why}"),
        Verdict::NoAnswer(why) => format!("no answer, so nothing is known: {why}"),
        Verdict::Fits(Fit { pays, is_data_uncertain, start }) => {
            let start = match start {
                Start::At(at) => format!("starts about {}", instant(*at)),
                Start::Unknown(why) => format!("nobody knows when it starts ({why})"),
            };
            let pays = match pays {
                Pays::AsUsual => "",
                Pays::LowPriority => ", with low priority, because its budget is behind",
                Pays::Nobody => ", and no budget is there for it",
            };
            let data = if *is_data_uncertain { ", and it is not certain that its files are there" } else { "" };
            format!("{start}{pays}{data}")
        }
    }
}
