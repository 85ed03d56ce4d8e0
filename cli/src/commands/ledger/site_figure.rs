//! `pakt ledger open --from-site`.

use crate::commands::Context;
use crate::{
    configuration::{read_standard_input, read_text},
    failure::Failure,
    output::{Answer, hold, instant_in},
};
use jobs::site_figure::{FigureWish, OpenedFromSite, open_from_site};
use model::Amount;
use serde_json::json;
use std::path::Path;

/// The text that the site's command printed: of a file, or of standard input where it is `-`.
pub(super) fn text_of(file: &Path) -> Result<String, Failure> {
    if file == Path::new("-") {
        return read_standard_input();
    }
    read_text(file)?.ok_or_else(|| {
        let next = "name a file with what the site's command printed, or `-` to pipe it in";
        Failure::usage(format!("`{}` was not read", file.display()), "there is no such file", next)
    })
}

/// Enters what a site says.
pub(super) async fn open(wish: FigureWish, context: &Context) -> Result<Answer, Failure> {
    let house = context.house().await?;
    let found = open_from_site(&house, wish).await?;
    let figure = &found.figure;
    let json = json!({ "version": 1, "figure": figure, "settled": found.settled, "opened": found.opened,
                       "is_new": found.noted_before.is_none(), "zone": found.zone });
    Ok(Answer::new(text(&found), json))
}

fn text(found: &OpenedFromSite) -> String {
    let OpenedFromSite { figure, settled, opened, noted_before, zone } = found;
    let said = format!(
        "{} had used {} by {}, says {}",
        figure.project,
        hold(&figure.unit, figure.used),
        instant_in(figure.as_of, zone),
        figure.source
    );
    let in_hours = |amount: &Amount| amount.in_hours_of(&figure.unit);
    match (noted_before, opened) {
        (Some(before), _) => {
            let (who, when) = (&before.recorded_by, instant_in(before.recorded_at, zone));
            format!("it was noted before, by {who} at {when}, and nothing changed: {said}\n")
        }
        (None, Some(opened)) => {
            let known = in_hours(settled);
            let entered = in_hours(opened);
            format!(
                "{said}\nthe ledger had {known} of it; {entered} are entered, and runs that ended by then are in it\n"
            )
        }
        (None, None) if settled > &figure.used => {
            format!(
                "{said}\nthe ledger has more, {}: nothing is entered, and one of the two is wrong; `pakt ledger statement {} --unit {}` lists what it has\n",
                in_hours(settled),
                figure.project,
                figure.unit
            )
        }
        (None, None) => {
            format!("{said}\nthe ledger has {}; nothing is entered, `pakt balance` compares them\n", in_hours(settled))
        }
    }
}
