//! The application: what it says, who may sign it, and its document.

use std::sync::Arc;

use async_trait::async_trait;
use kabinet_accounts::roster::address;
use kabinet_contracts::{AccountId, ResidentId};
use kabinet_core::jobs::JobError;
use kabinet_core::mail::{AttachedFile, Attachment, AttachmentSource};
use kabinet_core::{Actor, Day, Db, DbError, Tenant, Tx};
use kabinet_render::{Document, ReceiptPrinter, RenderError};
use serde::Serialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::refusals::{Refusal, RefusalId};
use crate::settings::PaperlessSettings;
use crate::store;

/// The document's template.
const TEMPLATE: &str = include_str!("../templates/paperless/application.typ.jinja");
/// Letters of the longest name.
const LONGEST_NAME: usize = 120;
const SOURCE: &str = "paperless.application";

/// An application to be confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Application {
    /// The account.
    pub account: AccountId,
    /// Which of the account's applications it is, from one.
    pub ordinal: i32,
    /// Its number: the account's, a hyphen, the ordinal.
    pub number: String,
    /// Its day.
    pub on: Day,
    /// The account's number as printed.
    pub account_number: String,
    /// The account's address in one line.
    pub address: String,
    /// Where receipts are to go: the resident's e-mail.
    pub email: String,
    /// Who signs.
    pub signatory: String,
}

/// The application that a resident would confirm now. The name of a sole holder is filled in.
pub async fn draft(tx: &Tx, account: AccountId, email: &str) -> Result<Application, Error> {
    let place = store::place(tx, account).await?.ok_or(Error::NotFound)?;
    let ordinal = i32::try_from(store::count(tx, account).await? + 1).unwrap_or(i32::MAX);
    Ok(Application {
        account,
        ordinal,
        number: format!("{}-{ordinal}", place.number),
        on: tx.today(),
        address: address(&place.house, &place.flat, &place.kind),
        account_number: place.number,
        email: email.to_owned(),
        signatory: sole_holder(tx, account).await?,
    })
}

async fn sole_holder(tx: &Tx, account: AccountId) -> Result<String, DbError> {
    let holders = store::holders(tx, account).await?;
    let [holder] = holders.as_slice() else { return Ok(String::new()) };
    if holder.kind == "legal" {
        return Ok(String::new());
    }
    let parts = [&holder.surname, &holder.given_name, &holder.patronymic];
    Ok(parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(" "))
}

/// The name of who signs, without spaces around it; refuses what cannot be one.
pub fn signatory(typed: &str) -> Result<String, Error> {
    let name = typed.split_whitespace().collect::<Vec<_>>().join(" ");
    let refused = |text: &str| Err(Error::Field("signatory", text.to_owned()));
    if name.chars().count() > LONGEST_NAME {
        return refused("Имя слишком длинное");
    }
    if name.split(' ').count() < 2 || !name.chars().any(char::is_alphabetic) {
        return refused("Введите фамилию, имя и отчество полностью");
    }
    Ok(name)
}

#[derive(Serialize)]
struct Fields<'a> {
    addressee: &'a str,
    number: &'a str,
    on: i32,
    account: &'a str,
    address: &'a str,
    /// The address in two parts: a long word would get an invisible place to break, and be copied with it.
    email: [&'a str; 2],
    signatory: &'a str,
    company: &'a str,
    portal: &'a str,
}

/// The application's document: tagged PDF, printed in a worker process. Slow: before the transaction.
pub async fn print(printer: &ReceiptPrinter, tenant: &Tenant, application: &Application) -> Result<Vec<u8>, Error> {
    Ok(printer.print_document(TEMPLATE, &document(tenant, application)?).await?)
}

fn document(tenant: &Tenant, application: &Application) -> Result<Document, Error> {
    let profile = &tenant.profile;
    let full_name = if profile.legal_name.is_empty() { &tenant.name } else { &profile.legal_name };
    let settings = PaperlessSettings::of(tenant)?;
    let fields = Fields {
        addressee: if settings.addressee.is_empty() { full_name } else { &settings.addressee },
        number: &application.number,
        on: application.on.0,
        account: &application.account_number,
        address: &application.address,
        email: application.email.split_at(application.email.find('@').unwrap_or_default()).into(),
        signatory: &application.signatory,
        company: full_name,
        portal: &tenant.canonical_host,
    };
    let title = format!("Заявление № {} об отказе от бумажной квитанции", application.number);
    Ok(Document::new(title, application.on.0.unsigned_abs(), &fields)?)
}

/// A file name for the document, ASCII.
#[must_use]
pub fn file_name(number: &str) -> String {
    let plain: String = number.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
    format!("zayavlenie-{plain}.pdf")
}

/// The document of a resident's own refusal with its number; another's is not found.
pub async fn own(tx: &Tx, resident: ResidentId, account: AccountId, id: RefusalId) -> Result<(String, Vec<u8>), Error> {
    let refusal = store::find(tx, id).await?.map(Refusal::from);
    let own = refusal.filter(|refusal| refusal.resident == resident && refusal.account == account);
    let own = own.ok_or(Error::NotFound)?;
    Ok((own.number, store::document(tx, id).await?.ok_or(Error::NotFound)?))
}

/// The document of any refusal of the company with its number, for staff.
pub async fn any(tx: &Tx, id: RefusalId) -> Result<(String, Vec<u8>), Error> {
    let refusal = store::find(tx, id).await?.ok_or(Error::NotFound)?;
    Ok((refusal.number, store::document(tx, id).await?.ok_or(Error::NotFound)?))
}

/// The document as a file of a letter.
#[must_use]
pub(crate) fn attachment(id: RefusalId) -> Attachment {
    Attachment { source: SOURCE.to_owned(), of: json!({ "refusal": id }) }
}

/// Reads documents for letters.
pub(crate) struct Documents;

#[async_trait]
impl AttachmentSource for Documents {
    fn name(&self) -> &'static str {
        SOURCE
    }

    async fn file(&self, db: &Db, tenant: &Arc<Tenant>, of: &Value) -> Result<AttachedFile, JobError> {
        let id = of["refusal"].as_str().and_then(|text| text.parse().ok());
        let id: RefusalId = id.ok_or_else(|| JobError::Fail("not a refusal".into()))?;
        let tx = db.read(tenant, Actor::System).await?;
        let found = any(&tx, id).await;
        tx.commit().await?;
        match found {
            Ok((number, bytes)) => {
                Ok(AttachedFile { name: file_name(&number), media_type: "application/pdf".into(), bytes })
            }
            Err(Error::Db(error)) => Err(error.into()),
            Err(error) => Err(JobError::Fail(error.to_string())),
        }
    }
}

/// The failure of a printer as the page's: the worker's death is a fault, what cannot be set is the typed name's.
pub(crate) fn unprinted(error: Error) -> Error {
    match error {
        Error::Render(RenderError::Template { .. } | RenderError::LimitReached) => {
            Error::Field("signatory", "Имя не удаётся напечатать: проверьте, нет ли в нём лишних знаков".to_owned())
        }
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use kabinet_render::document::typeset_document;

    use super::*;

    #[test]
    fn a_name_has_at_least_two_words() {
        assert_eq!(signatory("  Иванова   Нина Петровна ").ok().as_deref(), Some("Иванова Нина Петровна"));
        for wrong in ["", "  ", "Иванова", "1 2", &"а б".repeat(100)] {
            assert!(matches!(signatory(wrong), Err(Error::Field("signatory", _))), "{wrong:?}");
        }
    }

    #[test]
    fn what_is_typed_is_text_in_the_document() {
        let hostile = "#panic(1) \\ $x$ *b* \"q\" ] } [[ <a> @b `c` /* */ // https://x.example";
        let fields = Fields {
            addressee: hostile,
            number: hostile,
            on: 20_261_122,
            account: hostile,
            address: hostile,
            email: [hostile; 2],
            signatory: hostile,
            company: hostile,
            portal: hostile,
        };
        let document = Document::new(hostile, 20_261_122, &fields).expect("a document");
        let first = typeset_document(TEMPLATE, &document).expect("a PDF");
        assert!(first.starts_with(b"%PDF"));
        assert!(first == typeset_document(TEMPLATE, &document).expect("a PDF"), "the same bytes");
        assert_eq!(file_name("00-1\"; x=\"/../1"), "zayavlenie-00-1x1.pdf");
    }
}
