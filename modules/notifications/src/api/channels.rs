//! The channels of a company and their secrets, for staff.

use kabinet_core::Entropy;
use kabinet_web::cookie::random_value;
use kabinet_web::{ApiResult, Problem, Staff};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::MayManage;
use super::fields::NotificationChannel;
use crate::Means;
use crate::channel::Channel;
use crate::error::Error;
use crate::settings::{NotificationsSettings, token_field, webhook_field};
use crate::store::notices;
use crate::webhooks::{self, webhook_path};

pub(crate) struct ChannelsApi {
    pub(crate) means: Means,
}

/// A channel of the company.
#[derive(Object)]
struct NotificationChannelOut {
    channel: NotificationChannel,
    /// Whether the company's package sets it up.
    on: bool,
    /// Whether it has its token, where it needs one.
    token: bool,
    /// What the month cost so far, kopecks; of a paid channel.
    spent: Option<i64>,
    /// What a month may cost, kopecks; of a paid channel.
    monthly_cap: Option<i64>,
}

/// The channels.
#[derive(Object)]
struct NotificationChannelsOut {
    items: Vec<NotificationChannelOut>,
}

/// A secret that a gateway or a messenger gave.
#[derive(Object)]
struct NotificationTokenIn {
    /// The token. It is sealed and never shown again.
    token: String,
}

/// Where a messenger tells what is written to the bot: it is told so by itself.
#[derive(Object)]
struct NotificationWebhookOut {
    /// The address; absent for a channel by which nobody writes back.
    url: Option<String>,
}

#[OpenApi]
impl ChannelsApi {
    /// The company's channels, with what the month cost.
    #[oai(path = "/notification-channels", method = "get", operation_id = "listNotificationChannels")]
    async fn list(&self, staff: Staff<MayManage>) -> ApiResult<NotificationChannelsOut> {
        let settings = NotificationsSettings::of(staff.tenant())?;
        let tx = staff.read().await?;
        let spent = notices::spending(&tx, tx.today().period()).await?;
        let mut items = Vec::new();
        for channel in Channel::ALL {
            let gateway = settings.sms.as_ref().filter(|_| channel == Channel::Sms);
            items.push(NotificationChannelOut {
                channel: channel.into(),
                on: settings.has(channel),
                token: tx.secret(&token_field(channel)).await?.is_some(),
                spent: gateway.map(|_| spent.0),
                monthly_cap: gateway.map(|gateway| gateway.monthly_cap.0),
            });
        }
        tx.commit().await?;
        Ok(Json(NotificationChannelsOut { items }))
    }

    /// Keep the token of a gateway or a bot; of a bot, the secret of its webhook is made anew and told to the messenger.
    #[oai(path = "/notification-channels/:channel/token", method = "put", operation_id = "saveNotificationToken")]
    async fn save(
        &self,
        staff: Staff<MayManage>,
        channel: Path<String>,
        token: Json<NotificationTokenIn>,
    ) -> ApiResult<NotificationWebhookOut> {
        let channel = Channel::of(&channel.0).filter(|channel| *channel != Channel::Email);
        let channel = channel.ok_or_else(Problem::not_found)?;
        if !NotificationsSettings::of(staff.tenant())?.has(channel) {
            return Err(Error::NoChannel.into());
        }
        let token = token.0.token.trim().to_owned();
        if token.is_empty() || token.chars().any(|c| c.is_control() || c.is_whitespace()) {
            return Err(Error::Fields(vec![("token", "Введите токен, без пробелов".to_owned())]).into());
        }
        let mut tx = staff.begin().await?;
        tx.set_secret(&token_field(channel), token.as_bytes()).await?;
        if !channel.is_chat() {
            tx.commit().await?;
            return Ok(Json(NotificationWebhookOut { url: None }));
        }
        let secret = random_value(Entropy);
        tx.set_secret(&webhook_field(channel), secret.as_bytes()).await?;
        webhooks::subscribe(&mut tx, channel).await?;
        tx.commit().await?;
        let portal = self.means.address.of(&staff.tenant().canonical_host);
        let url = format!("{portal}{}", webhook_path(channel));
        Ok(Json(NotificationWebhookOut { url: Some(url) }))
    }
}
