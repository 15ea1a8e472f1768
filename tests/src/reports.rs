//! What comes to a bounce address: reports of mail servers about letters that came back, as Postfix, Exim and Exchange
//! write them, and answers of absent people; and the way by which mail servers hand such messages over.

use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::mail_server::Received;

/// The configuration's key in the environment.
pub const KEY: &str = "KABINET_MAIL__BOUNCE_ADDRESS";
/// The address that tests configure.
pub const ADDRESS: &str = "bounces@kabinet.example";

/// Hands a message to `kabinet mail bounce`, as the pipe of a mail server does; `command` is one of the server's.
///
/// # Panics
/// When the command does not start or does not end.
pub fn hand(mut command: Command, message: &str) -> Output {
    command.args(["mail", "bounce"]).env(KEY, ADDRESS);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command");
    child.stdin.take().expect("its input").write_all(message.as_bytes()).expect("it takes the whole message");
    child.wait_with_output().expect("its end")
}

/// The head of a letter, or the whole, with the line ends of a pipe.
fn letter(of: &Received, whole: bool) -> String {
    let text = of.raw.replace("\r\n", "\n");
    if whole { text } else { text.split("\n\n").next().unwrap_or_default().to_owned() }
}

/// Postfix gives the letter up: the address is not known.
#[must_use]
pub fn postfix(of: &Received) -> String {
    of_postfix(of, "Undelivered Mail Returned to Sender", "failed", "5.1.1", "550 5.1.1")
}

/// Postfix has tried for hours and goes on.
#[must_use]
pub fn delayed(of: &Received) -> String {
    of_postfix(of, "Delayed Mail (still being retried)", "delayed", "4.4.1", "451 4.4.1")
}

fn of_postfix(of: &Received, subject: &str, action: &str, status: &str, reply: &str) -> String {
    let (sender, recipient, returned) = (&of.envelope.from, &of.envelope.to[0], letter(of, true));
    format!(
        "Return-Path: <>
Delivered-To: {sender}
Received: by relay.example (Postfix)
\tid 4FxBvq0Yzvz9rxc; Sun, 22 Nov 2026 12:03:07 +0500 (+05)
Date: Sun, 22 Nov 2026 12:03:07 +0500 (+05)
From: MAILER-DAEMON@relay.example (Mail Delivery System)
Subject: {subject}
To: {sender}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"4FxBvp6pRsz9rxb.1795330987/relay.example\"
Content-Transfer-Encoding: 8bit
Message-Id: <20261122070307.4FxBvq0Yzvz9rxc@relay.example>

This is a MIME-encapsulated message.

--4FxBvp6pRsz9rxb.1795330987/relay.example
Content-Description: Notification
Content-Type: text/plain; charset=us-ascii

This is the mail system at host relay.example.

<{recipient}>: host mx.example.ru[192.0.2.25] said: {reply}
    <{recipient}>: Recipient address rejected: User unknown in virtual
    mailbox table (in reply to RCPT TO command)

--4FxBvp6pRsz9rxb.1795330987/relay.example
Content-Description: Delivery report
Content-Type: message/delivery-status

Reporting-MTA: dns; relay.example
X-Postfix-Queue-ID: 4FxBvp6pRsz9rxb
X-Postfix-Sender: rfc822; {sender}
Arrival-Date: Sun, 22 Nov 2026 12:03:06 +0500 (+05)

Final-Recipient: rfc822; {recipient}
Original-Recipient: rfc822;{recipient}
Action: {action}
Status: {status}
Remote-MTA: dns; mx.example.ru
Diagnostic-Code: smtp; {reply} <{recipient}>: Recipient address rejected:
    User unknown in virtual mailbox table

--4FxBvp6pRsz9rxb.1795330987/relay.example
Content-Description: Undelivered Message
Content-Type: message/rfc822
Content-Transfer-Encoding: 8bit

{returned}

--4FxBvp6pRsz9rxb.1795330987/relay.example--
"
    )
}

/// Exim gives the letter up: the mailbox is full.
#[must_use]
pub fn exim(of: &Received) -> String {
    let (sender, recipient, head) = (&of.envelope.from, &of.envelope.to[0], letter(of, false));
    format!(
        "Received: from Debian-exim by relay.example with local (Exim 4.96)
\tid 1vMabc-0004xY-2q
\tfor {sender};
\tSun, 22 Nov 2026 12:03:07 +0500
X-Failed-Recipients: {recipient}
Auto-Submitted: auto-replied
From: Mail Delivery System <Mailer-Daemon@relay.example>
To: {sender}
References: {message}
Content-Type: multipart/report; report-type=delivery-status; boundary=1795330987-eximdsn-1804289383
MIME-Version: 1.0
Subject: Mail delivery failed: returning message to sender
Message-Id: <E1vMabc-0004xY-2q@relay.example>
Date: Sun, 22 Nov 2026 12:03:07 +0500

--1795330987-eximdsn-1804289383
Content-type: text/plain; charset=us-ascii

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  {recipient}
    host mx.example.ru [192.0.2.25]
    SMTP error from remote mail server after RCPT TO:<{recipient}>:
    552 5.2.2 mailbox full

--1795330987-eximdsn-1804289383
Content-type: message/delivery-status

Reporting-MTA: dns; relay.example

Action: failed
Final-Recipient: rfc822;{recipient}
Status: 5.0.0
Remote-MTA: dns; mx.example.ru
Diagnostic-Code: smtp; 552 5.2.2 mailbox full

--1795330987-eximdsn-1804289383
Content-type: message/rfc822

Return-path: <{sender}>
{head}


--1795330987-eximdsn-1804289383--
",
        message = of.headers["message-id"],
    )
}

/// Exchange gives the letter up: a report in Russian, with a text of HTML beside the plain one.
#[must_use]
pub fn exchange(of: &Received) -> String {
    let (sender, recipient, head) = (&of.envelope.from, &of.envelope.to[0], letter(of, false));
    let report = format!(
        "Received: from mail.corp.example (192.0.2.40) by relay.example (192.0.2.1)
 with Microsoft SMTP Server (TLS) id 15.2.1258.12; Sun, 22 Nov 2026 12:03:07 +0500
MIME-Version: 1.0
From: <postmaster@corp.example>
To: <{sender}>
Date: Sun, 22 Nov 2026 12:03:07 +0500
Content-Type: multipart/report; report-type=delivery-status;
\tboundary=\"9B095B5ADSN=_01DC5B6F2A3E4D100000A1B2mail.corp.example\"
Content-Language: ru-RU
Message-ID: <b3f1c2d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d@mail.corp.example>
In-Reply-To: {message}
Subject: =?utf-8?B?0J3QtSDRg9C00LDQu9C+0YHRjCDQtNC+0YHRgtCw0LLQuNGC0Yw=?=
Auto-Submitted: auto-replied

--9B095B5ADSN=_01DC5B6F2A3E4D100000A1B2mail.corp.example
Content-Type: multipart/alternative; differences=Content-Type;
\tboundary=\"b5d7a3c1-0f2e-4d6c-9b8a-7e6f5d4c3b2a\"

--b5d7a3c1-0f2e-4d6c-9b8a-7e6f5d4c3b2a
Content-Type: text/plain; charset=\"utf-8\"
Content-Transfer-Encoding: base64

0J3QtSDRg9C00LDQu9C+0YHRjCDQtNC+0YHRgtCw0LLQuNGC0Yw=

--b5d7a3c1-0f2e-4d6c-9b8a-7e6f5d4c3b2a
Content-Type: text/html; charset=\"utf-8\"
Content-Transfer-Encoding: base64

PHA+0J3QtSDRg9C00LDQu9C+0YHRjCDQtNC+0YHRgtCw0LLQuNGC0Yw8L3A+

--b5d7a3c1-0f2e-4d6c-9b8a-7e6f5d4c3b2a--

--9B095B5ADSN=_01DC5B6F2A3E4D100000A1B2mail.corp.example
Content-Type: message/delivery-status

Reporting-MTA: dns;mail.corp.example
Received-From-MTA: dns;relay.example
Arrival-Date: Sun, 22 Nov 2026 07:03:06 +0000

Original-Recipient: rfc822;{recipient}
Final-Recipient: rfc822;{recipient}
Action: failed
Status: 5.1.10
Diagnostic-Code: smtp;550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient {recipient} not found by SMTP address lookup

--9B095B5ADSN=_01DC5B6F2A3E4D100000A1B2mail.corp.example
Content-Type: text/rfc822-headers

{head}

--9B095B5ADSN=_01DC5B6F2A3E4D100000A1B2mail.corp.example--
",
        message = of.headers["message-id"],
    );
    report.replace('\n', "\r\n")
}

/// Somebody is away: an answer that goes to the envelope's sender, as reports do.
#[must_use]
pub fn absent(of: &Received) -> String {
    let (sender, recipient) = (&of.envelope.from, &of.envelope.to[0]);
    format!(
        "Return-Path: <>
Delivered-To: {sender}
From: {recipient}
To: {sender}
Subject: =?utf-8?B?0K8g0LIg0L7RgtC/0YPRgdC60LU=?=
In-Reply-To: {message}
Auto-Submitted: auto-replied (vacation)
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: 8bit

Я в отпуске до 7 декабря. Action: failed, Status: 5.1.1.
",
        message = of.headers["message-id"],
    )
}
