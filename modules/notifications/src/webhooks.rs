//! Telling messengers where the portal hears what is written to the company's bot.

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{DbError, Tx};
use kabinet_web::PublicAddress;
use serde::Deserialize;
use serde_json::json;

use crate::carriers;
use crate::channel::Channel;
use crate::delivery;
use crate::gateways::Gateways;
use crate::settings::{MODULE, NotificationsSettings, webhook_field};

/// The kind of the job that has a messenger tell the portal what is written to the bot.
const SUBSCRIBE: &str = "subscribe";

/// Tells a messenger of the webhook, once the transaction commits.
pub(crate) async fn subscribe(tx: &mut Tx, channel: Channel) -> Result<(), DbError> {
    let job = NewJob::new(MODULE, SUBSCRIBE, json!({ "channel": channel }));
    tx.enqueue(job.once(format!("{MODULE}.{SUBSCRIBE}:{}", channel.code()))).await
}

/// Tells all messengers once more: MAX takes a portal off its list that did not answer for eight hours.
pub(crate) async fn subscribe_again(tx: &mut Tx) -> Result<(), DbError> {
    let settings = NotificationsSettings::of(tx.tenant())?;
    for channel in Channel::ALL.into_iter().filter(|channel| channel.is_chat() && settings.has(*channel)) {
        if tx.secret(&webhook_field(channel)).await?.is_some() {
            subscribe(tx, channel).await?;
        }
    }
    Ok(())
}

/// Tells a messenger where the company's webhook is, and the secret to send along.
pub(crate) struct Subscribe {
    pub(crate) gateways: Gateways,
    pub(crate) address: PublicAddress,
}

#[derive(Deserialize)]
struct Messenger {
    channel: Channel,
}

#[async_trait]
impl JobHandler for Subscribe {
    fn kind(&self) -> &'static str {
        SUBSCRIBE
    }

    fn waits_for_others(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, payload: serde_json::Value) -> Result<(), JobError> {
        let Messenger { channel } = serde_json::from_value(payload)?;
        let tx = context.begin().await?;
        let means = delivery::means(&tx).await?;
        let secret = tx.secret(&webhook_field(channel)).await?.unwrap_or_default();
        tx.commit().await?;
        let portal = self.address.of(&context.tenant.canonical_host);
        let url = format!("{portal}{}", webhook_path(channel));
        let secret = String::from_utf8_lossy(&secret);
        let call = carriers::subscription(&means, channel, &url, &secret).map_err(JobError::Fail)?;
        self.gateways.call_as_job(&context, &means, (channel, &call)).await
    }
}

/// The path of a messenger's webhook on the company's portal.
#[must_use]
pub(crate) fn webhook_path(channel: Channel) -> String {
    format!("/notifications/hooks/{}", channel.code())
}
