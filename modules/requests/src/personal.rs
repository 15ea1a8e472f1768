//! What this module holds about a resident: the requests that the resident filed.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::{DbError, Tx};
use serde_json::{Value, json};

use crate::{history, store};

/// The requests that a resident filed.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestsOf;

#[async_trait]
impl PersonalData for RequestsOf {
    fn name(&self) -> &'static str {
        "requests"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<Value, DbError> {
        let mut requests = Vec::new();
        for row in store::all_of(tx, resident).await? {
            let said = history::for_resident(tx, row.id).await?.into_iter().map(|entry| {
                let files: Vec<String> = entry.files.into_iter().map(|file| file.name).collect();
                json!({ "at": entry.at, "by": entry.actor, "deed": entry.deed.code(), "text": entry.text, "files": files })
            });
            requests.push(json!({
                "number": row.number, "kind": row.kind, "subject": row.subject, "text": row.body, "state": row.state,
                "filed_at": row.created_at, "closed_at": row.closed_at, "rating": row.rating,
                "history": said.collect::<Vec<_>>(),
            }));
        }
        Ok(requests.into())
    }

    /// Requests stay with the company, as letters to it do; nobody's login leads to them any more.
    async fn forget(&self, _: &mut Tx, _: ResidentId) -> Result<(), DbError> {
        Ok(())
    }
}
