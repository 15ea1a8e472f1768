//! Chance that repeats itself: every draw is a pure function of the seed, what is drawn and for whom.

use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The source of one company's made-up data.
#[derive(Clone, Debug)]
pub struct Chance {
    key: [u8; 32],
    mixed: u64,
}

impl Chance {
    /// The source for `seed` and the company `slug`.
    #[must_use]
    pub fn new(seed: u64, slug: &str) -> Self {
        let key: [u8; 32] =
            Sha256::new().chain_update(seed.to_be_bytes()).chain_update(slug.as_bytes()).finalize().into();
        let mut first = [0; 8];
        first.copy_from_slice(&key[..8]);
        Self { mixed: u64::from_be_bytes(first), key }
    }

    /// A number below `below` for `what` about number `who` at `when`; 0 when nothing is below.
    #[must_use]
    pub fn draw(&self, what: &str, who: u64, when: i32, below: u64) -> u64 {
        let mut state = self.mixed;
        for byte in what.bytes() {
            state = mix(state ^ u64::from(byte));
        }
        state = mix(state ^ who);
        state = mix(state ^ u64::from(when.cast_unsigned()));
        if below == 0 { 0 } else { state % below }
    }

    /// Whether something that happens in `percent` of a hundred cases happens.
    #[must_use]
    pub fn happens(&self, what: &str, who: u64, when: i32, percent: u64) -> bool {
        self.draw(what, who, when, 100) < percent
    }

    /// One of `choices`, which must not be empty.
    #[must_use]
    pub fn choose<'a>(&self, what: &str, who: u64, choices: &[&'a str]) -> &'a str {
        let at = usize::try_from(self.draw(what, who, 0, choices.len() as u64)).unwrap_or_default();
        choices.get(at).copied().unwrap_or_default()
    }

    /// The identifier of `what` number `who`: always the same, and growing with `who`, so that inserts
    /// stay local.
    #[must_use]
    pub fn id(&self, what: &str, who: u64) -> Uuid {
        let digest = Sha256::new()
            .chain_update(self.key)
            .chain_update(what.as_bytes())
            .chain_update(who.to_be_bytes())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        // UUIDv8: our own meaning of the bits; the first 48 are the ordinal.
        bytes[..6].copy_from_slice(&who.to_be_bytes()[2..]);
        uuid::Builder::from_custom_bytes(bytes).into_uuid()
    }

    /// A password of three groups of letters, the same for the same `what`.
    #[must_use]
    pub fn password(&self, what: &str) -> String {
        const LETTERS: &[u8] = b"bcdfghjkmnpqrstvwxz";
        let digest =
            Sha256::new().chain_update(self.key).chain_update(b"password").chain_update(what.as_bytes()).finalize();
        let letter = |byte: &u8| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]);
        let groups: Vec<String> = digest[..15].chunks(5).map(|group| group.iter().map(letter).collect()).collect();
        groups.join("-")
    }
}

/// The finaliser of splitmix64.
const fn mix(state: u64) -> u64 {
    let state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let state = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let state = (state ^ (state >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    state ^ (state >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same() {
        let (one, same) = (Chance::new(1, "a"), Chance::new(1, "a"));
        assert_eq!(one.draw("water", 7, 202_610, 1000), same.draw("water", 7, 202_610, 1000));
        assert_eq!(one.id("account", 7), same.id("account", 7));
        assert_eq!(one.password("admin"), same.password("admin"));
    }

    #[test]
    fn another_seed_company_person_or_month_draws_another() {
        let one = Chance::new(1, "a");
        let numbers = [
            one.draw("water", 7, 202_610, u64::MAX),
            one.draw("water", 7, 202_611, u64::MAX),
            one.draw("water", 8, 202_610, u64::MAX),
            one.draw("light", 7, 202_610, u64::MAX),
            Chance::new(2, "a").draw("water", 7, 202_610, u64::MAX),
            Chance::new(1, "b").draw("water", 7, 202_610, u64::MAX),
        ];
        let mut different = numbers.to_vec();
        different.sort_unstable();
        different.dedup();
        assert_eq!(different.len(), numbers.len());
    }

    #[test]
    fn draws_are_spread_evenly() {
        let one = Chance::new(3, "a");
        let hits = (0..10_000).filter(|who| one.happens("late", *who, 202_610, 20)).count();
        assert!((1_850..2_150).contains(&hits), "{hits}");
    }

    #[test]
    fn identifiers_grow_with_their_number() {
        let one = Chance::new(1, "a");
        let ids: Vec<_> = (0..300).map(|who| one.id("account", who)).collect();
        assert!(ids.is_sorted());
        assert_eq!(ids[0].get_version_num(), 8);
    }
}
