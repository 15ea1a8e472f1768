//! What this module holds about a resident: the readings that the resident sent.

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::{DbError, Timestamp, Tx};
use serde_json::{Value, json};

use crate::store;

/// The readings that a resident sent.
#[derive(Clone, Copy, Debug, Default)]
pub struct ReadingsOf;

#[async_trait]
impl PersonalData for ReadingsOf {
    fn name(&self) -> &'static str {
        "readings"
    }

    async fn export(&self, tx: &Tx, resident: ResidentId) -> Result<Value, DbError> {
        let readings = store::readings_of(tx, resident.0).await?;
        let line = |line: store::SentReading| {
            json!({
                "service": line.service_code, "serial": line.serial, "taken_on": line.taken_on,
                "values": [Some(line.value_t1), line.value_t2, line.value_t3], "source": line.source,
                "sent_at": line.created_at, "captured_at": line.captured_at,
            })
        };
        Ok(readings.into_iter().map(line).collect())
    }

    /// Readings stay: bills stand on them. What remains beside them is an identifier of nobody.
    async fn forget(&self, tx: &mut Tx, resident: ResidentId) -> Result<(), DbError> {
        store::forget_sendings(tx, resident.0, Timestamp(i64::MAX)).await
    }
}
