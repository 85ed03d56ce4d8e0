//! The way from a text to its figures.

use super::{
    csv,
    figure::{FigureError, SaidFigure},
    format::FigureFormat,
    jutil, kit, saldo,
    text::lines,
};

/// Reads the figures of a text, in their order, and says which format it is; `format` names it where it is not to be told from
/// the text. One that has no figure at all is refused.
pub fn read_figures(format: Option<FigureFormat>, text: &str) -> Result<(FigureFormat, Vec<SaidFigure>), FigureError> {
    let lines = lines(text)?;
    let Some(format) = format.or_else(|| FigureFormat::detect(&lines)) else {
        let words = FigureFormat::ALL.map(|format| format!("`{}`", format.as_str())).join(", ");
        let next = format!("give it as the site's command prints it, or name it: `--format` with one of {words}");
        return Err(FigureError::new(1, "it is not clear which command printed this", next));
    };
    let figures = match format {
        FigureFormat::Jutil => jutil::read(text, &lines),
        FigureFormat::Kit => kit::read(&lines),
        FigureFormat::Saldo => saldo::read(&lines),
        FigureFormat::Csv => csv::read(&lines),
    }?;
    if figures.is_empty() {
        let line = lines.last().map_or(1, |line| line.number);
        let next = "is it the right project? Look at what the site's command prints";
        return Err(FigureError::new(line, "no budget is told in it", next));
    }
    Ok((format, figures))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Amount;
    use proptest::prelude::*;

    const JUTIL: &str = r#"[
  {
    "acct-mode": "fixed",
    "coreh-quota-total": "1008000",
    "project": "E-DEV-2026D09-128",
    "coreh-consumed-total": "72000.5",
    "coreh-consumed-prev-month": "0",
    "cont-state": "normal",
    "coreh-avail": "936000",
    "budget-account": "e-dev-2026d09-128",
    "acct-period-end": "2027-02-28",
    "cont-partition": "JUPITER_BOOSTER",
    "system": "jupiter",
    "acct-period-start": "2026-09-01"
  }
]
"#;
    const KIT: &str = "Project            Resource  Granted  Used\n\
                       hkt-project-test   cpu       inf      20000\n\
                       hkt-project-test   gres/gpu  5000     1000\n";
    const SALDO: &str = "\
------------------------------------------------------------------------------------------------------------------
account                start         end         total        localCluster   totConsumed     totConsumed     monthTotal     monthConsumed
                                             (local h)   Consumed(local h)     (local h)               %      (local h)         (local h)
------------------------------------------------------------------------------------------------------------------
CNHPC_1             20240711    20260430        640000              557186        557186            87.1             0                  0
IscrB_2             20260107    20270107       2000000             1205697       1205697            60.3        164383              99394
";
    const CSV: &str = "as_of;used;project;unit;granted\n2026-11-24;\"12.5\";atlas;jupiter:core;inf\n";
    const SAMPLES: [&str; 4] = [JUTIL, KIT, SALDO, CSV];

    fn read(text: &str) -> (FigureFormat, Vec<SaidFigure>) {
        read_figures(None, text).expect(text)
    }

    fn hours(text: &str) -> Amount {
        Amount::from_hours(text).expect(text)
    }

    #[test]
    fn jutil_is_read_by_its_keys() {
        let (format, figures) = read(JUTIL);
        assert_eq!(format, FigureFormat::Jutil);
        let expected = SaidFigure {
            line: 6,
            names: vec!["E-DEV-2026D09-128".to_owned(), "e-dev-2026d09-128".to_owned()],
            system: Some("jupiter".to_owned()),
            resource: Some("core".to_owned()),
            granted: Some(hours("1008000")),
            used: hours("72000.5"),
            since: Some("2026-09-01".to_owned()),
            as_of: None,
        };
        assert_eq!(figures, [expected]);
    }

    #[test]
    fn kit_is_read_by_its_head_with_and_without_bars() {
        let bars =
            "Used|Granted|Resource|Project|\n20000|inf|cpu|hkt-project-test|\n1000|5000|gres/gpu|hkt-project-test|\n";
        for text in [KIT, bars] {
            let (format, figures) = read(text);
            assert_eq!(format, FigureFormat::Kit, "{text}");
            let said: Vec<_> =
                figures.iter().map(|figure| (figure.resource.as_deref(), figure.granted, figure.used)).collect();
            let expected = [(Some("cpu"), None, hours("20000")), (Some("gpu"), Some(hours("5000")), hours("1000"))];
            assert_eq!(said, expected, "{text}");
            assert_eq!(figures[0].names, ["hkt-project-test"]);
        }
    }

    #[test]
    fn saldo_is_read_by_its_head_and_percent_are_not_hours() {
        let (format, figures) = read(SALDO);
        assert_eq!(format, FigureFormat::Saldo);
        assert_eq!(figures.iter().map(|figure| figure.line).collect::<Vec<_>>(), [5, 6]);
        assert_eq!((figures[1].used, figures[1].granted), (hours("1205697"), Some(hours("2000000"))));
        assert_eq!(figures[1].since.as_deref(), Some("20260107"));
        // The two columns of one name in the other order.
        let swapped = SALDO
            .replace("(local h)               % ", "        %       (local h) ")
            .replace("557186            87.1", "  87.1          557186")
            .replace("1205697            60.3", "   60.3         1205697");
        assert!(swapped.contains("   60.3         1205697 ") && swapped.contains("%       (local h)"), "{swapped}");
        assert_eq!(read(&swapped).1[1].used, hours("1205697"), "{swapped}");
        let (head, rest) = SALDO.split_once("   (local h)   C").expect("two lines of head");
        let (_, rest) = rest.split_once('\n').expect("rows");
        let without = format!("{head}\n{rest}");
        let error = read_figures(None, &without).expect_err("which one is in percent?");
        assert_eq!((error.line, error.what.contains("in percent")), (2, true), "{error}");
    }

    #[test]
    fn a_table_has_its_columns_in_any_order_and_its_time() {
        let (format, figures) = read(CSV);
        assert_eq!(format, FigureFormat::Csv);
        assert_eq!((figures[0].used, figures[0].granted), (hours("12.5"), None));
        assert_eq!(figures[0].resource.as_deref(), Some("jupiter:core"));
        assert_eq!(figures[0].as_of.as_deref(), Some("2026-11-24"));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_line() {
        let long = "x".repeat(5000);
        for (text, line, what) in [
            (String::new(), 1, "which command"),
            ("hello\n".to_owned(), 1, "which command"),
            (JUTIL.replace("\"72000.5\"", "\"72 000\""), 6, "`72 000` in `coreh-consumed-total` is no number of hours"),
            (JUTIL.replace("\"72000.5\"", "72000.5"), 6, "every value of `jutil` is text"),
            (JUTIL.replace("coreh-consumed-total", "coreh-used"), 1, "item 1 has no `coreh-consumed-total`"),
            (JUTIL[..120].to_owned(), 6, "cut off"),
            ("[]".to_owned(), 1, "no budget"),
            ("[1]".to_owned(), 1, "no object"),
            (KIT.replace("gres/gpu", "gres/fpga"), 3, "`gres/fpga` is neither"),
            (KIT.replace("5000     1000", "5000"), 3, "3 cells"),
            (KIT.replace("1000\n", "1,000\n"), 3, "`1,000` in `Used`"),
            (KIT.replace("Granted", "Given"), 1, "no column `granted`"),
            (SALDO.replace("557186        557186", "557186"), 5, "8 cells"),
            (CSV.replace("project", "used"), 1, "no column `project`"),
            (CSV.replace("granted", "used"), 1, "two columns say `used`"),
            (CSV.replace("\"12.5\"", "\"12.5"), 2, "never closed"),
            (format!("{KIT}{long}\n"), 4, "longer than 4096 bytes"),
            (KIT.to_owned() + &"\n".repeat(10_000), 10_001, "more than 10000 lines"),
            (" ".repeat((1 << 20) + 1), 1, "longer than 1048576 bytes"),
        ] {
            let error = read_figures(None, &text).expect_err(&text);
            assert_eq!(error.line, line, "{error}");
            assert!(error.what.contains(what), "{error}");
        }
    }

    #[test]
    fn a_text_without_a_head_is_named_by_a_person_and_still_refused() {
        let rows = KIT.split_once('\n').expect("a head").1;
        let error = read_figures(Some(FigureFormat::Kit), rows).expect_err("no head");
        assert!(error.what.contains("no column `project`") && error.next.contains("head"), "{error}: {}", error.next);
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "\\PC{0,200}", format in proptest::option::of(0..4_usize)) {
            drop(read_figures(format.map(|place| FigureFormat::ALL[place]), &text));
        }

        /// A sample with a piece cut out and another put in: no panic, and no figure from a line that is not there.
        #[test]
        fn a_damaged_text_is_answered_without_panic(
            sample in 0..4_usize,
            format in 0..4_usize,
            at in 0..2000_usize,
            length in 0..30_usize,
            piece in "[-0-9a-z\"{}\\[\\]:,;|.% \n\t]{0,12}",
        ) {
            let letters: Vec<char> = SAMPLES[sample].chars().collect();
            let start = at % (letters.len() + 1);
            let end = (start + length).min(letters.len());
            let text: String =
                letters[..start].iter().chain(&piece.chars().collect::<Vec<_>>()).chain(&letters[end..]).collect();
            let lines = text.lines().count() as u64;
            for format in [None, Some(FigureFormat::ALL[format])] {
                match read_figures(format, &text) {
                    Ok((_, figures)) => prop_assert!(figures.iter().all(|figure| (1..=lines).contains(&figure.line))),
                    // A text that is cut off behind a line break ends in the line that would be next.
                    Err(error) => prop_assert!((1..=lines + 1).contains(&error.line), "{}", error),
                }
            }
        }
    }
}
