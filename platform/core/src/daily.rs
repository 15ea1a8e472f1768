//! Work that a company has done once a day, by the calendar of its zone.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, ExprTrait, QueryFilter, Set};

use crate::db::{Actor, Db};
use crate::entity::{daily_job, tenant};
use crate::error::DbError;
use crate::jobs::NewJob;
use crate::module::Registry;
use crate::tenancy::{Tenant, TenantId, Tenants};
use crate::values::Day;

const LOOKS_EVERY: Duration = Duration::from_secs(20);

/// Queues the daily jobs of all companies.
pub(crate) struct Daily {
    db: Db,
    tenants: Tenants,
    registry: Arc<Registry>,
}

type Queued = HashMap<(TenantId, &'static str, &'static str), Day>;

impl Daily {
    pub(crate) const fn new(db: Db, tenants: Tenants, registry: Arc<Registry>) -> Self {
        Self { db, tenants, registry }
    }

    pub(crate) async fn run(self) {
        let mut beat = tokio::time::interval(LOOKS_EVERY);
        let mut queued = Queued::new();
        loop {
            beat.tick().await;
            if let Err(error) = self.look(&mut queued).await {
                tracing::warn!(%error, "daily jobs cannot be queued");
            }
        }
    }

    /// Queues what is due and was not queued today; `queued` spares the database the question.
    async fn look(&self, queued: &mut Queued) -> Result<(), DbError> {
        for company in tenant::Entity::find().all(self.db.platform_read()).await? {
            let Some(tenant) = self.tenants.by_id(company.id).await? else { continue };
            if tenant.status != "active" {
                continue;
            }
            let now = self.db.clock().now();
            let today = now.day(tenant.zone);
            for (module, kind, hour) in self.registry.daily(&tenant) {
                let begins = today.start(tenant.zone).plus_seconds(i64::from(hour) * 3600);
                if now >= begins && queued.get(&(tenant.id, module, kind)) != Some(&today) {
                    self.queue(&tenant, module, kind, today).await?;
                    queued.insert((tenant.id, module, kind), today);
                }
            }
        }
        Ok(())
    }

    /// Queues a job for `today`, unless this or another server did.
    async fn queue(
        &self,
        tenant: &Arc<Tenant>,
        module: &'static str,
        kind: &'static str,
        today: Day,
    ) -> Result<(), DbError> {
        use daily_job::Column;
        let mut tx = self.db.begin(tenant, Actor::System).await?;
        let row = daily_job::ActiveModel {
            tenant_id: Set(tenant.id),
            module: Set(module.to_owned()),
            kind: Set(kind.to_owned()),
            last_on: Set(today),
        };
        let mine = Column::Module.eq(module).and(Column::Kind.eq(kind));
        let later = daily_job::Entity::update_many().col_expr(Column::LastOn, Expr::value(today)).filter(mine);
        let first = tx.insert_if_absent(row).await?;
        if first || tx.update_where(later.filter(Column::LastOn.lt(today))).await? > 0 {
            tx.enqueue(NewJob::new(module, kind, serde_json::Value::Null)).await?;
        }
        tx.commit().await
    }
}
