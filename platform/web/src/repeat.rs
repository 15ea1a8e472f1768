//! `Idempotency-Key`: an operation sent twice with one key acts once, and both get the same answer.
//!
//! The key is claimed in the operation's own transaction, so that it is taken if and only if the operation
//! took effect. The answer is kept beside it afterwards; where a crash comes between the two, a repeat learns
//! that the operation was carried out, and acts no more.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use kabinet_core::{Actor, DbError, Tenant, Timestamp, Tx, tenant_table};
use poem::http::{Method, StatusCode, header};
use poem::{Endpoint, Request, Response, Result};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::gate::Gate;
use crate::person::{session_of, tenant_of};
use crate::platform::Platform;
use crate::problem::Problem;
use crate::session::Subject;

/// The header's name.
pub(crate) const HEADER: &str = "idempotency-key";
/// Seconds for which a key and its answer are kept.
const KEPT: i64 = 24 * 3600;
/// Characters of the longest key.
pub(crate) const LONGEST: usize = 200;

tenant_table!(entity, "repeat", key { key_hash: Vec<u8> }, {
    subject_id: Uuid, fingerprint: Vec<u8>, created_at: Timestamp, status: Option<i32>, content_type: Option<String>,
    body: Option<Vec<u8>>,
});

/// One wish of one person, as its key names it.
#[derive(Debug)]
pub(crate) struct Once {
    key_hash: Vec<u8>,
    fingerprint: Vec<u8>,
    subject_id: Uuid,
    claimed: AtomicBool,
}

impl Once {
    /// The wish that the request's key names; `None` without one, for a reading request and for a stranger.
    async fn of(request: &mut Request, subject: Subject) -> Result<Option<Arc<Self>>, Problem> {
        let Some(key) = request.headers().get(HEADER) else { return Ok(None) };
        if matches!(*request.method(), Method::GET | Method::HEAD) {
            return Ok(None);
        }
        let key = key.to_str().ok().filter(|key| (1..=LONGEST).contains(&key.len())).map(str::to_owned);
        let key = key.ok_or_else(|| {
            let text = format!("Заголовок Idempotency-Key: от 1 до {LONGEST} печатных знаков ASCII");
            Problem::new(StatusCode::BAD_REQUEST, "bad_idempotency_key", text)
        })?;
        let Some(session) = session_of(request, subject).await? else { return Ok(None) };
        let subject_id = session.subject_id;
        let body = request.take_body().into_bytes().await.map_err(|_| crate::form::too_large())?;
        let wish = [request.method().as_str().as_bytes(), request.original_uri().to_string().as_bytes(), &body]
            .iter()
            .fold(Sha256::new(), |hash, part| hash.chain_update(part.len().to_le_bytes()).chain_update(part));
        request.set_body(body);
        Ok(Some(Arc::new(Self {
            key_hash: Sha256::new().chain_update(subject_id).chain_update(key).finalize().to_vec(),
            fingerprint: wish.finalize().to_vec(),
            subject_id,
            claimed: AtomicBool::new(false),
        })))
    }

    /// Takes the key in the transaction of what it is for; refused when another request has taken it.
    pub(crate) async fn claim(&self, tx: &Tx) -> Result<(), Problem> {
        let over = entity::Column::CreatedAt.lt(tx.now().plus_seconds(-KEPT));
        let own = entity::Column::SubjectId.eq(self.subject_id);
        tx.delete_where(entity::Entity::delete_many().filter(own).filter(over)).await?;
        let row = entity::ActiveModel {
            tenant_id: Set(tx.tenant_id()),
            key_hash: Set(self.key_hash.clone()),
            subject_id: Set(self.subject_id),
            fingerprint: Set(self.fingerprint.clone()),
            created_at: Set(tx.now()),
            status: Set(None),
            content_type: Set(None),
            body: Set(None),
        };
        // A request may need more than one transaction: what it has taken itself is no obstacle.
        let fresh = tx.insert_if_absent(row).await?;
        if self.claimed.swap(true, Ordering::Relaxed) || fresh {
            return Ok(());
        }
        self.claimed.store(false, Ordering::Relaxed);
        Err(taken())
    }

    /// What an earlier request with the key was answered; `None` when there was none.
    async fn answered(&self, platform: &Platform, tenant: &Arc<Tenant>) -> Result<Option<Response>, Problem> {
        let tx = platform.db.read(tenant, Actor::System).await?;
        let mine = entity::Entity::find().filter(entity::Column::KeyHash.eq(self.key_hash.clone()));
        let row = tx.one(mine).await?.filter(|row| row.created_at.plus_seconds(KEPT) > tx.now());
        let Some(row) = row else { return Ok(None) };
        if row.fingerprint != self.fingerprint {
            let text = "Этот Idempotency-Key уже назван с другим запросом";
            return Err(Problem::refused("idempotency_key_reused", text));
        }
        let status = row.status.and_then(|status| u16::try_from(status).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok()).ok_or_else(taken)?;
        let mut answer = Response::builder().status(status).header("idempotent-replayed", "true");
        if let Some(kind) = row.content_type {
            answer = answer.header(header::CONTENT_TYPE, kind);
        }
        Ok(Some(answer.body(row.body.unwrap_or_default())))
    }

    /// Keeps what the request was answered; gives the key back when it did nothing.
    async fn settle(&self, platform: &Platform, tenant: &Arc<Tenant>, answer: &mut Response) -> Result<(), DbError> {
        let mine = entity::Column::KeyHash.eq(self.key_hash.clone());
        let tx = platform.db.begin(tenant, Actor::System).await?;
        if answer.is_success() {
            let body = answer.take_body().into_bytes().await.unwrap_or_default();
            answer.set_body(body.clone());
            let update = entity::Entity::update_many()
                .col_expr(entity::Column::Status, Expr::value(i32::from(answer.status().as_u16())))
                .col_expr(entity::Column::ContentType, Expr::value(answer.content_type().map(str::to_owned)))
                .col_expr(entity::Column::Body, Expr::value(body.to_vec()));
            tx.update_where(update.filter(mine)).await?;
        } else {
            tx.delete_where(entity::Entity::delete_many().filter(mine)).await?;
        }
        tx.commit().await
    }
}

fn taken() -> Problem {
    let text = "Запрос с этим Idempotency-Key уже выполнен или выполняется, его ответ не сохранён";
    Problem::new(StatusCode::CONFLICT, "idempotency_key_taken", text)
}

/// The gate's answer, or the one that the same wish got before.
pub(crate) async fn call(gate: &Gate, mut request: Request, subject: Subject) -> Result<Response> {
    let Some(once) = Once::of(&mut request, subject).await? else { return gate.call(request).await };
    let (platform, tenant) = (Platform::of(&request).clone(), tenant_of(&request)?);
    if let Some(answer) = once.answered(&platform, &tenant).await? {
        return Ok(answer);
    }
    request.extensions_mut().insert(once.clone());
    let answer = gate.call(request).await;
    if !once.claimed.load(Ordering::Relaxed) {
        return answer;
    }
    let mut answer = answer.unwrap_or_else(poem::Error::into_response);
    if let Err(error) = once.settle(&platform, &tenant, &mut answer).await {
        tracing::warn!(%error, "the answer to an idempotency key is not kept");
    }
    Ok(answer)
}

/// Lets go of a person's keys and answers: they may name the person.
pub async fn forget(tx: &Tx, subject_id: Uuid) -> Result<(), DbError> {
    let own = entity::Column::SubjectId.eq(subject_id);
    tx.delete_where(entity::Entity::delete_many().filter(own)).await.map(|_| ())
}
