//! What came to a stand-in, counted by message in a few bytes each: ten million messages take some 420 MB, where the
//! calls themselves would take many gigabytes.

use std::collections::{BTreeMap, HashMap};
use std::hash::{DefaultHasher, Hash, Hasher};

/// Tables of a tally. They grow one at a time: a single one would for a while be there twice.
const PARTS: usize = 256;

/// What a message is known by: a hash of its identifier or, where it has none, of its address and text.
type Key = [u64; 2];

/// What came of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Seen {
    /// Its recipient's place in the list of recipients.
    recipient: u32,
    calls: u16,
    taken: u16,
}

/// 65,536 places of each table, a byte more each, for up to 14 million messages.
const _: () = assert!(size_of::<(Key, Seen)>() == 24);

/// The counts of a stand-in.
#[derive(Debug)]
pub(super) struct Tally {
    /// Calls of any kind, whatever was answered.
    pub(super) calls: usize,
    /// Those that were answered as taken.
    pub(super) taken: usize,
    parts: Vec<HashMap<Key, Seen>>,
    recipients: HashMap<String, u32>,
}

/// What a service that honours identifiers delivered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Messages, each counted once.
    pub messages: usize,
    /// Those of them that were taken more than once.
    pub repeated: usize,
    /// Messages by recipient.
    pub by_recipient: BTreeMap<String, usize>,
}

/// A message that came for somebody else before.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct OtherRecipient;

impl Default for Tally {
    fn default() -> Self {
        let parts = std::iter::repeat_with(HashMap::new).take(PARTS).collect();
        Self { calls: 0, taken: 0, parts, recipients: HashMap::new() }
    }
}

impl Tally {
    /// Counts a call of a message; which call of it this is, from 1.
    pub(super) fn call(&mut self, message: &str, recipient: &str) -> Result<u16, OtherRecipient> {
        let next = u32::try_from(self.recipients.len()).unwrap_or(u32::MAX);
        let recipient = match self.recipients.get(recipient) {
            Some(known) => *known,
            None => *self.recipients.entry(recipient.to_owned()).or_insert(next),
        };
        let seen = self.seen(message).or_insert(Seen { recipient, calls: 0, taken: 0 });
        if seen.recipient != recipient {
            return Err(OtherRecipient);
        }
        seen.calls = seen.calls.saturating_add(1);
        Ok(seen.calls)
    }

    /// Counts that a message was taken, of which a call was counted before.
    pub(super) fn take(&mut self, message: &str) {
        self.seen(message).and_modify(|seen| seen.taken = seen.taken.saturating_add(1));
    }

    fn seen(&mut self, message: &str) -> std::collections::hash_map::Entry<'_, Key, Seen> {
        let key = [0_u8, 1].map(|half| {
            let mut hasher = DefaultHasher::new();
            (half, message).hash(&mut hasher);
            hasher.finish()
        });
        // As many tables as a byte has values.
        self.parts[usize::from(key[0].to_le_bytes()[0])].entry(key)
    }

    /// What was taken, by message and by recipient.
    pub(super) fn delivered(&self) -> Delivered {
        let mut delivered = Delivered::default();
        let mut by_place = vec![0_usize; self.recipients.len()];
        for seen in self.parts.iter().flat_map(HashMap::values).filter(|seen| seen.taken > 0) {
            delivered.messages += 1;
            delivered.repeated += usize::from(seen.taken > 1);
            by_place[seen.recipient as usize] += 1;
        }
        let named = self.recipients.iter().map(|(name, place)| (name.clone(), by_place[*place as usize]));
        delivered.by_recipient = named.filter(|(_, messages)| *messages > 0).collect();
        delivered
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_counts_once_however_often_it_is_taken() {
        let mut tally = Tally::default();
        for (message, recipient, number) in [("a", "7901", 1), ("a", "7901", 2), ("b", "7901", 1), ("c", "7902", 1)] {
            assert_eq!(tally.call(message, recipient), Ok(number), "{message}");
        }
        assert_eq!(tally.delivered(), Delivered::default(), "none was taken yet");
        for message in ["a", "b", "a"] {
            tally.take(message);
        }
        let by_recipient = BTreeMap::from([("7901".to_owned(), 2)]);
        assert_eq!(tally.delivered(), Delivered { messages: 2, repeated: 1, by_recipient });
    }

    #[test]
    fn a_message_has_one_recipient() {
        let mut tally = Tally::default();
        assert_eq!(tally.call("a", "7901"), Ok(1));
        assert_eq!(tally.call("a", "7902"), Err(OtherRecipient));
        assert_eq!(tally.call("a", "7901"), Ok(2), "what was refused is not counted");
    }
}
