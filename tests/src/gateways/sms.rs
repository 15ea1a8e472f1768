//! A gateway of short messages over plain HTTP, as the settings of the tests describe it: a POST of a form.

use serde_json::{Value, json};
use uuid::Uuid;

use super::{Fault, Fitting, Taken, pairs};

/// The key that the gateway gave the company.
pub const KEY: &str = "sms-key&1";

/// The most that a message may be: four parts of Cyrillic letters.
const LONGEST: usize = 4 * 67;

pub(super) fn read(call: &Taken) -> Result<Fitting, Fault> {
    if (call.method.as_str(), call.path.as_str()) != ("POST", "/sms") {
        return Err(Fault::no_such_call(call));
    }
    if call.content_type != "application/x-www-form-urlencoded" {
        return Err(Fault::request(format!("Content-Type «{}» is no form", call.content_type)));
    }
    let mut fields: Vec<(String, String)> = pairs(&call.body).collect();
    fields.sort();
    let named: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    let ["id", "key", "text", "to"] = named.as_slice() else {
        return Err(Fault::request(format!("id, key, text and to are wanted, not {named:?}")));
    };
    let [id, key, text, to] = [0, 1, 2, 3].map(|at| fields[at].1.as_str());
    if key != KEY {
        return Err(Fault::Token);
    }
    let phone = to.len() == 11 && to.starts_with('7') && to.bytes().all(|byte| byte.is_ascii_digit());
    let text_fits = !text.trim().is_empty() && text.encode_utf16().count() <= LONGEST;
    if !phone || !text_fits || Uuid::parse_str(id).is_err() {
        return Err(Fault::request("the phone, the text or the identifier is wrong".to_owned()));
    }
    Ok(Fitting { answer: json!({ "status": "ok", "id": id }), recipient: Some(to.to_owned()) })
}

pub(super) fn refusal(status: u16, why: &str) -> Value {
    json!({ "status": "error", "code": status, "reason": why })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{answered, post};

    const FORM: &str = "application/x-www-form-urlencoded";

    #[test]
    fn it_takes_what_the_settings_describe() {
        let with = |to: &str, text: &str, id: &str, key: &str| {
            post("/sms", FORM, &format!("to={to}&text={text}&id={id}&key={key}"))
        };
        let (id, key) = ("00000000-0000-0000-0000-000000000007", "sms-key%261");
        let (statuses, complaints) =
            answered(&[with("79001112233", "%D0%9F", id, key), with("79001112233", "x", id, "x")]);
        assert_eq!((statuses, complaints), (vec![200, 401], 0));
        let wrong = [
            with("89001112233", "x", id, key),
            with("79001112233", "+", id, key),
            with("79001112233", "x", "7", key),
            post("/sms", FORM, &format!("to=79001112233&text=x&id={id}&key={key}&key={key}")),
            post("/sms", "application/json", "{}"),
            post("/sms/", FORM, ""),
        ];
        assert_eq!(answered(&wrong), (vec![400, 400, 400, 400, 400, 404], wrong.len()));
    }
}
