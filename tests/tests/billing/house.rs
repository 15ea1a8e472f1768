//! A company with accounts, meters and readings made for the test.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use kabinet_billing::Billing;
use kabinet_billing::catalog::{
    self, Activation, CheckedPlugin, Dated, ReceiptKind, Section, Service, Supplier, Tariff, Terms,
};
use kabinet_contracts::AccountId;
use kabinet_core::tenancy::Tenants;
use kabinet_core::{Actor, Clock, Day, Db, DbConfig, Period, Tenant, TenantId, Timestamp, Tx};
use kabinet_plugin_host::PluginHost;
use kabinet_plugin_host::api::{Price, ServiceKind, Unit, Zone};
use kabinet_plugin_host::manifest::Manifest;
use kabinet_render::ReceiptPrinter;
use kabinet_sandbox::{Pool, PoolConfig};
use kabinet_tests::server::binary;
use kabinet_tests::{Database, Kind};
use rust_decimal::Decimal;
use sea_orm::{ConnectionTrait, DatabaseBackend, Value};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

/// What a made-up account consists of.
const TABLES: [&str; 6] = [
    "premises (tenant_id,id,house_id,flat,flat_key,kind,area)",
    "account (tenant_id,id,branch,number,number_key,premises_id,els,izhku,opened_on,closed_on)",
    "occupancy (tenant_id,account_id,from_on,registered,temporary,owners)",
    "holder (tenant_id,id,account_id,kind,surname,surname_key,given_name,patronymic,organisation,inn,share_numerator,share_denominator,from_on,to_on)",
    "meter (tenant_id,id,account_id,service_code,serial,place,model,zones,digits,automatic,installed_on,removed_on,verified_until)",
    "reading (tenant_id,id,meter_id,account_id,period,taken_on,value_t1,value_t2,value_t3,source,actor_id,created_at)",
];

/// Noon of a day, Yekaterinburg time.
pub fn moment(day: Day) -> Timestamp {
    day.start(chrono_tz::Asia::Yekaterinburg).plus_seconds(12 * 3600)
}

pub struct House {
    pub database: Database,
    pub db: Db,
    hand: Arc<AtomicI64>,
    pub tenant: Arc<Tenant>,
    pub billing: Billing,
    pub accounts: Vec<AccountId>,
}

impl House {
    /// A company on a database of its own.
    pub async fn new(kind: Kind, accounts: usize) -> Self {
        let database = Database::new(kind);
        let (clock, hand) = Clock::manual(moment(Day(20_251_120)));
        let connect = |url: &str| DbConfig { url: url.to_owned(), connections: 4 };
        let owning = Db::connect(&connect(database.owner_url()), clock.clone()).await.expect("a database");
        kabinet_migrations::Migrator::up(owning.platform(), None).await.expect("migrated");
        if let Some(postgres) = &database.postgres {
            kabinet_migrations::grant_to_application(owning.platform(), &postgres.role).await.expect("granted");
        }
        let db = Db::connect(&connect(&database.url), clock).await.expect("a database");
        let tenant = company(&db).await;
        let pool = Arc::new(Pool::new(PoolConfig { program: binary(), args: vec!["worker".to_owned()], workers: 1 }));
        let host = PluginHost::new(pool.clone(), database.dir.join("plugins"), [7; 32]).expect("a host");
        let component = binary().with_file_name("plugins/standard.wasm");
        let plugin = std::fs::read(&component).unwrap_or_else(|error| panic!("{}: {error}", component.display()));
        let manifest = include_str!("../../../plugins/examples/standard/plugin.toml");
        let manifest = Manifest::read(manifest).expect("its plugin.toml");
        let plugin = CheckedPlugin::of(&host, plugin, manifest).await.expect("the standard plugin");
        let mut house = Self {
            billing: Billing::new(db.clone(), host, ReceiptPrinter::new(pool)),
            accounts: Vec::new(),
            database,
            db,
            hand,
            tenant,
        };
        let mut tx = house.begin().await;
        catalog::set_receipt_kinds(&mut tx, &kinds()).await.expect("kinds");
        catalog::set_services(&mut tx, &services()).await.expect("services");
        catalog::set_tariffs(&mut tx, &tariffs()).await.expect("tariffs");
        let active = Activation { from: Period(202_509), config: Default::default() };
        catalog::install_plugin(&mut tx, &plugin, &active).await.expect("installed");
        tx.commit().await.expect("committed");
        house.people(accounts).await;
        house
    }

    pub async fn begin(&self) -> Tx {
        self.db.begin(&self.tenant, Actor::System).await.expect("a transaction")
    }

    /// Noon of a day from now on: a company begins at noon of 20.11.2025.
    pub fn go_to(&self, day: Day) {
        self.hand.store(moment(day).0, Ordering::SeqCst);
    }

    /// Executes SQL with the company as `$1`.
    pub async fn execute(&self, sql: &str, values: Vec<Value>) -> u64 {
        let tx = self.begin().await;
        let touched = tx.execute(sql, values).await.expect("executed");
        tx.commit().await.expect("committed");
        touched
    }

    /// Accounts of 50 m² and two people, each with a cold water and an electricity meter, read in August,
    /// September and October (4 m³ and 100 kWh a month).
    async fn people(&mut self, count: usize) {
        let postgres = self.db.platform().get_database_backend() == DatabaseBackend::Postgres;
        let id = |id: Uuid| if postgres { format!("'{id}'") } else { format!("x'{}'", id.simple()) };
        let no = if postgres { "false" } else { "0" };
        let tenant = id(self.tenant.id.0);
        let house = id(Uuid::now_v7());
        let yes = if postgres { "true" } else { "1" };
        let first = format!(
            "INSERT INTO house (tenant_id, id, code, address, number, number_key, has_flats) VALUES ({tenant}, {house}, 'h', 'ул. Набережная, д. 7', '7', '7', {yes})"
        );
        self.put(&first).await;
        for start in (0..count).step_by(500) {
            let mut rows = [const { String::new() }; 6];
            for number in start..count.min(start + 500) {
                let (premises, account) = (id(Uuid::now_v7()), Uuid::now_v7());
                self.accounts.push(AccountId(account));
                let account = id(account);
                let mut row = |at: usize, text: String| {
                    let comma = if rows[at].is_empty() { "" } else { "," };
                    let _ = write!(rows[at], "{comma}({tenant},{text})");
                };
                row(0, format!("{premises},{house},'{number}','{number}','flat',500000000"));
                row(1, format!("{account},'','{number:010}','{number}',{premises},'','',20200101,NULL"));
                row(2, format!("{account},20200101,2,0,1"));
                row(
                    3,
                    format!(
                        "{},{account},'person','Иванова','иванова','Наталья','Петровна','','',1,1,20200101,NULL",
                        id(Uuid::now_v7())
                    ),
                );
                for (code, serial, step) in [("cold_water", "В", 40_000_000_i64), ("electricity", "Э", 1_000_000_000)]
                {
                    let meter = id(Uuid::now_v7());
                    row(
                        4,
                        format!(
                            "{meter},{account},'{code}','{serial}-{number}','кухня','',1,5,{no},20200101,NULL,20300101"
                        ),
                    );
                    for (month, period) in (0_i64..).zip([202_508, 202_509, 202_510]) {
                        let value = 1_000_000_000 + month * step;
                        row(
                            5,
                            format!(
                                "{},{meter},{account},{period},{period}20,{value},NULL,NULL,'portal',NULL,0",
                                id(long_ago())
                            ),
                        );
                    }
                }
            }
            for (table, rows) in TABLES.iter().zip(&rows) {
                self.put(&format!("INSERT INTO {table} VALUES {rows}")).await;
            }
        }
    }

    async fn put(&self, sql: &str) {
        let tx = self.begin().await;
        // The door wants to see the company in every statement.
        tx.execute(&format!("{sql} /* tenant_id = $1 */"), Vec::new()).await.expect("inserted");
        tx.commit().await.expect("committed");
    }
}

/// The identifier of something that was there before any run of the test began.
fn long_ago() -> Uuid {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    Uuid::from_u128(NEXT.fetch_add(1, Ordering::Relaxed).into())
}

async fn company(db: &Db) -> Arc<Tenant> {
    let id = Uuid::now_v7();
    let postgres = db.platform().get_database_backend() == DatabaseBackend::Postgres;
    let key = if postgres { format!("'{id}'") } else { format!("x'{}'", id.simple()) };
    let profile = r##"{"legal_name":"ООО «УК Береговой»","phone":"8 (351) 200-10-10","color":"#1f5f8b"}"##;
    let sql = format!(
        "INSERT INTO tenant (id, slug, name, status, time_zone, profile, package_hash, created_at, updated_at)
         VALUES ({key}, '{id}', 'УК «Береговой»', 'active', 'Asia/Yekaterinburg', '{profile}', '', 0, 0)"
    );
    db.platform().execute_unprepared(&sql).await.expect("a company");
    Tenants::new(db.clone()).by_id(TenantId(id)).await.expect("a company").expect("a company")
}

pub fn kinds() -> Vec<Dated<ReceiptKind>> {
    let supplier = Supplier {
        name: "ООО «УК Береговой»".into(),
        inn: "7453012342".into(),
        kpp: "745301001".into(),
        bank_name: "ПАО Сбербанк".into(),
        bic: "044525225".into(),
        settlement_account: "40702810138250123017".into(),
        correspondent_account: "30101810400000000225".into(),
        purpose: String::new(),
    };
    let kind = |code: &str, title: &str, main: bool| {
        Dated::from(ReceiptKind { code: code.into(), title: title.into(), main, supplier: supplier.clone() })
    };
    vec![kind("main", "Жилищно-коммунальные услуги", true), kind("capital", "Капитальный ремонт", false)]
}

pub fn services() -> Vec<Dated<Service>> {
    let service = |code: &str, title: &str, resource, unit, section, kind: &str, rule: &str| {
        Dated::from(Service {
            code: code.into(),
            title: title.into(),
            resource,
            unit,
            section,
            kind: kind.into(),
            rule: rule.into(),
            shares: String::new(),
        })
    };
    use {Section as S, ServiceKind as K, Unit as U};
    vec![
        service("maintenance", "Содержание", K::Maintenance, U::SquareMetre, S::Maintenance, "main", "area"),
        service("cold_water", "Холодная вода", K::ColdWater, U::CubicMetre, S::Utilities, "main", "metered"),
        service("wastewater", "Водоотведение", K::Wastewater, U::CubicMetre, S::Utilities, "main", "drainage"),
        service("electricity", "Электроэнергия", K::Electricity, U::KilowattHour, S::Utilities, "main", "metered"),
        service("waste", "Обращение с ТКО", K::Waste, U::Person, S::Utilities, "main", "persons"),
        service("capital_repair", "Взнос", K::CapitalRepair, U::SquareMetre, S::CapitalRepair, "capital", "area"),
    ]
}

pub fn tariffs() -> Vec<Tariff> {
    let tariff = |service: &str, kopecks: i64, norm: Option<i64>| Tariff {
        service: service.into(),
        from: Day(20_250_701),
        terms: Terms {
            prices: vec![Price { zone: Zone::WholeDay, above: Decimal::ZERO, amount: Decimal::new(kopecks, 2) }],
            norm: norm.map(|norm| Decimal::new(norm, 2)),
            ..Terms::default()
        },
        note: String::new(),
    };
    vec![
        tariff("cold_water", 3956, Some(485)),
        tariff("wastewater", 2641, Some(700)),
        tariff("electricity", 477, Some(9200)),
        tariff("maintenance", 3120, None),
        tariff("waste", 12_458, None),
        tariff("capital_repair", 1392, None),
    ]
}
