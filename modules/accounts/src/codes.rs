//! The one-time code printed on a receipt: ten characters that are hard to misread, the last of which
//! tells a slip of the pen from a code.

use std::fmt;

use kabinet_contracts::{AccountId, ReceiptCodes, ResidentId};
use kabinet_core::{DbError, Tx};

use crate::store;

/// Digits and letters that look like no other of them; a prime number of them, so that the last one
/// notices every wrong and every swapped character.
const ALPHABET: &[u8; 23] = b"23456789ACEFHKMNPRTUVXY";
/// Cyrillic letters that look like letters of the alphabet.
const LOOKALIKES: [(char, char); 10] = [
    ('А', 'A'),
    ('С', 'C'),
    ('Е', 'E'),
    ('Н', 'H'),
    ('К', 'K'),
    ('М', 'M'),
    ('Р', 'P'),
    ('Т', 'T'),
    ('У', 'Y'),
    ('Х', 'X'),
];
/// Characters without the check character.
const LENGTH: usize = 9;

/// A code of the right form.
#[derive(Clone, PartialEq, Eq)]
pub struct LinkCode(String);

impl fmt::Debug for LinkCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LinkCode")
    }
}

impl LinkCode {
    /// The code that stands for a secret number; numbers are spread over all 23^9 codes.
    #[must_use]
    pub fn of(secret: u64) -> Self {
        let mut rest = secret;
        let mut values = [0_u64; LENGTH];
        for value in &mut values {
            *value = rest % 23;
            rest /= 23;
        }
        let all = values.iter().copied().chain([check(&values)]);
        Self(all.map(character).collect())
    }

    /// What a person typed, if it has the form of a code: case, spaces, hyphens and Cyrillic letters
    /// that look alike are forgiven.
    #[must_use]
    pub fn parse(typed: &str) -> Option<Self> {
        let letters = typed.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_uppercase);
        let latin = letters.map(|letter| LOOKALIKES.iter().find(|pair| pair.0 == letter).map_or(letter, |pair| pair.1));
        let values: Vec<u64> = latin.map(value).collect::<Option<_>>()?;
        let (last, first) = values.split_last()?;
        let first: [u64; LENGTH] = first.try_into().ok()?;
        (check(&first) == *last).then(|| Self(values.into_iter().map(character).collect()))
    }

    /// The ten characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The ten characters of a code in two groups, as printed.
#[must_use]
pub fn printed(code: &str) -> String {
    match code.split_at_checked(5) {
        Some((first, second)) => format!("{first}-{second}"),
        None => code.to_owned(),
    }
}

fn check(values: &[u64; LENGTH]) -> u64 {
    values.iter().zip(2..).map(|(value, weight)| value * weight).sum::<u64>() % 23
}

fn character(value: u64) -> char {
    usize::try_from(value).ok().and_then(|at| ALPHABET.get(at)).map_or('?', |byte| char::from(*byte))
}

fn value(letter: char) -> Option<u64> {
    let at = ALPHABET.iter().position(|known| char::from(*known) == letter)?;
    u64::try_from(at).ok()
}

/// Whether `typed` is the code on the account's newest receipt and links still.
pub(crate) async fn fits(
    tx: &Tx,
    codes: &dyn ReceiptCodes,
    account: AccountId,
    typed: &LinkCode,
) -> Result<bool, DbError> {
    let Some(newest) = codes.newest(tx, account).await? else { return Ok(false) };
    Ok(newest.code == typed.as_str() && !store::is_code_ended(tx, account, newest.run).await?)
}

/// Makes the code on the account's newest receipt link no more: it was used by `resident`, or the
/// receipt is a former holder's.
pub(crate) async fn end(
    tx: &Tx,
    codes: &dyn ReceiptCodes,
    account: AccountId,
    reason: &str,
    resident: Option<ResidentId>,
) -> Result<bool, DbError> {
    match codes.newest(tx, account).await? {
        Some(newest) => store::end_code(tx, account, newest.run, reason, resident).await,
        None => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = LinkCode::of(1_234_567_890_123);
        let shown = printed(code.as_str());
        assert_eq!(shown.len(), 11);
        assert_eq!(LinkCode::parse(&shown), Some(code.clone()));
        assert_eq!(LinkCode::parse(&format!(" {} ", shown.to_lowercase().replace('-', " "))), Some(code.clone()));
        let cyrillic: String =
            LOOKALIKES.iter().fold(shown, |text, (theirs, ours)| text.replace(*ours, &theirs.to_string()));
        assert_eq!(LinkCode::parse(&cyrillic), Some(code));
        assert_eq!(LinkCode::parse(""), None);
        assert_eq!(LinkCode::parse("Иванова"), None);
    }

    #[test]
    fn every_slip_is_noticed() {
        let code = LinkCode::of(987_654_321_987);
        let letters: Vec<char> = code.as_str().chars().collect();
        for at in 0..letters.len() {
            for other in ALPHABET.iter().map(|byte| char::from(*byte)).filter(|other| *other != letters[at]) {
                let mut wrong = letters.clone();
                wrong[at] = other;
                assert_eq!(LinkCode::parse(&wrong.iter().collect::<String>()), None, "{at} {other}");
            }
            let mut swapped = letters.clone();
            swapped.swap(at, (at + 1) % letters.len());
            let (first, second) = (letters[at], letters[(at + 1) % letters.len()]);
            let parsed = LinkCode::parse(&swapped.iter().collect::<String>());
            assert!(first == second || at + 1 == letters.len() || parsed.is_none(), "{at}");
        }
    }
}
