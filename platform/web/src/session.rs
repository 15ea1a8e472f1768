//! Sessions: rows in the database, a cache before them, a random value in the cookie.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use kabinet_core::topic_cache::TopicCache;
use kabinet_core::{Actor, Db, DbError, Tenant, TenantId, Timestamp, Tx, tenant_table};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, Set};
use uuid::Uuid;

use crate::cookie::{random_value, stored};
use crate::profile::{Profile, ProfileSource};

/// The topic that ends cached sessions: touch it when a session, a profile or a link changes.
pub const TOPIC: &str = "sessions";

/// How long a session lives after it was last seen, in seconds.
pub const LIFETIME: i64 = 30 * 24 * 3600;

/// How old the stored moment of the last visit may become, in seconds: one write an hour and session.
const SEEN_EVERY: i64 = 3600;

tenant_table!(entity, "session", key { token_hash: Vec<u8> }, {
    subject: String, subject_id: Uuid, created_at: Timestamp, seen_at: Timestamp, expires_at: Timestamp,
    address: String, agent: String,
});

/// A logged-in person, as cached.
#[derive(Clone, Debug)]
pub struct Session {
    /// The value in the cookie; form tokens are bound to it.
    pub value: String,
    /// The resident or staff member.
    pub subject_id: Uuid,
    /// What the header and the authority checks need.
    pub profile: Arc<Profile>,
    expires_at: Timestamp,
    /// Milliseconds of the stored last visit, shared by the copies in the cache.
    seen_at: Arc<AtomicI64>,
}

/// A session as its owner sees it among the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenSession {
    /// What to name it by when it is to end; opens nothing.
    pub id: String,
    /// Where it was begun from.
    pub address: String,
    /// The browser's name of itself.
    pub agent: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// When it was last seen, to the hour.
    pub seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

/// Whose session it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Subject {
    /// A resident of the company.
    Resident,
    /// A staff member of the company.
    Staff,
}

impl Subject {
    /// The kind as stored: `resident`, `staff`.
    #[must_use]
    pub const fn key(self) -> &'static str {
        match self {
            Self::Resident => "resident",
            Self::Staff => "staff",
        }
    }
}

/// The sessions of all companies. Cheap to clone.
#[derive(Clone)]
pub struct Sessions {
    db: Db,
    profiles: Arc<dyn ProfileSource>,
    cache: TopicCache<(TenantId, Subject, String), Option<Arc<Session>>>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sessions")
    }
}

impl Sessions {
    /// Sessions over `db`; `profiles` answers who a session's person is.
    #[must_use]
    pub fn new(db: Db, profiles: Arc<dyn ProfileSource>) -> Self {
        let cache = TopicCache::new(db.changes(), &[TOPIC], 100_000, Some(Duration::from_secs(60)));
        Self { db, profiles, cache }
    }

    /// The session behind a cookie value; `None` when it is unknown, over or another company's.
    pub async fn find(
        &self,
        tenant: &Arc<Tenant>,
        subject: Subject,
        value: &str,
    ) -> Result<Option<Arc<Session>>, DbError> {
        let key = (tenant.id, subject, value.to_owned());
        let found = match self.cache.get(&key).await {
            Some(known) => known.filter(|session| session.expires_at > self.db.clock().now()),
            None => {
                let round = self.db.changes().round();
                let loaded = self.load(tenant, subject, value).await?.map(Arc::new);
                // Unknown values are not kept: they would let anybody fill the cache.
                if loaded.is_some() {
                    self.cache.insert(round, key, loaded.clone()).await;
                }
                loaded
            }
        };
        if let Some(session) = &found {
            self.note_visit(tenant, session);
        }
        Ok(found)
    }

    /// Keeps the stored moment of the last visit current to the hour, and the session alive. The request
    /// does not wait for it.
    fn note_visit(&self, tenant: &Arc<Tenant>, session: &Session) {
        let (now, seen) = (self.db.clock().now(), session.seen_at.load(Ordering::Relaxed));
        let due = now.0 - seen > SEEN_EVERY * 1000;
        if !due || session.seen_at.compare_exchange(seen, now.0, Ordering::Relaxed, Ordering::Relaxed).is_err() {
            return;
        }
        let (db, tenant, hash) = (self.db.clone(), tenant.clone(), stored(&session.value));
        tokio::spawn(async move {
            if let Err(error) = store_visit(&db, &tenant, hash).await {
                tracing::warn!(%error, "the last visit of a session is not stored");
            }
        });
    }

    async fn load(&self, tenant: &Arc<Tenant>, subject: Subject, value: &str) -> Result<Option<Session>, DbError> {
        let tx = self.db.read(tenant, Actor::Guest).await?;
        let select = entity::Entity::find()
            .filter(entity::Column::TokenHash.eq(stored(value)))
            .filter(entity::Column::Subject.eq(subject.key()));
        let row = tx.one(select).await?.filter(|row| row.expires_at > tx.now());
        let Some(row) = row else { return Ok(None) };
        let profile = match subject {
            Subject::Resident => self.profiles.resident(&tx, row.subject_id).await?,
            Subject::Staff => self.profiles.staff(&tx, row.subject_id).await?,
        };
        tx.commit().await?;
        Ok(profile.map(|profile| Session {
            value: value.to_owned(),
            subject_id: row.subject_id,
            profile: Arc::new(profile),
            expires_at: row.expires_at,
            seen_at: Arc::new(AtomicI64::new(row.seen_at.0)),
        }))
    }

    /// The sessions of one person that are not over, the last seen first; `value` is the asking one's.
    pub async fn list(tx: &Tx, subject: Subject, id: Uuid, value: &str) -> Result<Vec<OpenSession>, DbError> {
        let select = entity::Entity::find()
            .filter(entity::Column::Subject.eq(subject.key()))
            .filter(entity::Column::SubjectId.eq(id))
            .filter(entity::Column::ExpiresAt.gt(tx.now()))
            .order_by_desc(entity::Column::SeenAt)
            .order_by_desc(entity::Column::CreatedAt)
            .order_by_asc(entity::Column::TokenHash);
        let own = stored(value);
        let open = |row: entity::Model| OpenSession {
            current: row.token_hash == own,
            id: URL_SAFE_NO_PAD.encode(&row.token_hash),
            address: row.address,
            agent: row.agent,
            created_at: row.created_at,
            seen_at: row.seen_at,
        };
        Ok(tx.all(select).await?.into_iter().map(open).collect())
    }

    /// Ends one of the person's sessions by the name that [`Sessions::list`] gave it; false when the person
    /// has no such session.
    pub async fn end_named(tx: &mut Tx, subject: Subject, id: Uuid, name: &str) -> Result<bool, DbError> {
        let Ok(hash) = URL_SAFE_NO_PAD.decode(name) else { return Ok(false) };
        let named = of_person(subject, id).filter(entity::Column::TokenHash.eq(hash));
        let ended = tx.delete_where(named).await? > 0;
        tx.touch(TOPIC).await?;
        Ok(ended)
    }

    /// Ends the person's sessions but the one with cookie value `kept`; all without one. How many ended.
    pub async fn end_others(tx: &mut Tx, subject: Subject, id: Uuid, kept: Option<&str>) -> Result<u64, DbError> {
        let mut others = of_person(subject, id);
        if let Some(kept) = kept {
            others = others.filter(entity::Column::TokenHash.ne(stored(kept)));
        }
        let ended = tx.delete_where(others).await?;
        tx.touch(TOPIC).await?;
        Ok(ended)
    }

    /// Removes the company's sessions that are over; how many there were.
    pub async fn forget_expired(tx: &Tx) -> Result<u64, DbError> {
        let over = entity::Column::ExpiresAt.lte(tx.now());
        tx.delete_where(entity::Entity::delete_many().filter(over)).await
    }

    /// Ends the session behind a cookie value.
    pub async fn end(tx: &mut Tx, value: &str) -> Result<(), DbError> {
        let mine = entity::Column::TokenHash.eq(stored(value));
        tx.delete_where(entity::Entity::delete_many().filter(mine)).await?;
        tx.touch(TOPIC).await
    }
}

fn of_person(subject: Subject, id: Uuid) -> sea_orm::DeleteMany<entity::Entity> {
    entity::Entity::delete_many()
        .filter(entity::Column::Subject.eq(subject.key()))
        .filter(entity::Column::SubjectId.eq(id))
}

async fn store_visit(db: &Db, tenant: &Arc<Tenant>, hash: Vec<u8>) -> Result<(), DbError> {
    let tx = db.begin(tenant, Actor::System).await?;
    let update = entity::Entity::update_many()
        .col_expr(entity::Column::SeenAt, Expr::value(tx.now()))
        .col_expr(entity::Column::ExpiresAt, Expr::value(tx.now().plus_seconds(LIFETIME)))
        .filter(entity::Column::TokenHash.eq(hash));
    tx.update_where(update).await?;
    tx.commit().await
}

/// Begins a session inside the login's transaction and returns its cookie value: always a fresh one,
/// whatever value the browser carried before.
pub async fn begin(tx: &Tx, subject: Subject, id: Uuid, address: &str, agent: &str) -> Result<String, DbError> {
    let value = random_value(kabinet_core::Entropy);
    let now = tx.now();
    tx.insert(entity::ActiveModel {
        tenant_id: Set(tx.tenant_id()),
        token_hash: Set(stored(&value)),
        subject: Set(subject.key().to_owned()),
        subject_id: Set(id),
        created_at: Set(now),
        seen_at: Set(now),
        expires_at: Set(now.plus_seconds(LIFETIME)),
        address: Set(address.to_owned()),
        agent: Set(agent.chars().take(200).collect()),
    })
    .await?;
    Ok(value)
}
