//! Secrets of companies in a real database.

use std::sync::Arc;

use kabinet_core::{Actor, Db, Tenant};
use kabinet_tests::process::run;
use kabinet_tests::server::{NOW, command};
use kabinet_tests::{Kind, block_on, on_both_databases};
use sea_orm::FromQueryResult;

use crate::stage::{Stage, database};

on_both_databases![secrets_are_sealed_per_company_and_survive_a_rotation];

#[derive(FromQueryResult, Clone)]
struct Row {
    key_id: String,
    sealed: Vec<u8>,
}

async fn row(db: &Db, tenant: &Arc<Tenant>) -> Row {
    let tx = db.read(tenant, Actor::System).await.expect("a transaction");
    let sql = "SELECT key_id, sealed FROM secret WHERE tenant_id = $1";
    tx.rows(sql, vec![]).await.expect("rows").pop().expect("a secret")
}

async fn put(db: &Db, tenant: &Arc<Tenant>, plain: &[u8]) {
    let mut tx = db.begin(tenant, Actor::System).await.expect("a transaction");
    tx.set_secret("esia.client_key", plain).await.expect("stored");
    tx.commit().await.expect("a commit");
}

async fn get(db: &Db, tenant: &Arc<Tenant>) -> Option<Vec<u8>> {
    let tx = db.read(tenant, Actor::System).await.expect("a transaction");
    tx.secret("esia.client_key").await.expect("it opens")
}

fn secrets_are_sealed_per_company_and_survive_a_rotation(kind: Kind) {
    let database = database(kind);
    run(command(&database, NOW).args(["tenant", "apply", "tenants/teploset"]));
    block_on(async {
        let stage = Stage::set(&database, "", NOW).await;
        let (db, mine) = (&stage.app.db, &stage.tenant);
        let other = stage.app.tenants.by_slug("teploset").await.expect("the companies").expect("teploset");
        put(db, mine, b"first").await;
        put(db, mine, b"PEM of beregovoy").await;
        assert_eq!(get(db, mine).await.as_deref(), Some(b"PEM of beregovoy".as_slice()));
        assert_eq!(get(db, &other).await, None);
        let before = row(db, mine).await;
        assert!(!before.sealed.windows(3).any(|bytes| bytes == b"PEM"));

        // A row that somebody copied to another company does not open there.
        let tx = db.begin(&other, Actor::System).await.expect("a transaction");
        let sql = "INSERT INTO secret (tenant_id, field, key_id, sealed, updated_at)
                   SELECT t.id, 'esia.client_key', $2, $3, 0 FROM tenant t
                   WHERE t.id = $1 AND NOT EXISTS (SELECT 1 FROM secret s WHERE s.tenant_id = $1)";
        tx.execute(sql, vec![before.key_id.clone().into(), before.sealed.clone().into()]).await.expect("copied");
        let refusal = tx.secret("esia.client_key").await.expect_err("sealed for another company").to_string();
        assert!(refusal.contains("does not open") && !refusal.contains("PEM"), "{refusal}");
        drop(tx);

        // Another process rotates; this one goes on with what it has and hears of the new key.
        let said = run(command(&database, NOW).args(["secrets", "rotate"]));
        assert!(said.contains("sealed anew: 1"), "{said}");
        let after = row(db, mine).await;
        assert!(after.key_id != before.key_id && after.sealed != before.sealed);
        assert_eq!(get(db, mine).await.as_deref(), Some(b"PEM of beregovoy".as_slice()));
        put(db, &other, b"PEM of teploset").await;
        assert_eq!(row(db, &other).await.key_id, after.key_id, "the newest key seals");
    });
}
