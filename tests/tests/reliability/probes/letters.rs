//! The letters that leave while everything is asked for: none of them names the other company to anybody else.

use std::collections::HashSet;

use kabinet_tests::{Browser, Server};
use serde_json::Value;

use super::canaries::Canaries;
use super::tokens;

/// The demo's mailbox. It keeps the latest few hundred letters, so it is looked into every so often.
pub(super) struct Letters {
    mailbox: Browser,
    /// How the addresses of the other company's people end: they may be told of it.
    theirs: String,
    /// Those that were there at the last look, by their identifiers.
    seen: HashSet<String>,
}

impl Letters {
    /// The letters of this server. Some have left already, by which it is seen that none is missed: that by which the
    /// other company has invited `friend` is known.
    pub(super) fn of(server: &Server, other: &str, friend: &str) -> Self {
        let invitation = server.letter(friend, tokens::INVITATION).id;
        Self { mailbox: server.mailbox(), theirs: format!("@{other}.example"), seen: HashSet::from([invitation]) }
    }

    /// What is wrong with the letters that came since the last look, and with the files that went along.
    pub(super) fn look(&mut self, canaries: &Canaries) -> Vec<String> {
        let all: Vec<Value> =
            serde_json::from_str(&self.mailbox.get("/api/messages").expect(200).text()).expect("letters");
        let id = |letter: &Value| letter["id"].as_str().expect("an identifier").to_owned();
        let before = std::mem::replace(&mut self.seen, all.iter().map(id).collect());
        let missed = !before.is_empty() && before.is_disjoint(&self.seen);
        let mut faults: Vec<String> =
            missed.then(|| "letters were gone before a look".to_owned()).into_iter().collect();
        for letter in all.iter().filter(|letter| !before.contains(&id(letter))) {
            let to = letter["to"].as_str().expect("an address");
            if !to.ends_with(&self.theirs)
                && let Some(word) = self.met(letter, canaries)
            {
                faults.push(format!("a letter to {to} names {word}"));
            }
        }
        faults
    }

    fn met(&mut self, letter: &Value, canaries: &Canaries) -> Option<String> {
        let files = letter["attachments"].as_array().into_iter().flatten();
        let mut links = files.filter_map(|file| file["href"].as_str());
        let told = canaries.met_in(&letter.to_string(), "");
        told.or_else(|| links.find_map(|href| canaries.met(&self.mailbox.get(href), "")))
    }
}
