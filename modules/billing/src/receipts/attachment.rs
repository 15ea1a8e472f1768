//! Receipts that go along with letters: a letter waits with a receipt's name, the PDF is printed when it leaves.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_contracts::AccountId;
use kabinet_core::jobs::JobError;
use kabinet_core::mail::{AttachedFile, Attachment, AttachmentSource};
use kabinet_core::{Db, DbError, Period, Tenant};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{Receipts, Size, Wanted};

const NAME: &str = "billing.receipt";

#[derive(Serialize, Deserialize)]
struct Which {
    account: AccountId,
    period: Period,
    kind: String,
}

/// The account's receipt of a published month as a file of a letter to its holder: the code for linking is on it.
pub fn attachment(account: AccountId, period: Period, kind: &str) -> Result<Attachment, DbError> {
    let of = serde_json::to_value(Which { account, period, kind: kind.to_owned() })?;
    Ok(Attachment { source: NAME.to_owned(), of })
}

#[async_trait]
impl AttachmentSource for Receipts {
    fn name(&self) -> &'static str {
        NAME
    }

    async fn file(&self, db: &Db, tenant: &Arc<Tenant>, of: &Value) -> Result<AttachedFile, JobError> {
        let Which { account, period, kind } = Which::deserialize(of)?;
        let wanted = Wanted { account, period, kind: Some(&kind), size: Size::Usual, with_code: true };
        let printed = self.over(db).print(tenant, wanted).await?;
        Ok(AttachedFile {
            name: printed.name,
            media_type: "application/pdf".to_owned(),
            bytes: printed.pdf.as_slice().to_vec(),
        })
    }
}
