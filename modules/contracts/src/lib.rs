//! What modules say to each other: identifiers, events in the past tense and small questions (ports).
//! No logic.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use async_trait::async_trait;
use kabinet_core::jobs::Event;
use kabinet_core::{Day, DbError, Money, Period, Quantity, Tenant, Timestamp, Tx, id_type};
use serde::{Deserialize, Serialize};

id_type! {
    /// The identifier of a resident's login.
    ResidentId
}
id_type! {
    /// The identifier of an account (лицевой счёт).
    AccountId
}
id_type! {
    /// The identifier of a meter (прибор учёта).
    MeterId
}
id_type! {
    /// The identifier of a billing run.
    RunId
}

id_type! {
    /// The identifier of a resident's request (заявка).
    RequestId
}

/// A request was filed or changed: its state, or what the company said of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RequestChanged {
    /// The request.
    pub request: RequestId,
    /// Its number, as people name it.
    pub number: i64,
    /// Who filed it.
    pub resident: ResidentId,
    /// The account it is about.
    pub account: AccountId,
    /// Its state now: `new`, `accepted`, `in_work`, `waiting`, `done`, `declined`.
    pub state: String,
    /// Whether it came to that state now; else the company wrote something.
    pub moved: bool,
    /// Whether the resident did it; whoever tells residents of changes has nothing to tell then.
    pub by_resident: bool,
}

impl Event for RequestChanged {
    const NAME: &'static str = "requests.request_changed";
}

/// What the requests module does for those who hear residents elsewhere: in a messenger.
#[async_trait]
pub trait Appeals: Send + Sync {
    /// Files an appeal in the resident's name: its number, or why it is not taken, in Russian.
    async fn file(
        &self,
        tx: &mut Tx,
        resident: ResidentId,
        account: AccountId,
        text: &str,
    ) -> Result<Result<i64, String>, DbError>;
}

/// Readings of an account were stored.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadingsStored {
    /// The account whose meters were read.
    pub account: AccountId,
    /// The month of the readings' date.
    pub period: Period,
}

impl Event for ReadingsStored {
    const NAME: &'static str = "meters.readings_stored";
}

/// A run was published: the receipts of its period can be seen.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RunPublished {
    /// The run.
    pub run: RunId,
    /// Its period.
    pub period: Period,
}

impl Event for RunPublished {
    const NAME: &'static str = "billing.run_published";
}

/// A resident's link of an account ended, whoever ended it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LinkEnded {
    /// The account.
    pub account: AccountId,
    /// Whose link it was.
    pub resident: ResidentId,
    /// Why: `unlinked`, `holder_changed`, `closed`, `login_deleted`…
    pub reason: String,
    /// When; a later link of the two is another one.
    pub at: Timestamp,
}

impl Event for LinkEnded {
    const NAME: &'static str = "accounts.link_ended";
}

/// A mail server refused a letter for good, at once or by a report that came later: nobody reads mail at this address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct LetterBounced {
    /// The address.
    pub to: String,
    /// The mail server's codes: `550 5.1.1`.
    pub reason: String,
}

impl Event for LetterBounced {
    const NAME: &'static str = "mail.letter_bounced";
}

/// What the company's tariff plugin makes of the readings so far, for the period after the latest
/// published one. Outside the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Estimate {
    /// The preliminary charge of all services of the account.
    Computed {
        /// The month it is for.
        period: Period,
        /// The charge.
        total: Money,
        /// How it differs from the estimate before; `None` when there was none.
        change: Option<Money>,
    },
    /// It cannot be told now; the readings are stored all the same. The reason is for the resident.
    Unavailable(String),
}

/// A reading that nobody sent yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImaginedReading {
    /// The meter.
    pub meter: MeterId,
    /// Its date.
    pub taken_on: Day,
    /// The month it is charged for.
    pub period: Period,
    /// Its values by zone, zero beyond the meter's zones.
    pub values: [Quantity; 3],
    /// A lower value than before means that the dial began again from 0.
    pub rollover: bool,
}

/// What meters say to billing about readings, and ask of it. An estimate is computed when somebody looks at
/// it, not when the reading is stored: a reading is acknowledged as soon as it is durable.
#[async_trait]
pub trait Estimates: Send + Sync {
    /// Says that the accounts' estimates no longer hold, in the transaction that stores their readings. Two
    /// such transactions of one account wait for each other from here on. Answers with
    /// [`published_until`](Self::published_until), at the price of no statement more.
    async fn outdate(&self, tx: &Tx, accounts: &[AccountId]) -> Result<Option<Period>, DbError>;
    /// The account's estimate of all its readings, computed now where it is out of date; `None` when there
    /// is nothing to estimate from. A failing plugin is an [`Estimate::Unavailable`], never an error.
    async fn current(&self, tenant: &Arc<Tenant>, account: AccountId) -> Result<Option<Estimate>, DbError>;
    /// What the estimate would be with these readings besides; stores nothing. The change is that against the
    /// stored estimate, where it is up to date. `None` when no reading is of the month that is estimated.
    async fn imagine(
        &self,
        tenant: &Arc<Tenant>,
        account: AccountId,
        readings: &[ImaginedReading],
    ) -> Result<Option<Estimate>, DbError>;
    /// The latest month whose bills are published: its readings were charged. `None` before the first.
    async fn published_until(&self, _: &Tx) -> Result<Option<Period>, DbError> {
        Ok(None)
    }
    /// Gives up bills of `period` and later months that are calculated and not published: staff changed what they
    /// were made of.
    async fn outdate_runs(&self, _: &Tx, _: Period) -> Result<(), DbError> {
        Ok(())
    }
}

/// The code printed on an account's newest receipt, which proves that the receipt is at hand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReceiptCode {
    /// The run whose receipt carries it.
    pub run: RunId,
    /// Its ten characters, without the hyphen.
    pub code: String,
}

/// The accounts module's questions to billing.
#[async_trait]
pub trait ReceiptCodes: Send + Sync {
    /// The code on the account's newest published receipt; `None` when there is none or it is too old.
    async fn newest(&self, tx: &Tx, account: AccountId) -> Result<Option<ReceiptCode>, DbError>;
    /// The latest month of which some bills are calculated, published or not.
    async fn calculated_until(&self, tx: &Tx) -> Result<Option<Period>, DbError>;
}

/// What a module holds about a resident: asked for an export, and let go when the login is deleted. The
/// residents module asks every part in the transaction of its own change.
#[async_trait]
pub trait PersonalData: Send + Sync {
    /// The file's name in the export, without its ending: `accounts`.
    fn name(&self) -> &'static str;
    /// Everything held, as it is stored, for the resident to read.
    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<serde_json::Value, DbError>;
    /// Ends what belongs to the login (links, preferences); the ledger and the receipts stay.
    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError>;
}

/// A flag of an account that a resident may set, as the list of accounts («Выбор лицевого счета») shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountFlag {
    /// Whether it is set.
    pub set: bool,
    /// Where a form that changes it is sent; it leads on to a page that asks.
    pub action: String,
    /// A sentence below it; may be empty.
    pub note: String,
    /// A link below it: its words and its address.
    pub link: Option<(String, String)>,
}

/// A port of the list of accounts: a module adds a column of flags to it. A flag is its holder's alone.
#[async_trait]
pub trait AccountFlags: Send + Sync {
    /// The column's heading.
    fn title(&self) -> &'static str;
    /// The flags of those of `accounts` that have one; the resident holds all of them.
    async fn flags(
        &self,
        tx: &Tx,
        resident: ResidentId,
        accounts: &[AccountId],
    ) -> Result<HashMap<AccountId, AccountFlag>, DbError>;
}

/// A port of billing and of notices: who gets receipts by e-mail in the place of paper.
#[async_trait]
pub trait PaperRefusals: Send + Sync {
    /// The accounts whose receipts of `run` were sent by e-mail up to `at` and had not come back by then. The answer
    /// for a moment stays the same.
    async fn without_paper(&self, tx: &Tx, run: RunId, at: Timestamp) -> Result<HashSet<AccountId>, DbError>;
    /// Those of `residents` who get receipts by e-mail as it stands now, with the accounts.
    async fn by_letter(&self, tx: &Tx, residents: &[ResidentId]) -> Result<HashSet<(ResidentId, AccountId)>, DbError>;
}
