//! What this module holds about a resident: links and helpers' access.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::text::email_key;
use kabinet_core::{DbError, Tx};
use kabinet_residents::people;
use serde_json::{Value, json};

use crate::{links, store};

/// Links and helpers' access of a resident.
#[derive(Clone, Copy, Debug, Default)]
pub struct LinksOf;

#[async_trait]
impl PersonalData for LinksOf {
    fn name(&self) -> &'static str {
        "accounts"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<Value, DbError> {
        let mut linked = Vec::new();
        for link in store::links_of_resident(tx, resident).await? {
            let number = store::account(tx, link.account_id).await?.map(|account| account.number);
            linked.push(json!({
                "account": number, "access": link.access, "until": link.until_on, "linked_at": link.linked_at,
                "ended_at": link.ended_at, "ended_reason": link.ended_reason,
            }));
        }
        let mut helpers = Vec::new();
        for grant in store::grants_about(tx, resident, &own_key(tx, resident).await?).await? {
            let number = store::account(tx, grant.account_id).await?.map(|account| account.number);
            helpers.push(json!({
                "account": number, "given_by_me": grant.granted_by == resident, "email": grant.email,
                "access": grant.access, "until": grant.until_on, "created_at": grant.created_at,
                "accepted_at": grant.accepted_at, "ended_at": grant.ended_at, "ended_reason": grant.ended_reason,
            }));
        }
        Ok(json!({ "links": linked, "helpers": helpers }))
    }

    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError> {
        let key = own_key(tx, resident).await?;
        links::end_of_resident(tx, resident, "login_deleted").await?;
        for grant in store::grants_about(tx, resident, &key).await? {
            store::end_grant(tx, grant.id, "login_deleted").await?;
            // The address is the invited person's own, or was only ever needed by the one who leaves.
            store::forget_address(tx, grant.id).await?;
        }
        Ok(())
    }
}

async fn own_key(tx: &Tx, resident: ResidentId) -> Result<String, DbError> {
    let visitor = people::resident(tx, resident).await?;
    Ok(visitor.map(|visitor| email_key(&visitor.email)).unwrap_or_default())
}
