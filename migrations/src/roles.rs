//! The application's PostgreSQL role: it owns nothing and passes no row security by.

use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, DbErr, Statement};

use crate::schema::APPEND_ONLY;

/// Why the server refuses to start with this PostgreSQL role.
#[derive(Debug)]
pub enum UnsafeRole {
    /// The role could read other companies: it is a superuser, has BYPASSRLS, owns a table, or is a member of such a
    /// role.
    Powerful(String),
    /// The database did not answer.
    Database(DbErr),
}

/// The number of the lock that whoever migrates holds: any that nothing else of the database's takes.
const MIGRATING: i64 = 0x006b_6162_696e_6574;

/// Waits until nobody else migrates or grants: two commands that start at once would change the same rows of the
/// catalogue, which PostgreSQL refuses. The turn ends with the connection, which must be the pool's only one.
pub async fn wait_for_turn(owner: &DatabaseConnection) -> Result<(), DbErr> {
    if owner.get_database_backend() == DatabaseBackend::Postgres {
        owner.execute_unprepared(&format!("SELECT pg_advisory_lock({MIGRATING})")).await?;
    }
    Ok(())
}

/// Grants the application's role what it needs and no more; safe to repeat after every migration.
pub async fn grant_to_application(owner: &DatabaseConnection, role: &str) -> Result<(), DbErr> {
    if owner.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(());
    }
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    let mut sql = format!(
        "GRANT USAGE ON SCHEMA public TO {role};
         GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {role};
         REVOKE INSERT, UPDATE, DELETE ON seaql_migrations FROM {role};"
    );
    for table in APPEND_ONLY {
        sql.push_str(&format!("REVOKE UPDATE, DELETE ON {table} FROM {role};"));
    }
    owner.execute_unprepared(&sql).await.map(|_| ())
}

/// Refuses a role for which row security would not hold (superuser, BYPASSRLS, owner of tables), and a member of one.
/// SQLite has no roles and always passes.
pub async fn refuse_unsafe_role(application: &DatabaseConnection) -> Result<(), UnsafeRole> {
    if application.get_database_backend() != DatabaseBackend::Postgres {
        return Ok(());
    }
    // A member may become what it is a member of.
    let probe = "SELECT EXISTS (SELECT 1 FROM pg_roles p WHERE (p.rolsuper OR p.rolbypassrls)
                                AND pg_has_role(current_user, p.oid, 'MEMBER')) AS powerful,
                        EXISTS (SELECT 1 FROM pg_tables WHERE schemaname = 'public'
                                AND pg_has_role(current_user, tableowner, 'MEMBER')) AS owner,
                        current_user::text AS name";
    let row = application
        .query_one_raw(Statement::from_string(DatabaseBackend::Postgres, probe))
        .await
        .map_err(UnsafeRole::Database)?
        .ok_or_else(|| UnsafeRole::Powerful("unknown role".into()))?;
    let powerful: bool = row.try_get("", "powerful").map_err(UnsafeRole::Database)?;
    let owner: bool = row.try_get("", "owner").map_err(UnsafeRole::Database)?;
    let name: String = row.try_get("", "name").map_err(UnsafeRole::Database)?;
    match (powerful, owner) {
        (false, false) => Ok(()),
        (true, _) => Err(UnsafeRole::Powerful(format!("role {name} is a superuser or has BYPASSRLS"))),
        (false, true) => Err(UnsafeRole::Powerful(format!("role {name} owns tables"))),
    }
}
