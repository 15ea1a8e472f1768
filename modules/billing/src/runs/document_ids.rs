//! What GIS ЖКХ calls the receipts of a month (ИД ПД). It names them when a month that is calculated is uploaded there:
//! the names come back before the month is published, and a published receipt keeps its bytes.

use std::collections::HashSet;

use kabinet_contracts::{AccountId, RunId};
use kabinet_core::{DbError, Tx};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};

use super::{DONE, not_complete};
use crate::entity::{billing_run, receipt};
use crate::error::Error;
use crate::store::{self, PUBLISHED};

/// Characters of a name: `75ДА533315-01-6101`.
const CHARACTERS: usize = 18;
/// Receipts that are named in one transaction.
pub const MOST: usize = 500;

/// The name of one receipt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewDocumentId {
    /// The account.
    pub account: AccountId,
    /// Code of the receipt kind.
    pub kind: String,
    /// ИД ПД, 18 characters; empty takes it back.
    pub id: String,
}

/// Names receipts of a run that is calculated and not published; all of them or none.
pub async fn assign(tx: &Tx, run: RunId, new: &[NewDocumentId]) -> Result<(), Error> {
    if new.len() > MOST {
        return Err(Error::Field("items", "Не больше 500 квитанций за раз"));
    }
    hold(tx, run).await?;
    let (mut faults, mut seen) = (Vec::new(), HashSet::new());
    for (at, one) in new.iter().enumerate() {
        let fault = match problem(&one.id) {
            None if !one.id.is_empty() && !seen.insert(one.id.as_str()) => Some("Этот ИД ПД указан дважды"),
            None => name(tx, run, one).await?,
            wrong => wrong,
        };
        faults.extend(fault.map(|why| (at, why)));
    }
    if !faults.is_empty() {
        return Err(Error::Items(faults));
    }
    Ok(tx.audit("billing.document_ids_assigned", run, serde_json::json!({ "receipts": new.len() })).await?)
}

/// Has publication wait until this transaction ends; refuses a run that is published or not complete.
async fn hold(tx: &Tx, id: RunId) -> Result<(), Error> {
    let held = billing_run::Entity::update_many()
        .col_expr(billing_run::Column::State, DONE.into())
        .filter(billing_run::Column::Id.eq(id))
        .filter(billing_run::Column::State.eq(DONE));
    if tx.update_where(held).await? == 1 {
        return Ok(());
    }
    let run = store::run(tx, id).await?.ok_or(Error::NoSuchRun)?;
    Err(if run.state == PUBLISHED { Error::ReceiptsFrozen(run.period) } else { not_complete(&run) })
}

fn problem(id: &str) -> Option<&'static str> {
    let shaped = id.chars().count() == CHARACTERS && id.chars().all(|c| c.is_alphanumeric() || c == '-');
    (!id.is_empty() && !shaped).then_some("ИД ПД – это 18 знаков: цифры, буквы и дефис")
}

/// Names a receipt; what is wrong with that, if it cannot be.
async fn name(tx: &Tx, run: RunId, new: &NewDocumentId) -> Result<Option<&'static str>, Error> {
    let id = Some(new.id.as_str()).filter(|id| !id.is_empty());
    let receipt = receipt::Entity::update_many()
        .col_expr(receipt::Column::DocumentId, id.into())
        .filter(receipt::Column::RunId.eq(run))
        .filter(receipt::Column::AccountId.eq(new.account))
        .filter(receipt::Column::KindCode.eq(&new.kind));
    match tx.update_where(receipt).await {
        Ok(0) => Ok(Some("В этом расчёте нет такой квитанции")),
        Ok(_) => Ok(None),
        // PostgreSQL takes nothing more of this transaction: the faults after it are not looked for.
        Err(DbError::Duplicate(_)) => Err(Error::Field("items", "ИД ПД уже есть у другой квитанции")),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_eighteen_characters_letters_among_them() {
        for good in ["", "75ДА533315-01-6101", "75da533315-01-6101"] {
            assert_eq!(problem(good), None, "{good}");
        }
        for wrong in ["75ДА533315-01-610", "75ДА533315-01-61011", "75ДА533315 01-6101", "75ДА533315_01-6101"] {
            assert!(problem(wrong).is_some(), "{wrong}");
        }
    }
}
