//! Companies: who they are, on which hosts, with which switches.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono_tz::Tz;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::change::Changes;
use crate::db::{Actor, Db};
use crate::entity::{brand_asset, feature, setting, tenant, tenant_host};
use crate::error::DbError;
use crate::topic_cache::TopicCache;

crate::id_type! {
    /// The identifier of a company.
    TenantId
}

/// The topic of [`Changes`] under which companies, their switches and settings are announced.
pub const TOPIC: &str = "tenants";

/// How many companies, and how many hosts, are kept in memory.
const KEPT: u64 = 10_000;

/// How a company presents itself: on its pages, in mails and on receipts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CompanyProfile {
    /// Full legal name.
    pub legal_name: String,
    /// ИНН, 10 digits.
    pub inn: String,
    /// КПП, 9 digits.
    pub kpp: String,
    /// ОГРН, 13 digits.
    pub ogrn: String,
    /// Postal address.
    pub address: String,
    /// Phone of the office.
    pub phone: String,
    /// Phone of the emergency desk; empty where the company has none.
    pub dispatch_phone: String,
    /// E-mail of the office.
    pub email: String,
    /// Web site; may be empty.
    pub site: String,
    /// Office hours in words.
    pub hours: String,
    /// Brand colour, `#rrggbb`.
    pub color: String,
}

/// A company as every request sees it. Shared and immutable: a change makes a new one.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Identifier.
    pub id: TenantId,
    /// Short name in addresses: `beregovoy`.
    pub slug: String,
    /// Name that residents know.
    pub name: String,
    /// `active` or `suspended`.
    pub status: String,
    /// The zone in which its days begin and its windows open.
    pub zone: Tz,
    /// Contacts and looks.
    pub profile: CompanyProfile,
    /// The host that links lead to.
    pub canonical_host: String,
    /// Hash of the package it was last set up from.
    pub package_hash: String,
    /// Optional modules switched on.
    pub features: HashSet<String>,
    /// Settings by module, as stored.
    pub settings: HashMap<String, serde_json::Value>,
    /// Hashes of its brand files by name (`logo`).
    pub assets: HashMap<String, String>,
}

impl Tenant {
    /// A module's settings, with the defaults for what is not set.
    pub fn settings<S: DeserializeOwned + Default>(&self, module: &str) -> Result<S, DbError> {
        match self.settings.get(module) {
            Some(value) => S::deserialize(value).map_err(DbError::from),
            None => Ok(S::default()),
        }
    }
}

/// The companies of this database, cached until one of them changes.
#[derive(Clone, Debug)]
pub struct Tenants {
    db: Db,
    by_host: TopicCache<String, Option<Arc<Tenant>>>,
    by_id: TopicCache<TenantId, Option<Arc<Tenant>>>,
}

impl Tenants {
    /// The companies behind `db`.
    #[must_use]
    pub fn new(db: Db) -> Self {
        let by_host = TopicCache::new(db.changes(), &[TOPIC], KEPT, None);
        let by_id = TopicCache::new(db.changes(), &[TOPIC], KEPT, None);
        Self { db, by_host, by_id }
    }

    pub(crate) fn db(&self) -> &Db {
        &self.db
    }

    /// The company whose portal `host` is (no port, lower case); `None` for a stranger's host.
    pub async fn by_host(&self, host: &str) -> Result<Option<Arc<Tenant>>, DbError> {
        if let Some(known) = self.by_host.get(host).await {
            return Ok(known);
        }
        let round = self.db.changes().round();
        let row = tenant_host::Entity::find_by_id(host).one(self.db.platform_read()).await?;
        let Some(row) = row else { return Ok(None) };
        let found = self.by_id(row.tenant_id).await?;
        self.by_host.insert(round, host.to_owned(), found.clone()).await;
        Ok(found)
    }

    /// The company with this identifier.
    pub async fn by_id(&self, id: TenantId) -> Result<Option<Arc<Tenant>>, DbError> {
        match self.by_id.get(&id).await {
            Some(known) => Ok(known),
            None => {
                let round = self.db.changes().round();
                let loaded = self.load(id).await?.map(Arc::new);
                self.by_id.insert(round, id, loaded.clone()).await;
                Ok(loaded)
            }
        }
    }

    /// The company with this slug, read afresh.
    pub async fn by_slug(&self, slug: &str) -> Result<Option<Arc<Tenant>>, DbError> {
        let row = tenant::Entity::find().filter(tenant::Column::Slug.eq(slug)).one(self.db.platform_read()).await?;
        match row {
            Some(row) => Ok(self.load(row.id).await?.map(Arc::new)),
            None => Ok(None),
        }
    }

    /// All companies, by slug.
    pub async fn all(&self) -> Result<Vec<Arc<Tenant>>, DbError> {
        let mut companies = Vec::new();
        for row in tenant::Entity::find().all(self.db.platform_read()).await? {
            companies.extend(self.load(row.id).await?.map(Arc::new));
        }
        companies.sort_by(|a, b| a.slug.cmp(&b.slug));
        Ok(companies)
    }

    async fn load(&self, id: TenantId) -> Result<Option<Tenant>, DbError> {
        let Some(row) = tenant::Entity::find_by_id(id).one(self.db.platform_read()).await? else { return Ok(None) };
        let hosts = tenant_host::Entity::find()
            .filter(tenant_host::Column::TenantId.eq(id))
            .filter(tenant_host::Column::Canonical.eq(true))
            .one(self.db.platform_read())
            .await?;
        let mut company = Tenant {
            id,
            slug: row.slug,
            name: row.name,
            status: row.status,
            zone: row.time_zone.parse().map_err(|_| DbError::Stored(format!("time zone {}", row.time_zone)))?,
            profile: serde_json::from_str(&row.profile)?,
            canonical_host: hosts.map(|h| h.host).unwrap_or_default(),
            package_hash: row.package_hash,
            features: HashSet::new(),
            settings: HashMap::new(),
            assets: HashMap::new(),
        };
        let tx = self.db.read(&Arc::new(company.clone()), Actor::System).await?;
        let features = tx.all(feature::Entity::find()).await?;
        company.features = features.into_iter().filter(|f| f.enabled).map(|f| f.module).collect();
        for row in tx.all(setting::Entity::find()).await? {
            company.settings.insert(row.module, serde_json::from_str(&row.value)?);
        }
        for row in tx.all(brand_asset::Entity::find()).await? {
            company.assets.insert(row.name, row.hash);
        }
        tx.commit().await?;
        Ok(Some(company))
    }

    /// Announces that companies changed, to this server and to the others.
    pub async fn announce(&self) -> Result<(), DbError> {
        Changes::bump(self.db.platform(), TOPIC).await?;
        self.db.changes().notify(TOPIC);
        Ok(())
    }
}
