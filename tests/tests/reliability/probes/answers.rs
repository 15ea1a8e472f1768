//! What an answer tells, without what differs between any two.

use kabinet_tests::Response;

use super::calls::{Call, encoded};

/// Calls that change nothing though they carry a body.
const LOOKS: [&str; 4] = ["/preview", "/check", "/estimate", "/sheet"];
/// What stands where something was asked for.
const ASKED: &str = "ASKED";

/// Status, headers, cookies and body of an answer, such as a stranger could compare them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Told {
    status: u16,
    headers: Vec<(String, String)>,
    /// Names and attributes: the values are chance.
    cookies: Vec<String>,
    body: String,
}

impl Told {
    /// Without what was asked for (each of `asked`) and the request's own number. What was carried out tells of what
    /// was made (an identifier, a moment, a list that grew), which no two of the own company's deeds have in common, and
    /// what is not understood (400) is quoted letter by letter before anything is looked up: of such bodies nothing is
    /// compared.
    pub(super) fn of(call: &Call, answer: &Response, asked: [&str; 3]) -> Self {
        let (status, headers, body) = answer.fingerprint();
        let number = answer.header("x-request-id").unwrap_or("no number");
        let without = |text: &str| {
            asked.iter().fold(text.replace(number, "REQUEST"), |text, value| {
                text.replace(value, ASKED).replace(&encoded(value), ASKED).replace(&escaped(value), ASKED)
            })
        };
        let carried_out = !only_looks(call) && status < 400;
        let header = |(name, value): (String, String)| {
            let value = without(&value);
            (name, if carried_out { without_numbers(&value) } else { value })
        };
        Self {
            status,
            headers: headers.into_iter().map(header).collect(),
            cookies: answer.cookies(),
            body: if carried_out || status == 400 { String::new() } else { without(&body) },
        }
    }

    /// Where this answer differs from another, in short.
    pub(super) fn beside(&self, other: &Self) -> String {
        let head = |told: &Self| format!("{} {:?} {:?}", told.status, told.headers, told.cookies);
        let (one, another) = (head(self), head(other));
        let same = self.body.chars().zip(other.body.chars()).take_while(|(a, b)| a == b).count();
        let piece = |told: &Self| told.body.chars().skip(same.saturating_sub(20)).take(200).collect::<String>();
        if one == another {
            format!("«{}», not «{}»", piece(self), piece(other))
        } else {
            format!("{one}, not {another}")
        }
    }
}

/// Whether nothing of what the call carries is kept.
pub(super) fn only_looks(call: &Call) -> bool {
    call.reads() || LOOKS.iter().any(|end| call.pattern.ends_with(end))
}

/// The text as pages write it.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('/', "&#x2f;")
}

/// A redirect names what was made: its digits and those of identifiers do not count.
fn without_numbers(text: &str) -> String {
    text.chars().map(|c| if c.is_ascii_hexdigit() { '#' } else { c }).collect()
}
