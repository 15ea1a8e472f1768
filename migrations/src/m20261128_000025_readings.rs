//! What happens to readings later: a photo beside one, a dial that began again, a reading taken back; and the
//! meter that came in the place of another.

use sea_orm_migration::prelude::*;

use crate::schema::{alter, index, tenant_table};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // A lower value is no mistake: the dial passed its last digit.
        alter(m, "ALTER TABLE reading ADD COLUMN rollover {bool} NOT NULL DEFAULT false").await?;
        // A reading taken back stays for staff to see; nothing else reads it.
        alter(m, "ALTER TABLE reading ADD COLUMN withdrawn_at {int}").await?;
        alter(m, "ALTER TABLE reading ADD COLUMN withdrawn_by {uuid}").await?;
        alter(m, "ALTER TABLE reading ADD COLUMN withdrawn_reason {text} NOT NULL DEFAULT ''").await?;
        // The meter whose place it took, in the month of `installed_on`.
        alter(m, "ALTER TABLE meter ADD COLUMN replaces {uuid}").await?;
        indexes(m).await?;
        tenant_table(
            m,
            "reading_photo",
            "id {uuid} NOT NULL, reading_id {uuid} NOT NULL, meter_id {uuid} NOT NULL, media_type {text} NOT NULL,
             bytes {int} NOT NULL, width {int4} NOT NULL, height {int4} NOT NULL, PRIMARY KEY (tenant_id, id),
             FOREIGN KEY (tenant_id, reading_id) REFERENCES reading (tenant_id, id)",
        )
        .await?;
        index(m, "CREATE INDEX reading_photo_meter ON reading_photo (tenant_id, meter_id)").await
    }
}

/// The indexes of readings without those taken back: the question for the latest reading is answered by the
/// index alone, as before.
async fn indexes(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    index(m, "DROP INDEX reading_meter").await?;
    index(m, "CREATE INDEX reading_meter ON reading (tenant_id, meter_id, taken_on) WHERE withdrawn_at IS NULL")
        .await?;
    index(m, "CREATE INDEX reading_withdrawn ON reading (tenant_id, meter_id) WHERE withdrawn_at IS NOT NULL").await?;
    index(m, "DROP INDEX reading_once").await?;
    index(
        m,
        "CREATE UNIQUE INDEX reading_once ON reading (tenant_id, meter_id, taken_on, source)
         WHERE source NOT IN ('portal', 'guest', 'helper', 'link', 'messenger') AND withdrawn_at IS NULL",
    )
    .await
}
