//! Which of several sites is the best: pure, and the same for the same answers.

use super::{Considered, Verdict};

/// The place of the best among them; none where no site takes the job. Where two are equally well off the one that stands first
/// is taken: this machine's own site, then by name.
pub(super) fn best(considered: &[Considered]) -> Option<usize> {
    let begun = considered.iter().position(|site| matches!(site.verdict, Verdict::Begun));
    let fitting = considered.iter().enumerate().filter_map(|(place, site)| match &site.verdict {
        Verdict::Fits(fit) => Some((fit, place)),
        _ => None,
    });
    begun.or_else(|| fitting.min().map(|(_, place)| place))
}

#[cfg(test)]
mod tests {
    use super::{
        super::consider::{Fit, Pays, Start},
        *,
    };
    use model::Timestamp;

    fn fits(pays: Pays, is_data_uncertain: bool, start: Option<i64>) -> Verdict {
        let unknown = || Start::Unknown("nobody knows".to_owned());
        let start = start.map_or_else(unknown, |at| Start::At(Timestamp::from_epoch_seconds(at)));
        Verdict::Fits(Fit { pays, is_data_uncertain, start })
    }

    fn best_of(verdicts: Vec<Verdict>) -> Option<usize> {
        let named = |(place, verdict)| Considered { site: format!("site{place}").parse().expect("a site"), verdict };
        best(&verdicts.into_iter().enumerate().map(named).collect::<Vec<_>>())
    }

    #[test]
    fn money_goes_before_data_and_data_before_the_start() {
        use Pays::{AsUsual, LowPriority, Nobody};
        for (verdicts, expected) in [
            (vec![fits(AsUsual, false, Some(9)), fits(AsUsual, false, Some(5))], Some(1)),
            (vec![fits(LowPriority, false, Some(1)), fits(AsUsual, true, None)], Some(1)),
            (vec![fits(AsUsual, true, Some(1)), fits(AsUsual, false, Some(9))], Some(1)),
            (vec![fits(Nobody, false, Some(1)), fits(LowPriority, true, None)], Some(1)),
            (vec![fits(AsUsual, false, None), fits(AsUsual, false, Some(9))], Some(1)),
            (vec![fits(AsUsual, false, Some(5)), fits(AsUsual, false, Some(5))], Some(0)),
            (vec![fits(AsUsual, false, Some(1)), Verdict::Begun], Some(1)),
            (vec![Verdict::NoAnswer(String::new()), fits(Nobody, true, None)], Some(1)),
            (vec![Verdict::NoAnswer(String::new()), Verdict::DoesNotFit(String::new())], None),
            (vec![], None),
        ] {
            assert_eq!(best_of(verdicts), expected);
        }
    }
}
