//! Tasks of an array that wait, as the commands list them.

/// The most tasks of an array that a set of bits is read for: above `MaxArraySize` of any site.
const MOST_TASKS: usize = 4_000_000;

/// The tasks that wait: as they are listed, or of a set of bits, which accounting of 22.05 writes in hexadecimal digits.
pub fn listed(waiting: &str) -> String {
    let Some(digits) = waiting.strip_prefix("0x") else { return waiting.to_owned() };
    let (digits, most) = digits.split_once('%').map_or((digits, None), |(digits, most)| (digits, Some(most)));
    if digits.len() > MOST_TASKS / 4 || !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
        return waiting.to_owned();
    }
    let bits = digits.chars().rev().filter_map(|digit| digit.to_digit(16));
    let set = bits.zip(0..).flat_map(|(digit, place): (u32, usize)| {
        (0..4).filter(move |bit| digit >> bit & 1 == 1).map(move |bit| place * 4 + bit)
    });
    let mut spans: Vec<(usize, usize)> = Vec::new();
    for task in set {
        match spans.last_mut() {
            Some((_, last)) if *last + 1 == task => *last = task,
            _ => spans.push((task, task)),
        }
    }
    let shown = |(first, last): &(usize, usize)| {
        if first == last { first.to_string() } else { format!("{first}-{last}") }
    };
    let spans = spans.iter().map(shown).collect::<Vec<_>>().join(",");
    most.map_or(spans.clone(), |most| format!("{spans}%{most}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn sets_of_bits_are_listed_and_lists_stay() {
        for (waiting, shown) in
            [("0xF", "0-3"), ("0xB2%2", "1,4-5,7%2"), ("0x2", "1"), ("5-9%4", "5-9%4"), ("0xg", "0xg"), ("", "")]
        {
            assert_eq!(listed(waiting), shown, "{waiting}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_answered_without_panic(text in "(0x)?[0-9A-Fa-f%,x-]{0,40}") {
            let _ = listed(&text);
        }
    }
}
