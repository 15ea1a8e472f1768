//! Letters about a refusal, besides those with receipts.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{DbError, Mail, Tx};
use kabinet_residents::people;
use serde::Serialize;

use crate::application::{Application, attachment};
use crate::refusals::{Ending, RefusalId};
use crate::store;

#[derive(Serialize)]
struct AcceptedContext<'a> {
    account: &'a str,
    address: &'a str,
    number: &'a str,
}

#[derive(Serialize)]
struct RestoredContext<'a> {
    account: &'a str,
    reason: &'static str,
}

/// Tells whoever refused paper that it was taken down; the application goes along.
pub(crate) async fn accepted(
    tx: &mut Tx,
    resident: ResidentId,
    application: &Application,
    id: RefusalId,
) -> Result<(), DbError> {
    let Some(visitor) = people::resident(tx, resident).await? else { return Ok(()) };
    let Application { account_number, address, number, .. } = application;
    let context = AcceptedContext { account: account_number, address, number };
    let letter = Mail::new(visitor.email, "Отказ от бумажной квитанции принят", "paperless/accepted", &context)?;
    tx.send_mail(&letter.with([attachment(id)])).await
}

/// Tells a resident why the refusal that has just ended did: paper is printed again, unless another holder of the account
/// refuses it.
pub(crate) async fn ended(
    tx: &mut Tx,
    resident: ResidentId,
    account: AccountId,
    ending: Ending,
) -> Result<(), DbError> {
    let Some(visitor) = people::resident(tx, resident).await?.filter(|visitor| !visitor.email.is_empty()) else {
        return Ok(());
    };
    let Some(place) = store::place(tx, account).await? else { return Ok(()) };
    let context = RestoredContext { account: &place.number, reason: ending.code() };
    let printed = store::in_force_of(tx, account).await?.is_empty();
    let subject = if printed {
        "Квитанция снова печатается на бумаге"
    } else {
        "Ваш отказ от бумажной квитанции больше не действует"
    };
    tx.send_mail(&Mail::new(visitor.email, subject, "paperless/restored", &context)?).await
}
