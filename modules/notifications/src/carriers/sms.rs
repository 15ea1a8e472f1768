//! Short messages, by a gateway that takes plain HTTP. A gateway whose template names `{id}` is told the same
//! identifier at every attempt; one that does not may get a message twice after a crash.

use kabinet_core::Money;

use super::{Answer, Carrier, Letter, Means, NO_SUCCESS, Outcome, Parcel, cut, usual};
use crate::channel::Channel;
use crate::http::{Body, Call};

/// Letters of a message in one part, and of each part of a longer one (UCS-2).
const ONE_PART: usize = 70;
const OF_MANY: usize = 67;
/// Longest message: four parts.
const LONGEST: usize = 4 * OF_MANY;

pub(super) struct Sms;

impl Carrier for Sms {
    fn channel(&self) -> Channel {
        Channel::Sms
    }

    fn cost(&self, means: &Means, letter: &Letter<'_>) -> Money {
        let price = means.settings.sms.as_ref().map_or(0, |gateway| gateway.price.0);
        Money(price * parts(&text(letter)))
    }

    fn parcel(&self, means: &Means, letter: &Letter<'_>) -> Result<Parcel, String> {
        let gateway = means.settings.sms.as_ref().ok_or("no gateway of short messages is set up")?;
        let text = text(letter);
        let fill = |template: &str| {
            let values = [
                ("{phone}", letter.to.to_owned()),
                ("{text}", text.clone()),
                ("{id}", letter.notice.to_string()),
                ("{token}", means.token(Channel::Sms).to_owned()),
            ];
            filled(template, &values)
        };
        let body = gateway.body.as_deref().map(|body| Body::Form(fill(body)));
        Ok(Parcel::Call(Call { url: fill(&gateway.url), body, authorization: String::new() }))
    }

    fn per_second(&self, means: &Means) -> Option<u32> {
        means.settings.sms.as_ref().and_then(|gateway| gateway.per_second)
    }

    fn judge(&self, means: &Means, answer: &Answer) -> Outcome {
        let wanted = means.settings.sms.as_ref().and_then(|gateway| gateway.success.as_deref());
        match (usual(answer), wanted) {
            (Outcome::Sent, Some(wanted)) if !answer.body.contains(wanted) => Outcome::Failed(NO_SUCCESS.to_owned()),
            (outcome, _) => outcome,
        }
    }
}

fn text(letter: &Letter<'_>) -> String {
    let text = letter.text();
    let text: Vec<&str> = text.split_whitespace().collect();
    let joined = text.join(" ");
    // The title ends as a sentence, since nothing but a space follows it.
    let ended = letter.title.ends_with(['.', '!', '?', ':']);
    let joined = match joined.strip_prefix(letter.title) {
        Some(rest) if !ended => format!("{}.{rest}", letter.title),
        _ => joined,
    };
    cut(&joined, LONGEST)
}

fn parts(text: &str) -> i64 {
    let letters = text.encode_utf16().count();
    let parts = if letters <= ONE_PART { 1 } else { letters.div_ceil(OF_MANY) };
    i64::try_from(parts).unwrap_or(i64::MAX)
}

/// A template with its placeholders replaced in one pass: what is put in is not looked at again.
fn filled(template: &str, values: &[(&str, String)]) -> String {
    let (mut out, mut rest) = (String::new(), template);
    while let Some(at) = rest.find('{') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        match values.iter().find(|(name, _)| rest.starts_with(name)) {
            Some((name, value)) => {
                out.push_str(&encoded(value));
                rest = &rest[name.len()..];
            }
            None => {
                out.push('{');
                rest = &rest[1..];
            }
        }
    }
    out + rest
}

/// A value as an address or a form may carry it.
fn encoded(value: &str) -> String {
    serde_urlencoded::to_string([("", value)]).unwrap_or_default().trim_start_matches('=').to_owned()
}
