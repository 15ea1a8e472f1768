//! Where messengers tell what was written to the company's bot. The secret in a header is their only right, and
//! whoever lacks it learns nothing.

use kabinet_contracts::{Appeals, ResidentId};
use kabinet_core::limits::{self, Limit, Verdict};
use kabinet_core::{Actor, Db, DbError, Tenant, Tx};
use kabinet_web::{Guest, Problem};
use poem::web::{Data, Path};
use poem::{Request, Response, handler};
use std::sync::Arc;
use subtle::ConstantTimeEq;

use crate::Means;
use crate::channel::Channel;
use crate::chats::{self, Event, Update};
use crate::conversation::{self, HELP, Heard, STRANGER};
use crate::settings::{NotificationsSettings, webhook_field};
use crate::store;

/// Messages that one chat may send in a day.
const SENT: Limit = Limit { most: 60, seconds: 24 * 3600 };
/// Bytes of the largest update.
const LARGEST: usize = 256 * 1024;

/// POST /notifications/hooks/<channel>
#[handler]
pub(crate) async fn take(
    guest: Guest,
    request: &Request,
    channel: Path<String>,
    body: poem::Body,
    Data(means): Data<&Means>,
) -> Result<Response, Problem> {
    let channel = authority(&guest, request, &channel).await?;
    let bytes = body.into_bytes_limit(LARGEST).await.map_err(|_| Problem::refused("too_large", ""))?;
    let update = serde_json::from_slice(&bytes).ok().and_then(|body| Update::read(channel, &body));
    if let Some(update) = update {
        answer(&guest.platform().db, guest.tenant(), means, channel, &update).await?;
    }
    Ok(Response::builder().content_type("application/json").body("{}"))
}

/// The channel whose secret came along; 403 for whatever else, whether there is such a bot or not.
async fn authority(guest: &Guest, request: &Request, channel: &str) -> Result<Channel, Problem> {
    let channel = Channel::of(channel).filter(|channel| channel.is_chat()).ok_or_else(Problem::stale_form)?;
    let name = match channel {
        Channel::Telegram => "x-telegram-bot-api-secret-token",
        _ => "x-max-bot-api-secret",
    };
    let given = request.header(name).unwrap_or_default();
    let tx = guest.read().await?;
    let wanted = tx.secret(&webhook_field(channel)).await?;
    tx.commit().await?;
    let on = NotificationsSettings::of(guest.tenant())?.has(channel);
    let fits = wanted.is_some_and(|wanted| bool::from(wanted.ct_eq(given.as_bytes())));
    if fits && on { Ok(channel) } else { Err(Problem::stale_form()) }
}

/// Does what an update asks for and answers, all in one transaction, and once however often the update comes.
async fn answer(
    db: &Db,
    tenant: &Arc<Tenant>,
    means: &Means,
    channel: Channel,
    update: &Update,
) -> Result<(), Problem> {
    let counter = format!("notifications:{}:{}:{}", tenant.id, channel.code(), update.chat);
    if limits::hit(db, &counter, SENT).await? != Verdict::Allowed {
        return Ok(());
    }
    let tx = db.read(tenant, Actor::Guest).await?;
    let owner = chats::owner(&tx, channel, &update.chat).await?;
    tx.commit().await?;
    let actor = owner.map_or(Actor::Guest, |owner| Actor::Resident(owner.0));
    let mut tx = db.begin(tenant, actor).await?;
    if !store::chats::note_update(&tx, channel, &update.number).await? {
        return Ok(());
    }
    let heard = heard(&mut tx, tenant, means, (channel, owner), update).await?;
    let (mut tx, words) = match heard {
        Heard::Done(words) => (tx, words),
        Heard::Refused(words) => {
            drop(tx);
            let tx = db.begin(tenant, actor).await?;
            store::chats::note_update(&tx, channel, &update.number).await?;
            (tx, words)
        }
    };
    if !words.is_empty() {
        chats::answer(&mut tx, channel, &update.chat, &words).await?;
    }
    Ok(tx.commit().await?)
}

async fn heard(
    tx: &mut Tx,
    tenant: &Tenant,
    means: &Means,
    (channel, owner): (Channel, Option<ResidentId>),
    update: &Update,
) -> Result<Heard, DbError> {
    match (&update.event, owner) {
        (Event::Stopped, _) => {
            chats::stopped(tx, channel, &update.chat).await?;
            Ok(Heard::Done(String::new()))
        }
        (Event::Started(code), _) if !code.is_empty() => linked(tx, channel, update, code).await,
        (Event::Text(text), _) if chats::looks_like_code(text.trim()) => linked(tx, channel, update, text.trim()).await,
        (Event::Text(text), Some(resident)) => {
            let appeals = means.ports.of::<dyn Appeals>(tenant).into_iter().next();
            conversation::hear(tx, &*means.estimates, appeals.as_deref(), resident, text).await
        }
        (Event::Started(_), Some(_)) => Ok(Heard::Done(HELP.to_owned())),
        (Event::Started(_) | Event::Text(_), None) => Ok(Heard::Done(STRANGER.to_owned())),
    }
}

async fn linked(tx: &mut Tx, channel: Channel, update: &Update, code: &str) -> Result<Heard, DbError> {
    Ok(match chats::link(tx, channel, &update.chat, code).await? {
        Some(_) => Heard::Done(format!("Чат привязан к личному кабинету: уведомления придут сюда.\n\n{HELP}")),
        None => Heard::Done("Код не подошёл: он действует 15 минут и один раз. Получите новый в кабинете.".to_owned()),
    })
}
