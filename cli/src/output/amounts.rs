//! Amounts and instants as people read them.

use model::{Amount, Charge, Factors, Price, Timestamp, Unit, Zone};

/// An amount with its hour word: `64.000 GPU-h`.
pub(crate) fn charge(charge: &Charge) -> String {
    charge.amount.in_hours_of(&charge.unit)
}

/// A hold: `64.000 GPU-h (jupiter:gh200)`.
pub(crate) fn hold(unit: &Unit, amount: Amount) -> String {
    format!("{} ({unit})", amount.in_hours_of(unit))
}

/// A hold with how it comes about: `64.000 GPU-h (jupiter:gh200) = 2 nodes x 4 GPUs x 08:00:00`.
pub(crate) fn explained_hold(unit: &Unit, amount: Amount, factors: Option<&Factors>) -> String {
    let product = factors.map(|factors| format!(" = {}", factors.in_words_of(unit))).unwrap_or_default();
    format!("{}{product}", hold(unit, amount))
}

/// The parts of a price, side by side: GPU time, node time, the site's own charge.
pub(crate) fn price_lines(price: &Price) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in [&price.gpu, &price.node, &price.site].into_iter().flatten() {
        let text = charge(part);
        if !parts.contains(&text) {
            parts.push(text);
        }
    }
    parts.join(" = ")
}

/// An instant in the zone of this machine, with the zone: `2026-11-24 01:12:07 +01:00`.
pub(crate) fn instant(at: Timestamp) -> String {
    instant_in(at, &Zone::from(jiff::tz::TimeZone::system()))
}

/// The same in another zone.
pub(crate) fn instant_in(at: Timestamp, zone: &Zone) -> String {
    match jiff::Timestamp::from_second(at.epoch_seconds()) {
        Ok(instant) => instant.to_zoned_datetime(zone.rules().clone()).strftime("%Y-%m-%d %H:%M:%S %:z").to_string(),
        Err(_) => at.to_string(),
    }
}
