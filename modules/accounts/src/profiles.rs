//! Who a session's person is: the web layer's question, answered from residents and links.

use async_trait::async_trait;
use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Tx};
use kabinet_residents::people;
use kabinet_web::{LinkedAccount, Profile, ProfileSource};
use uuid::Uuid;

use crate::links;

/// The answer of this module.
#[derive(Clone, Copy, Debug, Default)]
pub struct Profiles;

#[async_trait]
impl ProfileSource for Profiles {
    async fn resident(&self, tx: &Tx, id: Uuid) -> Result<Option<Profile>, DbError> {
        let Some(visitor) = people::resident(tx, ResidentId(id)).await? else { return Ok(None) };
        let linked = links::of(tx, visitor.id).await?;
        let accounts: Vec<LinkedAccount> = linked
            .into_iter()
            .map(|account| LinkedAccount {
                id: account.id.0,
                number: account.number,
                address: account.address,
                closed_on: account.closed_on,
                access: account.access,
                ends_at: account.ends_at,
                receipts_from: account.receipts_from,
            })
            .collect();
        // A choice that is no longer linked falls back to the first account.
        let chosen = visitor.active_account.map(|id| id.0).filter(|id| accounts.iter().any(|a| a.id == *id));
        let active = chosen.or_else(|| accounts.first().map(|account| account.id));
        Ok(Some(Profile { email: visitor.email, accounts, active, role: String::new() }))
    }

    async fn staff(&self, tx: &Tx, id: Uuid) -> Result<Option<Profile>, DbError> {
        let member = people::staff_member(tx, id).await?;
        Ok(member.map(|member| Profile { email: member.email, role: member.role, ..Profile::default() }))
    }
}
