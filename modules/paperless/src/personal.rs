//! What this module holds about a resident: refusals of paper with their applications.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::{DbError, Tx};
use serde_json::{Value, json};

use crate::refusals::{Ending, end};
use crate::store;

/// The refusals that a resident stated.
#[derive(Clone, Copy, Debug, Default)]
pub struct RefusalsOf;

#[async_trait]
impl PersonalData for RefusalsOf {
    fn name(&self) -> &'static str {
        "paperless"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<Value, DbError> {
        let refusals = store::of_resident(tx, resident).await?.into_iter().map(|row| {
            json!({
                "application": row.number, "on": row.made_on, "email": row.email, "signatory": row.signatory,
                "ended_at": row.ended_at, "ended_reason": row.ended_reason,
            })
        });
        Ok(refusals.collect::<Vec<_>>().into())
    }

    /// Paper is printed again. That there was a refusal, when and for which account is kept; who it was is not.
    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError> {
        for row in store::open_of_resident(tx, resident).await? {
            end(tx, row.account_id, resident, Ending::LoginDeleted, "").await?;
        }
        store::anonymise(tx, resident).await
    }
}
