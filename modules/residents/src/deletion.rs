//! «Удалить личный кабинет»: the person goes, the ledger stays.

use std::sync::Arc;

use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::Tx;
use kabinet_core::mail::MAIL_JOB;
use kabinet_core::text::email_key;
use kabinet_web::repeat;
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
    store::forget_registration_of(tx, &resident.email_key).await?;
    let own = [resident.email_key];
    // An address that was never confirmed may be somebody else's: only what is about this wish goes.
    let wished: Vec<String> =
        store::links_of(tx, id).await?.into_iter().filter_map(|link| link.email).map(|it| email_key(&it)).collect();
    let about_wish = |payload: &serde_json::Value| {
        payload["template"].as_str().is_some_and(|name| name.starts_with("residents/email_"))
    };
    let meant =
        |letter: &serde_json::Value| names_any(letter, &own) || about_wish(letter) && names_any(letter, &wished);
    tx.withdraw_jobs(MAIL_JOB.0, meant).await?;
    tx.withdraw_jobs(MODULE, |payload| names_any(payload, &own)).await?;
    store::remove_links(tx, id, None).await?;
    store::remove_exports(tx, id).await?;
    store::close_consents(tx, id).await?;
    store::anonymise(tx, id).await?;
    Sessions::end_others(tx, Subject::Resident, id.0, None).await?;
    repeat::forget(tx, id.0).await?;
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
