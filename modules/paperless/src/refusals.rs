//! A refusal's life: stated with an application, in force, ended with a reason. It is never removed.
//!
//! A refusal belongs to an account, and each of its holders may state it for themselves: whoever did gets the receipts
//! by e-mail. Paper is not printed while one refusal is in force. Any holder may have paper back for the account, which
//! ends all of them; whatever else happens to a holder ends the holder's own.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{Day, DbError, Timestamp, Tx, id_type};
use serde_json::json;

use crate::application::Application;
use crate::entity::paper_refusal;
use crate::error::Error;
use crate::{notices, store};

id_type! {
    /// The identifier of a refusal.
    RefusalId
}

/// Why a refusal ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// Its resident asked for paper.
    Asked,
    /// Another holder asked for paper.
    AskedByOther,
    /// A letter came back.
    Bounced,
    /// Its resident unlinked the account.
    Unlinked,
    /// The account has another holder.
    HolderChanged,
    /// The account was closed.
    Closed,
    /// Its resident's login was deleted.
    LoginDeleted,
}

impl Ending {
    const ALL: [Self; 7] = [
        Self::Asked,
        Self::AskedByOther,
        Self::Bounced,
        Self::Unlinked,
        Self::HolderChanged,
        Self::Closed,
        Self::LoginDeleted,
    ];

    /// The reason as stored.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::AskedByOther => "asked_by_other",
            Self::Bounced => "bounced",
            Self::Unlinked => "unlinked",
            Self::HolderChanged => "holder_changed",
            Self::Closed => "closed",
            Self::LoginDeleted => "login_deleted",
        }
    }

    /// The reason in words, for lists.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Asked => "по просьбе абонента",
            Self::AskedByOther => "по просьбе другого абонента этого лицевого счета",
            Self::Bounced => "письмо не доставлено",
            Self::Unlinked => "лицевой счет отвязан",
            Self::HolderChanged => "сменился собственник или наниматель",
            Self::Closed => "лицевой счет закрыт",
            Self::LoginDeleted => "личный кабинет удалён",
        }
    }

    /// The stored reason; one that this release does not know is as if somebody had asked.
    #[must_use]
    pub fn of(code: &str) -> Self {
        Self::ALL.into_iter().find(|ending| ending.code() == code).unwrap_or(Self::Asked)
    }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Identifier.
    pub id: RefusalId,
    /// The account.
    pub account: AccountId,
    /// Who stated it.
    pub resident: ResidentId,
    /// The number of its application.
    pub number: String,
    /// The application's day.
    pub made_on: Day,
    /// Where receipts were to go when it was stated; empty when the login is gone.
    pub email: String,
    /// Who signed; empty when the login is gone.
    pub signatory: String,
    /// When and why it ended.
    pub ended: Option<(Timestamp, Ending)>,
    /// More of the reason: a mail server's codes; may be empty.
    pub detail: String,
}

impl From<paper_refusal::Model> for Refusal {
    fn from(row: paper_refusal::Model) -> Self {
        let ending = Ending::of(row.ended_reason.as_deref().unwrap_or_default());
        Self {
            id: row.id,
            account: row.account_id,
            resident: row.resident_id,
            number: row.number,
            made_on: row.made_on,
            email: row.email,
            signatory: row.signatory,
            ended: row.ended_at.map(|at| (at, ending)),
            detail: row.ended_detail,
        }
    }
}

/// How an account stands for one of its holders.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Standing {
    /// The holder's own refusal that is in force.
    pub own: Option<Refusal>,
    /// Whether another holder's is in force.
    pub others: bool,
    /// The holder's latest refusal, where it has ended.
    pub ended: Option<Refusal>,
}

impl Standing {
    /// Whether no paper is printed from the next bill on.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.own.is_some() || self.others
    }
}

/// How an account stands for its holder `resident`.
pub async fn standing(tx: &Tx, resident: ResidentId, account: AccountId) -> Result<Standing, DbError> {
    let mut standing = Standing::default();
    for row in store::in_force_of(tx, account).await? {
        if row.resident_id == resident {
            standing.own = Some(row.into());
        } else {
            standing.others = true;
        }
    }
    if standing.own.is_none() {
        standing.ended = store::latest(tx, account, resident).await?.map(Refusal::from).filter(|it| it.ended.is_some());
    }
    Ok(standing)
}

/// All refusals of an account, the oldest first; an unknown account is not found.
pub async fn of_account(tx: &Tx, account: AccountId) -> Result<Vec<Refusal>, Error> {
    store::place(tx, account).await?.ok_or(Error::NotFound)?;
    Ok(store::of_account(tx, account).await?.into_iter().map(Refusal::from).collect())
}

/// States a refusal, in force from the next bill on, and keeps its document.
pub async fn refuse(
    tx: &mut Tx,
    resident: ResidentId,
    application: &Application,
    pdf: Vec<u8>,
) -> Result<RefusalId, Error> {
    let account = application.account;
    if standing(tx, resident, account).await?.own.is_some() {
        return Err(Error::AlreadyRefused);
    }
    // One that is open but no longer in force is from before the account was linked again.
    store::end(tx, account, Some(resident), Ending::Unlinked, "").await?;
    let id: RefusalId = tx.new_id();
    if !store::add(tx, id, resident, application).await? {
        return Err(Error::Overtaken);
    }
    store::keep(tx, id, pdf).await?;
    let detail = json!({ "resident": resident, "application": application.number });
    tx.audit("paperless.refused", account, detail).await?;
    notices::accepted(tx, resident, application, id).await?;
    Ok(id)
}

/// Has paper printed again for the account, as its holder `resident` asks. Whoever else had refused it is told.
pub async fn restore(tx: &mut Tx, resident: ResidentId, account: AccountId) -> Result<(), Error> {
    let refusals = store::in_force_of(tx, account).await?;
    if refusals.is_empty() {
        return Err(Error::NotRefused);
    }
    for row in &refusals {
        let ending = if row.resident_id == resident { Ending::Asked } else { Ending::AskedByOther };
        end(tx, account, row.resident_id, ending, "").await?;
    }
    for other in refusals.iter().filter(|row| row.resident_id != resident) {
        notices::ended(tx, other.resident_id, account, Ending::AskedByOther).await?;
    }
    Ok(())
}

/// Ends the refusal of one holder; whether there was one.
pub(crate) async fn end(
    tx: &mut Tx,
    account: AccountId,
    resident: ResidentId,
    ending: Ending,
    detail: &str,
) -> Result<bool, DbError> {
    let ended = store::end(tx, account, Some(resident), ending, detail).await?;
    if ended {
        let told = json!({ "resident": resident, "reason": ending.code(), "detail": detail });
        tx.audit("paperless.restored", account, told).await?;
    }
    Ok(ended)
}

/// Ends all refusals of whoever reads mail at an address where letters no longer arrive: how many. The receipts of the
/// latest run that went there count as not delivered, so that they are printed.
pub async fn bounced(tx: &mut Tx, email: &str, reason: &str) -> Result<usize, DbError> {
    let Some(visitor) = kabinet_residents::people::resident_by_email(tx, email).await? else { return Ok(0) };
    let mut ended = 0;
    for row in store::open_of_resident(tx, visitor.id).await? {
        ended += usize::from(end(tx, row.account_id, visitor.id, Ending::Bounced, reason).await?);
    }
    if ended > 0 {
        store::mark_bounced(tx, visitor.id).await?;
    }
    Ok(ended)
}
