//! The module over a real database: SQLite in a file of its own, with the platform's migrations.
#![allow(clippy::unwrap_used, reason = "a failing test may panic")]

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use kabinet_contracts::{AccountId, Estimate, Estimates, ImaginedReading, MeterId};
use kabinet_core::{Actor, Clock, Day, Db, DbConfig, DbError, Entropy, Period, Quantity, Tenant, TenantId, Tx};
use kabinet_files::{Files, FilesConfig, Sweep};
use kabinet_meters::consumption::{self, Averages, MeterMonth};
use kabinet_meters::faults::{self, FaultKind};
use kabinet_meters::installation::{self, Removal};
use kabinet_meters::meters::{NewMeter, install_many};
use kabinet_meters::readings::{NewReading, record_many, submit};
use kabinet_meters::{Error, Resource, Source, Submission, Uncounted, corrections, overview, photos, register};
use kabinet_migrations::Migrator;
use kabinet_web::Upload;
use sea_orm::{ConnectionTrait, Statement};
use sea_orm_migration::MigratorTrait;
use uuid::Uuid;

struct House {
    folder: tempfile::TempDir,
    /// What the clock shows.
    now: Arc<AtomicI64>,
    db: Db,
    tenant: Arc<Tenant>,
}

const TENANT: u128 = 1;

/// A company without billing.
struct Nobody;

#[async_trait]
impl Estimates for Nobody {
    async fn outdate(&self, _: &Tx, _: &[AccountId]) -> Result<Option<Period>, DbError> {
        Ok(None)
    }

    async fn current(&self, _: &Arc<Tenant>, _: AccountId) -> Result<Option<Estimate>, DbError> {
        Ok(None)
    }

    async fn imagine(&self, _: &Arc<Tenant>, _: AccountId, _: &[ImaginedReading]) -> Result<Option<Estimate>, DbError> {
        Ok(None)
    }
}

fn account(number: u128) -> AccountId {
    AccountId(Uuid::from_u128(100 + number))
}

async fn house(accounts: u128) -> House {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("kabinet.db").display());
    let zone = chrono_tz::Asia::Yekaterinburg;
    let (clock, now) = Clock::manual(Day(20_261_122).start(zone).plus_seconds(36_000));
    let db = Db::connect(&DbConfig { url, connections: 2 }, clock).await.unwrap();
    Migrator::up(db.platform(), None).await.unwrap();
    let id = TenantId(Uuid::from_u128(TENANT));
    let run = async |sql: &str, values: Vec<sea_orm::Value>| {
        let statement = Statement::from_sql_and_values(sea_orm::DatabaseBackend::Sqlite, sql, values);
        db.platform().execute_raw(statement).await.unwrap();
    };
    run(
        "INSERT INTO tenant VALUES ($1, 'test', 'Test', 'active', 'Asia/Yekaterinburg', '{}', '', 0, 0)",
        vec![id.into()],
    )
    .await;
    let (house, flat) = (Uuid::from_u128(10), Uuid::from_u128(11));
    run("INSERT INTO house VALUES ($1, $2, 'h', 'a', '1', '1', 1)", vec![id.into(), house.into()]).await;
    run("INSERT INTO premises VALUES ($1, $2, $3, '1', '1', 'flat', 0)", vec![id.into(), flat.into(), house.into()])
        .await;
    for number in 0..accounts {
        let values = vec![id.into(), account(number).into(), number.to_string().into(), flat.into()];
        run("INSERT INTO account VALUES ($1, $2, '', $3, $3, $4, '', '', 20200101, NULL)", values).await;
    }
    let tenant = Arc::new(Tenant {
        id,
        slug: "test".into(),
        name: "Test".into(),
        status: "active".into(),
        zone,
        profile: kabinet_core::CompanyProfile::default(),
        canonical_host: String::new(),
        package_hash: String::new(),
        features: Default::default(),
        settings: Default::default(),
        assets: Default::default(),
    });
    House { folder, now, db, tenant }
}

impl House {
    async fn begin(&self) -> Tx {
        self.db.begin(&self.tenant, Actor::Resident(Uuid::from_u128(7))).await.unwrap()
    }

    async fn read(&self) -> Tx {
        self.db.read(&self.tenant, Actor::System).await.unwrap()
    }

    /// Puts the clock to so many seconds after the beginning of a day of the company.
    fn at(&self, day: i32, seconds: i64) {
        let moment = Day(day).start(self.tenant.zone).plus_seconds(seconds);
        self.now.store(moment.0, Ordering::SeqCst);
    }
}

async fn install(tx: &Tx, meter: NewMeter) -> MeterId {
    install_many(tx, vec![meter]).await.unwrap()[0]
}

/// What billing is told of these accounts' month.
async fn consumed(tx: &Tx, period: Period, accounts: &[AccountId]) -> HashMap<AccountId, Vec<MeterMonth>> {
    let usual = Averages { periods: 3, months: 6, months_when_new: 3 };
    let accounts = accounts.iter().map(|account| (*account, usual)).collect();
    consumption::for_accounts(tx, period, &accounts, &[]).await.unwrap()
}

fn water(account: AccountId, serial: &str) -> NewMeter {
    NewMeter {
        account,
        resource: Resource::ColdWater,
        serial: serial.into(),
        place: "кухня".into(),
        model: String::new(),
        digits: 5,
        automatic: false,
        installed_on: Day(20_250_910),
        verified_until: None,
        initial: vec![Quantity::whole(100)],
    }
}

fn reading(meter: MeterId, day: i32, value: i64) -> NewReading {
    NewReading { meter, taken_on: Day(day), values: vec![Quantity::whole(value)], source: Source::Import }
}

fn typed(meter: MeterId, value: &str) -> Submission {
    let form = [("date".to_owned(), "22.11.2026".to_owned()), (format!("meter_{meter}_value"), value.to_owned())];
    Submission::from_form(&form.into())
}

#[tokio::test]
async fn a_submitted_reading_is_what_billing_sees() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    record_many(&tx, &Nobody, vec![reading(meter, 20_260_924, 130), reading(meter, 20_261_024, 133)]).await.unwrap();
    let before = house.db.statements();
    let accepted = submit(&mut tx, &Nobody, account(0), &typed(meter, "136,5"), Source::Portal).await.unwrap();
    assert!(house.db.statements() - before <= 6, "{}", house.db.statements() - before);
    assert_eq!((accepted.period, accepted.meters), (Period(202_611), vec![meter]));
    tx.commit().await.unwrap();

    let tx = house.read().await;
    let before = house.db.statements();
    let months = consumed(&tx, Period(202_611), &[account(0)]).await;
    assert_eq!(house.db.statements() - before, 2);
    let month = &months[&account(0)][0];
    let zone = &month.zones[0];
    assert_eq!((zone.previous, zone.previous_on), (Quantity::whole(133), Day(20_261_024)));
    assert_eq!((zone.current, zone.current_on), (Some(Quantity(1_365_000_000)), Some(Day(20_261_122))));
    assert_eq!((zone.volume, month.missed_periods), (Some(Quantity(35_000_000)), 0));
    assert!(zone.history.is_empty());

    let before = house.db.statements();
    let shown = overview::meters(&tx, account(0)).await.unwrap();
    assert_eq!(house.db.statements() - before, 1);
    assert!(shown[0].sent);
    assert_eq!(shown[0].last_date, Some(Day(20_261_122)));
}

#[tokio::test]
async fn a_missing_reading_brings_history_and_the_months_missed() {
    let house = house(1).await;
    let tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    let rows = [(20_251_020, 101), (20_260_720, 110), (20_260_820, 112), (20_260_801, 111)];
    record_many(&tx, &Nobody, rows.map(|(day, value)| reading(meter, day, value)).into()).await.unwrap();
    let months = consumed(&tx, Period(202_611), &[account(0)]).await;
    let month = &months[&account(0)][0];
    let zone = &month.zones[0];
    assert_eq!((zone.current, month.missed_periods), (None, 2));
    assert_eq!(zone.previous, Quantity::whole(112));
    let whole: Vec<i64> = zone.history.iter().map(|volume| volume.0 / 10_000_000).collect();
    assert_eq!(whole, [2, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]);
    // A run for an earlier month does not see what came later.
    let months = consumed(&tx, Period(202_510), &[account(0)]).await;
    let zone = &months[&account(0)][0].zones[0];
    assert_eq!((zone.previous, zone.current), (Quantity::whole(100), Some(Quantity::whole(101))));
}

#[tokio::test]
async fn a_meter_counts_from_the_month_of_its_installation_until_its_removal() {
    let house = house(1).await;
    let tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    let before = consumed(&tx, Period(202_508), &[account(0)]).await;
    assert!(before.is_empty());
    let first = consumed(&tx, Period(202_509), &[account(0)]).await;
    let zone = &first[&account(0)][0].zones[0];
    assert_eq!((zone.previous, zone.current), (Quantity::whole(100), None));
    record_many(&tx, &Nobody, vec![reading(meter, 20_250_925, 102)]).await.unwrap();
    let first = consumed(&tx, Period(202_509), &[account(0)]).await;
    let month = &first[&account(0)][0];
    assert_eq!((month.zones[0].volume, month.missed_periods), (Some(Quantity::whole(2)), 0));
    let remove = "UPDATE meter SET removed_on = 20251101 WHERE tenant_id = $1";
    tx.execute(remove, Vec::new()).await.unwrap();
    let last = consumed(&tx, Period(202_511), &[account(0)]).await;
    assert_eq!(last.len(), 1);
    let after = consumed(&tx, Period(202_512), &[account(0)]).await;
    assert!(after.is_empty());
}

#[tokio::test]
async fn imports_can_be_repeated_and_people_may_send_again() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meters = vec![water(account(0), "18-1"), water(account(0), "18-2")];
    let first = install_many(&tx, meters.clone()).await.unwrap();
    assert_eq!(install_many(&tx, meters).await.unwrap(), first);
    let rows = vec![reading(first[0], 20_261_024, 120), reading(first[1], 20_261_024, 120)];
    assert_eq!(record_many(&tx, &Nobody, rows.clone()).await.unwrap(), 2);
    assert_eq!(record_many(&tx, &Nobody, rows.clone()).await.unwrap(), 0);
    submit(&mut tx, &Nobody, account(0), &typed(first[0], "121"), Source::Portal).await.unwrap();
    submit(&mut tx, &Nobody, account(0), &typed(first[0], "121,5"), Source::Portal).await.unwrap();
    let lower = submit(&mut tx, &Nobody, account(0), &typed(first[0], "121,4"), Source::Portal).await;
    assert!(matches!(lower, Err(Error::Refused(_))));
    let wrong = NewReading { values: Vec::new(), ..rows[0].clone() };
    assert!(matches!(record_many(&tx, &Nobody, vec![wrong]).await, Err(Error::Invalid(_))));
}

#[tokio::test]
async fn a_batch_of_accounts_costs_as_few_statements_as_one() {
    let house = house(300).await;
    let tx = house.begin().await;
    let accounts: Vec<AccountId> = (0..300).map(account).collect();
    let meters = accounts.iter().map(|account| water(*account, "18-1")).collect();
    let meters = install_many(&tx, meters).await.unwrap();
    let read = |day: i32, value: i64| meters.iter().map(move |meter| reading(*meter, day, value)).collect::<Vec<_>>();
    record_many(&tx, &Nobody, read(20_261_024, 103)).await.unwrap();
    record_many(&tx, &Nobody, read(20_261_120, 105)).await.unwrap();
    let before = house.db.statements();
    let months = consumed(&tx, Period(202_611), &accounts).await;
    assert_eq!(house.db.statements() - before, 2);
    assert_eq!(months.len(), 300);
    assert!(months.values().all(|m| m[0].zones[0].volume == Some(Quantity::whole(2))));
    // In a month without readings the look back costs one more.
    let before = house.db.statements();
    let months = consumed(&tx, Period(202_612), &accounts[..200]).await;
    assert_eq!(house.db.statements() - before, 3);
    assert_eq!(months[&accounts[7]][0].zones[0].history.len(), 12);
}

/// Puts a meter that shows zero in the place of `old`.
async fn replaced(tx: &mut Tx, old: MeterId, on: i32, last: Option<i64>) -> MeterId {
    let removal = Removal { on: Day(on), last: last.map(|last| vec![Quantity::whole(last)]), rollover: false };
    let new = NewMeter { initial: vec![Quantity::ZERO], ..water(account(0), "26-1") };
    installation::replace(tx, &Nobody, old, &removal, new).await.unwrap()
}

async fn of_month(tx: &Tx, period: i32) -> Vec<MeterMonth> {
    let months = consumed(tx, Period(period), &[account(0)]).await;
    months.into_values().next().unwrap_or_default()
}

fn zone(month: &MeterMonth) -> (Option<i64>, u32, Vec<i64>) {
    let zone = &month.zones[0];
    let whole = |volume: &Quantity| volume.0 / 10_000;
    (zone.volume.as_ref().map(whole), month.missed_periods, zone.history.iter().map(whole).collect())
}

/// The fault that keeps the month from being charged by the meter.
fn faulty(month: &MeterMonth) -> Option<FaultKind> {
    match month.uncounted {
        Some(Uncounted::Fault(fault)) => Some(fault.kind),
        _ => None,
    }
}

#[tokio::test]
async fn both_meters_of_a_replacement_count_and_later_months_know_the_old_ones() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let old = install(&tx, water(account(0), "18-1")).await;
    let rows = [(20_260_720, 110), (20_260_820, 112), (20_260_920, 115), (20_261_020, 119)];
    record_many(&tx, &Nobody, rows.map(|(day, value)| reading(old, day, value)).into()).await.unwrap();
    let new = replaced(&mut tx, old, 20_261_116, Some(121)).await;
    let november = of_month(&tx, 202_611).await;
    // By serial number: 18-1, then 26-1, which nobody read since.
    assert_eq!(zone(&november[0]), (Some(2000), 0, vec![]));
    assert_eq!(zone(&november[1]), (Some(0), 0, vec![]));
    record_many(&tx, &Nobody, vec![reading(new, 20_261_122, 3)]).await.unwrap();
    assert_eq!(zone(&of_month(&tx, 202_611).await[1]), (Some(3000), 0, vec![]));
    // A month without a reading has the old one's months, and November with both.
    let december = of_month(&tx, 202_612).await;
    assert_eq!(december.len(), 1);
    let (volume, missed, history) = zone(&december[0]);
    assert_eq!((volume, missed, &history[..4]), (None, 0, &[5000, 4000, 3000, 2000][..]));
    // What was counted over a year adds up to the same.
    let year = (Period(202_608), Period(202_611));
    let counted = consumption::over_months(&tx, "cold_water", year, (account(0), account(0))).await.unwrap();
    assert_eq!(counted[&account(0)], Quantity::whole(2 + 3 + 4 + 5));
}

#[tokio::test]
async fn an_old_meter_that_left_unread_counts_by_its_days_of_the_average() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let old = install(&tx, water(account(0), "18-1")).await;
    let rows = [(20_260_720, 110), (20_260_820, 112), (20_260_920, 115), (20_261_020, 119)];
    record_many(&tx, &Nobody, rows.map(|(day, value)| reading(old, day, value)).into()).await.unwrap();
    replaced(&mut tx, old, 20_261_116, None).await;
    let november = of_month(&tx, 202_611).await;
    // 15 of 30 days of each month that was counted.
    let (volume, _, history) = zone(&november[0]);
    assert_eq!((volume, &history[..3]), (None, &[2000, 1500, 1000][..]));
    assert_eq!(zone(&november[1]), (Some(0), 0, vec![]));
}

#[tokio::test]
async fn without_enough_months_the_new_meter_waits_for_its_reading_too() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let young = NewMeter { installed_on: Day(20_260_920), ..water(account(0), "18-1") };
    let old = install(&tx, young).await;
    record_many(&tx, &Nobody, vec![reading(old, 20_261_020, 103)]).await.unwrap();
    let new = replaced(&mut tx, old, 20_261_116, None).await;
    let november = of_month(&tx, 202_611).await;
    // One month is no base of an average: the norm stands for both, and both are unread.
    assert_eq!((zone(&november[0]).0, zone(&november[1]).0), (None, None));
    assert!(november.iter().all(|month| month.zones[0].history.len() < 3));
    // December's reading covers November: what was charged for the new meter is given back.
    record_many(&tx, &Nobody, vec![reading(new, 20_261_220, 5)]).await.unwrap();
    let december = zone(&of_month(&tx, 202_612).await[0]);
    assert_eq!((december.0, december.1), (Some(5000), 1));
}

#[tokio::test]
async fn a_broken_meter_misses_every_month_until_another_takes_its_place() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    let rows = [(20_260_720, 110), (20_260_820, 112), (20_260_920, 115), (20_261_020, 119)];
    record_many(&tx, &Nobody, rows.map(|(day, value)| reading(meter, day, value)).into()).await.unwrap();
    faults::declare(&mut tx, &Nobody, meter, Day(20_261_105), FaultKind::Failed, "").await.unwrap();
    // What it goes on to show is nobody's measure.
    record_many(&tx, &Nobody, vec![reading(meter, 20_261_120, 190), reading(meter, 20_261_220, 250)]).await.unwrap();
    assert_eq!(of_month(&tx, 202_610).await[0].uncounted, None);
    for (period, missed) in [(202_611, 0), (202_612, 1), (202_701, 2), (202_702, 3)] {
        let month = &of_month(&tx, period).await[0];
        assert_eq!((faulty(month), month.missed_periods), (Some(FaultKind::Failed), missed), "{period}");
        assert_eq!((zone(month).0, &zone(month).2[..3]), (None, &[4000, 3000, 2000][..]), "{period}");
    }
}

#[tokio::test]
async fn the_reading_after_access_counts_from_the_last_one_before() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    record_many(&tx, &Nobody, vec![reading(meter, 20_260_820, 112), reading(meter, 20_260_920, 115)]).await.unwrap();
    faults::declare(&mut tx, &Nobody, meter, Day(20_261_001), FaultKind::AccessRefused, "").await.unwrap();
    record_many(&tx, &Nobody, vec![reading(meter, 20_261_020, 116)]).await.unwrap();
    assert_eq!(faulty(&of_month(&tx, 202_610).await[0]), Some(FaultKind::AccessRefused));
    faults::end(&mut tx, &Nobody, meter, Day(20_261_001), Day(20_261_118)).await.unwrap();
    record_many(&tx, &Nobody, vec![reading(meter, 20_261_120, 125)]).await.unwrap();
    let november = &of_month(&tx, 202_611).await[0];
    // October was missed: the reading counts for both.
    assert_eq!((november.uncounted, zone(november).0, november.missed_periods), (None, Some(10_000), 1));
}

#[tokio::test]
async fn a_reading_taken_back_is_read_by_nobody() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    record_many(&tx, &Nobody, vec![reading(meter, 20_261_024, 130), reading(meter, 20_261_120, 190)]).await.unwrap();
    let wrong = register::readings(&tx, meter).await.unwrap()[0].clone();
    corrections::withdraw(&mut tx, &Nobody, meter, wrong.id, "не тот прибор").await.unwrap();
    assert_eq!(zone(&of_month(&tx, 202_611).await[0]).0, None);
    assert_eq!(overview::meters(&tx, account(0)).await.unwrap()[0].last_date, Some(Day(20_261_024)));
    let all = register::readings(&tx, meter).await.unwrap();
    assert_eq!(all.len(), 3);
    assert!(all[0].withdrawn.as_ref().is_some_and(|(_, reason)| reason == "не тот прибор"));
    // An import that is repeated may bring the day again.
    assert_eq!(record_many(&tx, &Nobody, vec![reading(meter, 20_261_120, 133)]).await.unwrap(), 1);
}

/// A meter whose verification ends on the 20th of October, read each month of summer and on the 18th of October.
async fn verified_until_october(tx: &Tx) -> MeterId {
    let meter = install(tx, NewMeter { verified_until: Some(Day(20_261_020)), ..water(account(0), "18-1") }).await;
    let rows = [(20_260_720, 110), (20_260_820, 112), (20_260_920, 115), (20_261_018, 119)];
    record_many(tx, &Nobody, rows.map(|(day, value)| reading(meter, day, value)).into()).await.unwrap();
    meter
}

#[tokio::test]
async fn what_was_read_before_the_verification_ended_counts_and_nothing_after_it() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let meter = verified_until_october(&tx).await;
    record_many(&tx, &Nobody, vec![reading(meter, 20_261_025, 120), reading(meter, 20_261_120, 123)]).await.unwrap();
    let october = &of_month(&tx, 202_610).await[0];
    assert_eq!((october.uncounted, zone(october).0), (None, Some(4000)), "to the 18th");
    let over = Some(Uncounted::Expired(Day(20_261_020)));
    for (period, missed) in [(202_611, 0), (202_612, 1), (202_701, 2), (202_702, 3)] {
        let month = &of_month(&tx, period).await[0];
        assert_eq!((month.uncounted, month.missed_periods), (over, missed), "{period}");
        assert_eq!((zone(month).0, &zone(month).2[..3]), (None, &[4000, 3000, 2000][..]), "{period}");
    }
    // What was counted over a year is counted by nobody where its last month was not.
    let year = (Period(202_608), Period(202_611));
    assert!(consumption::over_months(&tx, "cold_water", year, (account(0), account(0))).await.unwrap().is_empty());
    // Verified anew, the meter shows what it did all the while.
    installation::verify(&mut tx, &Nobody, meter, Some(Day(20_321_020))).await.unwrap();
    let november = &of_month(&tx, 202_611).await[0];
    assert_eq!((november.uncounted, zone(november).0), (None, Some(3000)), "from the 25th of October");
}

#[tokio::test]
async fn an_expired_meter_that_another_replaces_counts_by_its_days_of_the_average() {
    let house = house(1).await;
    let mut tx = house.begin().await;
    let old = verified_until_october(&tx).await;
    replaced(&mut tx, old, 20_261_116, Some(125)).await;
    let november = of_month(&tx, 202_611).await;
    assert_eq!((zone(&november[0]).0, &zone(&november[0]).2[..3]), (None, &[2000, 1500, 1000][..]));
    assert_eq!(november[0].uncounted, Some(Uncounted::Expired(Day(20_261_020))));
    assert_eq!(zone(&november[1]), (Some(0), 0, vec![]));
}

#[tokio::test]
async fn a_verification_ends_at_the_midnight_of_the_company() {
    let house = house(1).await;
    let tx = house.begin().await;
    let meter = install(&tx, NewMeter { verified_until: Some(Day(20_261_122)), ..water(account(0), "18-1") }).await;
    tx.commit().await.unwrap();
    // In UTC both moments are of the 22nd.
    for (day, seconds, date, told) in [(20_261_122, 86_399, "22.11.2026", 0), (20_261_123, 1, "23.11.2026", 1)] {
        house.at(day, seconds);
        let mut tx = house.begin().await;
        let sent = Submission { date: date.to_owned(), ..typed(meter, "101") };
        let accepted = submit(&mut tx, &Nobody, account(0), &sent, Source::Messenger).await.unwrap();
        assert_eq!(accepted.uncounted.len(), told, "{date}: {:?}", accepted.uncounted);
        assert!(accepted.uncounted.iter().all(|line| line.contains("срок поверки истёк 22.11.2026")));
        tx.commit().await.unwrap();
    }
}

/// A PNG's beginning: all that says how large it is.
fn png() -> Vec<u8> {
    let head = [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, 0, 0, 0, 13, b'I', b'H', b'D', b'R'];
    [head.as_slice(), &[0, 0, 0, 9, 0, 0, 0, 9, 8, 2, 0, 0, 0]].concat()
}

#[tokio::test]
async fn bytes_that_no_row_came_for_are_swept_after_a_day() {
    let house = house(1).await;
    let (db, tenant) = (&house.db, &house.tenant);
    let files = Files::open(&FilesConfig::default(), &house.folder.path().join("files")).unwrap();
    let mut tx = house.begin().await;
    let meter = install(&tx, water(account(0), "18-1")).await;
    let sent = typed(meter, "101");
    let photo = Upload { field: format!("meter_{meter}_photo"), name: "a.png".to_owned(), bytes: png() };
    let kept = photos::keep(&files, db, tenant, photos::check(vec![photo], &sent).unwrap()).await.unwrap();
    let accepted = submit(&mut tx, &Nobody, account(0), &sent, Source::Portal).await.unwrap();
    photos::attach(&tx, &accepted, &kept).await.unwrap();
    let photo = photos::of_meter(&tx, meter).await.unwrap()[0].id;
    tx.commit().await.unwrap();

    // The server died between the bytes and their row.
    let lost = async || {
        let id = Entropy.id(db.clock().now());
        files.put(tenant.id, "meters", id, png()).await.unwrap();
        id
    };
    let old = lost().await;
    let sweep = Sweep::new(files.clone(), "meters", "reading_photo");
    assert_eq!(sweep.sweep(db, tenant).await.unwrap(), 0, "its row may be on the way");
    house.at(20_261_124, 0);
    let recent = lost().await;
    assert_eq!(sweep.sweep(db, tenant).await.unwrap(), 1);
    let mut left = files.list(tenant.id, "meters").await.unwrap();
    left.sort_unstable();
    assert_eq!(left, [photo, recent], "all but {old}");
}
