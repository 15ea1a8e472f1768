//! Leases: a job is its runner's for a while, which grows as long as the job is under way.

use std::time::Duration;

use sea_orm::{EntityTrait, QueryFilter, Set};

use super::{JobRunner, LEASE_SECONDS, mine};
use crate::entity::job;
use crate::error::DbError;

const RENEWED_EVERY: Duration = Duration::from_secs(20);

impl JobRunner {
    /// Whether the job is still this runner's when its turn comes: a lease that ran short behind the
    /// others of its batch is renewed.
    pub(super) async fn holds(&self, job: &job::Model) -> Result<bool, DbError> {
        if job.lease_until.0 - self.db.clock().now().0 >= LEASE_SECONDS * 500 {
            return Ok(true);
        }
        self.renew(job).await
    }

    /// Lengthens the lease; false when another runner has the job.
    async fn renew(&self, job: &job::Model) -> Result<bool, DbError> {
        let until = self.db.clock().now().plus_seconds(LEASE_SECONDS);
        let lease = job::ActiveModel { lease_until: Set(until), ..Default::default() };
        let renewed = job::Entity::update_many().set(lease).filter(mine(job)).exec(self.db.platform()).await?;
        Ok(renewed.rows_affected > 0)
    }

    /// Renews the lease again and again; ends when another runner has the job.
    pub(super) async fn keep_lease(&self, job: &job::Model) {
        loop {
            tokio::time::sleep(RENEWED_EVERY).await;
            // One that cannot be renewed now may be the next time.
            if matches!(self.renew(job).await, Ok(false)) {
                return;
            }
        }
    }
}
