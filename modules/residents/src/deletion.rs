//! «Удалить личный кабинет»: the person goes, the ledger stays.

use std::sync::Arc;

use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::Tx;
use kabinet_core::mail::MAIL_JOB;
use kabinet_core::text::email_key;
use kabinet_web::session::{Sessions, Subject};
use serde_json::json;

use crate::error::Error;
use crate::settings::MODULE;
use crate::{housekeeping, store};

/// Deletes the login in this transaction. Each module lets go of what it holds; sessions, links, archives,
/// an unfinished registration and waiting letters are removed; the row stays as nobody's, because the
/// ledger's history refers to it. Of the consents what was agreed to and when is kept (the proof that
/// processing was lawful), without an address. Receipts and ledger are the company's and stay.
pub(crate) async fn delete(tx: &mut Tx, parts: &[Arc<dyn PersonalData>], id: ResidentId) -> Result<(), Error> {
    let Some(resident) = store::resident(tx, id).await? else { return Ok(()) };
    for part in parts {
        part.forget(tx, id).await?;
    }
    let mut emails = vec![resident.email_key];
    emails.extend(store::links_of(tx, id).await?.into_iter().filter_map(|link| link.email).map(|it| email_key(&it)));
    for email in &emails {
        store::forget_registration_of(tx, email).await?;
    }
    for module in [MAIL_JOB.0, MODULE] {
        tx.withdraw_jobs(module, |payload| names_any(payload, &emails)).await?;
    }
    store::remove_links(tx, id, None).await?;
    store::remove_exports(tx, id).await?;
    store::close_consents(tx, id).await?;
    store::anonymise(tx, id).await?;
    Sessions::end_others(tx, Subject::Resident, id.0, None).await?;
    tx.audit("resident.deleted", id, json!({})).await?;
    Ok(housekeeping::empty_log(tx).await?)
}

/// Whether one of the addresses stands anywhere in a job's payload.
fn names_any(payload: &serde_json::Value, emails: &[String]) -> bool {
    match payload {
        serde_json::Value::String(text) => {
            let ends = |c: char| c.is_whitespace() || "<>()«»\"',;:".contains(c);
            text.to_lowercase().split(ends).any(|word| emails.iter().any(|email| word.trim_end_matches('.') == email))
        }
        serde_json::Value::Array(items) => items.iter().any(|item| names_any(item, emails)),
        serde_json::Value::Object(fields) => fields.values().any(|field| names_any(field, emails)),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_found_wherever_it_stands() {
        let emails = ["anna@mail.ru".to_owned()];
        assert!(names_any(&json!({ "to": "Anna@Mail.ru" }), &emails));
        assert!(names_any(&json!({ "to": "b@mail.ru", "context": { "new_email": ["anna@mail.ru"] } }), &emails));
        assert!(names_any(&json!(["новый адрес: <anna@mail.ru>."]), &emails));
        assert!(!names_any(&json!({ "to": "johanna@mail.ru", "cc": "anna@mail.ru.example", "n": 1 }), &emails));
    }
}
