//! «Согласие на обработку персональных данных»: which text was accepted, when and from where.

use kabinet_contracts::ResidentId;
use kabinet_core::{DbError, Timestamp, Tx};
use kabinet_web::cookie::stored;
use sea_orm::Set;
use uuid::Uuid;

use crate::entity::{consent, consent_text};
use crate::store;

/// The version of the text that is shown now. A new text is a new template beside the old one: what was
/// accepted once can be read for ever.
pub const VERSION: &str = "2026-11";

/// The template of that version; it names the company by its profile.
pub const TEMPLATE: &str = "residents/consent-2026-11.txt";

/// The text as it is shown by one company, with its hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConsentText {
    /// The version of its template.
    pub version: &'static str,
    /// What a person reads.
    pub body: String,
    /// SHA-256 of the body.
    pub hash: Vec<u8>,
}

impl ConsentText {
    /// The rendered template of the version that is shown now.
    #[must_use]
    pub fn new(body: String) -> Self {
        let hash = stored(&body);
        Self { version: VERSION, body, hash }
    }

    /// The hash as forms carry it: proof of which text was on the page.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        hex::encode(&self.hash)
    }
}

/// Keeps the text itself, once for each company and wording.
pub(crate) async fn keep_text(tx: &Tx, text: &ConsentText) -> Result<(), DbError> {
    let row = consent_text::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        hash: Set(text.hash.clone()),
        version: Set(text.version.to_owned()),
        body: Set(text.body.clone()),
        first_shown_at: Set(tx.now()),
    };
    tx.insert_if_absent(row).await.map(|_| ())
}

/// Records that the resident accepted a kept text at a moment, from an address.
pub(crate) async fn record(
    tx: &Tx,
    resident: ResidentId,
    text_hash: Vec<u8>,
    at: Timestamp,
    address: &str,
) -> Result<(), DbError> {
    tx.insert(consent::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(tx.new_id::<Uuid>()),
        resident_id: Set(resident),
        text_hash: Set(text_hash),
        given_at: Set(at),
        given_address: Set(address.to_owned()),
        withdrawn_at: Set(None),
    })
    .await
}

/// The consent that is in force: the moment it was given.
pub(crate) async fn in_force(tx: &Tx, resident: ResidentId) -> Result<Option<Timestamp>, DbError> {
    let all = store::consents(tx, resident).await?;
    Ok(all.into_iter().find(|consent| consent.withdrawn_at.is_none()).map(|consent| consent.given_at))
}
