//! The Bot API of MAX under `/max`, as dev.max.ru/docs-api describes it: `POST /messages`, `POST /subscriptions`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Fault, Fitting, Taken, is_secret, is_webhook, pairs};

/// The token that the messenger gave the company's bot.
pub const TOKEN: &str = "f9LHodD0cOKabinet-test_token";

const LONGEST: usize = 4000;
const UPDATES: [&str; 12] = [
    "message_created",
    "message_callback",
    "message_edited",
    "message_removed",
    "bot_added",
    "bot_removed",
    "bot_started",
    "bot_stopped",
    "user_added",
    "user_removed",
    "chat_title_changed",
    "message_chat_created",
];

pub(super) fn read(call: &Taken) -> Result<Fitting, Fault> {
    let (path, query) = call.path.split_once('?').unwrap_or((&call.path, ""));
    let read = match (call.method.as_str(), path) {
        ("POST", "/max/messages") => message,
        ("POST", "/max/subscriptions") => subscription,
        _ => return Err(Fault::no_such_call(call)),
    };
    if query.contains("access_token") || call.authorization.starts_with("Bearer") {
        return Err(Fault::request("the token stands in the header Authorization, and nothing with it".to_owned()));
    }
    if call.authorization != TOKEN {
        return Err(Fault::Token);
    }
    read(call, query)
}

fn message(call: &Taken, query: &str) -> Result<Fitting, Fault> {
    let addressed: Vec<(String, String)> = pairs(query).collect();
    let user = match addressed.as_slice() {
        [(name, value)] if name == "user_id" => value.parse::<i64>().ok(),
        _ => None,
    };
    let user = user.ok_or_else(|| Fault::request(format!("one user_id is wanted, not «{query}»")))?;
    let body = call.object(&["text", "attachments", "link", "notify", "format"])?;
    let text = text(&body, "text")?;
    if text.is_empty() || text.chars().count() > LONGEST {
        return Err(Fault::request("a text has 1 to 4000 letters".to_owned()));
    }
    let answer = json!({ "message": {
        "recipient": { "chat_id": 1, "chat_type": "dialog", "user_id": user },
        "timestamp": 1_795_350_000_000_i64,
        "sender": { "user_id": 1, "first_name": "Кабинет", "is_bot": true },
        "body": { "mid": "mid.sent", "seq": 1, "text": text },
    } });
    Ok(Fitting { answer, recipient: Some(user.to_string()) })
}

fn subscription(call: &Taken, query: &str) -> Result<Fitting, Fault> {
    let body = call.object(&["url", "update_types", "secret", "version"])?;
    let (url, secret) = (text(&body, "url")?, text(&body, "secret")?);
    let types: Option<Vec<&str>> = body.get("update_types").and_then(Value::as_array).map(|types| {
        let known = |value: &Value| UPDATES.into_iter().find(|known| value == known);
        types.iter().map(|value| known(value).unwrap_or_default()).collect()
    });
    let types_fit = types.is_some_and(|types| {
        let different: BTreeSet<&str> = types.iter().copied().collect();
        !types.is_empty() && different.len() == types.len() && !different.contains("")
    });
    if !query.is_empty() || !is_webhook(url) || !is_secret(secret, 5, 256) || !types_fit {
        return Err(Fault::request("the address, the secret or the types of updates are wrong".to_owned()));
    }
    Ok(Fitting { answer: json!({ "success": true }), recipient: None })
}

fn text<'b>(body: &'b Map<String, Value>, field: &str) -> Result<&'b str, Fault> {
    body.get(field).and_then(Value::as_str).ok_or_else(|| Fault::request(format!("{field} is wanted")))
}

pub(super) fn refusal(status: u16, why: &str) -> Value {
    match status {
        401 => json!({ "code": "verify.token", "message": "Invalid access_token" }),
        403 => json!({ "code": "chat.denied", "message": "Key: error.dialog.suspended, args: []." }),
        404 => json!({ "code": "not.found", "message": why }),
        429 => json!({ "code": "too.many.requests", "message": why }),
        503 => json!({ "code": "service.unavailable", "message": why }),
        _ => json!({ "code": "proto.payload", "message": why }),
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answered, post};
    use super::*;

    fn with(token: &str, path: &str, body: &Value) -> Taken {
        Taken { authorization: token.to_owned(), ..post(path, "application/json", &body.to_string()) }
    }

    #[test]
    fn it_takes_messages_and_subscriptions_as_they_are_documented() {
        let text = json!({ "text": "Отключение воды" });
        let hook = json!({ "url": "https://kabinet.example/notifications/hooks/max", "secret": "abcde_-5",
                           "update_types": ["message_created", "bot_stopped"] });
        let good = [with(TOKEN, "/max/messages?user_id=77", &text), with(TOKEN, "/max/subscriptions", &hook)];
        assert_eq!(answered(&good), (vec![200, 200], 0));
        assert_eq!(answered(&[with("", "/max/messages?user_id=77", &text)]), (vec![401], 0));
        let changed = |field: &str, value: Value| {
            let mut body = hook.clone();
            body[field] = value;
            with(TOKEN, "/max/subscriptions", &body)
        };
        let wrong = [
            with(&format!("Bearer {TOKEN}"), "/max/messages?user_id=77", &text),
            with(TOKEN, &format!("/max/messages?user_id=77&access_token={TOKEN}"), &text),
            with(TOKEN, "/max/messages", &text),
            with(TOKEN, "/max/messages?user_id=anna", &text),
            with(TOKEN, "/max/messages?user_id=77", &json!({ "text": "" })),
            with(TOKEN, "/max/messages?user_id=77", &json!({ "text": "ш".repeat(4001) })),
            with(TOKEN, "/max/messages?user_id=77", &json!({ "text": "x", "chat_id": 77 })),
            Taken { content_type: String::new(), ..with(TOKEN, "/max/messages?user_id=77", &text) },
            changed("url", json!("http://kabinet.example/hook")),
            changed("secret", json!("abc")),
            changed("update_types", json!(["message"])),
            changed("update_types", json!(["bot_started", "bot_started"])),
        ];
        assert_eq!(answered(&wrong), (vec![400; wrong.len()], wrong.len()));
        let get = Taken { method: "GET".to_owned(), ..with(TOKEN, "/max/messages?user_id=77", &text) };
        assert_eq!(answered(&[get, with(TOKEN, "/max/sendMessage", &text)]), (vec![404, 404], 2));
    }
}
