//! Receipts as PDF, from the frozen rows of a run and the run's version of the template.

use std::collections::HashMap;
use std::sync::Arc;

use kabinet_accounts::codes::printed;
use kabinet_accounts::sealed_codes::SealedCodes;
use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{Actor, Db, Period, Ports, Tenant, TenantId, Tx};
use kabinet_render::typeset::{DEFAULT_TEMPLATE, LARGE_TEMPLATE};
use kabinet_render::{ReceiptData, ReceiptPrinter};
use kabinet_web::PublicAddress;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use crate::catalog::ReceiptKind;
use crate::charges::{self, FrozenMonth};
use crate::codes::Codes;
use crate::entity::{billing_run, receipt};
use crate::error::Error;
use crate::store;
use unprinted::Unprintable;

mod attachment;
mod content;
mod house;
mod meters;
mod preview;
pub mod printouts;
mod reference;
mod unprinted;

pub use attachment::attachment;
pub use content::receipt_data;
pub use house::{HouseReceipts, WantedHouse};
pub use preview::Example;
pub(crate) use unprinted::TRIED_AGAIN;
pub use unprinted::{Unprinted, unprinted};

/// Most bytes of PDF kept in memory.
const CACHE_BYTES: u64 = 32 << 20;
/// Accounts whose receipts are looked for in one statement.
const LOOKED_FOR: usize = 500;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
struct Key {
    tenant: TenantId,
    run: RunId,
    account: AccountId,
    kind: String,
    size: Size,
    with_code: bool,
}

/// How large a receipt is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Size {
    /// In the company's own form.
    #[default]
    Usual,
    /// In large print, for people with poor sight: the platform's form for all companies.
    Large,
}

impl Size {
    /// The source of the run's template of this size; runs of earlier releases may name none.
    async fn template(self, tx: &Tx, run: &billing_run::Model) -> Result<String, Error> {
        let hash = self.template_hash(run);
        if hash.is_empty() {
            return Ok(if self == Self::Usual { DEFAULT_TEMPLATE } else { LARGE_TEMPLATE }.to_owned());
        }
        store::template(tx, hash).await?.ok_or_else(|| Error::Catalog(format!("нет шаблона {hash}")))
    }

    fn template_hash(self, run: &billing_run::Model) -> &str {
        match self {
            Self::Usual => &run.template_hash,
            Self::Large => &run.large_template_hash,
        }
    }
}

/// Which receipt is to be printed.
#[derive(Clone, Copy, Debug)]
pub struct Wanted<'a> {
    /// The account.
    pub account: AccountId,
    /// The month.
    pub period: Period,
    /// The kind; none: the company's main kind, or the only one the account has.
    pub kind: Option<&'a str>,
    /// How large.
    pub size: Size,
    /// Whether the code for linking is on it: not for a helper, who could become a holder with it.
    pub with_code: bool,
}

/// A printed receipt.
#[derive(Clone, Debug)]
pub struct Printed {
    /// The PDF.
    pub pdf: Arc<Vec<u8>>,
    /// A file name for it, ASCII.
    pub name: String,
}

/// What puts the code for linking on a receipt, in letters and as a QR. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Linking {
    /// The codes.
    pub codes: Codes,
    /// What carries them in an address.
    pub sealed: SealedCodes,
    /// How the portals are reached.
    pub address: PublicAddress,
}

/// Prints receipts and keeps the latest. Cheap to clone.
#[derive(Clone)]
pub struct Receipts {
    db: Db,
    printer: ReceiptPrinter,
    cache: moka::future::Cache<Key, Arc<Vec<u8>>>,
    unprintable: Unprintable,
    linking: Option<Linking>,
    ports: Ports,
}

impl std::fmt::Debug for Receipts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Receipts({})", self.cache.entry_count())
    }
}

impl Receipts {
    /// Receipts of `db`, printed by `printer`.
    #[must_use]
    pub fn new(db: Db, printer: ReceiptPrinter) -> Self {
        let weight = |_: &Key, pdf: &Arc<Vec<u8>>| u32::try_from(pdf.len()).unwrap_or(u32::MAX);
        let cache = moka::future::Cache::builder().weigher(weight).max_capacity(CACHE_BYTES).build();
        let unprintable = Unprintable::none_yet();
        Self { db, printer, cache, unprintable, linking: None, ports: Ports::default() }
    }

    /// The receipts with codes for linking.
    #[must_use]
    pub fn with_linking(self, linking: Linking) -> Self {
        Self { linking: Some(linking), ..self }
    }

    /// The receipts, asking by `ports` who gets no paper.
    #[must_use]
    pub fn with_ports(self, ports: Ports) -> Self {
        Self { ports, ..self }
    }

    /// The receipts, read over `db`.
    pub(crate) fn over(&self, db: &Db) -> Self {
        Self { db: db.clone(), ..self.clone() }
    }

    /// The account's receipt of a published month; [`Error::Unprintable`] where its template fails on it,
    /// [`LimitReached`](kabinet_render::RenderError::LimitReached) where it was stopped and may be printed the next time.
    pub async fn print(&self, tenant: &Arc<Tenant>, wanted: Wanted<'_>) -> Result<Printed, Error> {
        let Wanted { account, period, kind, size, with_code } = wanted;
        let tx = self.db.read(tenant, Actor::System).await?;
        let month = published(&tx, account, period).await?;
        let (run, kind) = (month.run.id, choose(&month, kind).ok_or(Error::NoSuchReceipt)?);
        let name = format!("kvitantsiya-{}-{period}-{}.pdf", ascii(&month.facts.number), ascii(&kind.code));
        let key = Key { tenant: tenant.id, run, account, kind: kind.code.clone(), size, with_code };
        if let Some(pdf) = self.cache.get(&key).await {
            return Ok(Printed { pdf, name });
        }
        self.unprintable.refuse(&key).await?;
        let attempt = self.unprintable.attempt(key, period, size.template_hash(&month.run));
        let template = size.template(&tx, &month.run).await?;
        let document_id = issued(&tx, run, &kind.code, &[account]).await?.remove(&account).unwrap_or_default();
        tx.commit().await?;
        let data = self.data(tenant, &month, kind, (account, document_id.as_str()), with_code);
        match self.printer.print(&template, &[data]).await {
            Ok(mut printed) => {
                let pdf = Arc::new(printed.pop().ok_or(Error::NoSuchReceipt)?);
                self.unprintable.forget(&attempt.key).await;
                self.cache.insert(attempt.key, pdf.clone()).await;
                Ok(Printed { pdf, name })
            }
            Err(error) => Err(self.not_printed(tenant, attempt, error).await?),
        }
    }

    /// What the receipt says, with its name in GIS ЖКХ, and the code for linking where it is wanted.
    fn data(
        &self,
        tenant: &Tenant,
        month: &FrozenMonth,
        kind: &ReceiptKind,
        (account, document_id): (AccountId, &str),
        with_code: bool,
    ) -> ReceiptData {
        let mut data = receipt_data(tenant, month, kind);
        document_id.clone_into(&mut data.payer.payment_document_id);
        if let Some(linking) = self.linking.as_ref().filter(|_| with_code) {
            let code = linking.codes.of(tenant.id, account, month.run.id);
            let host = Some(&month.snapshot.portal_host).filter(|host| !host.is_empty());
            let portal = linking.address.of(host.unwrap_or(&tenant.canonical_host));
            data.link_code = printed(code.as_str());
            data.link_url = linking.sealed.address(tenant.id, &portal, &code);
        }
        data
    }
}

/// What an account's receipts of a published month are made of.
async fn published(tx: &Tx, account: AccountId, period: Period) -> Result<FrozenMonth, Error> {
    let months = charges::months(tx, account).await?;
    let run = months.iter().find(|month| month.period == period).ok_or(Error::NoSuchReceipt)?.run_id;
    charges::frozen(tx, account, run).await
}

/// Those of `accounts` that have a receipt of the kind, each with its name in GIS ЖКХ (ИД ПД): empty where it has none.
async fn issued(tx: &Tx, run: RunId, kind: &str, accounts: &[AccountId]) -> Result<HashMap<AccountId, String>, Error> {
    let mut found = HashMap::with_capacity(accounts.len());
    for some in accounts.chunks(LOOKED_FOR) {
        let theirs = receipt::Entity::find()
            .filter(receipt::Column::RunId.eq(run))
            .filter(receipt::Column::KindCode.eq(kind))
            .filter(receipt::Column::AccountId.is_in(some.iter().copied()));
        let named = |row: receipt::Model| (row.account_id, row.document_id.unwrap_or_default());
        found.extend(tx.all(theirs).await?.into_iter().map(named));
    }
    Ok(found)
}

pub(crate) fn ascii(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}

/// The kind asked for, if the account has it; without one, the main kind or else the first it has.
fn choose<'a>(month: &'a FrozenMonth, asked: Option<&str>) -> Option<&'a ReceiptKind> {
    let has = |kind: &&ReceiptKind| month.charges.iter().any(|row| row.kind_code == kind.code);
    let mut kinds = month.snapshot.kinds.iter().filter(has);
    match asked {
        Some(code) => kinds.find(|kind| kind.code == code),
        None => {
            let kinds: Vec<_> = kinds.collect();
            kinds.iter().find(|kind| kind.main).or(kinds.first()).copied()
        }
    }
}
