//! What a resident typed, judged: which field is wrong and how to mend it.

use serde::{Deserialize, Serialize};

use crate::catalogue::PaidService;
use crate::error::Error;
use crate::topics::{self, Kind, Topic};

/// The longest subject, characters.
pub const LONGEST_SUBJECT: usize = 150;
/// The longest text of a request or a comment, characters.
pub const LONGEST_TEXT: usize = 4000;
/// Characters of a text that become the subject where none was typed.
const SUBJECT_OF_TEXT: usize = 80;

/// The fields of the form, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Typed {
    /// The kind; the address of the page has it too.
    pub kind: String,
    /// The topic of an appeal; the usual one without it.
    pub topic: String,
    /// What it is about, in a line.
    pub subject: String,
    /// The request itself.
    pub text: String,
    /// The code of the paid service.
    pub service: String,
}

/// A request that makes sense.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// What for.
    pub topic: &'static Topic,
    /// The paid service.
    pub service: Option<PaidService>,
    /// What it is about, in a line.
    pub subject: String,
    /// The request itself; may be empty where the rest says it all.
    pub text: String,
}

/// The request that was typed; `services` are those that the company offers.
pub fn check(kind: Kind, typed: &Typed, services: &[PaidService]) -> Result<Asked, Error> {
    let mut wrong = Vec::new();
    let (subject, text) = (one_line(&typed.subject), whole(&typed.text));
    if subject.chars().count() > LONGEST_SUBJECT {
        wrong.push(("subject", format!("Не длиннее {LONGEST_SUBJECT} знаков: подробности напишите ниже")));
    }
    if text.chars().count() > LONGEST_TEXT {
        wrong.push(("text", format!("Не длиннее {LONGEST_TEXT} знаков: остальное приложите файлом")));
    }
    let topic = topic(kind, &typed.topic);
    if topic.is_none() {
        wrong.push(("topic", "Выберите, о чём обращение".to_owned()));
    }
    let service = services.iter().find(|service| service.code == typed.service);
    match kind {
        Kind::Appeal => {
            if subject.is_empty() {
                wrong.push(("subject", "Напишите тему, например «Не работает домофон»".to_owned()));
            }
            if text.is_empty() {
                wrong.push(("text", "Опишите, что случилось или что нужно сделать".to_owned()));
            }
        }
        Kind::Paid if service.is_none() => wrong.push(("service", "Выберите услугу".to_owned())),
        Kind::Paid => {}
        Kind::Emergency => {
            if subject.is_empty() && text.is_empty() {
                wrong.push(("subject", "Напишите, что случилось, например «Течёт труба в ванной»".to_owned()));
            }
        }
    }
    match topic {
        Some(topic) if wrong.is_empty() => {
            let service = service.filter(|_| kind == Kind::Paid).cloned();
            let subject = match &service {
                Some(service) => service.title.clone(),
                None if subject.is_empty() => beginning(&text),
                None => subject,
            };
            Ok(Asked { topic, service, subject, text })
        }
        _ => Err(Error::Fields(wrong)),
    }
}

/// What somebody writes to a request that is there.
pub fn comment(text: &str) -> Result<String, Error> {
    let text = whole(text);
    if text.is_empty() {
        return Err(Error::field("text", "Напишите сообщение"));
    }
    if text.chars().count() > LONGEST_TEXT {
        return Err(Error::field("text", format!("Не длиннее {LONGEST_TEXT} знаков")));
    }
    Ok(text)
}

fn topic(kind: Kind, code: &str) -> Option<&'static Topic> {
    let mut of_kind = topics::of_kind(kind);
    if code.is_empty() { of_kind.next() } else { of_kind.find(|topic| topic.code == code) }
}

/// A text without what no reader sees; lines stay.
fn whole(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(|line| visible(line).trim_end().to_owned()).collect();
    lines.join("\n").trim().to_owned()
}

fn one_line(text: &str) -> String {
    visible(text).split_whitespace().collect::<Vec<_>>().join(" ")
}

fn visible(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

pub(crate) fn beginning(text: &str) -> String {
    let line = text.lines().next().unwrap_or_default();
    let short: String = line.chars().take(SUBJECT_OF_TEXT).collect();
    if short.len() < line.len() { format!("{short}…") } else { short }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kabinet_core::Money;

    fn typed(subject: &str, text: &str) -> Typed {
        Typed { subject: subject.to_owned(), text: text.to_owned(), ..Typed::default() }
    }

    fn fields(outcome: Result<Asked, Error>) -> Vec<&'static str> {
        match outcome {
            Err(Error::Fields(fields)) => fields.into_iter().map(|(field, _)| field).collect(),
            other => panic!("{other:?}"),
        }
    }

    fn plumber() -> PaidService {
        PaidService {
            code: "tap".to_owned(),
            title: "Замена смесителя".to_owned(),
            description: String::new(),
            price: Money(120_000),
            unit: String::new(),
            position: 1,
            offered: true,
        }
    }

    #[test]
    fn an_appeal_has_a_subject_and_a_text() {
        assert_eq!(fields(check(Kind::Appeal, &typed(" ", "\r\n"), &[])), ["subject", "text"]);
        let asked = check(Kind::Appeal, &typed(" Домофон \t молчит ", "Строка\r\nвторая \u{0}\n"), &[]).expect("good");
        assert_eq!((asked.subject.as_str(), asked.text.as_str()), ("Домофон молчит", "Строка\nвторая"));
        assert_eq!(asked.topic.code, "question");
        let quality = Typed { topic: "quality".to_owned(), ..typed("Холодно", "+16") };
        assert_eq!(check(Kind::Appeal, &quality, &[]).expect("good").topic.code, "quality");
        let foreign = Typed { topic: "emergency".to_owned(), ..typed("Холодно", "+16") };
        assert_eq!(fields(check(Kind::Appeal, &foreign, &[])), ["topic"]);
        let long = typed(&"ш".repeat(LONGEST_SUBJECT + 1), &"щ".repeat(LONGEST_TEXT + 1));
        assert_eq!(fields(check(Kind::Appeal, &long, &[])), ["subject", "text"]);
    }

    #[test]
    fn a_paid_service_is_one_that_is_offered() {
        assert_eq!(fields(check(Kind::Paid, &typed("", ""), &[plumber()])), ["service"]);
        let wanted = Typed { service: "tap".to_owned(), ..Typed::default() };
        let asked = check(Kind::Paid, &wanted, &[plumber()]).expect("good");
        assert_eq!((asked.subject.as_str(), asked.service), ("Замена смесителя", Some(plumber())));
        assert_eq!(fields(check(Kind::Paid, &wanted, &[])), ["service"]);
        // Another kind has no service, whatever is sent.
        let appeal = Typed { service: "tap".to_owned(), ..typed("Тема", "Текст") };
        assert_eq!(check(Kind::Appeal, &appeal, &[plumber()]).expect("good").service, None);
    }

    #[test]
    fn an_emergency_needs_a_few_words_only() {
        assert_eq!(fields(check(Kind::Emergency, &typed("", " "), &[])), ["subject"]);
        let asked = check(Kind::Emergency, &typed("", &"Т".repeat(200)), &[]).expect("good");
        assert_eq!(asked.subject.chars().count(), SUBJECT_OF_TEXT + 1);
        assert_eq!(check(Kind::Emergency, &typed("Потоп", ""), &[]).expect("good").text, "");
    }
}
