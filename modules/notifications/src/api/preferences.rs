//! What residents want to be told, by which way, and when not.

use std::collections::BTreeSet;

use kabinet_contracts::ResidentId;
use kabinet_web::{ApiResult, Resident};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

use super::fields::{NotificationChannel, NotificationHours};
use crate::channel::Channel;
use crate::choices::{self, Choices};
use crate::error::Error;
use crate::kind::Kind;
use crate::settings::{NotificationsSettings, QuietHours};

pub(crate) struct PreferencesApi;

/// What does not come by a channel; in the portal everything is shown.
#[derive(Object)]
struct NoticeRefusal {
    /// `message`, `outage`, `window_opens`, `window_closes`, `receipt`, `debt`, `verification` or `request`.
    kind: String,
    channel: NotificationChannel,
}

/// What a resident wants.
#[derive(Object)]
struct NoticePreferences {
    /// What does not come by which channel.
    off: Vec<NoticeRefusal>,
    /// Channels in the order in which they are tried; those that are left out follow in the company's order.
    order: Vec<NotificationChannel>,
    /// Hours in which the phone stays silent; absent for the company's.
    quiet: Option<NotificationHours>,
}

/// What a resident wants, of what the company offers.
#[derive(Object)]
struct NoticePreferencesOut {
    /// Kinds of notices that the company sends.
    kinds: Vec<String>,
    /// The company's channels, in its order.
    channels: Vec<NotificationChannel>,
    /// The company's quiet hours; absent where it sends at any hour.
    company_quiet: Option<NotificationHours>,
    /// What the resident wants.
    preferences: NoticePreferences,
}

#[OpenApi]
impl PreferencesApi {
    /// What the resident wants to be told, by which way, and when not.
    #[oai(path = "/notifications/preferences", method = "get", operation_id = "getNoticePreferences")]
    async fn show(&self, resident: Resident) -> ApiResult<NoticePreferencesOut> {
        let settings = NotificationsSettings::of(resident.tenant())?;
        let tx = resident.read().await?;
        let choices = choices::of(&tx, ResidentId(resident.id())).await?;
        tx.commit().await?;
        Ok(Json(NoticePreferencesOut::of(&settings, choices)))
    }

    /// Change what the resident wants.
    #[oai(path = "/notifications/preferences", method = "put", operation_id = "putNoticePreferences")]
    async fn change(
        &self,
        resident: Resident,
        preferences: Json<NoticePreferences>,
    ) -> ApiResult<NoticePreferencesOut> {
        let choices = preferences.0.read()?;
        let settings = NotificationsSettings::of(resident.tenant())?;
        let mut tx = resident.begin().await?;
        choices::save(&mut tx, ResidentId(resident.id()), &choices).await?;
        tx.commit().await?;
        Ok(Json(NoticePreferencesOut::of(&settings, choices)))
    }
}

impl NoticePreferences {
    fn read(self) -> Result<Choices, Error> {
        let mut wrong = Vec::new();
        let mut off = BTreeSet::new();
        for refusal in self.off {
            match Kind::of(&refusal.kind) {
                Some(kind) => {
                    off.insert((kind, Channel::from(refusal.channel)));
                }
                None => wrong.push(("off", format!("Уведомлений «{}» нет", refusal.kind))),
            }
        }
        let order: Vec<Channel> = self.order.into_iter().map(Channel::from).collect();
        let different: BTreeSet<Channel> = order.iter().copied().collect();
        if different.len() < order.len() {
            wrong.push(("order", "Канал назван дважды".to_owned()));
        }
        let quiet = self.quiet.map(QuietHours::from);
        if !quiet.is_none_or(QuietHours::are_of_a_day) {
            wrong.push(("quiet", "Укажите часы от 0 до 23".to_owned()));
        }
        if wrong.is_empty() { Ok(Choices { off, order, quiet }) } else { Err(Error::Fields(wrong)) }
    }
}

impl From<Choices> for NoticePreferences {
    fn from(choices: Choices) -> Self {
        let refusal =
            |(kind, channel): (Kind, Channel)| NoticeRefusal { kind: kind.code().to_owned(), channel: channel.into() };
        Self {
            off: choices.off.into_iter().map(refusal).collect(),
            order: choices.order.into_iter().map(NotificationChannel::from).collect(),
            quiet: choices.quiet.map(NotificationHours::from),
        }
    }
}

impl NoticePreferencesOut {
    fn of(settings: &NotificationsSettings, choices: Choices) -> Self {
        let kinds = Kind::ALL.into_iter().filter(|kind| settings.sends(*kind));
        let channels = settings.order.iter().copied().filter(|channel| settings.has(*channel));
        Self {
            kinds: kinds.map(|kind| kind.code().to_owned()).collect(),
            channels: channels.map(NotificationChannel::from).collect(),
            company_quiet: settings.quiet.map(NotificationHours::from),
            preferences: choices.into(),
        }
    }
}
