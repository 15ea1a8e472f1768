//! Letters about links: to those who have one or had one.

use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::{DbError, Mail, Tx};
use kabinet_residents::people;
use serde::Serialize;

use crate::store;

/// Why a link ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ending {
    /// The account has another holder.
    HolderChanged,
    /// The account was closed.
    Closed,
    /// A helper's access was taken back.
    HelpEnded,
}

#[derive(Serialize)]
struct AccountContext<'a> {
    account: &'a str,
}

#[derive(Serialize)]
struct EndedContext<'a> {
    account: &'a str,
    ending: Ending,
}

#[derive(Serialize)]
struct InvitedContext<'a> {
    account: &'a str,
    token: &'a str,
    sums: bool,
    until: i32,
    accept_until: i32,
}

/// Tells those who have the account linked already that one more has.
pub(crate) async fn linked(tx: &mut Tx, account: AccountId, newcomer: ResidentId) -> Result<(), DbError> {
    let others = linked_residents(tx, account, Some(newcomer)).await?;
    to_each(tx, account, &others, "К лицевому счёту привязан ещё один личный кабинет", "accounts/linked").await
}

/// Tells those who have the account linked that somebody tries to link it.
pub(crate) async fn attempts(tx: &mut Tx, account: AccountId) -> Result<(), DbError> {
    let linked = linked_residents(tx, account, None).await?;
    to_each(tx, account, &linked, "Попытки привязать ваш лицевой счёт", "accounts/attempts").await
}

async fn to_each(
    tx: &mut Tx,
    account: AccountId,
    residents: &[ResidentId],
    subject: &str,
    template: &'static str,
) -> Result<(), DbError> {
    let Some(number) = number(tx, account).await? else { return Ok(()) };
    for resident in residents {
        let Some(visitor) = people::resident(tx, *resident).await? else { continue };
        let mail = Mail::new(visitor.email, subject, template, &AccountContext { account: &number })?;
        tx.send_mail(&mail).await?;
    }
    Ok(())
}

/// Tells those whose link ended why.
pub(crate) async fn link_ended(
    tx: &mut Tx,
    account: AccountId,
    former: &[ResidentId],
    ending: Ending,
) -> Result<(), DbError> {
    let Some(number) = number(tx, account).await? else { return Ok(()) };
    for resident in former {
        let Some(visitor) = people::resident(tx, *resident).await? else { continue };
        let context = EndedContext { account: &number, ending };
        tx.send_mail(&Mail::new(visitor.email, "Привязка лицевого счёта завершена", "accounts/ended", &context)?)
            .await?;
    }
    Ok(())
}

/// An invitation to help.
pub(crate) struct Invitation<'a> {
    pub(crate) email: &'a str,
    pub(crate) account: &'a str,
    pub(crate) token: &'a str,
    pub(crate) sums: bool,
    pub(crate) until: i32,
    pub(crate) accept_until: i32,
}

/// Sends an invitation to help.
pub(crate) async fn invited(tx: &mut Tx, invitation: &Invitation<'_>) -> Result<(), DbError> {
    let Invitation { email, account, token, sums, until, accept_until } = *invitation;
    let context = InvitedContext { account, token, sums, until, accept_until };
    tx.send_mail(&Mail::new(email, "Вас просят передавать показания", "accounts/helper", &context)?).await
}

async fn number(tx: &Tx, account: AccountId) -> Result<Option<String>, DbError> {
    Ok(store::account(tx, account).await?.map(|row| row.number))
}

async fn linked_residents(
    tx: &Tx,
    account: AccountId,
    without: Option<ResidentId>,
) -> Result<Vec<ResidentId>, DbError> {
    let today = tx.today();
    let links = store::links(tx, account).await?.into_iter();
    let open = links.filter(|link| link.until_on.is_none_or(|until| until >= today));
    Ok(open.map(|link| link.resident_id).filter(|resident| Some(*resident) != without).collect())
}
