//! Text as Typst source that can only ever be that text.
//!
//! Not a list of dangerous characters, which a new Typst version could make
//! incomplete, but a list of harmless ones: letters and digits, and between two of
//! them a single space, comma or full stop, go out as they are, everything else as
//! `\u{…}`. That
//! escape means the character itself both in markup and inside a quoted string.
//! The **first** character is always escaped: where a template puts a value into
//! code by mistake (`#{{ name }}`), the backslash makes it a syntax error, so a
//! value can never be read as an identifier or a call.

use std::fmt::{self, Write};

/// Letters in a row after which a word may be broken: a longer one would run out of its cell and over its
/// neighbours. Account numbers of banks have 20.
const LONGEST_RUN: usize = 24;

/// Writes `text` as Typst source. A word without end gets invisible places to break.
pub(crate) fn write_text(out: &mut impl Write, text: &str) -> fmt::Result {
    // Marks that turn the direction are invisible themselves and would turn what stands behind the value.
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let mut chars = text.chars().filter(|c| !turns(c)).peekable();
    // Whether the character before was written as itself and is a letter or
    // digit; false at the start, which is what escapes the first character.
    let mut after_plain = false;
    let mut first = true;
    let mut run = 0;
    while let Some(c) = chars.next() {
        let plain = !first && c.is_alphanumeric();
        let next_plain = chars.peek().is_some_and(|next| next.is_alphanumeric());
        let joint = matches!(c, ' ' | '\u{a0}' | ',' | '.') && after_plain && next_plain;
        if plain || joint {
            out.write_char(c)?;
        } else {
            write!(out, "\\u{{{:x}}}", u32::from(c))?;
        }
        run = if c.is_whitespace() { 0 } else { run + 1 };
        if run >= LONGEST_RUN && next_plain {
            out.write_str("\\u{200b}")?;
            run = 0;
        }
        after_plain = plain;
        first = false;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn escaped(text: &str) -> String {
        let mut out = String::new();
        write_text(&mut out, text).unwrap();
        out
    }

    #[test]
    fn only_letters_digits_and_what_joins_them_stay() {
        assert_eq!(escaped("Иванов И. И."), "\\u{418}ванов И\\u{2e}\\u{20}И\\u{2e}");
        assert_eq!(escaped("a  b"), "\\u{61}\\u{20}\\u{20}b");
        assert_eq!(escaped("12,5"), "\\u{31}2,5");
        assert_eq!(escaped("10.11.2026"), "\\u{31}0.11.2026");
        assert_eq!(escaped("1,"), "\\u{31}\\u{2c}");
        assert_eq!(escaped("a..b"), "\\u{61}\\u{2e}\\u{2e}b");
        assert_eq!(escaped("a\u{202e}b\u{2067}c"), escaped("abc"));
        assert_eq!(escaped(" x "), "\\u{20}x\\u{20}");
        assert_eq!(escaped(""), "");
    }

    #[test]
    fn a_word_without_end_may_be_broken() {
        let out = escaped(&"щ".repeat(60));
        assert_eq!(out.matches("\\u{200b}").count(), 2);
        assert_eq!(out.replace("\\u{200b}", "").replace("\\u{449}", "щ"), "щ".repeat(60));
        assert!(!escaped("40702810600090001234").contains("200b"));
        assert!(!escaped(&"слово ".repeat(60)).contains("200b"));
    }

    #[test]
    fn nothing_that_typst_reads_survives() {
        for c in "#$*_`<>@~-=+/\\[](){}\"'.:;!?&|^%\n\r\t".chars() {
            let out = escaped(&format!("a{c}b"));
            assert_eq!(out, format!("\\u{{61}}\\u{{{:x}}}b", u32::from(c)));
        }
    }
}
