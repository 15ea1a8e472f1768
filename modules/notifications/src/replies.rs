//! Answers to those who wrote to a bot.

use async_trait::async_trait;
use kabinet_core::jobs::{JobContext, JobError, JobHandler};
use kabinet_web::PublicAddress;
use serde::Deserialize;

use crate::carriers::{self, Outcome};
use crate::channel::Channel;
use crate::delivery;
use crate::http::Http;
use crate::settings::webhook_field;

/// The kind of the job.
pub(crate) const KIND: &str = "reply";

/// Answers a chat.
pub(crate) struct Reply {
    pub(crate) http: Http,
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
        match self.http.send(&call).await {
            Ok(got) => match carriers::of(answer.channel).judge(&means, &got) {
                Outcome::Sent => Ok(()),
                Outcome::Retry(why, _) => Err(JobError::Retry(why)),
                Outcome::Failed(why) => Err(JobError::Fail(why)),
            },
            Err(why) => Err(JobError::Retry(why)),
        }
    }
}

/// The kind of the job that has a messenger tell the portal what is written to the bot.
pub(crate) const SUBSCRIBE: &str = "subscribe";

/// Tells a messenger where the company's webhook is, and the secret to send along.
pub(crate) struct Subscribe {
    pub(crate) http: Http,
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
        match self.http.send(&call).await {
            Ok(answer) if (200..300).contains(&answer.status) => Ok(()),
            Ok(answer) => Err(JobError::Retry(format!("{} answers {}", channel.code(), answer.status))),
            Err(why) => Err(JobError::Retry(why)),
        }
    }
}

/// The path of a messenger's webhook on the company's portal.
#[must_use]
pub(crate) fn webhook_path(channel: Channel) -> String {
    format!("/notifications/hooks/{}", channel.code())
}
