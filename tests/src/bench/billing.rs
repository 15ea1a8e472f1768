//! A billing run over many accounts, beside the plain insert of what it produces.

use anyhow::{Context, bail};
use kabinet_core::{Clock, Db, DbConfig};
use sea_orm::{ConnectionTrait, DatabaseConnection, Statement};
use uuid::Uuid;

use super::Scale;
use super::bulk::{Rows, insert_again};
use super::figures::{Figure, Goal, Report};
use super::profile;
use super::stage::{COMPANY, Stage, finish};

/// The month that the seed leaves unbilled on the demo's day.
const MONTH: &str = "2026-10";
/// The month before it.
const BEFORE: &str = "2026-09";
/// 100,000 accounts in a quarter of a minute.
const ACCOUNTS_PER_S: f64 = 100_000.0 / 15.0;

/// Accounts on both sides of [`Scale::billed`]: the rate must not fall with their number.
pub(crate) const OTHER_SIZES: [u64; 2] = [10_000, 300_000];
/// The least share of the smallest company's rate that the largest may have: linear.
const LINEAR: f64 = 0.8;
/// Accounts of the company that rehearses a month.
const REHEARSED: u64 = 20_000;

/// Bills a small and a large company: accounts a second must stay the same.
pub(crate) fn linear(report: &mut Report, stages: [Stage<'_>; 2]) -> anyhow::Result<()> {
    let mut smaller = None;
    for (stage, accounts) in stages.iter().zip(OTHER_SIZES) {
        let name = format!("billing_{accounts}_accounts_per_s");
        bill_a_month(stage, accounts, 1)?;
        let rate = rate_of(stage, MONTH)?;
        let mut figure = Figure::new(name, Some(stage.name()), rate, "1/s", accounts);
        if let Some(smaller) = smaller.replace(rate) {
            figure = figure.beside(smaller, "10,000 accounts").promised(Goal::AtLeast(LINEAR * smaller));
        }
        report.add(figure);
    }
    Ok(())
}

/// Calculates a month that is not published, as a company does to see the bills before anybody else does: opening
/// balances, readings and receipts of the month before it are carried over. Beside it that month, the company's first.
pub(crate) fn rehearsal(report: &mut Report, stage: &Stage<'_>) -> anyhow::Result<()> {
    bill_a_month(stage, REHEARSED, 2)?;
    let figure = Figure::new("rehearsal_accounts_per_s", Some(stage.name()), rate_of(stage, MONTH)?, "1/s", REHEARSED);
    report.add(figure.beside(rate_of(stage, BEFORE)?, "the company's first month"));
    Ok(())
}

/// Accounts a second of the month's run.
fn rate_of(stage: &Stage<'_>, month: &str) -> anyhow::Result<f64> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let run = runtime.block_on(async { the_run(connect(stage).await?.platform(), month).await })?;
    Ok(run.accounts as f64 / run.seconds)
}

/// Seeds a company with `months` months and bills the last of them, which the seed leaves.
fn bill_a_month(stage: &Stage<'_>, accounts: u64, months: u32) -> anyhow::Result<()> {
    eprintln!("{}: billing of {accounts} accounts", stage.name());
    let (accounts, months) = (accounts.to_string(), months.to_string());
    let seconds = stage.seed(&["--accounts", &accounts, "--months", &months, "--leave-last"])?;
    eprintln!("  seeded in {seconds:.1} s");
    finish(stage.kabinet().args(["bill", COMPANY, MONTH])).map(drop)
}

/// Seeds a large company and bills its month.
pub(crate) fn measure(report: &mut Report, stage: &Stage<'_>, scale: &Scale) -> anyhow::Result<()> {
    bill_a_month(stage, scale.billed, 1)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let (run, rows, limit) = runtime.block_on(beside(stage))?;
    let rate = run.accounts as f64 / run.seconds;
    let figure = Figure::new("billing_accounts_per_s", Some(stage.name()), rate, "1/s", run.accounts)
        .beside(run.accounts as f64 / limit, "the run's rows in plain bulk inserts")
        .promised(Goal::AtLeast(ACCOUNTS_PER_S));
    let missed = figure.is_missed();
    report.add(figure);
    report.remark(format!(
        "{}: {} accounts × {:.1} services billed in {:.1} s; their {rows} rows inserted plainly in {limit:.1} s",
        stage.name(),
        run.accounts,
        run.services,
        run.seconds
    ));
    if missed && scale.profiles {
        // The run was not published, so that the month can be billed again.
        let mut command = stage.kabinet();
        command.args(["bill", COMPANY, MONTH]);
        let database: Vec<u32> = stage.postmaster()?.into_iter().collect();
        report.remark(profile::of(&format!("billing-{}", stage.name()), &mut command, &database)?);
    }
    Ok(())
}

/// The run as the database knows it.
struct Run {
    rows: Rows,
    accounts: u64,
    /// Services an account on average.
    services: f64,
    seconds: f64,
}

async fn beside(stage: &Stage<'_>) -> anyhow::Result<(Run, u64, f64)> {
    let db = connect(stage).await?;
    let connection = db.platform();
    let run = the_run(connection, MONTH).await?;
    // Past work of the database is none of the limit's.
    stage.rest();
    let (rows, seconds) = insert_again(connection, run.rows).await?;
    Ok((run, rows, seconds))
}

async fn connect(stage: &Stage<'_>) -> anyhow::Result<Db> {
    let settings = DbConfig { url: stage.superuser_url(), connections: 1 };
    Ok(Db::connect(&settings, Clock::system()).await?)
}

async fn the_run(connection: &DatabaseConnection, month: &str) -> anyhow::Result<Run> {
    let one = |sql: &str| Statement::from_string(connection.get_database_backend(), sql);
    let sql = format!(
        "SELECT tenant_id, id, state, CAST(done AS BIGINT) AS done, started_at, finished_at FROM billing_run
         WHERE period = {}",
        month.replace('-', "")
    );
    let row = connection.query_one_raw(one(&sql)).await?.context("no billing run")?;
    let state: String = row.try_get("", "state")?;
    if !["done", "published"].contains(&state.as_str()) {
        bail!("the run is {state}");
    }
    let rows = Rows { tenant: row.try_get::<Uuid>("", "tenant_id")?, run: row.try_get::<Uuid>("", "id")? };
    let done: i64 = row.try_get("", "done")?;
    let (from, to): (i64, i64) = (row.try_get("", "started_at")?, row.try_get("", "finished_at")?);
    let sql = format!(
        "SELECT count(*) AS charges FROM charge WHERE run_id = (SELECT id FROM billing_run WHERE period = {})",
        month.replace('-', "")
    );
    let charges = connection.query_one_raw(one(&sql)).await?.context("no charges")?;
    let charges: i64 = charges.try_get("", "charges")?;
    Ok(Run {
        rows,
        accounts: done.unsigned_abs(),
        services: charges as f64 / done as f64,
        seconds: (to - from) as f64 / 1000.0,
    })
}
