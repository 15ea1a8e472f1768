//! Companies never see each other, and what was booked is never changed.

use kabinet_core::{Actor, Db, DbConfig, DbError, Tx, tenant_table};
use kabinet_migrations::{APPEND_ONLY, FROZEN_WITH_RUN, PLATFORM_TABLES};
use kabinet_tests::company::{COMPANIES, Package};
use kabinet_tests::pdf::Pdf;
use kabinet_tests::postgres::Cluster;
use kabinet_tests::{Kind, Server, block_on, on_both_databases};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, QueryFilter, Set, Statement};
use serde_json::Value;

on_both_databases![
    a_session_of_one_company_is_nobody_at_the_other,
    a_staff_session_of_one_company_is_nobody_at_the_other,
    ids_of_the_other_company_are_not_found_like_random_ones,
    no_page_names_anything_of_the_other_company,
    a_transaction_reads_and_writes_its_own_company_only,
    the_typed_door_opens_to_its_own_company_only,
    what_was_booked_and_audited_is_never_changed,
    what_was_published_is_never_changed,
    a_query_without_its_company_is_refused,
];

fn a_session_of_one_company_is_nobody_at_the_other(kind: Kind) {
    let server = Server::shared(kind);
    let mut visit = server.resident("beregovoy");
    // The server knows the session by now, without asking the database.
    visit.get("/overview").expect(200);
    let mut stranger = server.browser("teploset");
    stranger.cookies.clone_from(&visit.cookies);
    assert_eq!(stranger.get("/overview").expect(303).location(), "/");
    assert_eq!(stranger.call("GET", "/api/v1/me", None).expect(401).json()["code"], "not_logged_in");
    // The same person's password is unknown there too.
    let login = &server.facts().company("beregovoy").resident;
    server.browser("teploset").try_log_in(&login.email, &login.password).expect(422);
}

fn a_staff_session_of_one_company_is_nobody_at_the_other(kind: Kind) {
    let server = Server::shared(kind);
    let admin = &server.facts().company("beregovoy").admin;
    let mut browser = server.browser("beregovoy");
    let login = serde_json::json!({ "email": admin.email, "password": admin.password });
    browser.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    let mine = browser.call("GET", "/api/admin/v1/billing/runs", None).expect(200).json();
    let mut stranger = server.browser("teploset");
    stranger.cookies.clone_from(&browser.cookies);
    stranger.call("GET", "/api/admin/v1/billing/runs", None).expect(401);
    // With a session of its own it does not find the other's run.
    let admin = &server.facts().company("teploset").admin;
    let login = serde_json::json!({ "email": admin.email, "password": admin.password });
    stranger.call("POST", "/api/admin/v1/session", Some(&login)).expect(204);
    let foreign = mine["items"][0]["id"].as_str().expect("a run").to_owned();
    let random = "0193a1c0-0000-7000-8000-0000000000ff".to_owned();
    let probe = |browser: &mut kabinet_tests::Browser, method: &str, id: &str, tail: &str| {
        browser.call(method, &format!("/api/admin/v1/billing/runs/{id}{tail}"), None).expect(404).fingerprint()
    };
    for (method, tail) in [("GET", ""), ("POST", "/publish")] {
        let (theirs, none) =
            (probe(&mut stranger, method, &foreign, tail), probe(&mut stranger, method, &random, tail));
        assert_eq!(theirs, none, "{method}{tail}");
    }
}

/// Every address with an identifier, asked with the other company's and with a random one.
fn ids_of_the_other_company_are_not_found_like_random_ones(kind: Kind) {
    let server = Server::shared(kind);
    let foreign: Vec<String> = {
        let mut visit = server.resident("teploset");
        let meters = visit.call("GET", "/api/v1/meters", None).expect(200).json();
        let me = visit.call("GET", "/api/v1/me", None).expect(200).json();
        let ids = |list: &Value| {
            list.as_array()
                .into_iter()
                .flatten()
                .filter_map(|x| x["id"].as_str().map(str::to_owned))
                .collect::<Vec<_>>()
        };
        ids(&meters["meters"]).into_iter().chain(ids(&me["accounts"])).collect()
    };
    let mut visit = server.resident("beregovoy");
    let token = visit.page("/accounts").form("/logout").value("csrf").expect("a token").to_owned();
    let mut probe = |id: &str| {
        let meter = visit.get(&format!("/meters/{id}")).expect(404).fingerprint();
        let select =
            visit.post(&format!("/accounts/{id}/select"), &[("csrf".into(), token.clone())]).expect(404).fingerprint();
        let flag = visit.get(&format!("/accounts/{id}/paperless")).expect(404).fingerprint();
        (meter, select, flag)
    };
    let random = probe("0193a1c0-0000-7000-8000-0000000000ff");
    for id in &foreign {
        assert_eq!(probe(id), random, "{id}");
    }
    // A reading for a foreign meter is refused like one for none, and stores nothing.
    let mut send = |id: &str| {
        let body = serde_json::json!({ "readings": [{ "meter": id, "deltas": ["1"] }] });
        visit.call("POST", "/api/v1/meters/readings", Some(&body)).expect(422).text().replace(id, "ID")
    };
    let unknown = send("0193a1c0-0000-7000-8000-0000000000ff");
    assert_eq!(send(&foreign[0]), unknown);
}

fn no_page_names_anything_of_the_other_company(kind: Kind) {
    let server = Server::shared(kind);
    for (slug, other) in COMPANIES.iter().zip(COMPANIES.iter().rev()) {
        let foreign = Package::read(other);
        let mut canaries =
            vec![foreign.name, foreign.contacts.phone, foreign.contacts.email, format!("{other}.localhost")];
        canaries.extend(foreign.receipt_kinds.iter().map(|kind| kind.supplier.settlement_account.clone()));
        canaries.extend(server.facts().company(other).unlinked.iter().map(|account| account.account.clone()));
        let mut visit = server.resident(slug);
        let paths = [
            "/overview",
            "/services",
            "/charges",
            "/charges/difference",
            "/payments",
            "/meters/readings",
            "/meters",
            "/documents",
            "/requests",
            "/requests/new?kind=emergency",
            "/notifications",
            "/notifications/preferences",
            "/accounts",
            "/settings",
            "/nothing",
            "/offline",
            "/readings/link/none",
            "/manifest.webmanifest",
            "/sw.js",
            "/api/v1/me",
            "/api/v1/documents",
            "/api/v1/notifications",
            "/api/openapi.json",
        ];
        let flag = format!("/accounts/{}/paperless", visit.active_account());
        for path in paths.into_iter().chain([flag.as_str()]) {
            let text = visit.get(path).text();
            for canary in &canaries {
                assert!(!text.contains(canary), "{slug} {path} names {canary}");
            }
        }
        let text = Pdf::new(&visit.get("/documents/2026-10.pdf").expect(200).body).text();
        assert!(canaries.iter().all(|canary| !text.contains(canary)), "{slug}: the receipt names a stranger");
    }
}

#[derive(FromQueryResult)]
struct Count {
    number: i64,
}

async fn count(tx: &Tx, table: &str) -> i64 {
    // "OR 1 = 1" undoes the filter that every query must have: what is left is the database's own belt.
    let sql = format!("SELECT COUNT(*) AS number FROM {table} WHERE tenant_id = $1 OR 1 = 1");
    let rows: Vec<Count> = tx.rows(&sql, Vec::new()).await.expect("a count");
    rows[0].number
}

fn a_transaction_reads_and_writes_its_own_company_only(kind: Kind) {
    let server = Server::shared(kind);
    block_on(async {
        let db = server.database.open().await;
        let (own, other) =
            (server.database.company(&db, "beregovoy").await, server.database.company(&db, "teploset").await);
        let foreign = other.id.0;
        let tx = db.begin(&own, Actor::System).await.expect("a transaction");
        if kind == Kind::PostgreSql {
            for table in ["account", "charge", "resident", "session", "audit"] {
                let all = count(&tx, table).await;
                let sql = format!("SELECT COUNT(*) AS number FROM {table} WHERE tenant_id = $1");
                let mine: Vec<Count> = tx.rows(&sql, Vec::new()).await.expect("a count");
                assert_eq!(all, mine[0].number, "{table}: row security hides the other company");
            }
            tx.commit().await.expect("a commit");
        } else {
            drop(tx);
        }
        // Rows of another company cannot be written, whatever the statement says.
        let stamped =
            "INSERT INTO setting (tenant_id, module, value) SELECT $2, 'probe', '{}' WHERE $3 <> 'tenant_id = $1'";
        // Nothing refers to such a row: only its company keeps it where it is.
        let alone = || setting::ActiveModel {
            tenant_id: Set(own.id),
            module: Set("moved".to_owned()),
            value: Set("{}".to_owned()),
        };
        let moved = "UPDATE setting SET tenant_id = $2 WHERE tenant_id = $1 AND module = 'moved'";
        let linked = "INSERT INTO account_alias (tenant_id, number_key, account_id, number)
                      SELECT h.tenant_id, 'x', (SELECT a.id FROM account a WHERE a.tenant_id = $2 LIMIT 1), 'x'
                      FROM house h WHERE h.tenant_id = $1 LIMIT 1";
        let mut attempts = vec![
            ("a row is moved", moved, vec![foreign.into()]),
            ("a foreign key crosses", linked, vec![foreign.into()]),
        ];
        if kind == Kind::PostgreSql {
            attempts.push(("a row is stamped", stamped, vec![foreign.into(), "x".into()]));
        }
        for (what, sql, values) in attempts {
            let tx = db.begin(&own, Actor::System).await.expect("a transaction");
            tx.insert(alone()).await.expect("a row");
            let outcome = tx.execute(sql, values).await;
            assert!(outcome.is_err(), "{what}: {outcome:?}");
        }
        // The typed door: the same identifier under the other company is not there.
        let tx = db.read(&other, Actor::System).await.expect("a transaction");
        let found: Vec<Count> = tx
            .rows(
                "SELECT COUNT(*) AS number FROM account a WHERE a.tenant_id = $1 AND a.number = $2",
                vec![server.facts().company("beregovoy").unlinked[0].account.clone().into()],
            )
            .await
            .expect("a count");
        assert_eq!(found[0].number, 0);
    });
}

tenant_table!(setting, "setting", key { module: String }, { value: String });

/// What modules ask without SQL: on SQLite nothing else stands between two companies.
fn the_typed_door_opens_to_its_own_company_only(kind: Kind) {
    use setting::{ActiveModel, Column, Entity};
    let server = Server::shared(kind);
    block_on(async {
        let db = server.database.open().await;
        let (own, other) =
            (server.database.company(&db, "beregovoy").await, server.database.company(&db, "teploset").await);
        let row = |tx: &Tx, value: &str| ActiveModel {
            tenant_id: Set(tx.tenant_id()),
            module: Set("door".to_owned()),
            value: Set(value.to_owned()),
        };
        let door = || Column::Module.eq("door");
        let tx = db.begin(&other, Actor::System).await.expect("a transaction");
        tx.insert(row(&tx, "theirs")).await.expect("a row");
        tx.commit().await.expect("a commit");
        let tx = db.begin(&own, Actor::System).await.expect("a transaction");
        assert_eq!(tx.all(Entity::find().filter(door())).await.expect("rows"), []);
        assert_eq!(tx.one(Entity::find().filter(door())).await.expect("a row"), None);
        assert_eq!(tx.count(Entity::find().filter(door())).await.expect("a count"), 0);
        let update = Entity::update_many().col_expr(Column::Value, Expr::value("mine")).filter(door());
        assert_eq!(tx.update_where(update).await.expect("an update"), 0);
        assert_eq!(tx.delete_where(Entity::delete_many().filter(door())).await.expect("a deletion"), 0);
        tx.insert(row(&tx, "mine")).await.expect("the same key is another company's");
        // Whatever company a row names, it is stored as this one's.
        let foreign = ActiveModel { tenant_id: Set(other.id), ..row(&tx, "changed") };
        tx.put(foreign).await.expect("a row");
        assert_eq!(tx.delete_where(Entity::delete_many().filter(door())).await.expect("a deletion"), 1);
        tx.commit().await.expect("a commit");
        let tx = db.begin(&other, Actor::System).await.expect("a transaction");
        let theirs = tx.one(Entity::find().filter(door())).await.expect("a row").expect("the other company's row");
        assert_eq!(theirs.value, "theirs");
        tx.delete_where(Entity::delete_many().filter(door())).await.expect("a deletion");
        tx.commit().await.expect("a commit");
    });
}

#[test]
fn a_connection_forgets_the_company_of_its_last_transaction() {
    let server = Server::shared(Kind::PostgreSql);
    block_on(async {
        let db = server.database.open().await;
        let own = server.database.company(&db, "beregovoy").await;
        for _ in 0..20 {
            let tx = db.begin(&own, Actor::System).await.expect("a transaction");
            assert!(count(&tx, "account").await > 0);
            tx.commit().await.expect("a commit");
            let seen = catalogue(&db, "SELECT CAST(COUNT(*) AS TEXT) AS number FROM account").await;
            assert_eq!(seen, [["0"]], "row security hides every company outside a transaction");
        }
    });
}

fn what_was_booked_and_audited_is_never_changed(kind: Kind) {
    let server = Server::shared(kind);
    // The demo has a row of each but this.
    let correction = "/api/admin/v1/billing/houses/H00001/corrections/cold_water/2026-10";
    server.staff("beregovoy").call("PUT", correction, Some(&serde_json::json!({ "volume": "1" }))).expect(200);
    block_on(async {
        let db = server.database.open().await;
        let own = server.database.company(&db, "beregovoy").await;
        for table in APPEND_ONLY {
            for sql in [
                format!("DELETE FROM {table} WHERE tenant_id = $1"),
                format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = $1"),
            ] {
                let tx = db.begin(&own, Actor::System).await.expect("a transaction");
                assert!(tx.execute(&sql, Vec::new()).await.is_err(), "{sql}");
            }
        }
        if let Some(postgres) = &server.database.postgres {
            // Not even the owner of the tables may.
            for table in APPEND_ONLY {
                let owner =
                    Db::connect(&DbConfig { url: postgres.owner_url.clone(), connections: 1 }, db.clock().clone())
                        .await;
                let owner = owner.expect("the owner's connection");
                let tx = owner.begin(&own, Actor::System).await.expect("a transaction");
                let outcome = tx.execute(&format!("DELETE FROM {table} WHERE tenant_id = $1"), Vec::new()).await;
                assert!(outcome.is_err_and(|error| error.to_string().contains("append-only")), "{table}");
            }
        }
    });
}

/// A published run and whatever was calculated with it; the demo has no other. That a run which is not published goes
/// on is what billing does.
fn what_was_published_is_never_changed(kind: Kind) {
    let server = Server::shared(kind);
    block_on(async {
        let db = server.database.open().await;
        let own = server.database.company(&db, "beregovoy").await;
        let mut doors = vec![db.clone()];
        if let Some(postgres) = &server.database.postgres {
            // Not even the owner of the tables may.
            let owner = DbConfig { url: postgres.owner_url.clone(), connections: 1 };
            doors.push(Db::connect(&owner, db.clock().clone()).await.expect("the owner's connection"));
        }
        for door in &doors {
            for table in FROZEN_WITH_RUN.iter().chain(&["billing_run"]) {
                for sql in [
                    format!("DELETE FROM {table} WHERE tenant_id = $1"),
                    format!("UPDATE {table} SET tenant_id = tenant_id WHERE tenant_id = $1"),
                ] {
                    let tx = door.begin(&own, Actor::System).await.expect("a transaction");
                    assert!(count(&tx, table).await > 0, "{table} is empty");
                    let outcome = tx.execute(&sql, Vec::new()).await;
                    let frozen = outcome.as_ref().is_err_and(|error| error.to_string().contains("month is frozen"));
                    assert!(frozen, "{sql}: {outcome:?}");
                }
            }
        }
    });
}

fn a_query_without_its_company_is_refused(kind: Kind) {
    let server = Server::shared(kind);
    block_on(async {
        let db = server.database.open().await;
        let own = server.database.company(&db, "beregovoy").await;
        let tx = db.read(&own, Actor::System).await.expect("a transaction");
        let outcome = tx.rows::<Count>("SELECT COUNT(*) AS number FROM account", Vec::new()).await;
        assert!(matches!(outcome, Err(DbError::Other(_))));
    });
}

/// Rows of a catalogue query, as text.
async fn catalogue(db: &Db, sql: &str) -> Vec<Vec<String>> {
    let backend = db.platform().get_database_backend();
    let rows = db.platform().query_all_raw(Statement::from_string(backend, sql)).await.expect("the catalogue");
    let texts = |row: sea_orm::QueryResult| {
        row.column_names().iter().map(|name| row.try_get::<String>("", name).unwrap_or_default()).collect()
    };
    rows.into_iter().map(texts).collect()
}

#[test]
fn every_table_on_postgresql_has_forced_row_security_and_keys_of_its_company() {
    let server = Server::shared(Kind::PostgreSql);
    let postgres = server.database.postgres.as_ref().expect("PostgreSQL");
    let superuser = |sql: &str| Cluster::shared().execute(&postgres.name, sql);
    let tables = superuser(
        "SELECT c.relname, c.relrowsecurity, c.relforcerowsecurity,
                (SELECT count(*) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polcmd = '*'
                   AND p.polqual IS NOT NULL
                   AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%SELECT%NULLIF(current_setting(''app.tenant''%')
         FROM pg_class c WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1",
    );
    let mut checked = 0;
    for line in tables.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        if PLATFORM_TABLES.contains(&fields[0]) {
            assert_eq!(fields[1], "f", "{line}: a platform table with row security belongs off the list");
            continue;
        }
        assert_eq!(&fields[1..], ["t", "t", "1"], "{}: row security, forced, one policy for all", fields[0]);
        checked += 1;
    }
    assert!(checked >= 20, "{tables}");
    let keys = superuser(
        "SELECT i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname
         FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
         JOIN pg_class c ON c.oid = i.indrelid WHERE c.relnamespace = 'public'::regnamespace AND i.indisunique",
    );
    for line in keys.lines() {
        let fields: Vec<&str> = line.split('|').collect();
        assert!(
            PLATFORM_TABLES.contains(&fields[0]) || fields[2] == "tenant_id",
            "{line}: the key must begin with the company"
        );
    }
    let keyless = superuser(
        "SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'
         AND NOT EXISTS (SELECT 1 FROM pg_index i WHERE i.indrelid = c.oid AND i.indisprimary)",
    );
    assert_eq!(keyless.trim(), "", "tables without a primary key");
    let crossing = superuser(
        "SELECT conrelid::regclass::text, conname FROM pg_constraint k WHERE contype = 'f' AND confrelid::regclass::text <> 'tenant'
         AND NOT EXISTS (SELECT 1 FROM pg_attribute a WHERE a.attrelid = k.conrelid AND a.attnum = k.conkey[1] AND a.attname = 'tenant_id')",
    );
    assert_eq!(crossing.trim(), "", "foreign keys that do not begin with the company");
    let views = superuser("SELECT viewname FROM pg_views WHERE schemaname = 'public'");
    assert_eq!(views.trim(), "", "views need security_invoker: none is expected");
}

#[test]
fn the_applications_role_on_postgresql_owns_nothing_and_has_no_power() {
    let server = Server::shared(Kind::PostgreSql);
    let postgres = server.database.postgres.as_ref().expect("PostgreSQL");
    let ask = |sql: String| Cluster::shared().execute(&postgres.name, &sql).trim().to_owned();
    let role = &postgres.role;
    assert_eq!(ask(format!("SELECT count(*) FROM pg_class WHERE relowner = '{role}'::regrole")), "0");
    let powers = "rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication";
    assert_eq!(ask(format!("SELECT {powers} FROM pg_roles WHERE rolname = '{role}'")), "f");
    assert_eq!(ask(format!("SELECT has_schema_privilege('{role}', 'public', 'CREATE')")), "f");
    for table in APPEND_ONLY {
        let may = format!(
            "SELECT has_table_privilege('{role}', '{table}', 'UPDATE') OR has_table_privilege('{role}', '{table}', 'DELETE')"
        );
        assert_eq!(ask(may), "f", "{table}");
    }
    assert_eq!(ask(format!("SELECT has_table_privilege('{role}', 'seaql_migrations', 'INSERT')")), "f");
}

#[test]
fn every_table_on_sqlite_is_strict_and_every_commit_durable() {
    let server = Server::shared(Kind::Sqlite);
    block_on(async {
        let db = server.database.open().await;
        let tables =
            catalogue(&db, "SELECT name, sql FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
                .await;
        assert!(tables.len() >= 25);
        for table in &tables {
            let (name, sql) = (&table[0], table[1].to_uppercase());
            let strict = sql[sql.rfind(')').unwrap_or(0)..].contains("STRICT");
            assert!(strict || name == "seaql_migrations", "{name} is not STRICT");
            let first = catalogue(&db, &format!("SELECT name FROM pragma_table_info('{name}') WHERE pk = 1")).await;
            let platform = PLATFORM_TABLES.contains(&name.as_str());
            assert!(platform || first == [["tenant_id"]], "{name}: the key begins with {first:?}");
            let guards = catalogue(
                &db,
                &format!("SELECT name FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = '{name}'"),
            )
            .await;
            assert!(platform || !guards.is_empty(), "{name}: a row could change its company");
        }
        assert_eq!(catalogue(&db, "SELECT journal_mode AS mode FROM pragma_journal_mode").await, [["wal"]]);
        assert_eq!(
            catalogue(&db, "SELECT CAST(foreign_keys AS TEXT) AS value FROM pragma_foreign_keys").await,
            [["1"]]
        );
        assert_eq!(catalogue(&db, "SELECT CAST(synchronous AS TEXT) AS value FROM pragma_synchronous").await, [["2"]]);
        assert_eq!(catalogue(&db, "SELECT integrity_check AS value FROM pragma_integrity_check").await, [["ok"]]);
        assert!(catalogue(&db, "SELECT \"table\" FROM pragma_foreign_key_check").await.is_empty());
    });
}
