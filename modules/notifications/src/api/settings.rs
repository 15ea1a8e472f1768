//! What a company decides about its notices. Tokens are kept beside it, channel by channel.

use kabinet_core::Money;
use kabinet_web::{ApiResult, Staff};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::MayManage;
use super::fields::{NotificationChannel, NotificationHours};
use crate::channel::Channel;
use crate::error::Error;
use crate::settings::{Automatic, Bot, MODULE, NotificationsSettings, SmsGateway};

pub(crate) struct SettingsApi;

/// What the company decides about notices.
#[derive(Object)]
struct NotificationRules {
    /// Channels in the order in which they are tried; those that are left out are not used.
    order: Vec<NotificationChannel>,
    /// Hours in which no phone rings; absent for a company that sends at any hour.
    quiet: Option<NotificationHours>,
    /// Which automatic notices are sent.
    automatic: NotificationOccasions,
    /// The gateway of short messages; absent where there is none.
    sms: Option<NotificationSms>,
    /// The bot of MAX; absent where there is none.
    max: Option<NotificationBot>,
    /// The bot of Telegram; absent where there is none.
    telegram: Option<NotificationBot>,
}

/// Which automatic notices are sent.
#[derive(Object)]
struct NotificationOccasions {
    /// Readings are taken from today.
    window_opens: bool,
    /// Readings are taken until tomorrow, and none were sent.
    window_closes: bool,
    /// A receipt was published.
    receipt: bool,
    /// A debt above so many kopecks after its due day; absent for no such notice.
    debt_over: Option<i64>,
    /// A meter's verification ends in 90, 30, 7 days.
    verification: bool,
    /// A request was answered or moved on.
    request: bool,
}

/// A gateway that takes short messages over plain HTTP.
#[derive(Object)]
struct NotificationSms {
    /// Where it is: over HTTPS on a server with a name, or on the server that the package named. `{phone}` (digits,
    /// 7 first), `{text}`, `{id}` (the same at every attempt) and `{token}` (the secret) are put in.
    url: String,
    /// The body of a POST of a form with the same placeholders; a GET without one.
    body: Option<String>,
    /// What an answer must contain to be a success; any answer of status 2xx without it.
    success: Option<String>,
    /// The price of one part of a message (70 Cyrillic letters, 67 of a longer one), kopecks.
    price: i64,
    /// What a month may cost, kopecks: beyond it the channel is passed over.
    monthly_cap: i64,
    /// Messages that it takes in a second, 1 to 1000; as many as come without it.
    per_second: Option<u32>,
}

/// A bot of a messenger.
#[derive(Object)]
struct NotificationBot {
    /// Its name, as links lead to it.
    name: String,
    /// Where the messenger's API is, as `url` of a gateway; empty for the usual place.
    #[oai(default)]
    base_url: String,
}

#[OpenApi]
impl SettingsApi {
    /// What the company decides about notices.
    #[oai(path = "/notification-settings", method = "get", operation_id = "getNotificationRules")]
    async fn show(&self, staff: Staff<MayManage>) -> ApiResult<NotificationRules> {
        Ok(Json(NotificationsSettings::of(staff.tenant())?.into()))
    }

    /// Change what the company decides about notices; it holds until the package itself changes.
    #[oai(path = "/notification-settings", method = "put", operation_id = "putNotificationRules")]
    async fn change(&self, staff: Staff<MayManage>, rules: Json<NotificationRules>) -> ApiResult<NotificationRules> {
        let settings = NotificationsSettings::from(rules.0);
        let faults = settings.faults(&NotificationsSettings::of(staff.tenant())?);
        if !faults.is_empty() {
            return Err(Error::Fields(faults).into());
        }
        let mut tx = staff.begin().await?;
        tx.set_settings(MODULE, &settings).await?;
        tx.commit().await?;
        Ok(Json(settings.into()))
    }
}

impl From<NotificationsSettings> for NotificationRules {
    fn from(settings: NotificationsSettings) -> Self {
        let automatic = settings.automatic;
        Self {
            order: settings.order.into_iter().map(NotificationChannel::from).collect(),
            quiet: settings.quiet.map(NotificationHours::from),
            automatic: NotificationOccasions {
                window_opens: automatic.window_opens,
                window_closes: automatic.window_closes,
                receipt: automatic.receipt,
                debt_over: automatic.debt_over.map(|over| over.0),
                verification: automatic.verification,
                request: automatic.request,
            },
            sms: settings.sms.map(NotificationSms::from),
            max: settings.max.map(NotificationBot::from),
            telegram: settings.telegram.map(NotificationBot::from),
        }
    }
}

impl From<NotificationRules> for NotificationsSettings {
    fn from(rules: NotificationRules) -> Self {
        let automatic = rules.automatic;
        Self {
            order: rules.order.into_iter().map(Channel::from).collect(),
            quiet: rules.quiet.map(Into::into),
            automatic: Automatic {
                window_opens: automatic.window_opens,
                window_closes: automatic.window_closes,
                receipt: automatic.receipt,
                debt_over: automatic.debt_over.map(Money),
                verification: automatic.verification,
                request: automatic.request,
            },
            sms: rules.sms.map(SmsGateway::from),
            max: rules.max.map(Bot::from),
            telegram: rules.telegram.map(Bot::from),
        }
    }
}

impl From<SmsGateway> for NotificationSms {
    fn from(gateway: SmsGateway) -> Self {
        let (price, monthly_cap) = (gateway.price.0, gateway.monthly_cap.0);
        let SmsGateway { url, body, success, per_second, .. } = gateway;
        Self { url, body, success, price, monthly_cap, per_second }
    }
}

impl From<NotificationSms> for SmsGateway {
    fn from(gateway: NotificationSms) -> Self {
        let (price, monthly_cap) = (Money(gateway.price), Money(gateway.monthly_cap));
        let NotificationSms { url, body, success, per_second, .. } = gateway;
        Self { url, body, success, price, monthly_cap, per_second }
    }
}

impl From<Bot> for NotificationBot {
    fn from(bot: Bot) -> Self {
        Self { name: bot.name, base_url: bot.base_url }
    }
}

impl From<NotificationBot> for Bot {
    fn from(bot: NotificationBot) -> Self {
        Self { name: bot.name, base_url: bot.base_url }
    }
}
