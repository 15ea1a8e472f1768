//! Letters: written inside the transaction that is their reason, sent after it committed.

use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, QuerySelect};
use serde::Serialize;
use uuid::Uuid;

use crate::db::Tx;
use crate::entity::{job, job_payload};
use crate::error::DbError;
use crate::jobs::NewJob;
use crate::text::email_key;

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

    /// Takes back the letters to `address` that wait in the queue, when this transaction commits: a
    /// deleted person gets no more of them and stands in none. How many there were.
    pub async fn withdraw_letters(&mut self, address: &str) -> Result<usize, DbError> {
        let (module, kind) = MAIL_JOB;
        let mine = job::Column::TenantId.eq(self.tenant_id());
        let letters = mine.and(job::Column::Module.eq(module)).and(job::Column::Kind.eq(kind));
        let ids: Vec<Uuid> = job::Entity::find()
            .select_only()
            .column(job::Column::Id)
            .filter(letters)
            .into_tuple()
            .all(self.platform())
            .await?;
        let mut withdrawn = 0;
        for some in ids.chunks(500) {
            let waiting = job_payload::Column::JobId.is_in(some.iter().copied());
            for row in self.all(job_payload::Entity::find().filter(waiting)).await? {
                let mail: Mail = serde_json::from_str(&row.payload)?;
                if email_key(&mail.to) == email_key(address) {
                    let payload = job_payload::Column::JobId.eq(row.job_id);
                    self.delete_where(job_payload::Entity::delete_many().filter(payload)).await?;
                    job::Entity::delete_by_id(row.job_id).exec(self.platform()).await?;
                    withdrawn += 1;
                }
            }
        }
        Ok(withdrawn)
    }
}
