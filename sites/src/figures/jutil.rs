//! `jutil project cpuquota -o json`: a list with an object for each budget; every value is text, the numbers too.
//!
//! Source: `evidence/live/cpu-quota.json` of U-LM/jupiter-deep-dive, printed on JUPITER in September 2026. What was consumed
//! is counted from `acct-period-start` on, in core hours, and brought up to date once a day around midnight; the text does not
//! say when that was.

use super::{
    figure::{FigureError, SaidFigure},
    hours::hours,
    text::{Line, quoted},
};
use serde_json::{Map, Value};

const NEXT: &str = "give the text of `jutil project cpuquota -p PROJECT -o json` as it was printed";

pub(super) fn read(text: &str, lines: &[Line<'_>]) -> Result<Vec<SaidFigure>, FigureError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let parsed: Value = serde_json::from_str(text).map_err(|error| {
        let line = u64::try_from(error.line()).unwrap_or(1).max(1);
        FigureError::new(line, "this is no JSON, or it is cut off", NEXT)
    })?;
    let records = match parsed {
        Value::Array(records) => records,
        single @ Value::Object(_) => vec![single],
        _ => return Err(FigureError::new(1, "this is neither a list nor an object", NEXT)),
    };
    let mut figures = Vec::with_capacity(records.len());
    for (number, record) in records.iter().enumerate() {
        let Value::Object(fields) = record else {
            let what = format!("item {} of the list is no object", number + 1);
            return Err(FigureError::new(1, what, NEXT));
        };
        figures.push(Record { fields, number, lines }.figure()?);
    }
    Ok(figures)
}

/// One object of the list.
struct Record<'a> {
    fields: &'a Map<String, Value>,
    /// Its place in the list, from 0.
    number: usize,
    lines: &'a [Line<'a>],
}

impl Record<'_> {
    fn figure(&self) -> Result<SaidFigure, FigureError> {
        let names = ["project", "budget-account"].map(|key| self.text(key));
        let mut found = Vec::new();
        for name in names {
            found.extend(name?.map(str::to_owned));
        }
        if found.is_empty() {
            return Err(self.missing("project"));
        }
        let system = match self.text("system")? {
            Some(system) => Some(system),
            None => self.text("cont-partition")?,
        };
        Ok(SaidFigure {
            line: self.line("coreh-consumed-total").number,
            names: found,
            system: system.map(str::to_owned),
            resource: Some("core".to_owned()),
            granted: self.text("coreh-quota-total")?.map(|text| self.hours("coreh-quota-total", text)).transpose()?,
            used: match self.text("coreh-consumed-total")? {
                Some(text) => self.hours("coreh-consumed-total", text)?,
                None => return Err(self.missing("coreh-consumed-total")),
            },
            since: self.text("acct-period-start")?.map(str::to_owned),
            as_of: None,
        })
    }

    fn hours(&self, key: &str, text: &str) -> Result<model::Amount, FigureError> {
        hours(self.line(key), key, text)
    }

    /// The text of a field; none where it is absent or says nothing.
    fn text(&self, key: &str) -> Result<Option<&str>, FigureError> {
        match self.fields.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.trim()).filter(|text| !text.is_empty())),
            Some(other) => {
                let what = format!("`{key}` is {}, and every value of `jutil` is text", quoted(&other.to_string()));
                Err(FigureError::new(self.line(key).number, what, NEXT))
            }
        }
    }

    fn missing(&self, key: &str) -> FigureError {
        FigureError::new(self.line(key).number, format!("item {} has no `{key}`", self.number + 1), NEXT)
    }

    /// The line in which the field stands: each object has it once, so it is the one of that number. Line 1 where it does not
    /// come out even.
    fn line(&self, key: &str) -> Line<'_> {
        let name = format!("\"{key}\"");
        let mut holding = self.lines.iter().filter(|line| line.text.contains(&name));
        holding.nth(self.number).copied().unwrap_or(Line { number: 1, text: "" })
    }
}
