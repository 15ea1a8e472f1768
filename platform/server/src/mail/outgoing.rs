//! A letter ready to leave, and what it looks like on the wire.

use std::time::{Duration, SystemTime};

use kabinet_core::Timestamp;
use kabinet_core::jobs::JobError;
use kabinet_core::mail::AttachedFile;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Attachment, Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use uuid::Uuid;

/// A rendered letter with its addresses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// The job that carries it.
    pub id: Uuid,
    /// The company's host: the right side of the Message-ID.
    pub host: String,
    /// The sender's address.
    pub from: String,
    /// The sender's name: the company's.
    pub from_name: String,
    /// Where a report of its failure goes (the envelope's sender); to the sender's address without it.
    pub returns_to: Option<String>,
    /// Where answers go: the company's e-mail.
    pub reply_to: String,
    /// The recipient.
    pub to: String,
    /// Subject.
    pub subject: String,
    /// HTML part.
    pub html: String,
    /// Plain part.
    pub text: String,
    /// Files that go along.
    pub files: Vec<AttachedFile>,
    /// Address where one POST ends letters like this one.
    pub unsubscribe: Option<String>,
    /// When it is sent.
    pub at: Timestamp,
}

/// Tells other programs not to answer this one (RFC 3834).
#[derive(Clone)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

/// Where mail programs end letters like this one by themselves (RFC 2369).
#[derive(Clone)]
struct Unsubscribe(String);

impl Header for Unsubscribe {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe")
    }

    fn parse(text: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self(text.trim_matches(['<', '>']).to_owned()))
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), format!("<{}>", self.0))
    }
}

/// That one POST there is enough (RFC 8058).
#[derive(Clone)]
struct OneClick;

impl Header for OneClick {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("List-Unsubscribe-Post")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "List-Unsubscribe=One-Click".to_owned())
    }
}

impl Outgoing {
    /// The message on the wire. A line break in an address, name or subject would begin another header:
    /// such a letter is refused for good.
    pub fn message(&self) -> Result<Message, JobError> {
        for (part, text) in [("subject", &self.subject), ("sender's name", &self.from_name), ("recipient", &self.to)] {
            if text.chars().any(char::is_control) {
                return Err(JobError::Fail(format!("a control character in the {part}")));
            }
        }
        let sender = mailbox("sender's", Some(self.from_name.clone()), &self.from)?;
        let mut draft = Message::builder()
            .from(sender)
            .to(mailbox("recipient's", None, &self.to)?)
            .subject(self.subject.clone())
            .message_id(Some(format!("<{}@{}>", self.id, self.host)))
            .date(moment(self.at))
            .header(AutoSubmitted);
        if !self.reply_to.is_empty() {
            draft = draft.reply_to(mailbox("company's", None, &self.reply_to)?);
        }
        if let Some(address) = &self.returns_to {
            let (from, to) = (mailbox("bounce", None, address)?, mailbox("recipient's", None, &self.to)?);
            let envelope = Envelope::new(Some(from.email), vec![to.email]);
            draft = draft.envelope(envelope.map_err(|_| JobError::Fail("the envelope cannot be built".into()))?);
        }
        if let Some(address) = &self.unsubscribe {
            draft = draft.header(Unsubscribe(address.clone())).header(OneClick);
        }
        let words = MultiPart::alternative_plain_html(self.text.clone(), self.html.clone());
        let parts = match self.files.as_slice() {
            [] => words,
            files => {
                let files = files.iter().map(part).collect::<Result<Vec<_>, _>>()?;
                files.into_iter().fold(MultiPart::mixed().multipart(words), MultiPart::singlepart)
            }
        };
        draft.multipart(parts).map_err(|_| JobError::Fail("the message cannot be built".into()))
    }
}

/// A file as a part of the message.
fn part(file: &AttachedFile) -> Result<SinglePart, JobError> {
    let kind = ContentType::parse(&file.media_type);
    let kind = kind.map_err(|_| JobError::Fail("the media type of a file cannot be read".into()))?;
    Ok(Attachment::new(file.name.clone()).body(file.bytes.clone(), kind))
}

/// An address; the error does not repeat it, because it is stored and logged.
fn mailbox(whose: &str, name: Option<String>, address: &str) -> Result<Mailbox, JobError> {
    let parsed: Result<Address, _> = address.trim().parse();
    let address = parsed.map_err(|_| JobError::Fail(format!("the {whose} address cannot be read")))?;
    Ok(Mailbox::new(name, address))
}

fn moment(at: Timestamp) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(at.0).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn letter() -> Outgoing {
        Outgoing {
            id: Uuid::nil(),
            host: "beregovoy.example".into(),
            from: "no-reply@kabinet.example".into(),
            from_name: "УК «Береговой»".into(),
            returns_to: None,
            reply_to: "info@beregovoy.example".into(),
            to: "anna@example.ru".into(),
            subject: "Активация".into(),
            html: "<p>Здравствуйте</p>".into(),
            text: "Здравствуйте".into(),
            files: Vec::new(),
            unsubscribe: None,
            at: Timestamp(1_795_348_800_000),
        }
    }

    #[test]
    fn a_line_break_in_a_header_is_refused() {
        assert!(letter().message().is_ok());
        let broken = [
            Outgoing { subject: "Тема\r\nBcc: all@example.ru".into(), ..letter() },
            Outgoing { to: "anna@example.ru\nBcc: all@example.ru".into(), ..letter() },
            Outgoing { from_name: "УК\r\nBcc: all@example.ru".into(), ..letter() },
            Outgoing { reply_to: "info@example.ru\r\nBcc: all@example.ru".into(), ..letter() },
        ];
        for letter in broken {
            let refusal = letter.message().expect_err("refused");
            assert!(matches!(&refusal, JobError::Fail(why) if !why.contains('@')), "{refusal}");
        }
    }

    #[test]
    fn files_stand_beside_the_words() {
        let file =
            AttachedFile { name: "a.pdf".into(), media_type: "application/pdf".into(), bytes: b"%PDF-1".to_vec() };
        let letter = Outgoing { files: vec![file.clone(), AttachedFile { name: "b.pdf".into(), ..file }], ..letter() };
        let message = String::from_utf8(letter.message().expect("a message").formatted()).expect("text");
        assert!(message.contains("multipart/mixed") && message.contains("multipart/alternative"));
        assert!(message.contains("Content-Disposition: attachment; filename=\"b.pdf\""), "{message}");
        assert_eq!(message.matches("Content-Type: application/pdf").count(), 2, "{message}");
    }

    #[test]
    fn the_headers_are_those_of_the_letter() {
        let message = String::from_utf8(letter().message().expect("a message").formatted()).expect("text");
        assert!(
            message.contains("Message-ID: <00000000-0000-0000-0000-000000000000@beregovoy.example>\r\n"),
            "{message}"
        );
        assert!(message.contains("Date: Sun, 22 Nov 2026 12:00:00 +0000\r\n"), "{message}");
        assert!(message.contains("Auto-Submitted: auto-generated\r\n") && message.contains("Reply-To: "));
        assert!(message.contains("multipart/alternative") && !message.contains("List-Unsubscribe"));
    }

    #[test]
    fn a_report_of_failure_goes_where_the_envelope_says_and_answers_where_the_headers_do() {
        let message = Outgoing { returns_to: Some("bounces+7@kabinet.example".into()), ..letter() }.message();
        let message = message.expect("a message");
        let sender = message.envelope().from().map(ToString::to_string);
        assert_eq!(sender.as_deref(), Some("bounces+7@kabinet.example"));
        assert_eq!(message.envelope().to(), ["anna@example.ru".parse().expect("an address")]);
        let text = String::from_utf8(message.formatted()).expect("text");
        assert!(text.contains("<no-reply@kabinet.example>") && !text.contains("bounces+7"), "{text}");
        let usual = letter().message().expect("a message");
        assert_eq!(usual.envelope().from().map(ToString::to_string).as_deref(), Some("no-reply@kabinet.example"));
    }

    #[test]
    fn a_letter_that_can_be_ended_says_so_to_programs() {
        let address = "https://beregovoy.example/notifications/one-click?token=0193a1c0-0000-7000-8000-000000000001.receipt.AbCd_-09";
        let letter = Outgoing { unsubscribe: Some(address.into()), ..letter() };
        let message = String::from_utf8(letter.message().expect("a message").formatted()).expect("text");
        let unfolded = message.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(unfolded.contains(&format!("List-Unsubscribe: <{address}> ")), "{message}");
        assert!(unfolded.contains("List-Unsubscribe-Post: List-Unsubscribe=One-Click "), "{message}");
    }
}
