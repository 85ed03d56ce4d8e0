//! Chooses: first where the request was begun already, then the best of what is reached.

use super::{Choices, Considered, Verdict, consider::consider, rank::best, record::Choice};
use crate::{
    error::{Gravity, JobsError},
    house::{House, Step},
    job_file::JobFile,
    neighbour::Neighbour,
    submit::{RequestState, digest_of, request_state},
};
use model::SiteName;

/// What was found of each site, and the best of them.
pub struct Surveyed {
    /// Each, in the order in which they were given.
    pub considered: Vec<Considered>,
    /// The place of the best; none where no site takes the job.
    pub best: Option<usize>,
}

/// Where the job goes.
pub struct Chosen {
    /// The house of that site.
    pub house: House,
    /// What was found of each site; empty where the choice was made before.
    pub considered: Vec<Considered>,
    /// Sites that did not say whether the request was begun there from another machine, and why: a job begun there would be a second
    /// one.
    pub unasked: Vec<(SiteName, String)>,
}

/// Looks at each site, changing nothing.
pub async fn survey(sites: &[Neighbour], file: &JobFile) -> Surveyed {
    let mut considered = Vec::new();
    for site in sites {
        considered.push(consider(site, file).await);
    }
    Surveyed { best: best(&considered), considered }
}

/// Chooses the site of a job, and keeps the choice before anything is begun there. The same request goes to the same site
/// until its job is over, whatever is killed on the way; `again` chooses anew.
///
/// Fails where the site of a job that was begun does not answer: nobody else takes it then.
pub async fn choose(
    choices: &Choices,
    sites: Vec<Neighbour>,
    file: &JobFile,
    again: bool,
) -> Result<Chosen, JobsError> {
    let digest = Choices::digest(&file.spec);
    let last = choices.last(&digest).await?;
    let number = last.as_ref().map_or(1, |(number, _)| number + 1);
    if let Some((_, choice)) = last.filter(|_| !again) {
        let house = house_of(&sites, &choice.site, file)?;
        // Nothing of it there yet may be somebody's next step: it stays there.
        if request_state(house, &digest_of(house, &file.spec)).await? != RequestState::Over {
            return Ok(Chosen { house: house.clone(), considered: Vec::new(), unasked: Vec::new() });
        }
    }
    let begun = if again { Begun::default() } else { begun(&sites, file).await? };
    let surveyed = match begun.place {
        Some(place) => Surveyed { considered: only(&sites, place), best: Some(0) },
        None => survey(&sites, file).await,
    };
    let Some(best) = surveyed.best else { return Err(nowhere(no_site(file), &surveyed.considered)) };
    let site = surveyed.considered[best].site.clone();
    let now = house_of(&sites, &site, file)?.clock.now();
    let kept = choices.put(&digest, number, &Choice { site, at: now }).await?;
    let house = house_of(&sites, &kept.site, file)?.clone();
    house.steps.done(Step::Chosen);
    Ok(Chosen { house, considered: surveyed.considered, unasked: begun.unasked })
}

/// Where a job of the request was begun and is not over: from another machine, or before choices were kept.
#[derive(Default)]
struct Begun {
    place: Option<usize>,
    /// Who did not say, where nobody has it.
    unasked: Vec<(SiteName, String)>,
}

async fn begun(sites: &[Neighbour], file: &JobFile) -> Result<Begun, JobsError> {
    let mut unasked = Vec::new();
    for (place, site) in sites.iter().enumerate() {
        let house = match &site.house {
            Ok(house) => house,
            Err(why) => {
                unasked.push((site.site.clone(), why.clone()));
                continue;
            }
        };
        let digest = digest_of(house, &file.spec);
        // One that has the request has to say how it stands.
        let is_known = match house.state.last_of_request(&digest).await {
            Ok(last) => last.is_some(),
            Err(error) => {
                unasked.push((site.site.clone(), error.why));
                continue;
            }
        };
        if is_known && request_state(house, &digest).await? == RequestState::Open {
            return Ok(Begun { place: Some(place), unasked: Vec::new() });
        }
    }
    Ok(Begun { place: None, unasked })
}

fn only(sites: &[Neighbour], place: usize) -> Vec<Considered> {
    vec![Considered { site: sites[place].site.clone(), verdict: Verdict::Begun }]
}

fn house_of<'a>(sites: &'a [Neighbour], wanted: &SiteName, file: &JobFile) -> Result<&'a House, JobsError> {
    let what = format!("job `{}` was not submitted", file.spec.name);
    let found = sites.iter().find(|site| site.site == *wanted);
    match found.map(|site| &site.house) {
        Some(Ok(house)) => Ok(house),
        Some(Err(why)) => {
            let why = format!("it was begun at {wanted}, which does not answer: {why}");
            let next = "run the same command again when it answers; `--again` makes a second job";
            Err(JobsError::new(Gravity::Unreachable, what, why, next))
        }
        None => {
            let why = format!("it was begun at {wanted}, which is not reached from here any more");
            let next =
                format!("name it below `ssh:` in the configuration; `pakt submit --site {wanted}` goes on there");
            Err(JobsError::usage(what, why, next))
        }
    }
}

fn no_site(file: &JobFile) -> String {
    format!("job `{}` was not submitted: no site takes it", file.spec.name)
}

/// The failure of a job that no site takes, with what was found of each: as grave as the site that might still take it.
pub fn nowhere(what: impl Into<String>, considered: &[Considered]) -> JobsError {
    let said = |site: &Considered| {
        let why = match &site.verdict {
            Verdict::DoesNotFit(why) | Verdict::NeedsPerson(why) => why.clone(),
            Verdict::NoBudget(why) => format!("no budget: {why}"),
            Verdict::NoAnswer(why) => format!("no answer: {why}"),
            Verdict::Fits(_) | Verdict::Begun => String::new(),
        };
        format!("{}: {why}", site.site)
    };
    let is_silent = |site: &Considered| matches!(site.verdict, Verdict::NoAnswer(_));
    let is_refused = |site: &Considered| matches!(site.verdict, Verdict::NoBudget(_) | Verdict::NeedsPerson(_));
    let gravity = if considered.iter().any(is_silent) {
        Gravity::Unreachable
    } else if considered.iter().any(is_refused) {
        Gravity::Refused
    } else {
        Gravity::Usage
    };
    let why = considered.iter().map(said).collect::<Vec<_>>().join("; ");
    let next = "name a site in `site:`; then everything that speaks against it is shown";
    JobsError::new(gravity, what, why, next)
}
