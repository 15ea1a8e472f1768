//! Letters: written inside the transaction that is their reason, sent after it committed.

use serde::Serialize;

use crate::db::Tx;
use crate::error::DbError;
use crate::jobs::NewJob;

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
        Ok(Self { to: to.into(), subject: subject.into(), template: template.to_owned(), context })
    }
}

impl Tx {
    /// Sends `mail` when, and only when, this transaction commits.
    pub async fn send_mail(&mut self, mail: &Mail) -> Result<(), DbError> {
        let (module, kind) = MAIL_JOB;
        self.enqueue(NewJob::new(module, kind, serde_json::to_value(mail)?)).await
    }
}
