//! Letters: written inside the transaction that is their reason, sent after it committed.

use serde::Serialize;
use uuid::Uuid;

use crate::db::Tx;
use crate::error::DbError;
use crate::jobs::{Event, NewJob};

/// The module and the kind of the job that carries a letter.
pub const MAIL_JOB: (&str, &str) = ("mail", "send");

/// A letter to one person. The job queue is its outbox: nothing of it is kept once it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// The subject line, in Russian.
    pub subject: String,
    /// The templates' name: `residents/activation`.
    pub template: String,
    /// What the templates show.
    pub context: serde_json::Value,
    /// Path on the company's portal where one POST ends letters like this one (RFC 8058).
    #[serde(default)]
    pub unsubscribe: Option<String>,
    /// What its end is told by, to whoever wants to know: see [`LetterEnded`].
    #[serde(default)]
    pub reference: Option<LetterReference>,
}

/// What a letter is to its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct LetterReference {
    /// The module that sent it.
    pub module: String,
    /// What the module knows it by.
    pub id: Uuid,
}

/// A letter with a [`LetterReference`] came to its end: a mail server took it, or it was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, serde::Deserialize)]
pub struct LetterEnded {
    /// What the letter is to its sender.
    pub reference: LetterReference,
    /// Why it was given up; none where a mail server took it.
    pub failure: Option<String>,
}

impl Event for LetterEnded {
    const NAME: &'static str = "mail.letter_ended";
}

impl Mail {
    /// A letter from the company of the transaction that sends it.
    pub fn new(
        to: impl Into<String>,
        subject: impl Into<String>,
        template: &'static str,
        context: &impl Serialize,
    ) -> Result<Self, DbError> {
        let context = serde_json::to_value(context)?;
        let template = template.to_owned();
        Ok(Self { to: to.into(), subject: subject.into(), template, context, unsubscribe: None, reference: None })
    }
}

impl Tx {
    /// Sends `mail` when, and only when, this transaction commits.
    pub async fn send_mail(&mut self, mail: &Mail) -> Result<(), DbError> {
        let (module, kind) = MAIL_JOB;
        self.enqueue(NewJob::new(module, kind, serde_json::to_value(mail)?)).await
    }
}
