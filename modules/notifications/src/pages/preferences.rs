//! What a resident wants to be told, by which way, and when not; messengers are linked here.

use std::collections::BTreeMap;

use kabinet_web::{FieldError, Form, Problem, Resident};
use poem::web::Path;
use poem::{Response, handler};

use super::who;
use crate::channel::Channel;
use crate::chats;
use crate::choices::{self, Choices};
use crate::error::Error;
use crate::kind::Kind;
use crate::settings::{NotificationsSettings, QuietHours};
use crate::view::{ChatContext, CodeContext, PreferencesContext};

const TITLE: &str = "Настройки уведомлений";
const TEMPLATE: &str = "notifications/preferences.html";
const PATH: &str = "/notifications/preferences";

/// GET /notifications/preferences
#[handler]
pub(crate) async fn show(resident: Resident) -> Result<Response, Problem> {
    page(&resident, None).await
}

async fn page(resident: &Resident, code: Option<(Channel, CodeContext)>) -> Result<Response, Problem> {
    let (choices, chats) = stored(resident, code).await?;
    let settings = NotificationsSettings::of(resident.tenant())?;
    resident.page(TITLE, TEMPLATE, &PreferencesContext::of(&settings, &choices, chats))
}

async fn stored(
    resident: &Resident,
    mut code: Option<(Channel, CodeContext)>,
) -> Result<(Choices, Vec<ChatContext>), Problem> {
    let settings = NotificationsSettings::of(resident.tenant())?;
    let tx = resident.read().await?;
    let choices = choices::of(&tx, who(resident)).await?;
    let linked = chats::of(&tx, who(resident)).await?;
    tx.commit().await?;
    let messengers = Channel::ALL.into_iter().filter(|channel| channel.is_chat() && settings.has(*channel));
    let chats = messengers.map(|channel| ChatContext {
        channel: channel.code(),
        words: channel.words(),
        linked: linked.contains(&channel),
        code: code.take_if(|(of, _)| *of == channel).map(|(_, code)| code),
    });
    Ok((choices, chats.collect()))
}

/// POST /notifications/preferences
#[handler]
pub(crate) async fn save(
    resident: Resident,
    Form(fields): Form<BTreeMap<String, String>>,
) -> Result<Response, Problem> {
    let settings = NotificationsSettings::of(resident.tenant())?;
    let typed = |name: &str| fields.get(name).map(|text| text.trim()).unwrap_or_default();
    match chosen(&settings, &fields) {
        Ok(choices) => {
            let mut tx = resident.begin().await?;
            choices::save(&mut tx, who(&resident), &choices).await?;
            tx.commit().await?;
            Ok(resident.done_saying(PATH, "Настройки уведомлений сохранены"))
        }
        Err(errors) => {
            let (choices, chats) = stored(&resident, None).await?;
            let context = PreferencesContext::of(&settings, &choices, chats);
            let context = context.refused(errors, typed("quiet_from"), typed("quiet_to"));
            resident.refused(TITLE, TEMPLATE, &context)
        }
    }
}

/// What the form says; a box that is not there is not ticked.
fn chosen(settings: &NotificationsSettings, fields: &BTreeMap<String, String>) -> Result<Choices, Vec<FieldError>> {
    let mut choices = Choices::default();
    for kind in Kind::ALL.into_iter().filter(|kind| settings.sends(*kind)) {
        for channel in settings.order.iter().filter(|channel| settings.has(**channel)) {
            if !fields.contains_key(&format!("{}_{}", kind.code(), channel.code())) {
                choices.off.insert((kind, *channel));
            }
        }
    }
    for place in 1..=Channel::ALL.len() {
        let channel = fields.get(&format!("order_{place}")).and_then(|code| Channel::of(code));
        choices.order.extend(channel.filter(|channel| !choices.order.contains(channel)));
    }
    let text = |name: &str| fields.get(name).map(|text| text.trim()).unwrap_or_default();
    choices.quiet = match text("quiet") {
        "own" => Some(hours(text("quiet_from"), text("quiet_to"))?),
        "never" => Some(QuietHours { from: 0, to: 0 }),
        "company" => None,
        _ => return Err(vec![FieldError::new("quiet", "Выберите, когда телефон не беспокоить")]),
    };
    Ok(choices)
}

fn hours(from: &str, to: &str) -> Result<QuietHours, Vec<FieldError>> {
    let hour = |text: &str| text.trim_end_matches(":00").parse::<u32>().ok().filter(|hour| *hour <= 23);
    let wrong = |field: &str| FieldError::new(field, "Введите час от 0 до 23");
    match (hour(from), hour(to)) {
        (Some(from), Some(to)) => Ok(QuietHours { from, to }),
        (from, to) => {
            let first = from.is_none().then(|| wrong("quiet_from"));
            Err(first.into_iter().chain(to.is_none().then(|| wrong("quiet_to"))).collect())
        }
    }
}

#[derive(serde::Deserialize)]
pub(crate) struct ChatForm {
    #[serde(default)]
    deed: String,
}

/// POST /notifications/preferences/chats/<channel>: a code for linking, or the end of a link.
#[handler]
pub(crate) async fn chat(
    resident: Resident,
    channel: Path<String>,
    Form(form): Form<ChatForm>,
) -> Result<Response, Problem> {
    let channel = Channel::of(&channel).filter(|channel| channel.is_chat()).ok_or_else(Problem::not_found)?;
    let mut tx = resident.begin().await?;
    if form.deed == "unlink" {
        chats::unlink(&mut tx, channel, who(&resident)).await?;
        tx.commit().await?;
        return Ok(resident.done_saying(PATH, &format!("{}: чат отвязан", channel.words())));
    }
    let settings = NotificationsSettings::of(resident.tenant())?;
    let bot = settings.bot(channel).filter(|_| settings.has(channel)).ok_or(Error::NotFound)?;
    let code = chats::code(&mut tx, channel, who(&resident)).await?;
    tx.commit().await?;
    let href = chats::deep_link(channel, &bot.name, &code);
    let code = CodeContext { code, href, minutes: chats::CODE_SECONDS / 60 };
    page(&resident, Some((channel, code))).await
}
