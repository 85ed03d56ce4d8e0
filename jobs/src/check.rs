//! `pakt check`: reads a job file and places it at every site it names, without contacting anything.

use crate::{
    error::JobsError,
    house::House,
    job_file::{JobFile, Mistake},
};
use model::{Placement, SiteChoice, SiteName};

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
pub fn check(house: &House, file: &JobFile) -> Result<Vec<Checked>, JobsError> {
    let what = format!("`{}` is no job that can run", file.source.path.display());
    let (names, must_all_fit) = match &file.spec.site {
        SiteChoice::OneOf(names) => (names.clone(), true),
        SiteChoice::Any => (house.catalogue.iter().map(|site| site.name().clone()).collect(), false),
    };
    let (mut checked, mut mistakes) = (Vec::new(), Vec::new());
    for name in names {
        let Some(site) = house.catalogue.get(&name) else {
            mistakes.extend(file.mistakes([unknown_site(house, file, &name)]));
            continue;
        };
        match sites::place(site, &file.spec, Some(house.machine)) {
            Ok(placed) => {
                let mut doubts = file.doubts.clone();
                doubts.extend(file.mistakes(placed.warnings));
                checked.push(Checked { site: name, placement: placed.placement, doubts });
            }
            Err(findings) if must_all_fit => mistakes.extend(file.mistakes(findings)),
            Err(_) => {}
        }
    }
    if !mistakes.is_empty() {
        return Err(JobsError::mistakes(what, mistakes));
    }
    if checked.is_empty() {
        let next = "name the site you want in `site:`; then every reason is shown";
        return Err(JobsError::usage(what, "no known site takes it", next));
    }
    Ok(checked)
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
