//! Reports of mail servers about letters that they had taken and could not deliver (RFC 3464).

use mail_parser::{Message, MessageParser, MessagePart, MimeHeaders};

use super::smtp::is_enhanced;

/// What a report tells of a letter that failed for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The addresses in the report's head: the one that it was sent to names the letter.
    pub addresses: Vec<String>,
    /// The codes of the mail server that gave the letter up: `550 5.1.1`.
    pub codes: String,
    /// Whether the letter was refused; else nobody took it for days.
    pub refused: bool,
}

impl Failure {
    /// The failure that a message reports; none of whatever else is sent to an envelope's sender: reports of a delay
    /// or of a delivery, answers of absent people, advertisements.
    #[must_use]
    pub fn read(message: &[u8]) -> Option<Self> {
        let report = MessageParser::default().parse(message)?;
        if !report.is_content_type("multipart", "report") {
            return None;
        }
        let status = report.parts.iter().find(|part| is_status(part))?;
        let fields = String::from_utf8_lossy(status.contents()).replace("\r\n", "\n");
        let (codes, refused) = fields.split("\n\n").find_map(failed)?;
        Some(Self { addresses: addresses(&report), codes, refused })
    }
}

/// Whether a part is the one for programs; the international form (RFC 6533) differs by its name alone.
fn is_status(part: &MessagePart<'_>) -> bool {
    part.is_content_type("message", "delivery-status") || part.is_content_type("message", "global-delivery-status")
}

/// Of the fields about one recipient the codes, and whether they refuse the letter; none where it did not fail.
fn failed(fields: &str) -> Option<(String, bool)> {
    let fields = MessageParser::default().parse_headers(fields)?;
    let word = |name: &'static str| fields.header_raw(name).and_then(|text| text.split_whitespace().next());
    word("Action").filter(|action| action.eq_ignore_ascii_case("failed"))?;
    let status = word("Status").filter(|status| is_enhanced(status) && status.starts_with(['4', '5']))?;
    // «smtp; 550 5.1.1 …» or «smtp;550-5.1.1 …»: its words may repeat the recipient's address.
    let said = fields.header_raw("Diagnostic-Code").and_then(|text| text.split_once(';')).map(|(_, said)| said.trim());
    let reply = said.and_then(|said| said.get(..3)).filter(|reply| reply.bytes().all(|byte| byte.is_ascii_digit()));
    let codes = reply.map_or_else(|| status.to_owned(), |reply| format!("{reply} {status}"));
    Some((codes, status.starts_with('5')))
}

fn addresses(report: &Message<'_>) -> Vec<String> {
    let ends = |c: char| c.is_whitespace() || "<>()[]\",;:".contains(c);
    let words = report.headers_raw().flat_map(|(_, text)| text.split(ends));
    words.filter(|word| word.contains('@')).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A report with these fields about the recipient.
    fn report(fields: &str) -> String {
        format!(
            "From: MAILER-DAEMON@mx.example\nTo: <b+1@kabinet.example>\nSubject: Undelivered\nMIME-Version: 1.0\n\
             Content-Type: Multipart/Report; report-type=delivery-status;\n\tboundary=\"part\"\n\n\
             --part\nContent-Type: text/plain\n\nSorry.\n\n\
             --part\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mx.example\n\n{fields}\n\n\
             --part\nContent-Type: text/rfc822-headers\n\nTo: anna@example.ru\n\n--part--\n"
        )
    }

    fn codes(fields: &str) -> Option<(String, bool)> {
        Failure::read(report(fields).as_bytes()).map(|failure| (failure.codes, failure.refused))
    }

    #[test]
    fn a_report_tells_whom_it_is_sent_to_and_why_the_letter_failed() {
        let fields = "Final-Recipient: rfc822; anna@example.ru\nAction: failed\nStatus: 5.1.1\n\
                      Diagnostic-Code: smtp; 550 5.1.1 <anna@example.ru>:\n    unknown user";
        for text in [report(fields), report(fields).replace('\n', "\r\n")] {
            let failure = Failure::read(text.as_bytes()).expect("a failure");
            assert_eq!((failure.codes.as_str(), failure.refused), ("550 5.1.1", true));
            assert_eq!(failure.addresses, ["MAILER-DAEMON@mx.example", "b+1@kabinet.example"]);
        }
    }

    #[test]
    fn codes_are_read_as_mail_servers_write_them() {
        let refused = |codes: &str| Some((codes.to_owned(), true));
        assert_eq!(codes("action: Failed\nstatus: 5.0.0 (other)"), refused("5.0.0"));
        assert_eq!(codes("Action: failed\nStatus: 5.1.10\nDiagnostic-Code: smtp;550-5.1.10 no"), refused("550 5.1.10"));
        assert_eq!(
            codes("Action: failed\nStatus: 5.4.4\nDiagnostic-Code: X-Postfix; Host not found"),
            refused("5.4.4")
        );
        let given_up = Some(("451 4.4.1".to_owned(), false));
        assert_eq!(codes("Action: failed\nStatus: 4.4.1\nDiagnostic-Code: smtp; 451 later"), given_up);
        let both = "Action: delivered\nStatus: 2.0.0\n\nAction: failed\nStatus: 5.2.2";
        assert_eq!(codes(both), refused("5.2.2"), "of several recipients one");
    }

    #[test]
    fn what_did_not_fail_is_no_failure() {
        for fields in [
            "Action: delayed\nStatus: 4.4.1",
            "Action: relayed\nStatus: 2.0.0",
            "Action: failed",
            "Action: failed\nStatus: soon",
            "Status: 5.1.1",
            "",
        ] {
            assert_eq!(codes(fields), None, "{fields}");
        }
        let good = report("Action: failed\nStatus: 5.1.1");
        assert!(Failure::read(good.as_bytes()).is_some());
        for other in
            [good.replace("Multipart/Report", "multipart/mixed"), good.replace("delivery-status\n", "x-status\n")]
        {
            assert_eq!(Failure::read(other.as_bytes()), None, "{other}");
        }
        assert_eq!(Failure::read(b""), None);
    }

    proptest::proptest! {
        #[test]
        fn anything_may_be_sent_to_a_bounce_address(
            bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..300),
            cut in 0_usize..700,
        ) {
            let _ = Failure::read(&bytes);
            let whole = report("Action: failed\nStatus: 5.1.1").into_bytes();
            let cut = cut.min(whole.len());
            let _ = Failure::read(&whole[..cut]);
            let _ = Failure::read(&[&whole[..cut], bytes.as_slice(), &whole[cut..]].concat());
        }
    }
}
