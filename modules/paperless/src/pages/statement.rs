//! A resident states a refusal or takes it back: what the page and programs have in common.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::limits::Limit;
use kabinet_render::ReceiptPrinter;
use kabinet_web::{LinkedAccount, Problem, Resident};

use crate::application::{self, Application};
use crate::error::Error;
use crate::refusals::{self, RefusalId, Standing};

/// Applications that one resident may send in a day: each is printed.
const SENT: Limit = Limit { most: 20, seconds: 24 * 3600 };

/// What a resident finds for an account.
pub(crate) struct Found {
    pub(crate) standing: Standing,
    /// The application as it would be confirmed now.
    pub(crate) draft: Application,
    /// Whether no receipt will come any more.
    pub(crate) closed: bool,
}

impl Found {
    pub(crate) async fn read(resident: &Resident, account: &LinkedAccount) -> Result<Self, Problem> {
        let tx = resident.read().await?;
        let standing = refusals::standing(&tx, ResidentId(resident.id()), AccountId(account.id)).await?;
        let draft = application::draft(&tx, AccountId(account.id), resident.email()).await?;
        let closed = account.closed_on.is_some_and(|closed| closed <= tx.today());
        tx.commit().await?;
        Ok(Self { standing, draft, closed })
    }

    /// Refuses where there will be no receipt.
    pub(crate) fn open(&self) -> Result<(), Error> {
        if self.closed { Err(Error::AccountClosed) } else { Ok(()) }
    }
}

/// Prints the application under the name that was typed, then states the refusal.
pub(crate) async fn confirm(
    resident: &Resident,
    found: &Found,
    typed: &str,
    printer: &ReceiptPrinter,
) -> Result<RefusalId, Problem> {
    found.open()?;
    if found.standing.own.is_some() {
        return Err(Error::AlreadyRefused.into());
    }
    if found.draft.email.is_empty() {
        return Err(Error::NoEmail.into());
    }
    let application = Application { signatory: application::signatory(typed)?, ..found.draft.clone() };
    resident.count_against(SENT, "paperless").await?;
    let printed = application::print(printer, resident.tenant(), &application).await;
    let pdf = printed.map_err(application::unprinted)?;
    let mut tx = resident.begin().await?;
    let id = refusals::refuse(&mut tx, ResidentId(resident.id()), &application, pdf).await?;
    tx.commit().await?;
    Ok(id)
}

/// Has paper printed again.
pub(crate) async fn restore(resident: &Resident, account: &LinkedAccount) -> Result<(), Problem> {
    let mut tx = resident.begin().await?;
    refusals::restore(&mut tx, ResidentId(resident.id()), AccountId(account.id)).await?;
    Ok(tx.commit().await?)
}
