//! Sessions: rows in the database, a cache before them, a random value in the cookie.

use std::sync::Arc;
use std::time::Duration;

use kabinet_core::{Actor, Db, DbError, Tenant, TenantId, Timestamp, Tx};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Set};
use uuid::Uuid;

use crate::cookie::{random_value, stored};
use crate::person::{Profile, ProfileSource};

/// The topic that ends cached sessions: touch it when a session, a profile or a link changes.
pub const TOPIC: &str = "sessions";

/// How long a session lives without being renewed, in seconds.
pub const LIFETIME: i64 = 30 * 24 * 3600;

mod entity {
    use kabinet_core::{TenantId, Timestamp};
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: TenantId,
        #[sea_orm(primary_key, auto_increment = false)]
        pub token_hash: Vec<u8>,
        pub subject: String,
        pub subject_id: Uuid,
        pub created_at: Timestamp,
        pub seen_at: Timestamp,
        pub expires_at: Timestamp,
        pub address: String,
        pub agent: String,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

kabinet_core::tenant_entities!(entity);

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
    const fn key(self) -> &'static str {
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
    cache: moka::future::Cache<(TenantId, Subject, String), Option<Arc<Session>>>,
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
        let cache = moka::future::Cache::builder().max_capacity(100_000).time_to_live(Duration::from_secs(60)).build();
        let cached = cache.clone();
        db.changes().subscribe(TOPIC, move || cached.invalidate_all());
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
        if let Some(known) = self.cache.get(&key).await {
            let now = self.db.clock().now();
            return Ok(known.filter(|session| session.expires_at > now));
        }
        let loaded = self.load(tenant, subject, value).await?.map(Arc::new);
        // Unknown values are not kept: they would let anybody fill the cache.
        if loaded.is_some() {
            self.cache.insert(key, loaded.clone()).await;
        }
        Ok(loaded)
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
        }))
    }

    /// Ends the session behind a cookie value.
    pub async fn end(tx: &mut Tx, value: &str) -> Result<(), DbError> {
        let mine = entity::Column::TokenHash.eq(stored(value));
        tx.delete_where(entity::Entity::delete_many().filter(mine)).await?;
        tx.touch(TOPIC).await
    }
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
