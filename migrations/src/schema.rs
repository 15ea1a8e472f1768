//! The one type map and the rules that every table gets.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

/// Tables without row security: they route a request to a company before its name is known, or hold
/// no data of any company. Everything else has `tenant_id` and a policy; a test compares this list
/// with the catalogue.
pub const PLATFORM_TABLES: &[&str] =
    &["tenant", "tenant_host", "change_counter", "job", "rate_counter", "seaql_migrations"];

/// Tables whose rows are written once: the application may neither change nor delete them.
pub const APPEND_ONLY: &[&str] =
    &["ledger_entry", "audit", "audit_link", "receipt_template", "house_volume_correction"];

/// Tables of what a billing run calculated: from its publication on their rows are neither changed nor deleted.
pub const FROZEN_WITH_RUN: &[&str] = &["charge", "receipt", "receipt_facts", "arrears", "run_house"];

/// Column types by backend. Dates are integers `yyyymmdd`, periods `yyyymm`, moments milliseconds
/// since 1970 UTC, money kopecks, quantities scaled by 10^7: the same integers on both databases
/// (SQLite has no decimal type, and text compares by locale on PostgreSQL unless `COLLATE "C"`).
fn types(sql: &str, backend: DatabaseBackend) -> String {
    let map: [(&str, &str, &str); 6] = [
        ("{uuid}", "uuid", "BLOB"),
        ("{int}", "bigint", "INTEGER"),
        ("{int4}", "integer", "INTEGER"),
        ("{text}", "text COLLATE \"C\"", "TEXT"),
        ("{bytes}", "bytea", "BLOB"),
        ("{bool}", "boolean", "INTEGER"),
    ];
    let postgres = backend == DatabaseBackend::Postgres;
    map.iter().fold(sql.to_owned(), |text, (name, pg, lite)| text.replace(name, if postgres { pg } else { lite }))
}

async fn run(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    let connection = manager.get_connection();
    let sql = types(sql, manager.get_database_backend());
    connection.execute_unprepared(&sql).await.map(|_| ())
}

/// Creates a platform table: no tenant, no row security.
pub(crate) async fn platform_table(manager: &SchemaManager<'_>, name: &str, columns: &str) -> Result<(), DbErr> {
    run(manager, &create(manager, name, columns, "")).await
}

/// Creates a company's table: `tenant_id` comes first in it and in every key, PostgreSQL forces row
/// security on it, SQLite refuses to move a row to another company.
pub(crate) async fn tenant_table(manager: &SchemaManager<'_>, name: &str, columns: &str) -> Result<(), DbErr> {
    let columns = format!("tenant_id {{uuid}} NOT NULL REFERENCES tenant (id), {columns}");
    run(manager, &create(manager, name, &columns, "")).await?;
    guard(manager, name).await
}

/// Creates a company's table for the rows that a billing run inserts by the hundred thousand: as
/// [`tenant_table`], but without foreign keys (PostgreSQL's check of each row takes a third of the
/// insert; the run that owns the rows has the key) and, on SQLite, stored in its primary key.
pub(crate) async fn bulk_table(manager: &SchemaManager<'_>, name: &str, columns: &str) -> Result<(), DbErr> {
    let columns = format!("tenant_id {{uuid}} NOT NULL, {columns}");
    run(manager, &create(manager, name, &columns, ", WITHOUT ROWID")).await?;
    guard(manager, name).await
}

/// The rows that a transaction sees: of the company it was begun for, of none without one. Where a statement names its
/// company as well, PostgreSQL asks this once for all rows.
const SEEN: &str = "tenant_id = NULLIF(current_setting('app.tenant', true), '')::uuid";

/// The same of the rows that it writes. Of these the rule is asked row by row; as a query of its own the company is read
/// and parsed once a statement, not with each of a run's million rows.
pub(crate) const WRITTEN: &str = "tenant_id = (SELECT NULLIF(current_setting('app.tenant', true), '')::uuid)";

async fn guard(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        run(
            manager,
            &format!(
                "ALTER TABLE {name} ENABLE ROW LEVEL SECURITY;
                 ALTER TABLE {name} FORCE ROW LEVEL SECURITY;
                 CREATE POLICY {name}_tenant ON {name} USING ({SEEN}) WITH CHECK ({WRITTEN});"
            ),
        )
        .await
    } else {
        run(
            manager,
            &format!(
                "CREATE TRIGGER {name}_keeps_tenant BEFORE UPDATE ON {name}
                 WHEN NEW.tenant_id <> OLD.tenant_id
                 BEGIN SELECT RAISE(ABORT, 'a row never changes its company'); END;"
            ),
        )
        .await
    }
}

/// Creates an index; on a company's table its first column is `tenant_id`.
pub(crate) async fn index(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    run(manager, sql).await
}

/// Changes a table that an earlier release made.
pub(crate) async fn alter(manager: &SchemaManager<'_>, sql: &str) -> Result<(), DbErr> {
    run(manager, sql).await
}

/// Changes rows of all companies, which row security keeps from the owner of the tables too.
pub(crate) async fn across_companies(manager: &SchemaManager<'_>, tables: &[&str], sql: &str) -> Result<(), DbErr> {
    let forced = |word: &str| {
        let postgres = manager.get_database_backend() == DatabaseBackend::Postgres;
        let of = |table: &&str| format!("ALTER TABLE {table} {word} ROW LEVEL SECURITY;");
        tables.iter().filter(|_| postgres).map(of).collect::<String>()
    };
    run(manager, &format!("{}{sql}{}", forced("NO FORCE"), forced("FORCE"))).await
}

/// Makes a table of [`APPEND_ONLY`] refuse changes, whoever asks.
pub(crate) async fn append_only(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        run(
            manager,
            &format!(
                "CREATE FUNCTION {name}_is_append_only() RETURNS trigger LANGUAGE plpgsql AS
                 $$ BEGIN RAISE EXCEPTION '{name} is append-only'; END $$;
                 CREATE TRIGGER {name}_append_only BEFORE UPDATE OR DELETE ON {name}
                 FOR EACH ROW EXECUTE FUNCTION {name}_is_append_only();"
            ),
        )
        .await
    } else {
        run(
            manager,
            &format!(
                "CREATE TRIGGER {name}_no_update BEFORE UPDATE ON {name}
                 BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END;
                 CREATE TRIGGER {name}_no_delete BEFORE DELETE ON {name}
                 BEGIN SELECT RAISE(ABORT, '{name} is append-only'); END;"
            ),
        )
        .await
    }
}

/// Makes a table of [`FROZEN_WITH_RUN`] refuse changes of what belongs to a published run, whoever asks. A run that is
/// not published goes on as before, and nothing is asked of the hundred thousands of rows that it inserts.
pub(crate) async fn frozen_with_run(manager: &SchemaManager<'_>, name: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DatabaseBackend::Postgres {
        run(
            manager,
            &format!(
                "CREATE TRIGGER {name}_frozen BEFORE UPDATE OR DELETE ON {name}
                 FOR EACH ROW EXECUTE FUNCTION frozen_with_its_run();"
            ),
        )
        .await
    } else {
        let published = "EXISTS (SELECT 1 FROM billing_run r WHERE r.tenant_id = OLD.tenant_id AND r.id = OLD.run_id
                                   AND r.state = 'published')";
        run(
            manager,
            &format!(
                "CREATE TRIGGER {name}_frozen_update BEFORE UPDATE ON {name}
                 WHEN NEW.run_id <> OLD.run_id OR {published}
                 BEGIN SELECT RAISE(ABORT, 'a published month is frozen'); END;
                 CREATE TRIGGER {name}_frozen_delete BEFORE DELETE ON {name} WHEN {published}
                 BEGIN SELECT RAISE(ABORT, 'a published month is frozen'); END;"
            ),
        )
        .await
    }
}

fn create(manager: &SchemaManager<'_>, name: &str, columns: &str, sqlite: &str) -> String {
    let tail = if manager.get_database_backend() == DatabaseBackend::Sqlite {
        format!(" STRICT{sqlite}")
    } else {
        String::new()
    };
    format!("CREATE TABLE {name} ({columns}){tail}")
}
