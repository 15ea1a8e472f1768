//! Messengers: linking a chat to a resident, and what comes in from one.

use kabinet_contracts::ResidentId;
use kabinet_core::jobs::NewJob;
use kabinet_core::{DbError, Entropy, Tx};
use kabinet_web::cookie::stored;
use serde_json::{Value, json};

use crate::channel::Channel;
use crate::settings::MODULE;
use crate::store;

/// How long a code links a chat, in seconds.
pub const CODE_SECONDS: i64 = 15 * 60;
/// Letters of a code: none that looks like another.
const ALPHABET: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
const CODE_LENGTH: usize = 10;

/// A fresh one-time code that links a chat to the resident, in place of a former one.
pub async fn code(tx: &mut Tx, channel: Channel, resident: ResidentId) -> Result<String, DbError> {
    let random: [u8; CODE_LENGTH] = Entropy.bytes();
    let code: String = random.iter().map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect();
    store::chats::save_code(tx, stored(&code), channel, resident, tx.now().plus_seconds(CODE_SECONDS)).await?;
    Ok(code)
}

/// The address that opens the bot and hands it the code.
#[must_use]
pub fn deep_link(channel: Channel, bot: &str, code: &str) -> String {
    let host = if channel == Channel::Telegram { "t.me" } else { "max.ru" };
    format!("https://{host}/{bot}?start={code}")
}

/// The messengers in which the resident has linked a chat.
pub async fn of(tx: &Tx, resident: ResidentId) -> Result<Vec<Channel>, DbError> {
    Ok(store::chats::of(tx, resident).await?.iter().filter_map(|row| Channel::of(&row.channel)).collect())
}

/// Whose chat it is.
pub async fn owner(tx: &Tx, channel: Channel, chat: &str) -> Result<Option<ResidentId>, DbError> {
    store::chats::owner(tx, channel, chat).await
}

/// Links a chat by a code: whose it is now; none where the code does not hold.
pub async fn link(tx: &mut Tx, channel: Channel, chat: &str, code: &str) -> Result<Option<ResidentId>, DbError> {
    let Some(resident) = store::chats::take_code(tx, stored(code), channel).await? else { return Ok(None) };
    store::chats::link(tx, channel, resident, chat).await?;
    tx.audit("notifications.chat_linked", resident, json!({ "channel": channel.code() })).await?;
    Ok(Some(resident))
}

/// Ends the resident's link in a messenger.
pub async fn unlink(tx: &mut Tx, channel: Channel, resident: ResidentId) -> Result<(), DbError> {
    if store::chats::unlink(tx, channel, resident).await? {
        tx.audit("notifications.chat_unlinked", resident, json!({ "channel": channel.code() })).await?;
    }
    Ok(())
}

/// Ends a link whose owner stopped the bot.
pub async fn stopped(tx: &Tx, channel: Channel, chat: &str) -> Result<(), DbError> {
    store::chats::unlink_chat(tx, channel, chat).await.map(drop)
}

/// Whether a text could be a code: then it is no reading and no appeal.
#[must_use]
pub fn looks_like_code(text: &str) -> bool {
    text.len() == CODE_LENGTH && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Answers a chat, once the transaction commits.
pub async fn answer(tx: &mut Tx, channel: Channel, chat: &str, text: &str) -> Result<(), DbError> {
    let payload = json!({ "channel": channel, "chat": chat, "text": text });
    tx.enqueue(NewJob::new(MODULE, crate::replies::KIND, payload)).await
}

/// What a messenger tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Update {
    /// What tells it from others of this messenger: it is taken once.
    pub number: String,
    /// The chat.
    pub chat: String,
    /// What happened.
    pub event: Event,
}

/// What happened in a chat.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// The bot was started, by a link with this code or without one.
    Started(String),
    /// Somebody wrote.
    Text(String),
    /// The bot was stopped.
    Stopped,
}

impl Update {
    /// What a messenger sent; none for what the bot does not react to, such as words in a group.
    #[must_use]
    pub fn read(channel: Channel, body: &Value) -> Option<Self> {
        match channel {
            Channel::Max => of_max(body),
            Channel::Telegram => of_telegram(body),
            Channel::Email | Channel::Sms => None,
        }
    }
}

fn of_max(body: &Value) -> Option<Update> {
    let user = |value: &Value| value["user_id"].as_i64().map(|id| id.to_string());
    let at = body["timestamp"].as_i64().unwrap_or_default();
    let of_user = |event: Event| {
        let chat = user(&body["user"])?;
        Some(Update { number: format!("{}:{chat}:{at}", body["update_type"].as_str()?), chat, event })
    };
    match body["update_type"].as_str()? {
        "bot_started" => of_user(Event::Started(body["payload"].as_str().unwrap_or_default().to_owned())),
        "bot_stopped" => of_user(Event::Stopped),
        "message_created" if body["message"]["recipient"]["chat_type"] == "dialog" => {
            let message = &body["message"];
            let text = message["body"]["text"].as_str()?.to_owned();
            Some(Update {
                number: message["body"]["mid"].as_str()?.to_owned(),
                chat: user(&message["sender"])?,
                event: Event::Text(text),
            })
        }
        _ => None,
    }
}

fn of_telegram(body: &Value) -> Option<Update> {
    let number = body["update_id"].as_i64()?.to_string();
    if body["my_chat_member"]["new_chat_member"]["status"] == "kicked" {
        let chat = body["my_chat_member"]["chat"]["id"].as_i64()?.to_string();
        return Some(Update { number, chat, event: Event::Stopped });
    }
    let message = &body["message"];
    if message["chat"]["type"] != "private" {
        return None;
    }
    let (chat, text) = (message["chat"]["id"].as_i64()?.to_string(), message["text"].as_str()?);
    let event = match text.strip_prefix("/start") {
        Some(code) => Event::Started(code.trim().to_owned()),
        None => Event::Text(text.to_owned()),
    };
    Some(Update { number, chat, event })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn max_tells_of_texts_starts_and_stops() {
        let started = json!({ "update_type": "bot_started", "timestamp": 5, "chat_id": 9, "user": { "user_id": 77 }, "payload": "ABC" });
        let update = Update::read(Channel::Max, &started).expect("an update");
        assert_eq!((update.chat.as_str(), update.event), ("77", Event::Started("ABC".to_owned())));
        let message = |kind: &str| {
            json!({ "update_type": "message_created", "timestamp": 6, "message": {
                "sender": { "user_id": 77 }, "recipient": { "chat_id": 9, "chat_type": kind },
                "body": { "mid": "mid.1", "text": "хвс 1" } } })
        };
        let update = Update::read(Channel::Max, &message("dialog")).expect("an update");
        assert_eq!(update, Update { number: "mid.1".into(), chat: "77".into(), event: Event::Text("хвс 1".into()) });
        assert_eq!(Update::read(Channel::Max, &message("chat")), None, "words in a group");
        for nothing in [json!({}), json!({ "update_type": "message_created" }), json!([1]), json!(null)] {
            assert_eq!(Update::read(Channel::Max, &nothing), None, "{nothing}");
        }
    }

    #[test]
    fn telegram_tells_of_texts_starts_and_stops() {
        let text = |text: &str, kind: &str| json!({ "update_id": 12, "message": { "chat": { "id": 5, "type": kind }, "text": text } });
        let update = Update::read(Channel::Telegram, &text("/start ABC", "private")).expect("an update");
        assert_eq!(update, Update { number: "12".into(), chat: "5".into(), event: Event::Started("ABC".into()) });
        let update = Update::read(Channel::Telegram, &text("хвс 1", "private")).expect("an update");
        assert_eq!(update.event, Event::Text("хвс 1".into()));
        assert_eq!(Update::read(Channel::Telegram, &text("хвс 1", "group")), None);
        let kicked = json!({ "update_id": 13, "my_chat_member": { "chat": { "id": 5 }, "new_chat_member": { "status": "kicked" } } });
        assert_eq!(Update::read(Channel::Telegram, &kicked).map(|update| update.event), Some(Event::Stopped));
    }

    #[test]
    fn a_code_is_told_from_words() {
        assert!(looks_like_code("ABCDEFGH23"));
        for other in ["abcdefgh23", "ABCDEFGH2", "ХВС 123,4", "1234567890"] {
            assert!(!looks_like_code(other), "{other}");
        }
        assert_eq!(deep_link(Channel::Max, "bot", "C"), "https://max.ru/bot?start=C");
    }
}
