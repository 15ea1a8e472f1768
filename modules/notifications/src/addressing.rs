//! Making notices of a message: one for each resident whom it is for, batch by batch, so that a message to a
//! hundred thousand residents holds up nobody and goes on after a crash where it was.

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use kabinet_core::{DbError, Tx};
use serde::Deserialize;

use crate::audience;
use crate::delivery;
use crate::entity::MessageId;
use crate::messages::{self, State};
use crate::settings::MODULE;
use crate::store;

/// The kind of the job.
pub(crate) const KIND: &str = "address";

/// Residents looked at in a batch.
const BATCH: u32 = 1000;
/// Batches of one job: others have their turn in between.
const BATCHES: usize = 20;

/// Queues the job that addresses a message.
pub(crate) async fn enqueue(tx: &mut Tx, id: MessageId) -> Result<(), DbError> {
    tx.enqueue(messages::addressing_job(id)).await
}

/// Addresses a message.
pub(crate) struct Address;

#[derive(Deserialize)]
struct Payload {
    message: MessageId,
}

#[async_trait]
impl JobHandler for Address {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let Payload { message } = serde_json::from_value(payload)?;
        for _ in 0..BATCHES {
            let mut tx = context.begin().await?;
            let more = batch(&mut tx, message).await?;
            tx.commit().await?;
            if !more {
                return Ok(());
            }
        }
        let mut tx = context.begin().await?;
        enqueue(&mut tx, message).await?;
        Ok(tx.commit().await?)
    }
}

/// Addresses a message to the next residents; whether there are more. The cursor moves in the transaction that
/// makes the notices: nobody is left out or addressed twice.
async fn batch(tx: &mut Tx, id: MessageId) -> Result<bool, DbError> {
    let Some(mut message) = store::messages::lock(tx, id).await? else { return Ok(false) };
    if message.state != State::Sending {
        return Ok(false);
    }
    let page = audience::page(tx, &message.audience, message.cursor, BATCH).await?;
    store::messages::address(tx, &message, &page.residents).await?;
    message.addressed += i64::try_from(page.residents.len()).unwrap_or_default();
    match page.last {
        Some(last) => message.cursor = Some(last),
        None => message.state = State::Sent,
    }
    store::messages::save(tx, &message).await?;
    if !page.residents.is_empty() {
        delivery::enqueue(tx, message.valid_from).await?;
        tx.touch(MODULE).await?;
    }
    Ok(page.last.is_some())
}
