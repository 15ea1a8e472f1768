//! Envelope senders that name the letter (VERP): a report of its failure tells by its recipient which letter it is
//! about, and nobody else can make such an address.

use anyhow::bail;
use kabinet_web::cookie::TokenKey;
use lettre::Address;
use ring::hmac;
use uuid::Uuid;

use crate::config::Config;

/// Characters of the letter's identifier.
const ID: usize = 32;
/// Bytes of the seal, in twice as many characters.
const SEAL: usize = 8;
/// The longest name before the @ (RFC 5321, 4.5.3.1.1), less `+`, identifier and seal.
const LONGEST_NAME: usize = 64 - 1 - ID - 2 * SEAL;

/// Where mail servers report letters that came back.
#[derive(Clone, Debug)]
pub struct BounceAddress {
    name: String,
    domain: String,
    key: hmac::Key,
}

impl BounceAddress {
    /// The address of `mail.bounce_address`; none where the configuration names none.
    pub fn of(config: &Config, tokens: &TokenKey) -> anyhow::Result<Option<Self>> {
        if config.mail.bounce_address.is_empty() {
            return Ok(None);
        }
        let address = Self::check(&config.mail.bounce_address)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &tokens.derived("envelope senders of letters"));
        Ok(Some(Self { name: address.user().to_owned(), domain: address.domain().to_owned(), key }))
    }

    /// The address, if letters can be named in it; an error names the key.
    pub fn check(text: &str) -> anyhow::Result<Address> {
        match text.trim().parse::<Address>() {
            Ok(address) if address.user().len() <= LONGEST_NAME => Ok(address),
            _ => bail!(
                "mail.bounce_address: expected an address like bounces@example.ru, \
                 with no more than {LONGEST_NAME} characters before the @"
            ),
        }
    }

    /// The envelope's sender of a letter: `bounces+<letter><seal>@example.ru`. Mail servers may change the case of
    /// letters, so it means nothing.
    #[must_use]
    pub fn of_letter(&self, letter: Uuid) -> String {
        let seal = hmac::sign(&self.key, letter.as_bytes());
        let seal = hex::encode(&seal.as_ref()[..SEAL]);
        format!("{}+{}{seal}@{}", self.name, letter.simple(), self.domain)
    }

    /// The letter that an address names; none for an address that is not ours.
    #[must_use]
    pub fn letter(&self, address: &str) -> Option<Uuid> {
        let (name, _) = address.split_once('@')?;
        let (_, tag) = name.rsplit_once('+')?;
        let letter = Uuid::try_parse(tag.get(..ID)?).ok()?;
        self.of_letter(letter).eq_ignore_ascii_case(address).then_some(letter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounces(address: &str, key: u8) -> BounceAddress {
        let mut config = Config::default();
        address.clone_into(&mut config.mail.bounce_address);
        BounceAddress::of(&config, &TokenKey::new([key; 32])).expect("an address").expect("an address")
    }

    #[test]
    fn an_envelope_sender_names_its_letter_to_whoever_has_the_key() {
        let (ours, letter) = (bounces("Bounces@kabinet.example", 7), Uuid::from_u128(0x0193_a1c0));
        let address = ours.of_letter(letter);
        assert!(address.starts_with("Bounces+000000000000000000000000") && address.ends_with("@kabinet.example"));
        assert_eq!(ours.letter(&address), Some(letter));
        assert_eq!(ours.letter(&address.to_lowercase()), Some(letter), "some mail servers change the case");
        assert_eq!(bounces("bounces@kabinet.example", 8).letter(&address), None, "another key");
        assert_eq!(bounces("bounces@other.example", 7).letter(&address), None, "another domain");
    }

    #[test]
    fn no_other_address_names_a_letter() {
        let ours = bounces("bounces@kabinet.example", 7);
        let (one, two) = (ours.of_letter(Uuid::from_u128(1)), ours.of_letter(Uuid::from_u128(2)));
        let (head, seal) = (&one[..8 + ID], &two[8 + ID..]);
        let mixed = format!("{head}{seal}");
        for address in
            ["", "@", "bounces@kabinet.example", "bounces+@kabinet.example", "bounces+я@kabinet.example", &mixed]
        {
            assert_eq!(ours.letter(address), None, "{address}");
        }
        for at in 8..8 + ID + 2 * SEAL {
            let mut changed = one.clone();
            changed.replace_range(at..=at, if &one[at..=at] == "0" { "1" } else { "0" });
            assert_eq!(ours.letter(&changed), None, "{changed}");
        }
    }

    #[test]
    fn a_name_has_room_for_the_letter() {
        let longest = format!("{}@kabinet.example", "b".repeat(LONGEST_NAME));
        assert_eq!(bounces(&longest, 7).of_letter(Uuid::max()).find('@'), Some(64));
        for wrong in [format!("b{longest}"), "bounces".to_owned(), "two@a.example, b@a.example".to_owned()] {
            let refusal = BounceAddress::check(&wrong).expect_err("refused").to_string();
            assert!(refusal.contains("mail.bounce_address"), "{refusal}");
        }
    }
}
