//! Everything held about a resident, as a ZIP of JSON files: asked for, made by a job, fetched once it is
//! there, removed when its time is over.

use std::io::{Cursor, Write};
use std::sync::Arc;

use async_trait::async_trait;
use kabinet_contracts::{PersonalData, ResidentId};
use kabinet_core::jobs::{JobContext, JobError, JobHandler, NewJob};
use kabinet_core::{DbError, Mail, Tx};
use kabinet_web::cookie::stored;
use kabinet_web::session::{Sessions, Subject};
use sea_orm::Set;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use uuid::Uuid;
use zip::write::SimpleFileOptions;

use crate::entity::personal_export;
use crate::error::Error;
use crate::mailed_link::{secret, until};
use crate::settings::MODULE;
use crate::{housekeeping, store};

const BUILD: &str = "export";
/// Seconds an archive can be fetched.
const LIFETIME: i64 = 3 * 86_400;

const ABOUT: &str = "Это всё, что личный кабинет хранит о Вас. Файлы в формате JSON открываются в любом текстовом редакторе.\n\
Моменты времени записаны в миллисекундах с 01.01.1970 UTC, дни — числом ГГГГММДД, суммы — в копейках.\n\
Начисления, оплаты и квитанции хранит компания; они видны в личном кабинете.\n";

#[derive(Serialize, Deserialize)]
struct Order {
    export: Uuid,
}

/// Asks for an archive in the place of earlier ones; a letter tells when it is there.
pub(crate) async fn request(tx: &mut Tx, id: ResidentId) -> Result<(), Error> {
    store::remove_exports(tx, id).await?;
    let export: Uuid = tx.new_id();
    let expires_at = tx.now().plus_seconds(LIFETIME);
    tx.insert(personal_export::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(export),
        resident_id: Set(id),
        token_hash: Set(None),
        archive: Set(None),
        requested_at: Set(tx.now()),
        expires_at: Set(expires_at),
    })
    .await?;
    let order = serde_json::to_value(Order { export }).map_err(DbError::from)?;
    tx.enqueue(NewJob::new(MODULE, BUILD, order)).await?;
    housekeeping::at(tx, expires_at).await?;
    Ok(tx.audit("resident.export_requested", id, json!({})).await?)
}

/// The archive behind a secret of a letter, for its own resident only.
pub(crate) async fn archive(tx: &Tx, id: ResidentId, secret: &str) -> Result<Option<Vec<u8>>, Error> {
    Ok(store::export_by_token(tx, id, stored(secret)).await?.and_then(|export| export.archive))
}

/// Makes an archive and sends the letter.
pub(crate) struct BuildExport {
    /// What the other modules hold.
    pub(crate) parts: Arc<[Arc<dyn PersonalData>]>,
}

#[async_trait]
impl JobHandler for BuildExport {
    fn kind(&self) -> &'static str {
        BUILD
    }

    fn is_long(&self) -> bool {
        true
    }

    async fn run(&self, context: JobContext, payload: Value) -> Result<(), JobError> {
        let order: Order = serde_json::from_value(payload)?;
        let tx = context.db.read(&context.tenant, kabinet_core::Actor::System).await?;
        // Whoever left meanwhile, or has the letter already, needs none.
        let Some(export) = store::export(&tx, order.export).await?.filter(|export| export.archive.is_none()) else {
            return Ok(());
        };
        let files = collect(&tx, &self.parts, export.resident_id).await?;
        tx.commit().await?;
        let archive = zipped(&files).map_err(|error| JobError::Fail(error.to_string()))?;
        let mut tx = context.begin().await?;
        deliver(&mut tx, order.export, archive).await?;
        Ok(tx.commit().await?)
    }
}

async fn deliver(tx: &mut Tx, export: Uuid, archive: Vec<u8>) -> Result<(), DbError> {
    let Some(row) = store::export(tx, export).await? else { return Ok(()) };
    let Some(resident) = store::resident(tx, row.resident_id).await? else { return Ok(()) };
    let (token, token_hash) = secret();
    tx.update(personal_export::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        id: Set(export),
        token_hash: Set(Some(token_hash)),
        archive: Set(Some(archive)),
        ..Default::default()
    })
    .await?;
    let context = json!({ "token": token, "until": until(tx, row.expires_at) });
    let mail = Mail::new(resident.email, "Ваши данные готовы", "residents/export_ready", &context)?;
    tx.send_mail(&mail).await
}

/// Names and contents of the archive's files.
async fn collect(tx: &Tx, parts: &[Arc<dyn PersonalData>], id: ResidentId) -> Result<Vec<(String, Value)>, DbError> {
    let Some(resident) = store::resident(tx, id).await? else { return Ok(Vec::new()) };
    let profile = json!({
        "id": id, "email": resident.email, "phone": resident.phone, "state": resident.state,
        "has_password": resident.password_hash.is_some(), "active_account": resident.active_account,
        "created_at": resident.created_at, "last_login_at": resident.last_login_at,
        "pending_email": crate::profile::pending_email(tx, id).await?,
    });
    let sessions = Sessions::list(tx, Subject::Resident, id.0, "").await?;
    let session = |session: kabinet_web::session::OpenSession| {
        json!({
            "address": session.address, "agent": session.agent, "created_at": session.created_at, "seen_at": session.seen_at,
        })
    };
    let deeds = serde_json::to_value(store::deeds(tx, id).await?)?;
    let mut files = vec![
        ("profile".to_owned(), profile),
        ("consents".to_owned(), consents(tx, id).await?),
        ("sessions".to_owned(), Value::Array(sessions.into_iter().map(session).collect())),
        ("actions".to_owned(), deeds),
    ];
    for part in parts {
        files.push((part.name().to_owned(), part.export(tx, id).await?));
    }
    Ok(files)
}

async fn consents(tx: &Tx, id: ResidentId) -> Result<Value, DbError> {
    let rows = store::consents(tx, id).await?;
    let texts = store::consent_texts(tx, rows.iter().map(|row| row.text_hash.clone()).collect()).await?;
    let consent = |row: &crate::entity::consent::Model| {
        let text = texts.iter().find(|text| text.hash == row.text_hash);
        json!({
            "given_at": row.given_at, "given_address": row.given_address, "withdrawn_at": row.withdrawn_at,
            "text_sha256": hex::encode(&row.text_hash), "version": text.map(|text| &text.version),
            "text": text.map(|text| &text.body),
        })
    };
    Ok(rows.iter().map(consent).collect())
}

fn zipped(files: &[(String, Value)]) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    writer.start_file("readme.txt", options)?;
    writer.write_all(ABOUT.as_bytes())?;
    for (name, value) in files {
        writer.start_file(format!("{name}.json"), options)?;
        writer.write_all(&serde_json::to_vec_pretty(value)?)?;
    }
    Ok(writer.finish()?.into_inner())
}
