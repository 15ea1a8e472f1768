//! Letters that the demo sent, as its mailbox shows them.

use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::browser::Browser;
use crate::server::Server;

/// A letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Letter {
    /// The mailbox's name for it.
    pub id: String,
    /// The recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// The plain part.
    pub text: String,
    /// The HTML part.
    pub html: String,
    /// Files that went along.
    pub attachments: Vec<Attached>,
}

/// A file that went along with a letter.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Attached {
    /// Its name.
    pub name: String,
    /// `application/pdf`.
    #[serde(rename = "type")]
    pub media_type: String,
    /// Its bytes.
    pub size: usize,
    /// Where it is on the mailbox's host.
    pub href: String,
}

impl Letter {
    /// The addresses of pages in the plain part, in order.
    #[must_use]
    pub fn links(&self) -> Vec<String> {
        links_of(&self.text)
    }

    /// The path and query of the first link whose path begins so: what a [`Browser`] of the company
    /// opens.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn path(&self, beginning: &str) -> String {
        path_of(&self.text, beginning)
    }
}

fn links_of(text: &str) -> Vec<String> {
    let words = text.split(|c: char| c.is_whitespace() || "<>\"«»".contains(c));
    let links = words.filter(|word| word.starts_with("http://") || word.starts_with("https://"));
    links.map(|link| link.trim_end_matches(['.', ',', ';', ')', '!']).to_owned()).collect()
}

/// The path and query of the first link in a letter's plain part whose path begins so.
pub(crate) fn path_of(text: &str, beginning: &str) -> String {
    let paths = links_of(text).into_iter().filter_map(|link| {
        let (_, rest) = link.split_once("://")?;
        Some(rest.find('/').map_or("/", |at| &rest[at..]).to_owned())
    });
    let mut fitting = paths.filter(|path| path.starts_with(beginning));
    fitting.next().unwrap_or_else(|| panic!("no link to {beginning} in {text}"))
}

impl Server {
    /// A browser on the demo's mailbox.
    #[must_use]
    pub fn mailbox(&self) -> Browser {
        Browser::new(self.listen, "mail.localhost")
    }

    /// The letters that were sent to `to` until now, newest first. Letters leave a moment after the
    /// request that is their reason: see [`Server::letter`].
    ///
    /// # Panics
    /// When the mailbox does not answer.
    #[must_use]
    pub fn letters(&self, to: &str) -> Vec<Letter> {
        let path = format!("/api/messages?to={}", to.replace('%', "%25").replace('+', "%2B").replace('&', "%26"));
        let answer = self.mailbox().get(&path).expect(200).json();
        serde_json::from_value(answer).expect("letters as the contract has them")
    }

    /// The latest letter to `to` whose subject contains `subject`; waits for it for a while.
    ///
    /// # Panics
    /// When none comes.
    #[must_use]
    pub fn letter(&self, to: &str, subject: &str) -> Letter {
        let begun = Instant::now();
        loop {
            let letters = self.letters(to);
            if let Some(letter) = letters.iter().find(|letter| letter.subject.contains(subject)) {
                return letter.clone();
            }
            let subjects: Vec<&str> = letters.iter().map(|letter| letter.subject.as_str()).collect();
            assert!(begun.elapsed() < Duration::from_secs(60), "no letter «{subject}» to {to}, only {subjects:?}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}
