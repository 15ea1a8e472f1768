//! A company's transaction: every query through it is filtered by, every row stamped with, its company.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures_util::future::BoxFuture;
use sea_orm::sea_query::SimpleExpr;
use sea_orm::sea_query::postgres_array::NotU8;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DatabaseTransaction, DbErr, DeleteMany, EntityTrait,
    FromQueryResult, IntoActiveModel, PaginatorTrait, QueryFilter, QueryOrder, Select, Set, Statement, TryInsertResult,
    UpdateMany, Value,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use uuid::Uuid;

use crate::bulk;
use crate::change::{Changes, Round};
use crate::clock::{Entropy, Ids};
use crate::crash;
use crate::db::{Actor, Db};
use crate::entity::{audit, feature, setting};
use crate::error::DbError;
use crate::jobs::{self, NewJob};
use crate::pace::Turn;
use crate::secrets::KeyRing;
use crate::tenancy::{self, Tenant, TenantId};
use crate::values::{Day, Timestamp};

/// An entity whose rows belong to a company.
pub trait TenantEntity: EntityTrait {
    /// The column `tenant_id`.
    const TENANT: Self::Column;
}

/// Most rows that one INSERT carries.
const MOST_ROWS: usize = 1000;

/// Most rows that one INSERT carries at `columns` columns: SQLite takes 32,766 parameters.
const fn rows_per_insert(columns: usize) -> usize {
    let rows = 30_000 / columns;
    if rows > MOST_ROWS { MOST_ROWS } else { rows }
}

/// What a transaction answers, once it is awaited.
///
/// In a box, so that whoever awaits it is not compiled as a part of which the database's libraries are parts: the
/// compiler looks through all of a future's parts at each place that wants to send it to another thread, and there are
/// thousands.
pub type Reply<'a, T> = BoxFuture<'a, Result<T, DbError>>;

/// A transaction of one company and one actor. Dropping it rolls back.
#[derive(Debug)]
pub struct Tx {
    inner: DatabaseTransaction,
    _turn: Turn,
    db: Db,
    tenant: Arc<Tenant>,
    actor: Actor,
    now: Timestamp,
    round: Round,
    ids: Ids,
    read_only: bool,
    topics: Vec<&'static str>,
    work: bool,
    audited: AtomicBool,
}

impl Tx {
    pub(crate) fn new(
        inner: DatabaseTransaction,
        turn: Turn,
        db: Db,
        tenant: Arc<Tenant>,
        actor: Actor,
        read_only: bool,
    ) -> Self {
        let (now, round) = (db.clock().now(), db.changes().round());
        let ids = Entropy.ids(now);
        Self {
            inner,
            _turn: turn,
            db,
            tenant,
            actor,
            now,
            round,
            ids,
            read_only,
            topics: Vec::new(),
            work: false,
            audited: AtomicBool::new(false),
        }
    }

    /// The company.
    #[must_use]
    pub fn tenant(&self) -> &Arc<Tenant> {
        &self.tenant
    }

    /// The company's identifier, to stamp rows with.
    #[must_use]
    pub fn tenant_id(&self) -> TenantId {
        self.tenant.id
    }

    /// Who acts.
    #[must_use]
    pub fn actor(&self) -> Actor {
        self.actor
    }

    /// The moment this transaction began.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// The round of changes in which it began: what it reads may be kept until the next change of its topic.
    #[must_use]
    pub fn round(&self) -> Round {
        self.round
    }

    /// The company's calendar day at that moment.
    #[must_use]
    pub fn today(&self) -> Day {
        self.now.day(self.tenant.zone)
    }

    /// A new identifier of any type made from a UUID, greater than all this transaction has made.
    #[must_use]
    pub fn new_id<I: From<Uuid>>(&self) -> I {
        I::from(self.ids.next())
    }

    /// The transaction itself, for platform tables only.
    pub(crate) fn platform(&self) -> &DatabaseTransaction {
        self.db.count_statement();
        &self.inner
    }

    /// The keys of companies' secrets.
    pub(crate) fn keys(&self) -> Result<&KeyRing, DbError> {
        self.db.keys().ok_or_else(|| DbError::Stored("no key ring was opened".into()))
    }

    /// All rows of the company that `select` finds.
    pub fn all<E: TenantEntity>(&self, select: Select<E>) -> Reply<'_, Vec<E::Model>> {
        self.db.count_statement();
        let select = select.filter(E::TENANT.eq(self.tenant.id));
        Box::pin(async move { Ok(select.all(&self.inner).await?) })
    }

    /// The first row of the company that `select` finds.
    pub fn one<E: TenantEntity>(&self, select: Select<E>) -> Reply<'_, Option<E::Model>> {
        self.db.count_statement();
        let select = select.filter(E::TENANT.eq(self.tenant.id));
        Box::pin(async move { Ok(select.one(&self.inner).await?) })
    }

    /// How many rows of the company `select` finds.
    pub fn count<E: TenantEntity>(&self, select: Select<E>) -> Reply<'_, u64>
    where
        E::Model: Send + Sync,
    {
        self.db.count_statement();
        let select = select.filter(E::TENANT.eq(self.tenant.id));
        Box::pin(async move { Ok(select.count(&self.inner).await?) })
    }

    /// Inserts a row, stamped with the company.
    pub fn insert<A>(&self, mut row: A) -> Reply<'_, ()>
    where
        A: ActiveModelTrait + Send + 'static,
        A::Entity: TenantEntity,
    {
        self.db.count_statement();
        row.set(<A::Entity as TenantEntity>::TENANT, self.tenant.id.into());
        let insert = <A::Entity as EntityTrait>::insert(row);
        Box::pin(async move {
            insert.exec_without_returning(&self.inner).await?;
            Ok(())
        })
    }

    /// Inserts a row unless one with the same key is there; true when it was inserted.
    pub fn insert_if_absent<A>(&self, mut row: A) -> Reply<'_, bool>
    where
        A: ActiveModelTrait + Send + 'static,
        A::Entity: TenantEntity,
    {
        self.db.count_statement();
        row.set(<A::Entity as TenantEntity>::TENANT, self.tenant.id.into());
        let insert = <A::Entity as EntityTrait>::insert(row).on_conflict_do_nothing();
        Box::pin(async move {
            match insert.exec_without_returning(&self.inner).await? {
                TryInsertResult::Inserted(rows) => Ok(rows > 0),
                TryInsertResult::Conflicted | TryInsertResult::Empty => Ok(false),
            }
        })
    }

    /// Inserts a row, or brings the one with its key to it.
    pub fn put<A>(&self, row: A) -> Reply<'_, ()>
    where
        A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Clone + Send + 'static,
        A::Entity: TenantEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        Box::pin(async move { if self.insert_if_absent(row.clone()).await? { Ok(()) } else { self.update(row).await } })
    }

    /// Inserts rows in statements of up to 1,000, each stamped with the company.
    pub fn insert_many<A>(&self, rows: Vec<A>) -> Reply<'_, ()>
    where
        A: ActiveModelTrait + Send + 'static,
        A::Entity: TenantEntity,
    {
        use sea_orm::Iterable;
        let columns = <<A::Entity as EntityTrait>::Column as Iterable>::iter().count();
        Box::pin(async move {
            let mut rows = rows.into_iter().peekable();
            while rows.peek().is_some() {
                self.db.count_statement();
                let stamped = rows.by_ref().take(rows_per_insert(columns)).map(|mut row| {
                    row.set(<A::Entity as TenantEntity>::TENANT, self.tenant.id.into());
                    row
                });
                bulk::insert(&self.inner, stamped.collect()).await?;
            }
            Ok(())
        })
    }

    /// Updates the row with the active model's key; an error when the company has no such row.
    pub fn update<A>(&self, mut row: A) -> Reply<'_, ()>
    where
        A: ActiveModelTrait + sea_orm::ActiveModelBehavior + Send + 'static,
        A::Entity: TenantEntity,
        <A::Entity as EntityTrait>::Model: IntoActiveModel<A>,
    {
        self.db.count_statement();
        row.set(<A::Entity as TenantEntity>::TENANT, self.tenant.id.into());
        // The primary key begins with the company, so the statement's WHERE names it.
        let update = <A::Entity as EntityTrait>::update(row);
        Box::pin(async move {
            update.exec(&self.inner).await?;
            Ok(())
        })
    }

    /// The condition that `column` has one of `values`, for statements over many keys: on PostgreSQL their text is the
    /// same for any number of them, so that a connection plans them once.
    pub fn among<C, V>(&self, column: C, values: impl IntoIterator<Item = V>) -> SimpleExpr
    where
        C: ColumnTrait,
        V: Into<Value> + NotU8,
    {
        bulk::among(self.inner.get_database_backend(), column, values)
    }

    /// Updates the company's rows that `update` selects; how many there were.
    pub fn update_where<E: TenantEntity>(&self, update: UpdateMany<E>) -> Reply<'_, u64> {
        self.db.count_statement();
        let update = update.filter(E::TENANT.eq(self.tenant.id));
        Box::pin(async move { Ok(update.exec(&self.inner).await?.rows_affected) })
    }

    /// Deletes the company's rows that `delete` selects; how many there were.
    pub fn delete_where<E: TenantEntity>(&self, delete: DeleteMany<E>) -> Reply<'_, u64> {
        self.db.count_statement();
        let delete = delete.filter(E::TENANT.eq(self.tenant.id));
        Box::pin(async move { Ok(delete.exec(&self.inner).await?.rows_affected) })
    }

    /// Rows of a query in SQL (the same text on both databases) for what entities cannot say in one
    /// statement. `$1` is the company; `values` are `$2` and on. Every table must be joined on its
    /// `tenant_id`.
    pub fn rows<'a, T: FromQueryResult + Send + 'a>(&'a self, sql: &str, values: Vec<Value>) -> Reply<'a, Vec<T>> {
        let statement = self.statement(sql, values);
        Box::pin(async move { Ok(T::find_by_statement(statement?).all(&self.inner).await?) })
    }

    /// Executes SQL under the rules of [`Tx::rows`]; how many rows it touched.
    pub fn execute(&self, sql: &str, values: Vec<Value>) -> Reply<'_, u64> {
        let statement = self.statement(sql, values);
        Box::pin(async move { Ok(self.inner.execute_raw(statement?).await?.rows_affected()) })
    }

    fn statement(&self, sql: &str, values: Vec<Value>) -> Result<Statement, DbError> {
        if !sql.contains("tenant_id = $1") {
            return Err(DbError::Other(DbErr::Custom(format!("a query without its company: {sql}"))));
        }
        self.db.count_statement();
        let values = std::iter::once(Value::from(self.tenant.id)).chain(values);
        Ok(Statement::from_sql_and_values(self.inner.get_database_backend(), sql, values))
    }

    /// Writes what was done to `subject` into the audit log; `detail` holds no secrets. The entry joins the company's
    /// chain (see [`crate::audit`]) soon after this commits.
    pub fn audit(&self, action: &str, subject: impl ToString, detail: serde_json::Value) -> Reply<'_, ()> {
        self.audited.store(true, Ordering::Relaxed);
        self.insert(audit::ActiveModel {
            tenant_id: Set(self.tenant.id),
            id: Set(self.new_id()),
            at: Set(self.now),
            actor: Set(self.actor.kind().to_owned()),
            actor_id: Set(self.actor.id()),
            action: Set(action.to_owned()),
            subject: Set(subject.to_string()),
            detail: Set(detail.to_string()),
        })
    }

    /// The moment of the company's latest deed in the audit log.
    pub async fn latest_deed(&self) -> Result<Option<Timestamp>, DbError> {
        let latest = audit::Entity::find().order_by_desc(audit::Column::Id);
        Ok(self.one(latest).await?.map(|row| row.at))
    }

    /// Puts a job into the queue; it runs only if this transaction commits. A second job with the same
    /// dedup key is dropped while the first waits.
    pub fn enqueue(&mut self, job: NewJob) -> Reply<'_, ()> {
        self.work = true;
        let id: Uuid = self.new_id();
        self.db.count_statement();
        let envelope = jobs::envelope(self.tenant.id, id, self.now, &job);
        Box::pin(async move {
            if jobs::store_envelope(&self.inner, envelope).await? {
                self.insert(jobs::payload_row(self.tenant.id, id, &job)).await?;
            }
            Ok(())
        })
    }

    /// Puts many jobs into the queue as [`Tx::enqueue`] does one, by two statements per 1,000; none of them has a dedup
    /// key.
    pub async fn enqueue_all(&mut self, new: &[NewJob]) -> Result<(), DbError> {
        for part in new.chunks(MOST_ROWS) {
            self.work = true;
            let named: Vec<(Uuid, &NewJob)> = part.iter().map(|job| (self.new_id(), job)).collect();
            let envelopes = named.iter().map(|(id, job)| jobs::envelope(self.tenant.id, *id, self.now, job));
            self.db.count_statement();
            bulk::insert(&self.inner, envelopes.collect()).await?;
            let payloads = named.iter().map(|(id, job)| jobs::payload_row(self.tenant.id, *id, job));
            self.insert_many(payloads.collect()).await?;
        }
        Ok(())
    }

    /// Tells the subscribed modules of `event`, after this transaction commits and at least once.
    pub async fn publish<V: Serialize + jobs::Event>(&mut self, event: &V) -> Result<(), DbError> {
        if !self.db.is_heard(V::NAME) {
            return Ok(());
        }
        let payload = serde_json::json!({ "name": V::NAME, "data": event });
        self.enqueue(NewJob::new("core", jobs::EVENT_JOB, payload)).await
    }

    /// Announces a change of `topic` to caches here and in other processes, when this commits.
    pub fn touch(&mut self, topic: &'static str) -> Reply<'_, ()> {
        self.db.count_statement();
        Box::pin(async move {
            Changes::bump(&self.inner, topic).await?;
            self.topics.push(topic);
            Ok(())
        })
    }

    /// Switches an optional module on or off for the company; true when that changed anything.
    pub async fn set_feature(&mut self, module: &str, enabled: bool) -> Result<bool, DbError> {
        if self.tenant.features.contains(module) == enabled {
            return Ok(false);
        }
        let row = feature::ActiveModel {
            tenant_id: Set(self.tenant.id),
            module: Set(module.to_owned()),
            enabled: Set(enabled),
        };
        self.put(row).await?;
        self.audit("feature.switched", module, serde_json::json!({ "enabled": enabled })).await?;
        self.touch(tenancy::TOPIC).await?;
        Ok(true)
    }

    /// A module's settings as this transaction sees them, defaults where none are stored: those of
    /// [`Tx::tenant`] may be a moment older.
    pub async fn stored_settings<S: DeserializeOwned + Default>(&self, module: &str) -> Result<S, DbError> {
        let row = self.one(setting::Entity::find().filter(setting::Column::Module.eq(module))).await?;
        Ok(row.map(|row| serde_json::from_str(&row.value)).transpose()?.unwrap_or_default())
    }

    /// Stores a module's settings; true when they differ from the stored ones.
    pub async fn set_settings(&mut self, module: &str, settings: &impl Serialize) -> Result<bool, DbError> {
        let value = serde_json::to_value(settings)?;
        if self.stored_settings::<Option<serde_json::Value>>(module).await?.as_ref() == Some(&value) {
            return Ok(false);
        }
        let row = setting::ActiveModel {
            tenant_id: Set(self.tenant.id),
            module: Set(module.to_owned()),
            value: Set(value.to_string()),
        };
        self.put(row).await?;
        self.audit("settings.changed", module, value).await?;
        self.touch(tenancy::TOPIC).await?;
        Ok(true)
    }

    /// Makes everything durable, then tells caches and the job runner. A transaction that only read has
    /// nothing to make durable: it ends with its connection's way back to the pool, and nobody waits for that.
    pub fn commit(self) -> Reply<'static, ()> {
        Box::pin(self.make_durable())
    }

    async fn make_durable(self) -> Result<(), DbError> {
        if self.read_only {
            return Ok(());
        }
        crash::point("before-commit");
        self.inner.commit().await?;
        crash::point("after-commit");
        for topic in self.topics {
            self.db.changes().notify(topic);
        }
        if self.work {
            self.db.work().notify_waiters();
        }
        if self.audited.into_inner() {
            self.db.unsealed().add(self.tenant.id, self.now);
        }
        Ok(())
    }
}
