//! Answers to those who wrote to a bot.

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use serde::Deserialize;

use crate::carriers;
use crate::channel::Channel;
use crate::delivery;
use crate::gateways::Gateways;

/// The kind of the job.
pub(crate) const KIND: &str = "reply";

/// Answers a chat.
pub(crate) struct Reply {
    pub(crate) gateways: Gateways,
}

#[derive(Deserialize)]
struct Payload {
    channel: Channel,
    chat: String,
    text: String,
}

#[async_trait]
impl JobHandler for Reply {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn waits_for_others(&self) -> bool {
        true
    }

    fn attempts(&self) -> i32 {
        4
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let answer: Payload = serde_json::from_value(payload)?;
        let tx = context.begin().await?;
        let means = delivery::means(&tx).await?;
        tx.commit().await?;
        let call = carriers::reply(&means, answer.channel, &answer.chat, &answer.text).map_err(JobError::Fail)?;
        self.gateways.call_as_job(&context, &means, (answer.channel, &call)).await
    }
}
