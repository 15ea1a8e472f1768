//! The Bot API of Telegram under `/tg`, as core.telegram.org/bots/api describes it: `POST /bot<token>/<method>`,
//! fields as JSON or as a form.

use serde_json::{Map, Value, json};

use super::{Fault, Fitting, Taken, is_secret, is_webhook, pairs};

/// The token that the messenger gave the company's bot.
pub const TOKEN: &str = "123456789:AAF0-kabinet_test_bot_token_0000000";

const LONGEST: usize = 4096;
const UPDATES: [&str; 8] = [
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "callback_query",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
];

pub(super) fn read(call: &Taken) -> Result<Fitting, Fault> {
    let named = call.path.strip_prefix("/tg/bot").and_then(|rest| rest.split_once('/'));
    let (token, method) = named.filter(|_| call.method == "POST").ok_or_else(|| Fault::no_such_call(call))?;
    if token != TOKEN {
        return Err(Fault::Token);
    }
    match method {
        "sendMessage" => message(call),
        "setWebhook" => webhook(call),
        _ => Err(Fault::no_such_call(call)),
    }
}

/// The fields of a call, which has none but `known`; in a form, lists and numbers are written as JSON.
fn fields(call: &Taken, known: &[&str]) -> Result<Map<String, Value>, Fault> {
    if call.content_type != "application/x-www-form-urlencoded" {
        return call.object(known);
    }
    let value = |text: String| match serde_json::from_str(&text) {
        Ok(value @ (Value::Array(_) | Value::Number(_))) => value,
        _ => Value::String(text),
    };
    let fields: Map<String, Value> = pairs(&call.body).map(|(name, text)| (name, value(text))).collect();
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        Some(name) => Err(Fault::request(format!("the field «{name}» is not known"))),
        None => Ok(fields),
    }
}

fn message(call: &Taken) -> Result<Fitting, Fault> {
    let fields = fields(call, &["chat_id", "text", "parse_mode", "link_preview_options", "disable_notification"])?;
    let chat = match fields.get("chat_id") {
        Some(Value::Number(number)) => number.as_i64(),
        Some(Value::String(text)) => text.parse().ok(),
        _ => None,
    };
    let chat = chat.ok_or_else(|| Fault::request("chat_id is empty".to_owned()))?;
    let text = fields.get("text").and_then(Value::as_str).unwrap_or_default();
    if text.trim().is_empty() {
        return Err(Fault::request("message text is empty".to_owned()));
    }
    if text.encode_utf16().count() > LONGEST {
        return Err(Fault::request("message is too long".to_owned()));
    }
    let result = json!({ "message_id": 1, "date": 1_795_350_000, "chat": { "id": chat, "type": "private" },
                         "from": { "id": 123_456_789, "is_bot": true, "first_name": "Кабинет" }, "text": text });
    Ok(Fitting { answer: json!({ "ok": true, "result": result }), recipient: Some(chat.to_string()) })
}

fn webhook(call: &Taken) -> Result<Fitting, Fault> {
    let fields = fields(call, &["url", "allowed_updates", "secret_token", "max_connections", "drop_pending_updates"])?;
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    if !is_webhook(text("url")) {
        return Err(Fault::request("bad webhook: An HTTPS URL must be provided for webhook".to_owned()));
    }
    let updates = fields.get("allowed_updates").and_then(Value::as_array);
    let known = |update: &Value| UPDATES.into_iter().any(|known| update == known);
    if !is_secret(text("secret_token"), 1, 256) || !updates.is_some_and(|updates| updates.iter().all(known)) {
        return Err(Fault::request("the secret token or the allowed updates are wrong".to_owned()));
    }
    let answer = json!({ "ok": true, "result": true, "description": "Webhook was set" });
    Ok(Fitting { answer, recipient: None })
}

pub(super) fn refusal(status: u16, why: &str) -> Value {
    let description = match status {
        401 => "Unauthorized".to_owned(),
        403 => "Forbidden: bot was blocked by the user".to_owned(),
        404 => "Not Found".to_owned(),
        429 => "Too Many Requests: retry after 1".to_owned(),
        503 => "Service Unavailable".to_owned(),
        _ => format!("Bad Request: {why}"),
    };
    let mut body = json!({ "ok": false, "error_code": status, "description": description });
    if status == 429 {
        body["parameters"] = json!({ "retry_after": 1 });
    }
    body
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answered, post};
    use super::*;

    fn to(method: &str, body: &Value) -> Taken {
        post(&format!("/tg/bot{TOKEN}/{method}"), "application/json", &body.to_string())
    }

    #[test]
    fn it_takes_messages_and_webhooks_as_they_are_documented() {
        let hook = json!({ "url": "https://kabinet.example/hook", "secret_token": "a-Z_9",
                           "allowed_updates": ["message", "my_chat_member"] });
        let form = "chat_id=5&text=%D0%9F+%D0%92";
        let good = [
            to("sendMessage", &json!({ "chat_id": 5, "text": "x" })),
            to("sendMessage", &json!({ "chat_id": "5", "text": "x" })),
            post(&format!("/tg/bot{TOKEN}/sendMessage"), "application/x-www-form-urlencoded", form),
            to("setWebhook", &hook),
        ];
        assert_eq!(answered(&good), (vec![200; good.len()], 0));
        let stranger = post("/tg/bot123456789:other/sendMessage", "application/json", "{}");
        assert_eq!(answered(&[stranger]), (vec![401], 0));
        let changed = |field: &str, value: Value| {
            let mut body = hook.clone();
            body[field] = value;
            to("setWebhook", &body)
        };
        let wrong = [
            to("sendMessage", &json!({ "text": "x" })),
            to("sendMessage", &json!({ "chat_id": "anna", "text": "x" })),
            to("sendMessage", &json!({ "chat_id": 5 })),
            to("sendMessage", &json!({ "chat_id": 5, "text": "ш".repeat(4097) })),
            to("sendMessage", &json!({ "chat_id": 5, "text": "x", "user_id": 5 })),
            changed("url", json!("http://kabinet.example/hook")),
            changed("secret_token", json!("секрет")),
            changed("allowed_updates", json!(["message_created"])),
        ];
        assert_eq!(answered(&wrong), (vec![400; wrong.len()], wrong.len()));
        let get = Taken { method: "GET".to_owned(), ..to("sendMessage", &json!({})) };
        assert_eq!(answered(&[get, to("sendmessage2", &json!({}))]), (vec![404, 404], 2));
    }
}
