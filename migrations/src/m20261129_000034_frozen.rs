//! What a published month says is frozen by the database itself: what was calculated for it, the templates it is
//! printed with, the names of its receipts in GIS ЖКХ.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::schema::{FROZEN_WITH_RUN, alter, append_only, frozen_with_run, index};

/// See the module's first line.
#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, m: &SchemaManager) -> Result<(), DbErr> {
        // What GIS ЖКХ calls the receipt (ИД ПД); none until it is uploaded there.
        alter(m, "ALTER TABLE receipt ADD COLUMN document_id {text}").await?;
        index(
            m,
            "CREATE UNIQUE INDEX receipt_document ON receipt (tenant_id, run_id, document_id)
             WHERE document_id IS NOT NULL",
        )
        .await?;
        // Empty in runs of earlier releases: they are printed large with the template of the release that prints.
        alter(m, "ALTER TABLE billing_run ADD COLUMN large_template_hash {text} NOT NULL DEFAULT ''").await?;
        append_only(m, "receipt_template").await?;
        frozen_run(m).await?;
        for table in FROZEN_WITH_RUN {
            frozen_with_run(m, table).await?;
        }
        Ok(())
    }
}

/// Makes published runs refuse changes. Publication itself changes one that is not published yet.
async fn frozen_run(m: &SchemaManager<'_>) -> Result<(), DbErr> {
    if m.get_database_backend() == DatabaseBackend::Sqlite {
        return alter(
            m,
            "CREATE TRIGGER billing_run_frozen_update BEFORE UPDATE ON billing_run WHEN OLD.state = 'published'
             BEGIN SELECT RAISE(ABORT, 'a published month is frozen'); END;
             CREATE TRIGGER billing_run_frozen_delete BEFORE DELETE ON billing_run WHEN OLD.state = 'published'
             BEGIN SELECT RAISE(ABORT, 'a published month is frozen'); END;",
        )
        .await;
    }
    alter(
        m,
        "CREATE FUNCTION frozen_once_published() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN RAISE EXCEPTION 'a published month is frozen'; END $$;
         CREATE TRIGGER billing_run_frozen BEFORE UPDATE OR DELETE ON billing_run
         FOR EACH ROW WHEN (OLD.state = 'published') EXECUTE FUNCTION frozen_once_published();
         CREATE FUNCTION frozen_with_its_run() RETURNS trigger LANGUAGE plpgsql AS
         $$ BEGIN
             IF EXISTS (SELECT 1 FROM billing_run r WHERE r.tenant_id = OLD.tenant_id AND r.id = OLD.run_id
                          AND r.state = 'published') THEN
                 RAISE EXCEPTION 'a published month is frozen';
             END IF;
             IF TG_OP = 'DELETE' THEN
                 RETURN OLD;
             END IF;
             IF NEW.run_id <> OLD.run_id THEN
                 RAISE EXCEPTION 'a row never changes its run';
             END IF;
             RETURN NEW;
         END $$;",
    )
    .await
}
