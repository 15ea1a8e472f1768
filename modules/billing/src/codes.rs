//! The one-time code on a receipt, with which an account is linked.
//!
//! Codes are derived from the platform's key, the company, the account and the run: a receipt that is
//! printed again shows the same code, publishing a run writes nothing for each account, and the
//! database holds no code at all.

use async_trait::async_trait;
use kabinet_accounts::codes::LinkCode;
use kabinet_contracts::{AccountId, ReceiptCode, ReceiptCodes, RunId};
use kabinet_core::{DbError, Period, TenantId, Timestamp, Tx};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::store;

/// Days in which the code of a receipt links.
const DAYS: i64 = 62;

/// The codes of all receipts. Cheap to clone.
#[derive(Clone, Copy)]
pub struct Codes([u8; 32]);

impl std::fmt::Debug for Codes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Codes")
    }
}

impl Codes {
    /// Codes derived from a secret key that is used for nothing else.
    #[must_use]
    pub const fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// The code of an account's receipt in a run.
    #[must_use]
    pub fn of(&self, tenant: TenantId, account: AccountId, run: RunId) -> LinkCode {
        // All parts have fixed lengths and the result is cut short: SHA-256 with the key in front is a MAC here.
        let digest = Sha256::new()
            .chain_update(self.0)
            .chain_update(tenant.0.as_bytes())
            .chain_update(account.0.as_bytes())
            .chain_update(run.0.as_bytes())
            .finalize();
        LinkCode::of(digest.iter().take(8).fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }
}

#[async_trait]
impl ReceiptCodes for Codes {
    async fn newest(&self, tx: &Tx, account: AccountId) -> Result<Option<ReceiptCode>, DbError> {
        // Without a receipt the same is computed for none, so that the time tells nothing of the account.
        let (run, published) = store::newest_receipt(tx, account).await?.unwrap_or((RunId(Uuid::nil()), Timestamp(0)));
        let young = published.plus_seconds(DAYS * 24 * 3600) > tx.now();
        let code = self.of(tx.tenant_id(), account, run).as_str().to_owned();
        Ok(young.then_some(ReceiptCode { run, code }))
    }

    async fn calculated_until(&self, tx: &Tx) -> Result<Option<Period>, DbError> {
        store::latest_calculated(tx).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_belongs_to_one_receipt_of_one_company() {
        let codes = Codes::new([7; 32]);
        let id = Uuid::from_u128;
        let code = |tenant, account, run| codes.of(TenantId(id(tenant)), AccountId(id(account)), RunId(id(run)));
        let mine = code(1, 2, 3);
        assert_eq!(code(1, 2, 3), mine);
        for other in [code(9, 2, 3), code(1, 9, 3), code(1, 2, 9)] {
            assert_ne!(other, mine);
        }
        assert_ne!(Codes::new([8; 32]).of(TenantId(id(1)), AccountId(id(2)), RunId(id(3))), mine);
    }
}
