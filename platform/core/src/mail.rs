//! Letters: written inside the transaction that is their reason, sent after it committed.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::ActiveValue::{NotSet, Unchanged};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, Set};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::db::{Db, Tx};
use crate::entity::{job, job_payload};
use crate::error::DbError;
use crate::jobs::{Event, JobError, NewJob, WAITING};
use crate::tenancy::{Tenant, TenantId};
use crate::values::Timestamp;

/// The module and the kind of the job that carries a letter.
pub const MAIL_JOB: (&str, &str) = ("mail", "send");

/// The kind that this job becomes while the letter may come back.
pub const SENT_MAIL: &str = "sent";

/// A letter to one person. The job queue is its outbox: once it is sent nothing of its words is kept, and whom it went
/// to only while it may come back.
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
    /// The file, of what is in `db`; the same for the same words as long as what it is made of stands.
    async fn file(&self, db: &Db, tenant: &Arc<Tenant>, of: &serde_json::Value) -> Result<AttachedFile, JobError>;
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

    /// The letter with `files` going along.
    #[must_use]
    pub fn with(mut self, files: impl IntoIterator<Item = Attachment>) -> Self {
        self.attachments.extend(files);
        self
    }

    /// The job that carries it.
    fn job(&self) -> Result<NewJob, DbError> {
        let (module, kind) = MAIL_JOB;
        Ok(NewJob::new(module, kind, serde_json::to_value(self)?))
    }

    /// What is known of a letter that left: whom it went to and what it is to its sender, none of its words.
    #[must_use]
    pub fn without_words(&self) -> Self {
        Self {
            to: self.to.clone(),
            subject: String::new(),
            template: self.template.clone(),
            context: serde_json::Value::Null,
            attachments: Vec::new(),
            unsubscribe: None,
            reference: self.reference.clone(),
        }
    }
}

/// The company whose letter the job `letter` carries, or has carried while it may come back.
pub async fn company_of(db: &Db, letter: Uuid) -> Result<Option<TenantId>, DbError> {
    Ok(job::Entity::find_by_id(letter).one(db.platform_read()).await?.map(|job| job.tenant_id))
}

impl Tx {
    /// Sends `mail` when, and only when, this transaction commits.
    pub async fn send_mail(&mut self, mail: &Mail) -> Result<(), DbError> {
        self.enqueue(mail.job()?).await
    }

    /// Sends many letters as [`Tx::send_mail`] does one, by few statements.
    pub async fn send_mails(&mut self, mails: &[Mail]) -> Result<(), DbError> {
        let jobs: Result<Vec<NewJob>, DbError> = mails.iter().map(Mail::job).collect();
        self.enqueue_all(&jobs?).await
    }

    /// Waits until `until` for a letter that was handed over to come back. Its job does so, keeping no more than `sent`:
    /// whoever runs it has lost it, and the person who asks to be forgotten is found in it as in a letter that waits.
    pub async fn await_return(&self, letter: Uuid, sent: &Mail, until: Timestamp) -> Result<(), DbError> {
        use job::Column;
        let waiting = job::ActiveModel {
            id: NotSet,
            kind: Set(SENT_MAIL.to_owned()),
            state: Set(WAITING),
            run_at: Set(until),
            ..Default::default()
        };
        let update = job::Entity::update_many().set(waiting).col_expr(Column::Fence, Expr::col(Column::Fence).add(1));
        let mine = Column::Id.eq(letter).and(Column::TenantId.eq(self.tenant_id())).and(Column::Kind.eq(MAIL_JOB.1));
        if update.filter(mine).exec(self.platform()).await?.rows_affected == 0 {
            return Ok(());
        }
        self.update(job_payload::ActiveModel {
            tenant_id: Unchanged(self.tenant_id()),
            job_id: Unchanged(letter),
            payload: Set(serde_json::to_string(sent)?),
        })
        .await
    }

    /// Takes down that a letter came back: what is known of it; none where it is not awaited, or no longer.
    pub async fn letter_returned(&self, letter: Uuid) -> Result<Option<Mail>, DbError> {
        use job::Column;
        let mine = Column::Id.eq(letter).and(Column::TenantId.eq(self.tenant_id())).and(Column::Kind.eq(SENT_MAIL));
        if job::Entity::delete_many().filter(mine).exec(self.platform()).await?.rows_affected == 0 {
            return Ok(None);
        }
        let payload = job_payload::Column::JobId.eq(letter);
        let found = self.one(job_payload::Entity::find().filter(payload.clone())).await?;
        self.delete_where(job_payload::Entity::delete_many().filter(payload)).await?;
        Ok(found.map(|row| serde_json::from_str(&row.payload)).transpose()?)
    }
}
