//! Letters, through the platform's outbox; each ends its like by one button or one POST (RFC 8058).

use kabinet_contracts::ResidentId;
use kabinet_core::mail::LetterReference;
use kabinet_core::{Mail, TenantId};
use kabinet_web::cookie::TokenKey;
use serde::Serialize;

use super::{Answer, Carrier, Letter, Means, Outcome, Parcel, usual};
use crate::channel::Channel;
use crate::kind::Kind;
use crate::settings::MODULE;
use crate::shortcuts::Shortcut;
use crate::words::Block;

const TEMPLATE: &str = "notifications/notice";

pub(super) struct Email;

#[derive(Serialize)]
struct Context<'a> {
    title: &'a str,
    kind: &'static str,
    blocks: &'a [Block],
    plain: String,
    link: &'a str,
    shortcuts: &'a [Shortcut],
    unsubscribe: String,
}

impl Carrier for Email {
    fn channel(&self) -> Channel {
        Channel::Email
    }

    fn parcel(&self, _: &Means, letter: &Letter<'_>) -> Result<Parcel, String> {
        let context = Context {
            title: letter.title,
            kind: letter.kind.words(),
            blocks: letter.blocks,
            plain: crate::words::plain(letter.blocks),
            link: letter.link,
            shortcuts: letter.shortcuts,
            unsubscribe: format!("/notifications/unsubscribe?token={}", letter.unsubscribe),
        };
        let mail = Mail::new(letter.to, letter.title, TEMPLATE, &context).map_err(|error| error.to_string())?;
        Ok(Parcel::Outbox(Box::new(Mail {
            unsubscribe: Some(format!("/notifications/one-click?token={}", letter.unsubscribe)),
            reference: Some(LetterReference { module: MODULE.to_owned(), id: letter.notice.0 }),
            ..mail
        })))
    }

    fn judge(&self, _: &Means, answer: &Answer) -> Outcome {
        usual(answer)
    }
}

/// Tokens of links that end letters: they hold without login, for one resident and one kind, and for ever.
#[derive(Clone, Debug)]
pub(crate) struct Unsubscribing(TokenKey);

impl Unsubscribing {
    pub(crate) fn new(key: &TokenKey) -> Self {
        Self(TokenKey::new(key.derived("links that end letters")))
    }

    pub(crate) fn token(&self, tenant: TenantId, resident: ResidentId, kind: Kind) -> String {
        format!("{resident}.{}.{}", kind.code(), self.0.form_token(&place(tenant, resident, kind)))
    }

    /// Whose letters of which kind a token ends; none for whatever else was sent.
    pub(crate) fn open(&self, tenant: TenantId, token: &str) -> Option<(ResidentId, Kind)> {
        let mut parts = token.splitn(3, '.');
        let (resident, kind, proof) = (parts.next()?.parse().ok()?, Kind::of(parts.next()?)?, parts.next()?);
        self.0.accepts(&place(tenant, resident, kind), proof).then_some((resident, kind))
    }
}

fn place(tenant: TenantId, resident: ResidentId, kind: Kind) -> String {
    format!("{tenant}:{resident}:{}", kind.code())
}
