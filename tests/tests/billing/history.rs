//! Services, receipt kinds and due days by the month they hold from: published months stay as they are, a run takes
//! what holds in its month.

use kabinet_billing::catalog::{self, Dated, ReceiptKind, Service, edit};
use kabinet_billing::plan::Snapshot;
use kabinet_billing::{BillingSettings, DueDay, DueDays, documents, runs};
use kabinet_core::tenancy::Tenants;
use kabinet_core::{Actor, Clock, Day, Db, DbConfig, Period, TenantId, Tx};
use kabinet_migrations::Migrator;
use kabinet_tests::{Database, Kind, block_on, on_both_databases};
use sea_orm::{ConnectionTrait, FromQueryResult};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

use crate::house::{House, kinds, moment, services, tariffs};
use crate::{NOVEMBER, OCTOBER, SEPTEMBER, billed, ledger_agrees, publish};

on_both_databases![
    a_run_takes_what_holds_in_its_month,
    a_published_month_is_refused_and_the_first_that_is_not_is_taken,
    a_billed_service_stays_on_its_receipt_and_a_new_one_may_move,
    bills_are_due_by_another_day_from_a_month_on,
    a_company_of_an_earlier_release_keeps_what_it_had,
];

const RULES: [&str; 2] = ["area", "metered"];

fn rules() -> Vec<String> {
    RULES.map(str::to_owned).to_vec()
}

/// The main kind under another heading.
fn renamed(title: &str, from: Option<Period>) -> Dated<ReceiptKind> {
    let mut kind = kinds().remove(0);
    title.clone_into(&mut kind.what.title);
    Dated { from, ..kind }
}

async fn read(house: &House) -> Tx {
    house.db.read(&house.tenant, Actor::System).await.expect("a transaction")
}

/// What the published run of a month was calculated with.
async fn snapshot(tx: &Tx, period: Period) -> Snapshot {
    #[derive(FromQueryResult)]
    struct Frozen {
        snapshot: String,
    }
    let sql = "SELECT snapshot FROM billing_run WHERE tenant_id = $1 AND period = $2 AND state = 'published'";
    let rows: Vec<Frozen> = tx.rows(sql, vec![period.into()]).await.expect("a run");
    serde_json::from_str(&rows[0].snapshot).expect("a snapshot")
}

fn a_run_takes_what_holds_in_its_month(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut water = services().remove(1);
        water.from = Some(NOVEMBER);
        "ХВС".clone_into(&mut water.what.title);
        let mut tx = house.begin().await;
        let said = edit::put_receipt_kind(&mut tx, renamed("Новая квитанция", Some(NOVEMBER))).await.expect("stored");
        assert_eq!(said, ["вид квитанции main изменён с 2025-11"]);
        let said = edit::put_service(&mut tx, water, &rules()).await.expect("stored");
        assert_eq!(said, ["услуга cold_water изменена с 2025-11"]);
        tx.commit().await.expect("committed");
        for period in [OCTOBER, NOVEMBER] {
            publish(&house, billed(&house, period).await).await;
        }
        ledger_agrees(&house).await;
        let tx = read(&house).await;
        for (period, title, water) in [
            (SEPTEMBER, "Жилищно-коммунальные услуги", "Холодная вода"),
            (OCTOBER, "Жилищно-коммунальные услуги", "Холодная вода"),
            (NOVEMBER, "Новая квитанция", "ХВС"),
        ] {
            let snapshot = snapshot(&tx, period).await;
            assert_eq!(snapshot.kinds[0].title, title, "{period}");
            assert_eq!(snapshot.service("cold_water").expect("water").title, water, "{period}");
            let listed = documents::list(&tx, house.accounts[0]).await.expect("documents");
            let main = listed.iter().find(|one| one.period == period && one.kind == "main").expect("a receipt");
            assert_eq!(main.title, title, "{period}");
        }
    });
}

fn a_published_month_is_refused_and_the_first_that_is_not_is_taken(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        let before = edit::receipt_kinds(&read(&house).await).await.expect("kinds");
        assert!(before.len() == 2 && before.iter().all(|kind| kind.from.is_none()), "{before:?}");
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut tx = house.begin().await;
        let new = renamed("Новая квитанция", Some(SEPTEMBER));
        let refused = edit::put_receipt_kind(&mut tx, new.clone()).await.expect_err("September is published");
        assert_eq!(refused.code(), "billing.already_published");
        let words = "вид квитанции «main»: месяц 2025-09 уже рассчитан и опубликован, изменить можно с 2025-10";
        assert_eq!(refused.to_string(), words);
        let same = edit::put_receipt_kind(&mut tx, Dated { from: Some(SEPTEMBER), ..kinds().remove(0) }).await;
        assert_eq!(same.expect("it holds already"), Vec::<String>::new());
        let said = edit::put_receipt_kind(&mut tx, Dated { from: None, ..new }).await.expect("stored");
        assert_eq!(said, ["вид квитанции main изменён с 2025-10"]);
        let held = edit::receipt_kinds(&tx).await.expect("kinds");
        assert_eq!(held.iter().map(|kind| kind.from).collect::<Vec<_>>(), [None, Some(OCTOBER), None]);
        // Taken back, it never was.
        edit::put_receipt_kind(&mut tx, kinds().remove(0)).await.expect("stored");
        assert_eq!(edit::receipt_kinds(&tx).await.expect("kinds"), before);
        // The main kind is one: the other takes that over, and nobody lets go of it.
        let mut capital = kinds().remove(1);
        capital.what.main = true;
        edit::put_receipt_kind(&mut tx, capital.clone()).await.expect("stored");
        let main = edit::receipt_kinds(&tx).await.expect("kinds").into_iter().map(|kind| kind.what.main);
        assert_eq!(main.collect::<Vec<_>>(), [false, true]);
        capital.what.main = false;
        let refused = edit::put_receipt_kind(&mut tx, capital).await.expect_err("there must be one");
        assert_eq!(refused.code(), "billing.invalid");
    });
}

/// A service by area that stands in the receipt of this kind.
fn door(kind: &str) -> Dated<Service> {
    let mut door = services().remove(0);
    "door".clone_into(&mut door.what.code);
    kind.clone_into(&mut door.what.kind);
    door
}

fn a_billed_service_stays_on_its_receipt_and_a_new_one_may_move(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 2).await;
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let mut moved = services();
        "capital".clone_into(&mut moved[0].what.kind);
        let mut tx = house.begin().await;
        let by_package = catalog::set_services(&mut tx, &moved).await.expect_err("it was billed");
        drop(tx);
        let mut tx = house.begin().await;
        let by_hand = edit::put_service(&mut tx, moved.remove(0), &rules()).await.expect_err("it was billed");
        drop(tx);
        for refused in [by_package, by_hand] {
            assert!(refused.code() == "billing.invalid" && refused.to_string().contains("«maintenance»"), "{refused}");
        }
        let mut tx = house.begin().await;
        edit::put_service(&mut tx, door("main"), &rules()).await.expect("stored");
        let mut terms = tariffs().into_iter().find(|tariff| tariff.service == "maintenance").expect("a tariff");
        "door".clone_into(&mut terms.service);
        terms.from = OCTOBER.first_day();
        edit::put_tariff(&mut tx, terms, &rules()).await.expect("stored");
        tx.commit().await.expect("committed");
        let run = billed(&house, OCTOBER).await;
        let mut tx = house.begin().await;
        edit::put_service(&mut tx, door("capital"), &rules()).await.expect("it was not published");
        let given_up = runs::find(&tx, run).await.expect("a run");
        assert!(given_up.state == "failed" && given_up.problem.contains("другую квитанцию"), "{given_up:?}");
        tx.commit().await.expect("committed");
        for period in [OCTOBER, NOVEMBER] {
            publish(&house, billed(&house, period).await).await;
        }
        ledger_agrees(&house).await;
        let tx = read(&house).await;
        assert_eq!(snapshot(&tx, OCTOBER).await.service("door").expect("the door").kind, "capital");
    });
}

fn bills_are_due_by_another_day_from_a_month_on(kind: Kind) {
    block_on(async {
        let house = House::new(kind, 1).await;
        publish(&house, billed(&house, SEPTEMBER).await).await;
        let rule = |from_period, day| DueDay { from_period, day };
        let mut tx = house.begin().await;
        let refused = edit::put_due_day(&mut tx, rule(SEPTEMBER, 20)).await.expect_err("September is published");
        assert_eq!(refused.code(), "billing.already_published");
        assert_eq!(edit::put_due_day(&mut tx, rule(SEPTEMBER, 10)).await.expect("as it is"), Vec::<String>::new());
        let said = edit::put_due_day(&mut tx, rule(OCTOBER, 20)).await.expect("stored");
        assert_eq!(said, ["сроки оплаты изменены"]);
        tx.commit().await.expect("committed");
        for (period, due) in [(OCTOBER, Day(20_251_120)), (NOVEMBER, Day(20_251_222))] {
            let run = billed(&house, period).await;
            publish(&house, run).await;
            // 20 December 2025 is a Saturday.
            assert_eq!(runs::find(&read(&house).await, run).await.expect("a run").due_on, due);
        }
    });
}

/// A company as the release before left it.
fn of_earlier_release(kind: Kind, id: Uuid) -> String {
    let (key, as_company, yes) = match kind {
        Kind::Sqlite => (format!("x'{}'", id.simple()), String::new(), "1"),
        Kind::PostgreSql => (format!("'{id}'"), format!("SELECT set_config('app.tenant', '{id}', true);"), "true"),
    };
    let supplier = serde_json::to_string(&kinds()[0].what.supplier).expect("text");
    format!(
        r#"{as_company}
        INSERT INTO tenant (id, slug, name, status, time_zone, profile, package_hash, created_at, updated_at)
        VALUES ({key}, 'old', 'УК', 'active', 'Asia/Yekaterinburg', '{{}}', '', 0, 0);
        INSERT INTO receipt_kind (tenant_id, code, title, position, main, supplier)
        VALUES ({key}, 'main', 'ЖКУ', 1, {yes}, '{supplier}');
        INSERT INTO service
          (tenant_id, code, title, resource, unit, section, kind_code, position, rule, shares)
        VALUES ({key}, 'waste', 'ТКО', 'waste', 'person', 'utilities', 'main', 1, 'persons', '');
        INSERT INTO setting (tenant_id, module, value) VALUES ({key}, 'billing',
          '{{"receipt_template":"ab","due_days":[{{"from_period":202001,"day":10}},{{"from_period":202602,"day":20}}]}}');"#
    )
}

fn a_company_of_an_earlier_release_keeps_what_it_had(kind: Kind) {
    block_on(async {
        let database = Database::new(kind);
        let (clock, _) = Clock::manual(moment(Day(20_261_120)));
        let connect = |url: &str| DbConfig { url: url.to_owned(), connections: 4 };
        let owning = Db::connect(&connect(database.owner_url()), clock.clone()).await.expect("a database");
        let all = Migrator::migrations();
        let earlier = all.iter().position(|one| one.name() == "m20261129_000037_plugin_limits").expect("its number");
        let steps = u32::try_from(earlier).expect("few");
        Migrator::up(owning.platform(), Some(steps)).await.expect("migrated");
        let id = Uuid::now_v7();
        owning.platform().execute_unprepared(&of_earlier_release(kind, id)).await.expect("a company");
        Migrator::up(owning.platform(), None).await.expect("migrated");
        if let Some(postgres) = &database.postgres {
            kabinet_migrations::grant_to_application(owning.platform(), &postgres.role).await.expect("granted");
        }
        let db = Db::connect(&connect(&database.url), clock).await.expect("a database");
        let tenant = Tenants::new(db.clone()).by_id(TenantId(id)).await.expect("an answer").expect("a company");
        assert_eq!(BillingSettings::of(&tenant).expect("settings").receipt_template, "ab");
        let tx = db.read(&tenant, Actor::System).await.expect("a transaction");
        let kinds = edit::receipt_kinds(&tx).await.expect("kinds");
        assert_eq!((kinds.len(), kinds[0].from, kinds[0].what.title.as_str()), (1, None, "ЖКУ"));
        let services = edit::services(&tx).await.expect("services");
        assert_eq!((services.len(), services[0].from, services[0].what.rule.as_str()), (1, None, "persons"));
        let days = DueDays::of(&tx).await.expect("due days");
        let days: Vec<_> = days.rules().map(|rule| (rule.from_period.0, rule.day)).collect();
        assert_eq!(days, [(202_001, 10), (202_602, 20)]);
    });
}
