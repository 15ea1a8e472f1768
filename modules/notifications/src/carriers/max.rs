//! The bot of MAX (dev.max.ru). The messenger knows no idempotency key: an attempt whose answer got lost in a
//! crash is made again, so that a message may come twice, and never not at all.

use serde_json::{Value, json};

use super::{Answer, Carrier, Letter, Means, NO_SUCCESS, Outcome, Parcel, cut, usual};
use crate::channel::Channel;
use crate::http::{Body, Call};

const USUAL_BASE: &str = "https://platform-api2.max.ru";
const LONGEST: usize = 4000;
/// Calls a second: MAX refuses more than 30 requests a second, and others may use the bot beside the platform.
const PER_SECOND: u32 = 25;

pub(super) struct Max;

impl Carrier for Max {
    fn channel(&self) -> Channel {
        Channel::Max
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
            // Of a subscription the messenger says no with the status of a success.
            Outcome::Sent if body["success"] == json!(false) => Outcome::Failed(NO_SUCCESS.to_owned()),
            outcome => outcome,
        }
    }
}

/// The call that writes `text` to a user of the messenger.
pub(super) fn call(means: &Means, user: &str, text: &str) -> Result<Call, String> {
    let body = json!({ "text": cut(text, LONGEST) });
    post(means, &format!("/messages?user_id={user}"), &body)
}

/// The call that has the messenger send what is written to the bot to `url`, with `secret` in a header.
pub(super) fn subscription(means: &Means, url: &str, secret: &str) -> Result<Call, String> {
    let types = ["message_created", "bot_started", "bot_stopped"];
    post(means, "/subscriptions", &json!({ "url": url, "update_types": types, "secret": secret }))
}

fn post(means: &Means, path: &str, body: &Value) -> Result<Call, String> {
    let (base, token) = means.bot(Channel::Max, USUAL_BASE)?;
    Ok(Call { url: format!("{base}{path}"), body: Some(Body::Json(body.to_string())), authorization: token.to_owned() })
}
