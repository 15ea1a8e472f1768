//! Which passwords are good enough: long, not common, not the person's or the company's own words.

use std::collections::HashSet;

use crate::error::Error;

/// Too common to be passwords, and words that digits and signs around them make no password of.
const COMMON: &str = include_str!("../data/common-passwords.txt");

/// Signs that lie in a row: on a keyboard, across it, in the alphabet.
const ROWS: [&str; 18] = [
    "01234567890-=",
    "qwertyuiop[]",
    "asdfghjkl;'",
    "zxcvbnm,./",
    "1qaz",
    "2wsx",
    "3edc",
    "4rfv",
    "5tgb",
    "6yhn",
    "7ujm",
    "8ik,",
    "9ol.",
    "0p;/",
    "abcdefghijklmnopqrstuvwxyz",
    "абвгдежзийклмнопрстуфхцчшщъыьэюя",
    "абвгдежзиклмнопрстуфхцчшщъыьэюя",
    "qazwsxedcrfvtgbyhnujm",
];

/// No row is longer.
const LONGEST_ROW: usize = 33;

/// The two layouts of a keyboard, key by key.
const LATIN: &str = "qwertyuiop[]asdfghjkl;'zxcvbnm,.`";
const CYRILLIC: &str = "йцукенгшщзхъфывапролджэячсмитьбюе";

/// Own words leave a password at least so many signs beside them.
const OWN_SIGNS: usize = 5;

/// Refuses a password that is too short (10 characters), too long (128), common, a walk over the keyboard, or
/// made of `own` words: the login, names of the company. There are no rules of composition: they make
/// passwords worse.
pub(crate) fn check(password: &str, own: &[&str]) -> Result<(), Error> {
    let length = password.chars().count();
    if length < 10 {
        return Err(Error::WeakPassword("Пароль должен быть не короче 10 символов"));
    }
    if length > 128 {
        return Err(Error::WeakPassword("Пароль должен быть не длиннее 128 символов"));
    }
    let plain = plain(password);
    // The same keys in the other layout are the same password to whoever guesses.
    let other = plain.chars().map(in_other_layout).collect::<String>();
    if [&plain, &other].into_iter().any(|form| is_common(form)) {
        return Err(Error::WeakPassword("Этот пароль слишком распространён, придумайте другой"));
    }
    if [&plain, &other].into_iter().any(|form| is_own(form, own)) {
        return Err(Error::WeakPassword("Пароль не должен повторять Ваш Email или название компании"));
    }
    Ok(())
}

/// Lower case, ё as е: as the list is written.
fn plain(text: &str) -> String {
    text.to_lowercase().replace('ё', "е")
}

fn in_other_layout(sign: char) -> char {
    let pairs = || LATIN.chars().zip(CYRILLIC.chars());
    let found = pairs().find(|(latin, cyrillic)| sign == *latin || sign == *cyrillic);
    found.map_or(sign, |(latin, cyrillic)| if sign == latin { cyrillic } else { latin })
}

fn is_common(form: &str) -> bool {
    let without_signs = |text: &str| text.trim_matches(|sign: char| !sign.is_alphabetic()).to_owned();
    let (bare, unit) = (without_signs(form), repeated(form));
    let few = form.chars().collect::<HashSet<_>>().len() < 4 || unit != form && unit.chars().count() < 6;
    let words = [form, &bare, unit, &without_signs(unit), repeated(&bare)];
    few || is_walk(form) || COMMON.lines().any(|common| words.contains(&common))
}

/// The shortest beginning that the text repeats to its end: «пароль» of «парольпароль».
fn repeated(text: &str) -> &str {
    let ends = text.char_indices().map(|(at, _)| at).skip(1);
    let mut units = ends.filter(|at| text.len().is_multiple_of(*at)).map(|at| &text[..at]);
    units.find(|unit| unit.repeat(text.len() / unit.len()) == text).unwrap_or(text)
}

/// Whether the text is nothing but pieces of three signs or more that lie in a row, there or back.
fn is_walk(text: &str) -> bool {
    let signs: Vec<char> = text.chars().collect();
    let lies_in_a_row = |piece: &[char]| {
        let (there, back) = (piece.iter().collect::<String>(), piece.iter().rev().collect::<String>());
        piece.iter().all(|sign| *sign == piece[0]) || ROWS.iter().any(|row| row.contains(&there) || row.contains(&back))
    };
    let mut left = signs.as_slice();
    while !left.is_empty() {
        let Some(longest) = (3..=left.len().min(LONGEST_ROW)).rev().find(|length| lies_in_a_row(&left[..*length]))
        else {
            return false;
        };
        left = &left[longest..];
    }
    true
}

/// Whether little is left of the text without the own words.
fn is_own(form: &str, own: &[&str]) -> bool {
    let mut words: Vec<String> = own.iter().flat_map(|text| own_words(text)).collect();
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    let left = words.iter().fold(form.to_owned(), |left, word| left.replace(word, ""));
    left != form && left.chars().filter(|sign| sign.is_alphanumeric()).count() < OWN_SIGNS
}

/// A text as a whole, and its words from four letters on.
fn own_words(text: &str) -> Vec<String> {
    let text = plain(text);
    let words = text.split(|sign: char| !sign.is_alphanumeric()).filter(|word| word.chars().count() >= 4);
    words.map(str::to_owned).chain((text.chars().count() >= 4).then(|| text.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_weak(password: &str) -> bool {
        check(password, &["Ivanova.Anna@mail.ru", "УК «Береговой»", "lk.beregovoy.example"]).is_err()
    }

    #[test]
    fn short_long_and_common_passwords_are_refused() {
        for weak in ["короткий", "девять зн", "1234567890", "ababababab", "basketball", "Password123", "commonwealth"]
        {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(is_weak(&"сосна и пруд ".repeat(10)));
        for good in ["десять зна", "береза у пруда", "тихая заводь у моста", "kazan 7 apples", "qwerty и береза"]
        {
            assert!(!is_weak(good), "{good}");
        }
    }

    #[test]
    fn a_common_word_makes_no_password_by_digits_signs_or_repetition() {
        for weak in [
            "наташа1985",
            "Россия-2026",
            "!!!привет!!!",
            "парольпароль",
            "любовь12любовь12",
            "sunshine99",
            "Солнышко05",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(!is_weak("наташа и берёза"));
    }

    #[test]
    fn the_other_layout_hides_nothing() {
        // Пароль2026!, йцукенгшщз, наташа1985, пассворд typed on the other layout.
        for weak in ["gfhjkm2026!", "йцукенгшщз", "yfnfif1985", "зфыыцщкв123"] {
            assert!(is_weak(weak), "{weak}");
        }
    }

    #[test]
    fn walks_over_the_keyboard_are_refused() {
        for weak in [
            "qwertyuiop",
            "poiuytrewq",
            "1qaz2wsx3edc4rfv",
            "asdfghjkl;'",
            "йцуфывячс123",
            "zxcvbnm,./123",
            "абвгдежзик",
            "111222333444",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(!is_weak("qwe и пруд rty"));
    }

    #[test]
    fn the_login_and_the_company_are_no_passwords() {
        for weak in [
            "ivanova.anna@mail.ru",
            "IvanovaAnna",
            "ivanova1985",
            "anna-ivanova-77",
            "Береговой2026",
            "beregovoy_1",
            ",thtujdjq1",
        ] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(!is_weak("anna любит пруд") && !is_weak("береговой пруд и сосна"));
    }

    #[test]
    fn a_repetition_is_told_by_its_shortest_unit() {
        assert_eq!((repeated("абаб"), repeated("абв"), repeated("аааа"), repeated("")), ("аб", "абв", "а", ""));
    }
}
