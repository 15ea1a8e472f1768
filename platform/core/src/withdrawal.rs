//! Taking jobs back: what waits in the queue about a person who has left is not done.

use sea_orm::{ColumnTrait, EntityTrait, FromQueryResult, QueryFilter};
use uuid::Uuid;

use crate::db::Tx;
use crate::entity::{job, job_payload};
use crate::error::DbError;

#[derive(FromQueryResult)]
struct Row {
    job_id: Uuid,
    payload: String,
}

impl Tx {
    /// Removes the jobs of `module` whose payload `fits`, those that failed too; how many there were. A
    /// job that a runner works on at this moment is removed, but what it does is not undone.
    pub async fn withdraw_jobs(
        &self,
        module: &str,
        fits: impl Fn(&serde_json::Value) -> bool + Send,
    ) -> Result<usize, DbError> {
        let sql = "SELECT p.job_id, p.payload FROM job_payload p JOIN job j ON j.id = p.job_id
                   WHERE p.tenant_id = $1 AND j.module = $2";
        let rows: Vec<Row> = self.rows(sql, vec![module.into()]).await?;
        let meant =
            rows.into_iter().filter(|row| serde_json::from_str(&row.payload).is_ok_and(|payload| fits(&payload)));
        let ids: Vec<Uuid> = meant.map(|row| row.job_id).collect();
        for ids in ids.chunks(1000) {
            let ids = || ids.iter().copied();
            let mine = job::Column::TenantId.eq(self.tenant_id());
            job::Entity::delete_many().filter(mine).filter(job::Column::Id.is_in(ids())).exec(self.platform()).await?;
            self.delete_where(job_payload::Entity::delete_many().filter(job_payload::Column::JobId.is_in(ids())))
                .await?;
        }
        Ok(ids.len())
    }
}
