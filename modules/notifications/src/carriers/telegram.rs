//! The bot of Telegram, off until a company sets it up. As with MAX, a message may come twice after a crash.

use serde_json::{Value, json};

use super::{Answer, Carrier, Letter, Means, NO_SUCCESS, Outcome, Parcel, cut, usual};
use crate::channel::Channel;
use crate::http::{Body, Call};

const USUAL_BASE: &str = "https://api.telegram.org";
const LONGEST: usize = 4000;
/// Calls a second: Telegram refuses more than 30 messages a second, and others may use the bot beside the platform.
const PER_SECOND: u32 = 25;

pub(super) struct Telegram;

impl Carrier for Telegram {
    fn channel(&self) -> Channel {
        Channel::Telegram
    }

    fn per_second(&self, _: &Means) -> Option<u32> {
        Some(PER_SECOND)
    }

    fn parcel(&self, means: &Means, letter: &Letter<'_>) -> Result<Parcel, String> {
        call(means, letter.to, &letter.text()).map(Parcel::Call)
    }

    fn judge(&self, _: &Means, answer: &Answer) -> Outcome {
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        match usual(answer) {
            Outcome::Sent if body["ok"] != json!(true) => Outcome::Failed(NO_SUCCESS.to_owned()),
            Outcome::Later(usual) => Outcome::Later(body["parameters"]["retry_after"].as_i64().unwrap_or(usual)),
            outcome => outcome,
        }
    }
}

/// The call that writes `text` to a chat.
pub(super) fn call(means: &Means, chat: &str, text: &str) -> Result<Call, String> {
    post(means, "sendMessage", &json!({ "chat_id": chat, "text": cut(text, LONGEST) }))
}

/// The call that has the messenger send what is written to the bot to `url`, with `secret` in a header.
pub(super) fn subscription(means: &Means, url: &str, secret: &str) -> Result<Call, String> {
    let types = ["message", "my_chat_member"];
    post(means, "setWebhook", &json!({ "url": url, "allowed_updates": types, "secret_token": secret }))
}

fn post(means: &Means, method: &str, body: &Value) -> Result<Call, String> {
    let (base, token) = means.bot(Channel::Telegram, USUAL_BASE)?;
    Ok(Call {
        url: format!("{base}/bot{token}/{method}"),
        body: Some(Body::Json(body.to_string())),
        authorization: String::new(),
    })
}
