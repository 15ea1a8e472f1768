//! Letters: written inside the transaction that is their reason, sent after it committed.

use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::Tx;
use crate::error::DbError;
use crate::jobs::{Event, JobError, NewJob};
use crate::tenancy::Tenant;

/// The module and the kind of the job that carries a letter.
pub const MAIL_JOB: (&str, &str) = ("mail", "send");

/// A letter to one person. The job queue is its outbox: nothing of it is kept once it is sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// The address it goes to.
    pub to: String,
    /// The subject line, in Russian.
    pub subject: String,
    /// The templates' name: `residents/activation`.
    pub template: String,
    /// What the templates show.
    pub context: serde_json::Value,
    /// Files that go along.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    /// Path on the company's portal where one POST ends letters like this one (RFC 8058).
    #[serde(default)]
    pub unsubscribe: Option<String>,
    /// What its end is told by, to whoever wants to know: see [`LetterEnded`].
    #[serde(default)]
    pub reference: Option<LetterReference>,
}

/// A file that goes along with a letter, said in a hundred bytes: who makes it, and of what. The bytes are made when
/// the letter leaves, so that the queue stays small and nothing of the file lies about before or after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// The name of the [`AttachmentSource`]: `billing.receipt`.
    pub source: String,
    /// What the source is to make it of.
    pub of: serde_json::Value,
}

/// A file as it goes along with a letter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AttachedFile {
    /// Its name, ASCII.
    pub name: String,
    /// `application/pdf`.
    pub media_type: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// A port of the mail sender: modules that make files for letters.
#[async_trait]
pub trait AttachmentSource: Send + Sync {
    /// Its name, the module's in front: `billing.receipt`.
    fn name(&self) -> &'static str;
    /// The file; the same for the same words as long as what it is made of stands.
    async fn file(&self, tenant: &Arc<Tenant>, of: &serde_json::Value) -> Result<AttachedFile, JobError>;
}

/// What a letter is to its sender.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LetterReference {
    /// The module that sent it.
    pub module: String,
    /// What the module knows it by.
    pub id: Uuid,
}

/// A letter with a [`LetterReference`] came to its end: a mail server took it, or it was given up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
        Ok(Self {
            to: to.into(),
            subject: subject.into(),
            template: template.to_owned(),
            context,
            attachments: Vec::new(),
            unsubscribe: None,
            reference: None,
        })
    }

    /// The same letter with `files` going along.
    #[must_use]
    pub fn with(mut self, files: impl IntoIterator<Item = Attachment>) -> Self {
        self.attachments.extend(files);
        self
    }
}

impl Tx {
    /// Sends `mail` when, and only when, this transaction commits.
    pub async fn send_mail(&mut self, mail: &Mail) -> Result<(), DbError> {
        let (module, kind) = MAIL_JOB;
        self.enqueue(NewJob::new(module, kind, serde_json::to_value(mail)?)).await
    }
}
