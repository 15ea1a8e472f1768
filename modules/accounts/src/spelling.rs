//! How people write house and flat numbers, compared with how the company wrote them down.

use kabinet_core::text::search_key;

/// Words before a house number.
const HOUSE: [&str; 2] = ["дом", "д"];
/// Words before a flat number, the longer first.
const FLAT: [&str; 13] =
    ["квартира", "помещение", "комната", "офис", "пом", "комн", "бокс", "кв", "оф", "ком", "мм", "м", "к"];
/// Words between a house number and the number of its building, or between a flat's and a room's.
const BETWEEN: [&str; 12] =
    ["корпус", "строение", "литера", "комната", "корп", "комн", "стр", "ком", "лит", "кв", "к", "с"];

/// Whether both texts name the same house: «12а», «12 А», «д. 12-А».
#[must_use]
pub fn same_house(typed: &str, stored: &str) -> bool {
    !stored.is_empty() && key(typed, &HOUSE) == key(stored, &HOUSE)
}

/// Whether both texts name the same flat: «5», «кв. 5»; a house without flats needs none.
#[must_use]
pub fn same_flat(typed: &str, stored: &str) -> bool {
    key(stored, &FLAT).is_empty() || key(typed, &FLAT) == key(stored, &FLAT)
}

/// Letters and digits alone, without words before the first digit or between two numbers.
fn key(text: &str, before: &[&str]) -> String {
    let plain: String = search_key(text).chars().filter(|c| c.is_alphanumeric()).collect();
    let bare = before.iter().find_map(|word| {
        let rest = plain.strip_prefix(word)?;
        rest.starts_with(|c: char| c.is_ascii_digit()).then_some(rest)
    });
    let mut left = bare.unwrap_or(&plain);
    let mut joined = String::with_capacity(left.len());
    while let Some(first) = left.chars().next() {
        let word = joined.ends_with(|c: char| c.is_ascii_digit()).then(|| word_between(left)).flatten();
        let skip = match word {
            Some(word) => word.len(),
            None => {
                joined.push(first);
                first.len_utf8()
            }
        };
        left = &left[skip..];
    }
    joined
}

/// The word that stands here before another number.
fn word_between(text: &str) -> Option<&'static str> {
    let follows =
        |word: &&&str| text.strip_prefix(**word).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    BETWEEN.iter().find(follows).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn houses_are_written_in_many_ways() {
        let same = [
            ("12а", "12 А"),
            ("д. 12А", "12а"),
            ("дом 12", "12"),
            ("12 корп. 2", "12/2"),
            ("12 к2", "12, корпус 2"),
            ("12-1", "12/1"),
            ("7 стр. 3", "7с3"),
        ];
        for (typed, stored) in same {
            assert!(same_house(typed, stored), "{typed} = {stored}");
        }
        for (typed, stored) in [("12", "12а"), ("", "12"), ("12", ""), ("13", "12"), ("12к", "12")] {
            assert!(!same_house(typed, stored), "{typed} ≠ {stored}");
        }
    }

    #[test]
    fn flats_are_written_in_many_ways() {
        let same = [
            ("5", "5"),
            ("кв. 5", "5"),
            ("Квартира 5", "5"),
            ("1н", "1Н"),
            ("пом. 1Н", "1н"),
            ("45 комн. 1", "45/1"),
            ("45-1", "45/1"),
            ("кв 45 к 1", "45/1"),
            ("", ""),
            ("0", ""),
        ];
        for (typed, stored) in same {
            assert!(same_flat(typed, stored), "{typed} = {stored}");
        }
        for (typed, stored) in [("", "5"), ("6", "5"), ("5а", "5"), ("кв", "5")] {
            assert!(!same_flat(typed, stored), "{typed} ≠ {stored}");
        }
    }
}
